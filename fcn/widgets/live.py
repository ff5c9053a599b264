"""Figures that answer: they compute where they are seen, in a notebook or on a page without a kernel."""

from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__).resolve().parent


def source(name: str) -> str:
    """Return the script of a figure: an ES module, what all of them share and its own.

    >>> source("paint").count("export default")
    1
    """
    return "\n".join((HERE / file).read_text(encoding="utf-8") for file in ("shared.js", f"{name}.js"))


class Live(anywidget.AnyWidget):
    """A figure that its module draws: a class of its own, in NAME.py, sets `_esm = source("NAME")`.

    `still` is a picture of its best state (BookFigure.html), for paper and for pages without a script.
    """

    _css = HERE / "shared.css"
    still = traitlets.Unicode().tag(sync=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
