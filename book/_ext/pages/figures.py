"""Figures of the pages: each picture with its dark twin and its description, several of one cell as one, captions."""

import base64
import hashlib
import os
from html import escape
from pathlib import Path

from docutils import nodes


def mark_captions(doctree) -> None:
    """A paragraph in italics from end to end is a caption: so it reads as one in Jupyter and Colab, too."""
    for paragraph in doctree.findall(nodes.paragraph):
        if len(paragraph) == 1 and isinstance(paragraph[0], nodes.emphasis):
            paragraph["classes"].append("caption-text")


def add_dark(app, bundle, output) -> list[nodes.image]:
    """Put the dark twin, which the output's metadata carries, beside each picture of an output."""
    found = []
    for picture in list(bundle.findall(nodes.image)):
        metadata = output["metadata"].get(picture.parent["mime_type"], {})
        picture["loading"] = "lazy"
        picture["own_alt"] = metadata.get("alt", "")
        if "dark" in metadata:
            twin = picture.deepcopy()
            twin["uri"] = stored_beside_page(app, base64.b64decode(metadata["dark"]), Path(picture["uri"]).suffix)
            picture["classes"].append("only-light")
            twin["classes"].append("only-dark")
            picture.parent.insert(picture.parent.index(picture) + 1, twin)
            found.append(twin)
        found.append(picture)
    return found


def group(bundles, cell_metadata, pictures) -> None:
    """Several pictures of one cell are one figure: laid out side by side or stacked, and described as a whole by the
    cell's metadata, each by its own title besides."""
    alt = cell_metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    columns = 5 if len(bundles) == 5 else 3 if len(bundles) % 3 == 0 else 2
    start = f'<div class="panels in-{columns}" role="group" aria-label="{escape(alt)}">'
    for picture in pictures:
        picture["alt"] = picture["own_alt"]
    parent = bundles[0].parent
    parent.insert(parent.index(bundles[0]), nodes.raw("", start, format="html"))
    parent.insert(parent.index(bundles[-1]) + 1, nodes.raw("", "</div>", format="html"))


def stored_beside_page(app, data: bytes, suffix: str) -> str:
    """Write a picture where myst-nb writes its own, and return its path relative to the page's source."""
    path = written(app.env.mystnb_config.output_folder, data, suffix)
    return Path(os.path.relpath(path, Path(app.env.doc2path(app.env.docname)).parent)).as_posix()


def written(folder: str | Path, data: bytes, suffix: str) -> Path:
    """Write a file under the name that its content gives it, and return its path."""
    path = Path(folder, hashlib.sha256(data).hexdigest()[:32] + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
