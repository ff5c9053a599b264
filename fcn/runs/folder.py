"""The folder of one training: what lies in it, and that only one training writes there."""

import csv
import io
import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch

from fcn.expect import that
from fcn.files import write_whole
from fcn.training.parallel import from_first, place

MODEL, CHECKPOINT, ABOUT, HISTORY = "model.safetensors", "checkpoint.safetensors", "run.json", "history.csv"
CARD, FIRST, LAST, CURVE = "README.md", "first-look.png", "predictions.png", "curve.png"


class Folder:
    """A folder for one training, held for it alone: `with Folder(path) as folder`.

    Of several processes that train together only the first touches it.
    A new training takes a folder that is not there yet or is empty; with `resume` one in which a training was begun.
    Raises FileExistsError or FileNotFoundError, saying what to do, where the two do not fit; OSError if the folder
    cannot be made; ValueError if another training, in another process, holds it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as above, Folder(Path(above, "run")) as folder:
    ...     folder.write("run.json", {"steps": 3})
    ...     folder.about()
    {'steps': 3}
    """

    def __init__(self, path: str | Path, *, resume: bool = False):
        self.path, self.resumed = Path(os.path.expanduser(path)), resume

    def __enter__(self) -> "Folder":
        from filelock import FileLock, Timeout  # it comes with torch

        if place()[0]:
            return self
        begun = self.path.is_dir() and any(not each.name.startswith(".") for each in self.path.iterdir())
        if begun and not self.resumed:
            raise FileExistsError(f"There is something in {self.path}: --resume goes on with a training, --out names "
                                  "another folder.")  # fmt: skip
        if self.resumed and not (self.path / ABOUT).is_file():
            raise FileNotFoundError(f"There is no training to go on with in {self.path}: leave out --resume.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"Another training writes to {self.path}: wait for it, or name another folder."
            ) from None
        except OSError as error:
            raise type(error)(error.errno, f"{self.path} cannot be written to ({error.strerror})") from None
        return self

    def __exit__(self, *_) -> None:
        if place()[0]:
            return
        self._lock.release()
        (self.path / ".lock").unlink(missing_ok=True)

    def __getitem__(self, name: str) -> Path:
        return self.path / name

    def about(self) -> dict:
        """Return what run.json says. Raises ValueError if it is damaged."""
        path = self.path / ABOUT
        try:
            about = json.loads(from_first(path.read_bytes))
        except ValueError:
            about = None
        that(isinstance(about, dict), f"what a training says of itself in {path}", about, "Begin it anew.")
        return about

    def write(self, name: str, content: dict | str | bytes | Sequence[dict]) -> None:
        """Write a file whole: a dict as JSON, a list of dicts of the same keys as CSV, text and bytes as they are."""
        if place()[0]:
            return
        if isinstance(content, dict):
            content = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        elif isinstance(content, list):
            table = io.StringIO()
            rows = csv.DictWriter(table, content[0].keys(), lineterminator="\n")
            rows.writeheader(), rows.writerows(content)
            content = table.getvalue()
        write_whole(self.path / name, content.encode() if isinstance(content, str) else content)


def origin() -> dict[str, str]:
    """Return when and with what something is made.

    >>> sorted(origin())
    ['date', 'machine', 'python', 'torch']
    """
    machine = f"{platform.system()} {platform.machine()}"
    return {
        "date": date.today().isoformat(), "machine": machine, "python": platform.python_version(),
        "torch": torch.__version__,
    }  # fmt: skip
