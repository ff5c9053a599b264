"""Figures that answer: they compute where they are seen, in a notebook or on a page without a kernel."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from PIL import Image

from fcn.viz import colors

HERE = Path(__file__).resolve().parent


def source(name: str) -> str:
    """Return the script of a figure: an ES module, what all of them share and its own.

    >>> source("paint").count("export default")
    1
    """
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in ("shared.js", f"{name}.js"))


def as_text(values: np.ndarray) -> str:
    """Return whole numbers as text (base64), low byte first; shared.js turns them back.

    >>> as_text(np.array([1, 255], dtype=np.uint8))
    'Af8='
    """
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()


def as_html(image: np.ndarray, kind: str = "PNG") -> str:
    """Return a picture (H, W, 3), uint8 or 0..1, as HTML, so that the pages can keep it in a file of its own.

    >>> as_html(np.zeros((4, 6, 3), np.uint8))[:27]
    '<img width="6" height="4" s'
    """
    pixels = image if image.dtype == np.uint8 else (255 * image).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=88)
    height, width = pixels.shape[:2]
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img width="{width}" height="{height}" src="data:image/{kind.lower()};base64,{data}" alt="">'


def color_names(classes: Sequence[str]) -> list[str]:
    """Return the colors of the book's classes as a page writes them.

    >>> color_names(["background", "cat"])
    ['#262d34', '#c661a1']
    """
    return ["#" + bytes(color).hex() for color in colors(classes)[: len(classes)]]


class Live(anywidget.AnyWidget):
    """A figure that its module draws: a class of its own, in NAME.py, sets `_esm = source("NAME")`.

    `still` is a picture of its best state (BookFigure.html), for paper and for pages without a script.
    """

    _css = HERE / "shared.css"
    still = traitlets.Unicode().tag(sync=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
