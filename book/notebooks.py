"""Run the chapters and write the repository's address into them. The only code that writes notebooks.

python book/notebooks.py run [02]           execute and normalise every chapter, or the one whose number is given
python book/notebooks.py bind [02]          bind the numbers of its prose to the places that show them (evidence.py)
python book/notebooks.py repository [URL]   set the repository's address; without a URL, write the present one
"""

import base64
import hashlib
import json
import math
import os
import re
import sys
import time
from pathlib import Path

import cover
import evidence
import nbformat
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CONFIG = ROOT / "_config.yml"
README = ROOT / "README.md"
ADDRESS_LINES = {  # the files, besides the chapters, where the address stands, and what stands before it
    CONFIG: r"(?m)^(  url: )\S+",
    README: r"(git clone )\S+",
    ROOT / "CITATION.cff": r"(?m)^(repository-code: )\S+",
}
STAND_IN = "https://github.com/fcn_book/fcn-book"  # nobody can own it: GitHub allows no underscore there
GITHUB = re.compile(r"https://github\.com/[A-Za-z\d-]+/[\w.-]+")
WIDGETS, VIEW = (f"application/vnd.jupyter.widget-{part}+json" for part in ("state", "view"))

SETUP = """\
# Setup: installs the book's package where it is missing.
import importlib.util
import os

# torch's threads sleep while they wait: others may need the turn
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if importlib.util.find_spec("fcn") is None:
    %pip install -q "fcn-book @ git+{address}"
"""
SETUP_STAND_IN = """\
    # Nobody can own that address; it is a stand-in and pip finds nothing.
    # Whoever keeps this copy sets the real one: make repository URL=...
"""


def chapters(number: str = "") -> list[Path]:
    """Return the chapters' notebooks in order, or the one with this number; SystemExit if there is none."""
    every = sorted(BOOK.glob("[0-9][0-9]_*.ipynb"))
    paths = [path for path in every if not number or path.name[:2] == number.zfill(2)]
    if not paths:
        known = ", ".join(path.name[:2] for path in every)
        raise SystemExit(f"There is no chapter {number!r}. There are: {known}.")
    return paths


def address() -> str:
    """Return the repository's address, as _config.yml states it."""
    return yaml.safe_load(CONFIG.read_text())["repository"]["url"]


def setup_source(url: str) -> str:
    """Return the source of the cell with which every chapter starts."""
    return (SETUP.format(address=url) + (SETUP_STAND_IN if url == STAND_IN else "")).rstrip("\n")


def run(path: Path) -> None:
    """Execute a chapter in its folder and store it, normalised, and the title picture if it draws that.

    Raises SystemExit, and stores nothing, if a cell fails or if the file was changed meanwhile.
    """
    before = path.read_bytes()
    notebook = nbformat.reads(before.decode(), as_version=4)
    notebook.metadata.pop("widgets", None)
    resources = {"metadata": {"path": str(BOOK)}}
    began = time.monotonic()
    arguments = ["--log-level=ERROR"]  # else each kernel remarks that it listens on a port of this machine
    try:
        NotebookClient(notebook, timeout=600, resources=resources, extra_arguments=arguments).execute()
    except CellExecutionError as error:
        raise SystemExit(f"{path.name}: a cell failed, nothing was stored.\n{error}") from None
    notebook = withheld(normalized(notebook))
    notebook.metadata["ran"] = digest(notebook)
    notebook.metadata["minutes"] = math.ceil((time.monotonic() - began) / 60)  # the landing page says so
    pictures = hero(notebook)
    if path.read_bytes() != before:
        raise SystemExit(f"{path.name} was saved by somebody else while it ran: nothing was stored. Run it again.")
    store(path, nbformat.writes(notebook).encode() + b"\n")
    for name, data in pictures.items():
        store(BOOK / "assets" / name, data)


def store(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: aside first, under a name of this process, then renamed."""
    path = path.resolve()
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        aside.write_bytes(data)
        if path.exists():
            aside.chmod(path.stat().st_mode)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def normalized(notebook):
    """Return the executed notebook without what differs from run to run: times, addresses, random ids."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(cells, start=1):
        cell.execution_count = count  # nbval does not compare a cell without a count
        cell.metadata.pop("execution", None)
        cell.outputs = _merged(cell.outputs)
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            for text, key in [
                (output, "text"),
                (output, "traceback"),
                (output.get("data", {}), "text/plain"),
            ]:
                if key in text:
                    text[key] = _without_addresses(text[key])
    text = json.dumps(notebook)
    models = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    for count, model in enumerate(models):  # in the order of their creation
        text = text.replace(model, f"{count:032x}")
    notebook = nbformat.from_dict(json.loads(text))
    notebook.metadata.language_info = {"name": "python", "pygments_lexer": "ipython3"}  # it knows "!fcn check"
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def withheld(notebook):
    """Return the notebook without what cells tagged `withheld` have shown: pictures that may not be passed on."""
    for cell in notebook.cells:
        if "withheld" in cell.metadata.get("tags", []):
            cell.outputs = []
    shown = (output for cell in notebook.cells for output in cell.get("outputs", []))
    if not any(VIEW in output.get("data", {}) for output in shown):
        notebook.metadata.pop("widgets", None)  # what a control was that no cell shows
    return notebook


def digest(notebook) -> str:
    """Return a checksum of what ran and what came out of it, pictures too: an edit by hand of either changes it."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = [(cell.source if "setup" not in cell.metadata.get("tags", []) else "", cell.outputs) for cell in cells]
    return hashlib.sha256(json.dumps(ran, sort_keys=True).encode()).hexdigest()


def bind(path: Path) -> None:
    """Bind the numbers of a chapter's prose that are not bound, and print the places, for the author to look at."""
    notebook = nbformat.read(path, as_version=4)
    for line in evidence.bind(notebook):
        print(f"{path.name} {line}")
    for model, scripts in figures(notebook):  # of an older day, if a script was changed since
        model["state"] |= scripts
    store(path, nbformat.writes(notebook).encode() + b"\n")


def figures(notebook) -> list[tuple[dict, dict]]:
    """Return each figure that answers as it is stored, and the script and style that fcn.widgets has for it now."""
    models = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {}).values()
    folder, found = BOOK.parent / "fcn" / "widgets", []
    for model in models:
        if "_anywidget_id" in model["state"]:
            name = model["state"]["_anywidget_id"].split(".")[-2]
            text = {file: (folder / file).read_text() for file in ("shared.js", f"{name}.js", "shared.css")}
            now = {"_esm": f"{text['shared.js']}\n{text[f'{name}.js']}", "_css": text["shared.css"]}
            found.append((model, now))
    return found


