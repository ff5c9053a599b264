"""Files that are whole or not there."""

import contextlib
import glob
import os
import tempfile
import time
from pathlib import Path

_ASIDE = ".fcn-part"  # how a file ends that is being written; nobody else's does


def target(path: str | Path) -> Path:
    """Return the file that a path means, behind links; raise FileNotFoundError if not even its folder is there.

    >>> target("net.safetensors").name
    'net.safetensors'
    """
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir() or path.is_dir():
        wrong = f"{path} is a folder: name a file in it." if path.is_dir() else f"There is no folder {path.parent}."
        raise FileNotFoundError(wrong)
    return path


def write_whole(path: Path, data: bytes | None) -> None:
    """Write a file whole or not at all: under a name of its own first, then renamed. None only tries the first.

    Raises OSError, naming the file; what stood there still does.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "net"), b"weights")
    ...     Path(folder, "net").read_bytes()
    b'weights'
    """
    aside = None
    _sweep(path)
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_ASIDE, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            if data is not None:
                file.write(data)
        if data is not None:
            os.chmod(aside, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            os.replace(aside, path)
            aside = None
    except OSError as error:
        raise type(error)(
            error.errno, f"{path} could not be written ({error.strerror}); what stood there still does"
        ) from None
    finally:
        if aside is not None:
            with contextlib.suppress(OSError):
                os.unlink(aside)


def _sweep(path: Path) -> None:
    """Remove what a writer of this file left behind when it was killed; no writer takes a minute."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_ASIDE}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 60:
                left.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
