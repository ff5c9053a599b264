"""The book's figures: one style, each figure in a light and a dark version. Takes arrays, returns figures.

H and W are the height and width of an image, h and w those of a map of scores.
"""

import base64
import io
from contextlib import contextmanager, nullcontext
from functools import cache
from html import escape

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import is_color_like, to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure

from fcn import data_path

# light, dark: the same colours as in book/assets/book.css
PAPER = ("#fdfcf9", "#15181b")
INK = ("#22262b", "#e4e2dc")
SOFT = ("#5c6670", "#a3a9af")
LINE = ("#d8d3c6", "#3a4147")
ACCENT = ("#0b6e75", "#5cc6c9")
WARM = ("#b4531a", "#f0a06a")
GLOW = (
    "#ffc233",
    "#ff7a59",
    "#5ad1d8",
    "#d59bff",
)  # light on grey photographs: the maps of up to four classes
_DARK = {light: dark for light, dark in (PAPER, INK, SOFT, LINE, ACCENT, WARM)}
_PIXELS_PER_INCH = 100  # CSS pixels, so that a figure of 7 inches is as wide as the text
_TITLE = 0.32  # inches that a title takes
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
    """A matplotlib figure that shows itself on light and on dark paper. Its label is its description (alt text)."""

    def __init__(self, width: float, height: float, alt: str, photo: bool = False):
        super().__init__(figsize=(width, height), layout="constrained")
        self.set_label(alt)
        self.kind = "jpeg" if photo else "png"

    def encoded(self, dark: bool = False) -> bytes:
        """Return the figure as PNG (as JPEG if it is a photo), on light or on dark paper."""
        options = {"pil_kwargs": {"quality": 88, "subsampling": 0}} if self.kind == "jpeg" else {"metadata": {}}
        buffer = io.BytesIO()
        with matplotlib.rc_context(_style()), _dark_colours(self) if dark else nullcontext():
            self.savefig(buffer, format=self.kind, dpi=2 * _PIXELS_PER_INCH, **options)
        return buffer.getvalue()

    def html(self) -> str:
        """Return the figure as two <img>, complete in themselves; the page's style sheet hides one of them."""
        return self._img(dark=False, attributes="") + self._img(dark=True, attributes=" hidden")

    def _img(self, dark: bool, attributes: str) -> str:
        data = base64.b64encode(self.encoded(dark)).decode()
        theme, size = (
            ("dark" if dark else "light"),
            f'width="{self._css_width()}" height="{self._css_height()}"',
        )
        return (
            f'<img class="only-{theme}" alt="{escape(self.get_label())}" {size}{attributes} '
            f'src="data:image/{self.kind};base64,{data}">'
        )

    def _css_width(self) -> int:
        return round(self.get_figwidth() * _PIXELS_PER_INCH)

    def _css_height(self) -> int:
        return round(self.get_figheight() * _PIXELS_PER_INCH)

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        mime = f"image/{self.kind}"
        light, dark = (base64.b64encode(self.encoded(theme)).decode() for theme in (False, True))
        metadata = {"width": self._css_width(), "alt": self.get_label(), "dark": dark}
        return {mime: light, "text/plain": f"<Figure: {self.get_label()}>"}, {mime: metadata}


def figure(width: float, height: float, alt: str, *, title: str = "", photo: bool = False):
    """Return (BookFigure, Axes): an empty figure in the book's style.

    `width` and `height` are in inches; on a page an inch is 100 CSS pixels. `alt` describes the figure to those
    who cannot see it. `photo=True` stores it as JPEG, which is smaller where a photograph fills it.
    """
    with matplotlib.rc_context(_style()):
        fig = BookFigure(width, height, alt, photo)
        ax = fig.add_subplot()
        ax.set_title(title, **_title())
    return fig, ax


@cache
def _style() -> dict:
    font_manager.fontManager.addfont(data_path("fonts/Inter-Regular.ttf"))
    return _STYLE


@contextmanager
def _dark_colours(fig: Figure):
    """Show every artist that was drawn in one of the book's light colours in its dark one, for a while."""
    fig.draw_without_rendering()  # matplotlib makes tick labels only when it draws
    undo = []
    for artist in fig.findobj():
        for part in ("color", "facecolor", "edgecolor"):
            get, put = getattr(artist, f"get_{part}", None), getattr(artist, f"set_{part}", None)
            if get and put and _hex(get()) in _DARK:
                undo.append((put, get()))
                put(_DARK[_hex(get())])
    try:
        yield
    finally:
        for put, colour in undo:
            put(colour)


