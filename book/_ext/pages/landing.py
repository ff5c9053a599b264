"""The landing page's list of chapters: a picture of each, and the minutes that it takes."""

import base64
import io
import json
import re
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.errors import ExtensionError

from pages.figures import stored_beside_page

WIDTH = 320  # pixels of a picture; it is shown at half of that and more
WORDS, FIGURES = 220, 4  # that one reads and looks at in a minute


def show_chapters(app, doctree) -> None:
    """Put each chapter's picture, the last of the cell tagged `card`, and its minutes into the list's items."""
    chapters = next(iter(doctree.findall(nodes.enumerated_list)), [])
    for item in list(chapters):
        linked = [link["reftarget"] for link in item.findall(nodes.Element) if "reftarget" in link]
        name = next((name for name in linked if re.match(r"\d\d_", name)), None)
        if not name:
            continue
        path = Path(app.srcdir, name).with_suffix(".ipynb")
        app.env.note_dependency(str(path))
        notebook = json.loads(path.read_text(encoding="utf-8"))
        item["classes"].append("chapter")
        item.insert(0, pictures(app, notebook, path.name))
        item.append(nodes.paragraph("", minutes(notebook), classes=["minutes"]))


def pictures(app, notebook: dict, name: str) -> nodes.container:
    cells = [cell for cell in notebook["cells"] if "card" in cell["metadata"].get("tags", [])]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    drawn = [
        (output, mime) for output in outputs for mime, about in output.get("metadata", {}).items() if "dark" in about
    ]
    if not drawn:
        raise ExtensionError(
            f"{name}: tag a cell that draws a figure of fcn.viz `card`; its last one is to stand here."
        )
    shown = nodes.container(classes=["card-picture"])
    for output, mime in drawn[-1:]:
        for theme, data in (("only-light", output["data"][mime]), ("only-dark", output["metadata"][mime]["dark"])):
            uri = stored_beside_page(app, smaller(base64.b64decode(data)), ".png")
            shown += nodes.image(uri=uri, alt="", classes=[theme], loading="lazy")
    return shown


def smaller(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        whole = picture.convert("RGB")
    whole.thumbnail((WIDTH, WIDTH))
    stored = io.BytesIO()
    whole.save(stored, "PNG")
    return stored.getvalue()


def minutes(notebook: dict) -> str:
    """Return how long a chapter takes: to read, by its words and figures, and to run, as its last run did."""
    prose = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    words = len(" ".join(prose).split())
    figures = sum(len(cell.get("outputs", [])) for cell in notebook["cells"])  # and tables, and what is printed
    reading = 5 * max(1, round((words / WORDS + figures / FIGURES) / 5))
    running = notebook["metadata"].get("minutes")
    return f"{reading} minutes to read" + (f", {running} to run" if running else "")
