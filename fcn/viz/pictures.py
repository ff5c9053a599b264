"""Photographs: alone, side by side, and lit up where a network sees something. H, W an image's size, h, w a map's."""

from collections.abc import Mapping

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from fcn.palette import ACCENT, OVERLAY_COLORS, rgb
from fcn.viz.figure import BookFigure, picture_axes, style
from fcn.viz.values import as_array, as_image, came


def panel(image, title: str = "", *, width: float = 3.4, alt: str = "") -> BookFigure:
    """Return an image as a figure of its own under a title, `width` inches wide.

    `image` is (3, H, W) or (H, W, 3), uint8 or 0..1. `alt` describes the figure; without it, the title does.
    Raises ValueError for anything else, and for neither a title nor `alt`.

    >>> panel(np.zeros((3, 40, 60)), "Night")
    <Figure: Night>
    """
    return row([image], [title], width=width, alt=alt)


def row(images, titles=None, *, width: float = 7.0, columns: int = 0, alt: str = "") -> BookFigure:
    """Return images of one size side by side, or in rows of `columns`, `width` inches in all, titles above.

    `images` is a list of images as panel takes them, or a batch (N, 3, H, W). Without `alt` the titles describe it.
    Raises ValueError if there is no image, if they differ in size, or if there are titles, but not one for each.

    >>> row(np.zeros((2, 3, 40, 60)), ["Night", "Fog"])
    <Figure: Night, Fog>
    """
    images = [as_image(image) for image in images]
    sizes = [image.shape[:2] for image in images]
    titles = [""] * len(images) if titles is None else list(titles)
    if columns not in range(len(images) + 1):
        raise ValueError(f"Expected columns from 1 to {len(images)}, or 0 for one line; got {columns!r}.")
    if len(set(sizes)) != 1 or len(images) != len(titles):
        raise ValueError(f"A row needs images of one size, each with a title or none; got {sizes} and {titles}.")
    fig, axes = picture_axes(sizes[0], titles, width=width, alt=alt, photo=True, columns=columns)
    for ax, image in zip(axes, images, strict=True):
        ax.imshow(image, interpolation="antialiased")
    return fig


def overlay(image, heats) -> np.ndarray:
    """Return an image in dim gray, lit up where a map of probabilities (h, w) is high: (H, W, 3) float, 0..1.

    `image` as for panel. `heats` is one map, or up to four, a list or (n, h, w), which light up in a color each, in
    the order of OVERLAY_COLORS. The maps' cells stay visible as squares: each is enlarged to the pixels it stands
    for, none is smoothed.
    Raises ValueError for other images, and if a map is empty, larger than the image, holds something else than 0..1,
    or has no color left.

    >>> overlay(np.full((40, 60, 3), 128, dtype=np.uint8), np.array([[0.0, 0.5, 1.0]])).shape
    (40, 60, 3)
    """
    picture = as_image(image)
    picture = picture / 255 if picture.dtype == np.uint8 else picture
    heats = list(heats) if isinstance(heats, list | tuple) or as_array(heats).ndim == 3 else [heats]
    if len(heats) > len(OVERLAY_COLORS):
        raise ValueError(f"An overlay has {len(OVERLAY_COLORS)} colors; got {len(heats)} maps.")
    lit = 0.42 * picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    for heat, color in zip(heats, OVERLAY_COLORS, strict=False):
        opacity = 0.8 * _enlarged(heat, *picture.shape[:2])
        lit = lit * (1 - opacity) + (0.35 * picture + 0.65 * rgb(color) / 255) * opacity
    return lit.clip(0, 1)


def crop_overlay(image, heat, *, cell: int, title: str, width: float = 4.6, alt: str = "") -> BookFigure:
    """Return an image faintly, its upper left corner lit by `heat` (h, w), cells of `cell` pixels, under a title.

    The corner is the part that a network was given; its cells are ruled, so that they can be counted. `heat` may be
    several maps (n, h, w) as in overlay. `width` is in inches.
    Raises ValueError as overlay does, and if the h x w cells are larger than the image.

    >>> crop_overlay(np.zeros((3, 80, 160)), np.ones((2, 3)), cell=20, title="A corner")
    <Figure: A corner>
    """
    image, heat = as_image(image), as_array(heat)
    rows, columns = image.shape[:2]
    h, w = (side * cell for side in (heat.shape[-2:] if heat.ndim in (2, 3) else (0, 0)))
    if not (0 < h <= rows and 0 < w <= columns):
        raise ValueError(f"{heat.shape} cells of {cell} pixels do not fit into an image of {rows}x{columns}.")
    fig, (ax,) = picture_axes((rows, columns), [title], width=width, alt=alt, photo=True)
    ax.imshow(image, alpha=0.22)
    ax.imshow(overlay(image[:h, :w], heat), extent=(0, w, h, 0))
    ax.hlines(np.arange(0, h + 1, cell), 0, w, color="#ffffff", alpha=0.28, linewidth=0.6)
    ax.vlines(np.arange(0, w + 1, cell), 0, h, color="#ffffff", alpha=0.28, linewidth=0.6)
    ax.add_patch(Rectangle((0, 0), w, h, fill=False, edgecolor=ACCENT[0], linewidth=2.5, clip_on=False))
    ax.set(xlim=(0, columns), ylim=(rows, 0))
    return fig


def framed(
    image, squares: Mapping, *, center: tuple[float, float], title: str, width: float = 4.6, alt: str = ""
) -> BookFigure:
    """Return an image with squares of {name: side in pixels} framed and named, all around `center` (row, column).

    What lies outside of the image is cut off. Raises ValueError as panel does, and for a side below 1.

    >>> framed(np.zeros((3, 64, 64)), {"a cell": 8, "90 %": 40}, center=(32, 32), title="Seen")
    <Figure: Seen>
    """
    image = as_image(image)
    rows, columns = image.shape[:2]
    if not all(side >= 1 for side in squares.values()):
        raise ValueError(f"Expected squares of 1 pixel or more a side; got {dict(squares)}.")
    fig, (ax,) = picture_axes((rows, columns), [title], width=width, alt=alt, photo=True)
    ax.imshow(image)
    for name, side in squares.items():
        top, left = (max(-0.5, place - side / 2 - 0.5) for place in center)
        below, right = (
            min(end - 0.5, place + side / 2 - 0.5) for place, end in zip(center, (rows, columns), strict=True)
        )
        ax.add_patch(
            Rectangle((left, top), right - left, below - top, fill=False, edgecolor="#ffffff", linewidth=1.6)
        )
        with style():
            ax.text(right, top, f"{name} ", color="#ffffff", fontsize=9, ha="right", va="top",
                    path_effects=[withStroke(linewidth=2.2, foreground="#101418")])  # fmt: skip
    return fig


def _enlarged(heat, height: int, width: int) -> np.ndarray:
    """Return a map of probabilities (h, w), each cell enlarged to the pixels it stands for: (H, W, 1)."""
    values = as_array(heat)
    if values.ndim != 2 or not values.size or values.shape[0] > height or values.shape[1] > width:
        raise ValueError(f"Expected a map (h, w), no larger than the image ({height}, {width}); got {came(heat)}.")
    if not (values.min() >= 0 and values.max() <= 1.001):  # sums of probabilities exceed 1 by rounding; NaN fails
        extremes = f"{values.min():.3g} to {values.max():.3g}"
        raise ValueError(f"Expected a map of probabilities, 0 to 1; got {extremes}.")
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    return values[rows][:, columns, None]