def _hex(colour) -> str | None:
    """Return #rrggbb of a single colour of matplotlib's; None of anything else, such as a list of colours."""
    return to_hex(colour) if is_color_like(colour) and to_rgba(colour)[3] > 0 else None


def panel(image: np.ndarray, title: str, *, width: float = 3.4, alt: str | None = None) -> BookFigure:
    """Return an image (H, W, 3), uint8 or 0..1, as a figure of its own under a title, `width` inches wide."""
    return row([image], [title], width=width, alt=alt or title)


def row(images: list[np.ndarray], titles: list[str], *, width: float = 7.0, alt: str) -> BookFigure:
    """Return images of equal size (H, W, 3), uint8 or 0..1, side by side in one figure, a title over each.

    Raises ValueError if the images differ in size or there is not one title for each.
    """
    shapes = {image.shape for image in images}
    if len(shapes) != 1 or len(images) != len(titles):
        raise ValueError(f"A row needs images of one size, each with a title; got {shapes} and {len(titles)} titles.")
    gap = 0.14
    each = (width - gap * (len(images) - 1)) / len(images)
    height = each * images[0].shape[0] / images[0].shape[1]
    with matplotlib.rc_context(_style()):
        fig = BookFigure(width, height + _TITLE, alt, photo=True)
        fig.set_layout_engine("none")
        for index, (image, title) in enumerate(zip(images, titles, strict=True)):
            left = index * (each + gap) / width
            ax = fig.add_axes((left, 0, each / width, height / (height + _TITLE)))
            ax.imshow(image, interpolation="antialiased")
            ax.set_title(title, **_title())
            ax.set_axis_off()
    return fig


def glow(image: np.ndarray, heats: np.ndarray | list[np.ndarray]) -> np.ndarray:
    """Return the image (H, W, 3) uint8 in dim grey, lit up where a map of probabilities (h, w) is high.

    Several maps light up in a colour each, in the order of GLOW. The maps' cells stay visible as squares: each is
    enlarged to the pixels it stands for, none is smoothed. Result: (H, W, 3) float, 0..1.
    """
    height, width = image.shape[:2]
    heats = heats if isinstance(heats, list) else [heats]
    lit = 0.42 * np.repeat(image.mean(axis=2, keepdims=True) / 255, 3, axis=2)
    colours = [to_rgb(colour) for colour in (GLOW[:1] if len(heats) == 1 else GLOW)]
    for heat, colour in zip(heats, colours, strict=False):
        rows = np.arange(height) * heat.shape[0] // height
        columns = np.arange(width) * heat.shape[1] // width
        opacity = 0.8 * np.clip(heat, 0, 1)[rows][:, columns, None]
        lit = lit * (1 - opacity) + (0.35 * image / 255 + 0.65 * np.array(colour)) * opacity
    return lit


def window(image: np.ndarray, heat: np.ndarray, title: str, *, cell: int, width: float = 5.6) -> BookFigure:
    """Return the image (H, W, 3) uint8 faintly, its upper left corner lit by `heat` (h, w), cells of `cell` pixels.

    The corner is the part that a network was given; its cells are ruled, so that they can be counted.
    """
    rows, columns = image.shape[:2]
    height = width * rows / columns
    h, w = heat.shape[0] * cell, heat.shape[1] * cell
    with matplotlib.rc_context(_style()):
        fig = BookFigure(width, height + _TITLE, title, photo=True)
        fig.set_layout_engine("none")
        ax = fig.add_axes((0, 0, 1, height / (height + _TITLE)))
        ax.imshow(image, alpha=0.22)
        ax.imshow(glow(image[:h, :w], heat), extent=(0, w, h, 0))
        ax.hlines(np.arange(0, h + 1, cell), 0, w, color="#ffffff", alpha=0.28, linewidth=0.6)
        ax.vlines(np.arange(0, w + 1, cell), 0, h, color="#ffffff", alpha=0.28, linewidth=0.6)
        ax.set(xlim=(0, columns), ylim=(rows, 0))
        ax.set_title(title, **_title())
        ax.set_axis_off()
    return fig


def _title() -> dict:
    return {"loc": "left", "font": data_path("fonts/Inter-SemiBold.ttf"), "fontsize": 10}
