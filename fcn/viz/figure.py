"""Paper and frame: a figure in the book's style that shows itself in a light and in a dark version."""

import base64
import io
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from html import escape

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like, to_hex, to_rgba, to_rgba_array
from matplotlib.figure import Figure

from fcn import data_path
from fcn.palette import ACCENT, INK, LINE, PAPER, SOFT, WARM

_DARK = {light: dark for light, dark in (PAPER, INK, SOFT, LINE, ACCENT, WARM)}
_PIXELS_PER_INCH = 100  # CSS pixels, so that a figure of 7 inches is as wide as the text
_TITLE = 0.32  # inches that a title takes
_GAP = 0.14  # inches between pictures side by side
_STYLE = {
    "font.family": ["Inter", "DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlepad": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.labelcolor": SOFT[0],
    "axes.edgecolor": LINE[0],
    "axes.facecolor": PAPER[0],
    "axes.titlecolor": INK[0],
    "figure.facecolor": PAPER[0],
    "text.color": INK[0],
    "xtick.color": SOFT[0],
    "ytick.color": SOFT[0],
    "image.interpolation": "nearest",
}


class BookFigure(Figure):
    """A matplotlib figure that shows itself on light and on dark paper. Its label is its description (alt text).

    Raises ValueError for a size that is not above 0 and for an empty description.

    >>> BookFigure(3, 2, "A line that rises")
    <Figure: A line that rises>
    """

    def __init__(self, width: float, height: float, alt: str, photo: bool = False):
        if not alt or min(width, height) <= 0:
            raise ValueError(f"A figure needs a size above 0 and a description; got {width}x{height} and {alt!r}.")
        with style():
            super().__init__(figsize=(width, height), layout="constrained")
        self.set_label(alt)
        self.kind = "jpeg" if photo else "png"
        self.apart = {}  # what a page sets in type of its own, see set_apart

    def encoded(self, dark: bool = False) -> bytes:
        """Return the figure as PNG (as JPEG if it is a photo), on light or on dark paper."""
        options = {"pil_kwargs": {"quality": 88, "subsampling": 0}} if self.kind == "jpeg" else {"metadata": {}}
        buffer = io.BytesIO()
        with style():
            self.draw_without_rendering()  # tick labels come with the first drawing, and the layout moves
            with dark_colors(self) if dark else nullcontext():
                self.savefig(buffer, format=self.kind, dpi=2 * _PIXELS_PER_INCH, **options)
        return buffer.getvalue()

    def set_apart(self, *, title: str = "", legend: Mapping | None = None, below: float = 0) -> None:
        """Say what a page may take off the picture and set in its own type: the title above, a legend {name: color}.

        The title is what picture_axes leaves room for; `below` are the inches under the picture that hold the legend.
        A page then shows a row of pictures with titles of one size, and one legend for all.
        """
        self.apart = {
            "title": title,
            "above": _TITLE if title else 0,
            "below": below,
            "legend": [*(legend or {}).items()],
        }

    def html(self) -> str:
        """Return the figure as two <img>, complete in themselves; the page's style sheet hides one of them."""
        return self._img(dark=False, attributes="") + self._img(dark=True, attributes=" hidden")

    def _img(self, dark: bool, attributes: str) -> str:
        data = base64.b64encode(self.encoded(dark)).decode()
        theme = "dark" if dark else "light"
        size = f'width="{self._css_width()}" height="{self._css_height()}"'
        return (
            f'<img class="only-{theme}" alt="{escape(self.get_label())}" {size}{attributes} '
            f'src="data:image/{self.kind};base64,{data}">'
        )

    def _css_width(self) -> int:
        return round(self.get_figwidth() * _PIXELS_PER_INCH)

    def _css_height(self) -> int:
        return round(self.get_figheight() * _PIXELS_PER_INCH)

    def __repr__(self) -> str:
        return f"<Figure: {self.get_label()}>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        mime = f"image/{self.kind}"
        light, dark = (base64.b64encode(self.encoded(theme)).decode() for theme in (False, True))
        metadata = {"width": self._css_width(), "alt": self.get_label(), "dark": dark} | self.apart
        return {mime: light, "text/plain": repr(self)}, {mime: metadata}


def figure(width: float, height: float, *, alt: str, title: str = "", photo: bool = False) -> tuple[BookFigure, Axes]:
    """Return (BookFigure, Axes): an empty figure in the book's style.

    `width` and `height` are in inches; on a page an inch is 100 CSS pixels. `alt` describes the figure to those
    who cannot see it. `photo=True` stores it as JPEG, which is smaller where a photograph fills it.
    Raises ValueError for a size of 0 and for an empty description.

    >>> fig, ax = figure(3, 2, alt="A line that rises", title="Rising")
    >>> fig
    <Figure: A line that rises>
    """
    with style():
        fig = BookFigure(width, height, alt, photo)
        ax = fig.add_subplot()
        ax.set_title(title, **_heading())
    return fig, ax


def side_by_side(
    width: float, height: float, *, titles: Sequence[str], ratios: Sequence[float], alt: str
) -> tuple[BookFigure, list[Axes]]:
    """Return (BookFigure, list of Axes): empty axes side by side, a title above each, widths in these ratios.

    Sizes and `alt` as for figure. Raises ValueError as figure does, and if there is not one ratio for each title.

    >>> fig, axes = side_by_side(6, 3, titles=["input", "output"], ratios=(1, 2), alt="A map, and its double")
    >>> len(axes)
    2
    """
    if len(titles) != len(ratios):
        raise ValueError(f"Expected a title and a ratio for each axes; got {titles} and {ratios}.")
    with style():
        fig = BookFigure(width, height, alt)
        axes = list(fig.subplots(1, len(titles), width_ratios=ratios, squeeze=False)[0])
        for ax, title in zip(axes, titles, strict=True):
            ax.set_title(title, **_heading())
    return fig, axes


def picture_axes(
    shape: tuple[int, int], titles: Sequence[str], *, width: float, alt: str, photo: bool = False, below: float = 0,
    columns: int = 0,
) -> tuple[BookFigure, list[Axes]]:  # fmt: skip
    """Return (BookFigure, list of Axes): for each title axes without ticks that a picture of this shape (H, W) fills.

    The pictures stand side by side, or in rows of `columns`, `width` inches in all, `below` inches free under them.
    Without a description in `alt`, the titles are one. Raises ValueError as figure does.

    >>> fig, axes = picture_axes((40, 60), ["left", "right"], width=7, alt="")
    >>> fig, len(axes)
    (<Figure: left, right>, 2)
    """
    columns = columns or len(titles)
    rows = -(-len(titles) // columns)
    each = (width - _GAP * (columns - 1)) / columns
    picture = each * shape[0] / shape[1]
    step = picture + (_TITLE if any(titles) else 0)
    height = below + rows * step
    fig = BookFigure(width, height, alt or ", ".join(filter(None, titles)), photo)
    fig.set_layout_engine("none")
    if len(titles) == 1:
        fig.set_apart(title=titles[0])
    axes = []
    for index, title in enumerate(titles):
        row, column = divmod(index, columns)
        bottom = below + (rows - 1 - row) * step
        with style():
            ax = fig.add_axes((column * (each + _GAP) / width, bottom / height, each / width, picture / height))
            ax.set_title(title, **_heading())
        ax.set_axis_off()
        axes.append(ax)
    return fig, axes


def style():
    """Return a context in which matplotlib draws in the book's fonts and colors; outside nothing changes.

    >>> with style():
    ...     matplotlib.rcParams["font.family"][0]
    'Inter'
    """
    return matplotlib.rc_context(_settings())


@contextmanager
def dark_colors(fig: Figure):
    """Show every artist that was drawn in one of the book's light colors in its dark one, for a while.

    >>> fig = BookFigure(3, 2, "Paper")
    >>> with dark_colors(fig):
    ...     to_hex(fig.get_facecolor()) == PAPER[1]
    True
    """
    undo = []
    try:
        for artist in fig.findobj():
            for part in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
                get, put = getattr(artist, f"get_{part}", None), getattr(artist, f"set_{part}", None)
                before = get() if get and put else None
                dark = None if before is None else _darkened(before)
                if dark is not None:
                    undo.append((put, before))
                    put(dark)
        yield
    finally:
        for put, before in reversed(undo):
            put(before)


def _darkened(colors) -> np.ndarray | None:
    """Return a color, or an array of them, in its dark version with the same opacity; None if none has one."""
    try:
        rgba = to_rgba_array(colors)
    except (TypeError, ValueError):  # "auto" and the like
        return None
    hexes = [to_hex(color) for color in rgba]
    if not any(name in _DARK for name in hexes):
        return None
    dark = np.array([to_rgba(_DARK.get(name, name), color[3]) for name, color in zip(hexes, rgba, strict=True)])
    return dark[0] if is_color_like(colors) else dark


@cache
def _settings() -> dict:
    font_manager.fontManager.addfont(data_path("fonts/Inter-Regular.ttf"))
    return _STYLE


def _heading() -> dict:
    return {"loc": "left", "font": data_path("fonts/Inter-SemiBold.ttf"), "fontsize": 10, "parse_math": False}
