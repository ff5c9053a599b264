"""The book's figures: one style, each figure in a light and a dark version. Takes arrays, returns figures.

H and W are the height and width of an image, h and w those of a map of scores. A label map is (H, W), whole numbers:
at each pixel the index of its class in a list of names, or 255 (void).
"""

import base64
import io
from collections.abc import Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from html import escape

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap, is_color_like, to_hex, to_rgb, to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from scipy import ndimage

from fcn import data_path

# light, dark: the same colours as in book/assets/book.css
PAPER = ("#fdfcf9", "#15181b")
INK = ("#22262b", "#e4e2dc")
SOFT = ("#5c6670", "#a3a9af")
LINE = ("#d8d3c6", "#3a4147")
ACCENT = ("#0b6e75", "#5cc6c9")
WARM = ("#b4531a", "#f0a06a")
GLOW = ("#ffc233", "#ff7a59", "#5ad1d8", "#d59bff")  # light on grey photographs: a map's class
VOID = 255
CLASS_COLOURS = {  # the same class, the same colour in the whole book; apart also for colour-blind eyes: test_viz.py
    "background": "#262d34", "aeroplane": "#c9e5ff", "bicycle": "#d41667", "bird": "#fcdc4d", "boat": "#587bf9",
    "bottle": "#6ffd96", "bus": "#a48b07", "car": "#ae96fc", "cat": "#c661a1", "chair": "#8e5a12", "cow": "#615529",
    "diningtable": "#cc9cde", "dog": "#b7c757", "horse": "#8c62bd", "motorbike": "#7c1dfb", "person": "#e79dbb",
    "pottedplant": "#78954e", "sheep": "#83c78e", "sofa": "#4c44ba", "train": "#a00181", "tvmonitor": "#096552",
    "void": "#f4f1e8",
}  # fmt: skip
ERROR_COLOURS = {"right": "#3d4852", "wrong class": "#f0a06a", "missed": "#4fa3ff", "void": "#f4f1e8"}
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
        if not alt or min(width, height) <= 0:
            raise ValueError(f"A figure needs a size above 0 and a description; got {width}x{height} and {alt!r}.")
        with matplotlib.rc_context(_style()):
            super().__init__(figsize=(width, height), layout="constrained")
        self.set_label(alt)
        self.kind = "jpeg" if photo else "png"

    def encoded(self, dark: bool = False) -> bytes:
        """Return the figure as PNG (as JPEG if it is a photo), on light or on dark paper."""
        options = {"pil_kwargs": {"quality": 88, "subsampling": 0}} if self.kind == "jpeg" else {"metadata": {}}
        buffer = io.BytesIO()
        with matplotlib.rc_context(_style()):
            self.draw_without_rendering()  # tick labels come with the first drawing, and the layout moves
            with _dark_colours(self) if dark else nullcontext():
                self.savefig(buffer, format=self.kind, dpi=2 * _PIXELS_PER_INCH, **options)
        return buffer.getvalue()

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

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        mime = f"image/{self.kind}"
        light, dark = (base64.b64encode(self.encoded(theme)).decode() for theme in (False, True))
        metadata = {"width": self._css_width(), "alt": self.get_label(), "dark": dark}
        return {mime: light, "text/plain": f"<Figure: {self.get_label()}>"}, {mime: metadata}


def figure(width: float, height: float, alt: str, *, title: str = "", photo: bool = False):
    """Return (BookFigure, Axes): an empty figure in the book's style.

    `width` and `height` are in inches; on a page an inch is 100 CSS pixels. `alt` describes the figure to those
    who cannot see it. `photo=True` stores it as JPEG, which is smaller where a photograph fills it.
    Raises ValueError for a size of 0 and for an empty description.
    """
    with matplotlib.rc_context(_style()):
        fig = BookFigure(width, height, alt, photo)
        ax = fig.add_subplot()
        ax.set_title(title, **_title())
    return fig, ax


def side_by_side(width: float, height: float, titles: Sequence[str], ratios: Sequence[float], alt: str):
    """Return (BookFigure, list of Axes): empty axes side by side, a title above each, widths in these ratios.

    Sizes and `alt` as for figure. Raises ValueError as figure does, and if there is not one ratio for each title.
    """
    if len(titles) != len(ratios):
        raise ValueError(f"Expected a title and a ratio for each axes; got {titles} and {ratios}.")
    with matplotlib.rc_context(_style()):
        fig = BookFigure(width, height, alt)
        axes = list(fig.subplots(1, len(titles), width_ratios=ratios, squeeze=False)[0])
        for ax, title in zip(axes, titles, strict=True):
            ax.set_title(title, **_title())
    return fig, axes