def _merged(outputs: list) -> list:
    """Join what was printed in a row: the kernel sends it in pieces that differ from run to run."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.output_type == "stream" == last.get("output_type") and output.name == last["name"]:
            last["text"] += output.text
        else:
            merged.append(output)
    return merged


def _without_addresses(text: str | list[str]) -> str | list[str]:
    if isinstance(text, list):
        return [_without_addresses(line) for line in text]
    text = re.sub(r"\b0x[0-9a-f]{8,16}\b", "0x0", text)
    return re.sub(r"\S*ipykernel_\d+/\d+\.py", "<cell>", text)


def hero(notebook) -> dict[str, bytes]:
    """Return the title pictures, light and dark, by file name, if a cell tagged `hero` draws them; {} otherwise."""
    for cell in notebook.cells:
        if "hero" in cell.metadata.get("tags", []):
            outputs = [output for output in cell.outputs if output.get("metadata")]
            if not outputs:
                raise SystemExit("The cell tagged 'hero' draws no figure of fcn.viz: nothing was stored.")
            pictures, shown = {}, {}
            for number, output in enumerate(outputs):
                mime, about = next(iter(output.metadata.items()))
                for name, data in ((f"hero-{number}", output.data[mime]), (f"hero-{number}-dark", about["dark"])):
                    pictures[f"{name}.{mime[6:]}"] = cover.without_title(
                        base64.b64decode(data), about.get("above", 0)
                    )
                shown[about.get("title")] = pictures[f"hero-{number}.{mime[6:]}"]
            chosen = {name: shown[name] for name in cover.CHOSEN if name in shown}
            if len(chosen) < len(cover.CHOSEN):
                raise SystemExit(f"The cell tagged 'hero' lacks some of {cover.CHOSEN}: nothing was stored.")
            return pictures | {"social.jpg": cover.social(chosen)}
    return {}


def set_repository(url: str) -> None:
    """Write the address where it belongs: _config.yml, the README's clone line, the citation, every setup cell.

    Raises SystemExit, and writes nothing, for an address that cannot be one or a chapter without a setup cell.
    """
    parts = url.removeprefix("https://").split("/")
    named = all(re.fullmatch(r"[\w.-]+", part) and part.strip(".") for part in parts)
    named &= url == STAND_IN or "github.com" not in parts[0] or bool(GITHUB.fullmatch(url))
    if not url.startswith("https://") or not named or len(parts) < 3 or url.endswith((".git", "OWNER/NAME")):
        raise SystemExit(f"Expected an address like https://github.com/OWNER/NAME, without .git; got {url!r}.")
    written = {}
    for file, line in ADDRESS_LINES.items():
        text, count = re.subn(line, lambda match: f"{match[1]}{url}", file.read_text())
        if count != 1:
            raise SystemExit(f"{file.name} has {count} lines like {line!r}, expected one: nothing was written.")
        written[file] = text
    folder = parts[-1]
    written[README] = re.sub(r"(git clone \S+ && cd )\S+", lambda match: match[1] + folder, written[README])
    for path in chapters():
        notebook = nbformat.read(path, as_version=4)
        cells = [cell for cell in notebook.cells if "setup" in cell.metadata.get("tags", [])]
        if len(cells) != 1:
            raise SystemExit(f"{path.name} has {len(cells)} cells tagged 'setup', expected one: nothing was written.")
        cells[0].source = setup_source(url)
        written[path] = nbformat.writes(notebook) + "\n"
    for file, text in written.items():
        store(file, text.encode())
    print(f"The book's address is {url}")


def main(verb: str = "", argument: str = "", *rest: str) -> None:
    """Do what the command line says; SystemExit with the usage if it says nothing known."""
    if rest:
        raise SystemExit(f"One chapter or one address at a time; got {[argument, *rest]}.")
    if verb == "run":
        for path in chapters(argument.strip()):
            run(path)
            print(f"{path.name}: run, normalised and stored")
    elif verb == "bind":
        for path in chapters(argument.strip()):
            bind(path)
    elif verb == "repository":
        set_repository(argument.rstrip("/") or address())
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
