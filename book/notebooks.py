"""Run the chapters and write the repository's address into them. The only code that writes notebooks.

python book/notebooks.py run [02]           execute and normalise every chapter, or the one whose number is given
python book/notebooks.py repository [URL]   set the repository's address; without a URL, write the present one
"""

import base64
import json
import re
import sys
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CONFIG = ROOT / "_config.yml"
MENTIONS = [ROOT / "README.md", ROOT / "CITATION.cff"]  # where the address stands too
STAND_IN = "https://github.com/fcn_book/fcn-book"  # nobody can own it: GitHub allows no underscore there
WIDGETS = "application/vnd.jupyter.widget-state+json"

SETUP = """\
# Setup: where the book's package is installed, this cell does nothing.
import importlib.util

if importlib.util.find_spec("fcn") is None:
    %pip install -q "fcn-book @ git+{address}"
"""
SETUP_STAND_IN = """\
    # Nobody can own that address; it is a stand-in and pip finds nothing.
    # Whoever keeps this copy sets the real one: make repository URL=...
"""


def chapters(number: str = "") -> list[Path]:
    """Return the chapters' notebooks in order, or the one whose file name starts with `number`."""
    paths = sorted(BOOK.glob(f"{number}*.ipynb"))
    if not paths:
        known = ", ".join(path.stem[:2] for path in sorted(BOOK.glob("*.ipynb")))
        raise SystemExit(f"There is no chapter {number!r}. There are: {known}.")
    return paths


def address() -> str:
    """Return the repository's address, as _config.yml states it."""
    return yaml.safe_load(CONFIG.read_text())["repository"]["url"]


def setup_source(url: str) -> str:
    """Return the source of the cell with which every chapter starts."""
    return (SETUP.format(address=url) + (SETUP_STAND_IN if url == STAND_IN else "")).rstrip("\n")


def run(path: Path) -> None:
    """Execute a chapter in its folder and store it, normalised."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    resources = {"metadata": {"path": str(BOOK)}}
    arguments = ["--log-level=ERROR"]  # else each kernel remarks that it listens on a port of this machine
    NotebookClient(notebook, timeout=600, resources=resources, extra_arguments=arguments).execute()
    notebook = normalised(notebook)
    nbformat.write(notebook, path)
    write_hero(notebook)


def normalised(notebook):
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
    notebook.metadata.language_info = {"name": "python"}
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


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
    """Return the pictures of the cell tagged `hero`, by the name of their file in book/assets/."""
    for cell in notebook.cells:
        if "hero" in cell.metadata.get("tags", []):
            output = next(output for output in cell.outputs if "metadata" in output)
            mime, metadata = next(iter(output.metadata.items()))
            pictures = {"hero": output.data[mime], "hero-dark": metadata["dark"]}
            return {f"{name}.{mime[6:]}": base64.b64decode(data) for name, data in pictures.items()}
    return {}


def write_hero(notebook) -> None:
    """Store the title picture of the book, which README.md and index.md show, from the run that drew it."""
    for name, data in hero(notebook).items():
        (BOOK / "assets" / name).write_bytes(data)


def set_repository(url: str) -> None:
    """Write the address into _config.yml and into the setup cell of every chapter."""
    if not re.fullmatch(r"https://[\w.-]+(/[\w.-]+){2,}", url) or url.endswith(".git"):
        raise SystemExit(f"Expected an address like https://github.com/OWNER/NAME, without .git; got {url!r}.")
    before = address()
    for file in (CONFIG, *MENTIONS):
        file.write_text(file.read_text().replace(before, url))
    for path in chapters():
        notebook = nbformat.read(path, as_version=4)
        cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
        cell.source = setup_source(url)
        nbformat.write(notebook, path)
    print(f"The book's address is {url}")


def main(verb: str = "", argument: str = "") -> None:
    if verb == "run":
        for path in chapters(argument):
            run(path)
            print(f"{path.name}: run, normalised and stored")
    elif verb == "repository":
        set_repository(argument.rstrip("/") or address())
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