@cache
def _style() -> dict:
    font_manager.fontManager.addfont(data_path("fonts/Inter-Regular.ttf"))
    return _STYLE


@contextmanager
def _dark_colours(fig: Figure):
    """Show every artist that was drawn in one of the book's light colours in its dark one, for a while."""
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


def _darkened(colours) -> np.ndarray | None:
    """Return a colour, or an array of them, in its dark version with the same opacity; None if none has one."""
    try:
        rgba = to_rgba_array(colours)
    except (TypeError, ValueError):  # "auto" and the like
        return None
    hexes = [to_hex(colour) for colour in rgba]
    if not any(name in _DARK for name in hexes):
        return None
    dark = np.array([to_rgba(_DARK.get(name, name), colour[3]) for name, colour in zip(hexes, rgba, strict=True)])
    return dark[0] if is_color_like(colours) else dark


def panel(image: np.ndarray, title: str, *, width: float = 3.4, alt: str | None = None) -> BookFigure:
    """Return an image (H, W, 3), uint8 or 0..1, as a figure of its own under a title, `width` inches wide.

    `alt` describes the figure; without it, the title does. Raises ValueError as row does.
    """
    return row([image], [title], width=width, alt=alt or title)


def row(images: list[np.ndarray], titles: list[str] | None = None, *, width: float = 7.0, alt: str) -> BookFigure:
    """Return images of equal size (H, W, 3), uint8 or 0..1, side by side, `width` inches in all, titles above.

    Raises ValueError if there is no image, if one is no such image, if they differ in size, or if there are titles,
    but not one for each.
    """
    shapes = [_checked(image).shape for image in images]
    if len(set(shapes)) != 1 or (titles is not None and len(images) != len(titles)):
        raise ValueError(f"A row needs images of one size, each with a title or none; got {shapes} and {titles}.")
    gap, above = 0.14, _TITLE if titles else 0
    each = (width - gap * (len(images) - 1)) / len(images)
    height = each * shapes[0][0] / shapes[0][1]
    fig = BookFigure(width, height + above, alt, photo=True)
    for index, (image, title) in enumerate(zip(images, titles or [""] * len(images), strict=True)):
        left = index * (each + gap) / width
        ax = _picture_axes(fig, title, (left, 0, each / width, height / (height + above)))
        ax.imshow(image, interpolation="antialiased")
    return fig


