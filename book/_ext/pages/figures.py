"""Figures of the pages: each picture with its dark twin and its description, several of one cell as one, captions."""

import base64
import hashlib
import io
import os
from html import escape
from pathlib import Path

from docutils import nodes
from PIL import Image

PIXELS = 200  # of a picture's file an inch, see fcn/viz/figure.py


def mark_captions(doctree) -> None:
    """A paragraph in italics from end to end is a caption: so it reads as one in Jupyter and Colab, too."""
    for paragraph in doctree.findall(nodes.paragraph):
        if len(paragraph) == 1 and isinstance(paragraph[0], nodes.emphasis):
            paragraph["classes"].append("caption-text")


def add_dark(app, bundle, output) -> list[nodes.image]:
    """Put the dark twin of each picture of an output beside it, and its title above; both are in the metadata."""
    found = []
    for picture in list(bundle.findall(nodes.image)):
        mime = picture.parent["mime_type"]
        metadata = output["metadata"].get(mime, {})
        picture["loading"] = "lazy"
        picture["own_alt"] = metadata.get("alt", "")
        if "dark" in metadata:
            twin = picture.deepcopy()
            for each, data in ((picture, output["data"][mime]), (twin, metadata["dark"])):
                data = without_margins(base64.b64decode(data), metadata)
                each["uri"] = stored_beside_page(app, data, f".{mime.removeprefix('image/')}")
            picture["classes"].append("only-light")
            twin["classes"].append("only-dark")
            place = picture.parent.index(picture)
            picture.parent.insert(place + 1, twin)
            title = f'<p class="panel-title">{escape(metadata["title"])}</p>' if metadata.get("title") else ""
            picture.parent.insert(place, nodes.raw("", f'<div class="panel">{title}', format="html"))
            picture.parent.insert(place + 3, nodes.raw("", "</div>", format="html"))
            found.append(twin)
        found.append(picture)
    return found


def without_margins(data: bytes, metadata: dict) -> bytes:
    """Return a picture without the title and the legend that are drawn in it: the page sets them in type."""
    above, below = (round(PIXELS * metadata.get(side, 0)) for side in ("above", "below"))
    if not above and not below:
        return data
    stored = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        inner = picture.crop((0, above, picture.width, picture.height - below))
        inner.save(stored, picture.format, quality=95)
    return stored.getvalue()


def group(bundles, cell_metadata, pictures, outputs) -> None:
    """Several pictures of one cell are one figure: laid out side by side or stacked, and described as a whole by the
    cell's metadata, each by its own text besides, unless that only repeats its title."""
    alt = cell_metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    about = [each for output in outputs for each in output["metadata"].values()]
    charts = not any(each.get("title") for each in about)
    columns = 3 if (len(bundles) % 3 == 0 and not charts) or len(bundles) == 5 else 2
    kind = f"in-{columns}" + " charts" * charts
    start = f'<div class="panels {kind}" role="group" aria-label="{escape(alt)}">'
    titles = {each.get("title") for each in about}
    for picture in pictures:
        picture["alt"] = "" if picture["own_alt"] in titles else picture["own_alt"]
    parent = bundles[0].parent
    parent.insert(parent.index(bundles[0]), nodes.raw("", start, format="html"))
    parent.insert(parent.index(bundles[-1]) + 1, nodes.raw("", "</div>", format="html"))


def add_legend(bundles, outputs) -> None:
    """Name below the pictures of a cell the colours that are not named in them."""
    classes, errors = {}, {}
    for output in outputs:
        for about in output["metadata"].values():
            named = dict(about.get("legend", []))
            (errors if "missed" in named else classes).update(named)
    for colours in filter(None, (classes, errors)):
        swatches = [f'<li style="--swatch: {colour}">{escape(name)}</li>' for name, colour in colours.items()]
        legend = f'<ul class="legend">{"".join(swatches)}</ul>'
        bundles[-1].parent.append(nodes.raw("", legend, format="html"))


def stored_beside_page(app, data: bytes, suffix: str) -> str:
    """Write a picture where myst-nb writes its own, and return its path relative to the page's source."""
    path = written(app.env.mystnb_config.output_folder, data, suffix)
    return Path(os.path.relpath(path, Path(app.env.doc2path(app.env.docname)).parent)).as_posix()


def written(folder: str | Path, data: bytes, suffix: str) -> Path:
    """Write a file under the name that its content gives it, and return its path."""
    path = Path(folder, hashlib.sha256(data).hexdigest()[:32] + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():  # else pages that share it would seem to have changed
        path.write_bytes(data)
    return path
