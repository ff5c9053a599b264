"""Small maps as squares, with their numbers."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from fcn.palette import PAPER
from fcn.viz.figure import BookFigure, picture_axes, style
from fcn.viz.values import as_small_map, written

_MOST_RULED = 15  # cells a side: more of them are not ruled, unless numbers stand in them


def cells(
    values, title: str = "", *, numbers: str = "", limits: tuple[float, float] | None = None, side: int = 0,
    width: float = 3.4, alt: str = "",
) -> BookFigure:  # fmt: skip
    """Return a small map (H, W) as squares, `width` inches wide: zero dark, high values yellow, negative ones blue.

    `numbers` writes each value into its square, in that format ("g", ".2f", ".0%"). `limits` are the values of full
    blue or zero and of full yellow; without them, those of the map. `side` leaves room for as many cells a side, so
    that maps of several sizes stand side by side with cells of one. `alt` describes the figure; without it, the title
    does. Raises ValueError if the map is not (H, W) of finite numbers, if it is larger than `side`, or for neither a
    title nor `alt`.

    >>> cells([[0, 1], [1, 2]], "A map", numbers="d")
    <Figure: A map>
    """
    values = as_small_map(values)
    shape = (side, side) if side else values.shape
    if side and (side not in range(1000) or side < max(values.shape)):
        raise ValueError(f"Expected a side of {max(values.shape)} cells or more; got {side!r}.")
    fig, (ax,) = picture_axes(shape, [title], width=width, alt=alt)
    longest = max((len(written(value, numbers)) for value in values.ravel().tolist()), default=1) if numbers else 1
    draw_cells(ax, values, numbers=numbers, limits=limits, size=min(13, 86 * width / shape[1] / longest))
    (high, wide), (tall, broad) = shape, values.shape
    ax.set(xlim=(broad / 2 - wide / 2 - 0.5, broad / 2 + wide / 2 - 0.5))
    ax.set(ylim=(tall / 2 + high / 2 - 0.5, tall / 2 - high / 2 - 0.5))
    return fig


def draw_cells(
    ax, values, *, numbers: str = "", limits: tuple[float, float] | None = None, size: float = 9, ruled: bool = True
) -> None:
    """Draw a map (H, W) as squares on `ax` as cells does, with numbers `size` points high, and ruled if it is small.

    Raises ValueError if the map is not (H, W) of finite numbers.

    >>> from fcn.viz import figure
    >>> fig, ax = figure(3, 3, alt="A map")
    >>> draw_cells(ax, [[0, 1], [1, 2]], numbers="d")
    >>> [text.get_text() for text in ax.texts]
    ['0', '1', '1', '2']
    """
    values = as_small_map(values)
    low, high = map(float, limits or (min(0, values.min()), values.max()))
    reach = max(abs(low), abs(high)) or 1
    color = LinearSegmentedColormap.from_list("cells", ["#4fa3ff", "#262d34", "#ffc233"])(0.5 + values / reach / 2)
    ax.imshow(color)
    rows, columns = values.shape
    if numbers or (ruled and max(rows, columns) <= _MOST_RULED):
        lines = {"color": PAPER[0], "linewidth": 1.2}
        ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **lines)
        ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **lines)
    if numbers:
        with style():
            for row, column in np.ndindex(rows, columns):
                ink = "#101418" if color[row, column, :3].mean() > 0.45 else "#ffffff"
                text = written(values[row, column].item(), numbers)
                ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)