def cells(
    values, title: str = "", *, numbers: str = "", limits: tuple[float, float] | None = None, width: float = 3.4,
    alt: str = "",
) -> BookFigure:  # fmt: skip
    """Return a small map (H, W) as squares, `width` inches wide: zero dark, high values yellow, negative ones blue.

    `numbers` writes each value into its square, in that format ("g", ".2f"). `limits` are the values of full blue or
    zero and of full yellow; without them, those of the map. `alt` describes the figure; without it, the title does.
    Raises ValueError if the map is not (H, W) of finite numbers, or for neither a title nor `alt`.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"Expected a map (H, W) of finite numbers; got {values.shape}.")
    picture, above = width * values.shape[0] / values.shape[1], _TITLE if title else 0
    fig = BookFigure(width, picture + above, alt or title)
    ax = _picture_axes(fig, title, (0, 0, 1, picture / (picture + above)))
    draw_cells(ax, values, numbers=numbers, limits=limits, size=min(11, 20 * width / values.shape[1]))
    return fig


def draw_cells(ax, values: np.ndarray, *, numbers: str = "", limits=None, size: float = 9) -> None:
    """Draw a map (H, W) as squares on `ax` as cells does; numbers `size` points high."""
    low, high = limits or (min(0, values.min()), values.max())
    reach = max(abs(low), abs(high)) or 1
    colour = LinearSegmentedColormap.from_list("cells", ["#4fa3ff", "#262d34", "#ffc233"])(0.5 + values / reach / 2)
    ax.imshow(colour)
    rows, columns = values.shape
    if max(rows, columns) <= 25:
        lines = {"color": PAPER[0], "linewidth": 1.2}
        ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **lines)
        ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **lines)
    if numbers:
        with matplotlib.rc_context(_style()):
            for row, column in np.ndindex(rows, columns):
                ink = "#101418" if colour[row, column, :3].mean() > 0.45 else "#ffffff"
                text = f"{values[row, column]:{numbers}}"
                text = text if float(text) else text.lstrip("-")  # no minus before a zero
                ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)


def dots(groups: dict, axis: str, *, alt: str, log: bool = False, width: float = 5.0) -> BookFigure:
    """Return a row for each group of numbers, {name: values}: a dot for each value, a stroke at their mean.

    `axis` says what the numbers are; `log` spreads them by their logarithm. The row with the lowest mean is on top.
    Raises ValueError if there is no group, an empty one, or with `log` a value of 0 or below.
    """
    rows = [(name, np.asarray(values, dtype=float)) for name, values in groups.items()]
    if not rows or any(not len(values) or (log and values.min() <= 0) for _, values in rows):
        raise ValueError(f"Expected groups of numbers, above 0 on a logarithmic axis; got {groups}.")
    rows.sort(key=lambda row: row[1].mean())
    fig, ax = figure(width, 0.75 + 0.3 * len(rows), alt)
    for place, (_, values) in enumerate(rows):
        ax.plot(values, [place] * len(values), "o", color=ACCENT[0], alpha=0.55, markersize=6, markeredgewidth=0)
        ax.plot([values.mean()] * 2, [place - 0.32, place + 0.32], color=INK[0], linewidth=2)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.tick_params(axis="y", length=0, labelcolor=INK[0])
    ax.invert_yaxis()
    if log:
        ax.set_xscale("log")
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=LINE[0], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(axis)
    return fig


def glow(image: np.ndarray, heats) -> np.ndarray:
    """Return the image (H, W, 3) uint8 in dim grey, lit up where a map of probabilities (h, w) is high.

    `heats` is one map, or a list of up to four, which light up in a colour each, in the order of GLOW. The maps'
    cells stay visible as squares: each is enlarged to the pixels it stands for, none is smoothed.
    Result: (H, W, 3) float, 0..1.

    Raises ValueError if the image is not uint8, or if a map is not 2-D, is larger than the image, holds something
    else than 0..1, or has no colour left.
    """
    if _checked(image).dtype != np.uint8:
        raise ValueError(f"glow takes an image as uint8, 0 to 255; got {image.dtype}.")
    height, width = image.shape[:2]
    heats = [np.asarray(heat) for heat in (heats if isinstance(heats, list | tuple) else [heats])]
    if len(heats) > len(GLOW):
        raise ValueError(f"glow has {len(GLOW)} colours; got {len(heats)} maps.")
    lit = 0.42 * np.repeat(image.mean(axis=2, keepdims=True) / 255, 3, axis=2)
    for heat, colour in zip(heats, GLOW, strict=False):
        if heat.ndim != 2 or heat.shape[0] > height or heat.shape[1] > width:
            raise ValueError(f"A map must be (h, w), no larger than the image {image.shape[:2]}; got {heat.shape}.")
        if not (heat.min() >= 0 and heat.max() <= 1.001):  # sums of probabilities exceed 1 by rounding; NaN fails
            raise ValueError(f"A map must hold probabilities, 0 to 1; got {heat.min():.3g} to {heat.max():.3g}.")
        rows = np.arange(height) * heat.shape[0] // height
        columns = np.arange(width) * heat.shape[1] // width
        opacity = 0.8 * heat[rows][:, columns, None]
        lit = lit * (1 - opacity) + (0.35 * image / 255 + 0.65 * np.array(to_rgb(colour))) * opacity
    return lit.clip(0, 1)


def window(image: np.ndarray, heat: np.ndarray, title: str, *, cell: int, width: float = 4.6) -> BookFigure:
    """Return the image (H, W, 3) uint8 faintly, its upper left corner lit by `heat` (h, w), cells of `cell` pixels.

    The corner is the part that a network was given; its cells are ruled, so that they can be counted. `width` is
    in inches. Raises ValueError as glow does, and if the h x w cells are larger than the image.
    """
    rows, columns = _checked(image).shape[:2]
    h, w = heat.shape[0] * cell, heat.shape[1] * cell
    if cell < 1 or h > rows or w > columns:
        raise ValueError(f"{heat.shape} cells of {cell} pixels do not fit into an image of {rows}x{columns}.")
    height = width * rows / columns
    fig = BookFigure(width, height + _TITLE, title, photo=True)
    ax = _picture_axes(fig, title, (0, 0, 1, height / (height + _TITLE)))
    ax.imshow(image, alpha=0.22)
    ax.imshow(glow(image[:h, :w], heat), extent=(0, w, h, 0))
    ax.hlines(np.arange(0, h + 1, cell), 0, w, color="#ffffff", alpha=0.28, linewidth=0.6)
    ax.vlines(np.arange(0, w + 1, cell), 0, h, color="#ffffff", alpha=0.28, linewidth=0.6)
    ax.add_patch(Rectangle((0, 0), w, h, fill=False, edgecolor=ACCENT[0], linewidth=2.5, clip_on=False))
    ax.set(xlim=(0, columns), ylim=(rows, 0))
    return fig


def colours(classes: Sequence[str]) -> np.ndarray:
    """Return the table (256, 3) uint8 that turns a label map into a picture: `colours(classes)[label_map]`.

    Row i is the book's colour of the i-th name in `classes`; unused rows and row 255 are void's.
    Raises ValueError for a name without a colour in CLASS_COLOURS and for more than 255 names.
    """
    known = [name for name in CLASS_COLOURS if name != "void"]
    unknown = [name for name in classes if name not in known]
    if unknown:
        raise ValueError(f"Expected names of {', '.join(known)}; got {unknown}.")
    if len(classes) > VOID:
        raise ValueError(f"Expected up to {VOID} names; got {len(classes)}.")
    table = np.tile(_rgb(CLASS_COLOURS["void"]), (256, 1))
    for index, name in enumerate(classes):
        table[index] = _rgb(CLASS_COLOURS[name])
    return table


def voc_colours(classes: Sequence[str]) -> np.ndarray:
    """Return the table (256, 3) uint8 like colours(classes), in the colours of PASCAL VOC's own label files.

    Raises ValueError as colours does. Source: VOCdevkit, VOClabelcolormap.m: the bits of a class's index among VOC's
    are dealt out to red, green and blue from the top down; void is the colour of index 255.
    """
    order = list(CLASS_COLOURS)
    colours(classes)  # refuses an unknown name
    index = np.array([order.index(name) for name in classes] + [VOID] * (256 - len(classes)))[:, None]
    bits = [((index >> (3 * bit + np.arange(3))) & 1) << (7 - bit) for bit in range(3)]
    return sum(bits).astype(np.uint8)


def draw_mask(mask, classes: Sequence[str], title: str = "", *, width: float = 3.4, alt: str = "") -> BookFigure:
    """Return a label map (H, W) in the book's colours, each class named on its largest piece, `width` inches wide.

    Pieces too small for a name stay unnamed. `alt` describes the figure; without it, the names in it do.
    Raises ValueError if the map is not (H, W) of whole numbers below len(classes), or 255, or for a name as colours.
    """
    mask = _checked_labels(mask, len(classes))
    named = {label: "void" if label == VOID else classes[label] for label in np.unique(mask)}
    fig = panel(colours(classes)[mask], title, width=width, alt=alt or f"Label map with {', '.join(named.values())}")
    fig.kind = "png"
    for label, name in named.items():
        if name not in ("background", "void"):
            _name_piece(fig.axes[0], mask == label, name)
    return fig


def draw_row(image, masks: dict, truth, classes: Sequence[str], *, width: float = 2.25) -> list[BookFigure]:
    """Return panels for side by side: the image (H, W, 3), each mask of {title: (H, W)}, the truth (H, W).

    Show them with `display(*draw_row(...))`; on a narrow screen they wrap. `width` is one panel's, in inches.
    Raises ValueError as panel and draw_mask do, and for masks of another size than the image.
    """
    labelled = [*masks.items(), ("truth", truth)]
    sizes = [np.shape(mask) for _, mask in labelled]
    if any(size != _checked(image).shape[:2] for size in sizes):
        raise ValueError(f"Expected masks of the image's size {image.shape[:2]}; got {sizes}.")
    drawn = [draw_mask(mask, classes, title, width=width) for title, mask in labelled]
    return [panel(image, "image", width=width, alt="The image"), *drawn]


def errors(truth, prediction) -> np.ndarray:
    """Return what went wrong where: label maps (H, W), twice -> (H, W) uint8, an index into ERROR_COLOURS.

    0 right; 1 wrong class: an object's pixel taken for another class, or background taken for an object; 2 missed: an
    object's pixel taken for background (class 0); 3 void in the truth: not scored.
    Raises ValueError if the two are not label maps of one size, or if the prediction holds void.
    """
    truth, prediction = _checked_labels(truth, VOID), _checked_labels(prediction, VOID)
    if truth.shape != prediction.shape or (prediction == VOID).any():
        raise ValueError(
            f"Expected two label maps of one size, the second without void ({VOID}); got {truth.shape} and "
            f"{prediction.shape}, {int((prediction == VOID).sum())} pixels of it void."
        )
    kinds = np.where(truth == prediction, 0, np.where(prediction == 0, 2, 1))
    return np.where(truth == VOID, 3, kinds).astype(np.uint8)


def draw_errors(truth, prediction, title: str = "", *, width: float = 3.4) -> BookFigure:
    """Return the map of errors(truth, prediction) with its four colours named below, `width` inches wide.

    Raises ValueError as errors does.
    """
    kinds = errors(truth, prediction)
    shares = ", ".join(f"{name} {(kinds == k).mean():.0%}" for k, name in enumerate(ERROR_COLOURS))
    table = np.array([_rgb(colour) for colour in ERROR_COLOURS.values()])
    below = 0.3
    picture = width * kinds.shape[0] / kinds.shape[1]
    height = picture + _TITLE + below
    fig = BookFigure(width, height, f"Map of errors: {shares} of the pixels")
    ax = _picture_axes(fig, title, (0, below / height, 1, picture / height))
    ax.imshow(table[kinds])
    for k, (name, colour) in enumerate(ERROR_COLOURS.items()):
        left = (0.005, 0.205, 0.555, 0.81)[k]
        square = {"facecolor": colour, "edgecolor": SOFT[0], "linewidth": 0.6, "clip_on": False}
        corner, side = (left, -0.22 / picture), (0.15 / width, 0.15 / picture)  # inches, as shares of the picture
        ax.add_patch(Rectangle(corner, *side, transform=ax.transAxes, **square))
        with matplotlib.rc_context(_style()):
            place = (left + 0.18 / width, -0.145 / picture)
            ax.text(*place, name, va="center", fontsize=min(9, 3.2 * width), transform=ax.transAxes)
    return fig


def _name_piece(ax, region: np.ndarray, name: str) -> None:
    """Write the name into the largest piece of a region (H, W) bool, where that is widest, if there is room."""
    pieces, count = ndimage.label(region)
    sizes = ndimage.sum_labels(region, pieces, range(1, count + 1))
    if sizes.max() < 0.008 * region.size:
        return
    depth = ndimage.distance_transform_edt(np.pad(pieces == 1 + sizes.argmax(), 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    width = region.shape[1]
    column = np.clip(column, 0.03 * width * len(name), width * (1 - 0.03 * len(name)))  # a letter's half width
    outline = [withStroke(linewidth=2.2, foreground="#101418")]
    with matplotlib.rc_context(_style()):
        ax.text(column, row, name, color="#ffffff", fontsize=9, ha="center", va="center", path_effects=outline)


def _checked_labels(mask, classes: int) -> np.ndarray:
    """Return a label map as an array; raise ValueError if it is none."""
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype.kind not in "ui" or not mask.size:
        raise ValueError(f"Expected a label map (H, W) of whole numbers; got {mask.dtype} {mask.shape}.")
    strange = (mask != VOID) & ((mask < 0) | (mask >= classes))
    if strange.any():
        raise ValueError(f"Expected labels in 0..{classes - 1} or {VOID} (void); got {mask[strange][0]}.")
    return mask


def _rgb(colour: str) -> np.ndarray:
    return (np.array(to_rgb(colour)) * 255).round().astype(np.uint8)


def _picture_axes(fig: BookFigure, title: str, position: tuple):
    """Add axes without ticks at `position` (left, bottom, width, height as shares of the figure), under a title."""
    fig.set_layout_engine("none")
    with matplotlib.rc_context(_style()):
        ax = fig.add_axes(position)
        ax.set_title(title, **_title())
        ax.set_axis_off()
    return ax


def _checked(image) -> np.ndarray:
    """Return the image if it is one: (H, W, 3), uint8 or 0..1; raise ValueError otherwise."""
    if not (isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"Expected an image as an array (H, W, 3); got {type(image).__name__} {np.shape(image)}.")
    if image.dtype != np.uint8 and not (image.min() >= 0 and image.max() <= 1):
        raise ValueError(f"An image is uint8, or 0 to 1; got {image.dtype}, {image.min():.3g} to {image.max():.3g}.")
    return image


def _title() -> dict:
    return {"loc": "left", "font": data_path("fonts/Inter-SemiBold.ttf"), "fontsize": 10, "parse_math": False}
