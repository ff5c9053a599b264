"""Numbers as squares and as dots."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from fcn.palette import ACCENT, INK, LINE, PAPER
from fcn.viz.figure import BookFigure, figure, picture_axes, style
from fcn.viz.values import as_array, as_small_map, written

_MOST_RULED = 25  # cells a side: more of them are not ruled


def cells(
    values, title: str = "", *, numbers: str = "", limits: tuple[float, float] | None = None, width: float = 3.4,
    alt: str = "",
) -> BookFigure:  # fmt: skip
    """Return a small map (H, W) as squares, `width` inches wide: zero dark, high values yellow, negative ones blue.

    `numbers` writes each value into its square, in that format ("g", ".2f", ".0%"). `limits` are the values of full
    blue or zero and of full yellow; without them, those of the map. `alt` describes the figure; without it, the title
    does. Raises ValueError if the map is not (H, W) of finite numbers, or for neither a title nor `alt`.

    >>> cells([[0, 1], [1, 2]], "A map", numbers="d")
    <Figure: A map>
    """
    values = as_small_map(values)
    fig, (ax,) = picture_axes(values.shape, [title], width=width, alt=alt)
    draw_cells(ax, values, numbers=numbers, limits=limits, size=min(11, 20 * width / values.shape[1]))
    return fig


def draw_cells(ax, values, *, numbers: str = "", limits: tuple[float, float] | None = None, size: float = 9) -> None:
    """Draw a map (H, W) as squares on `ax` as cells does, with numbers `size` points high.

    Raises ValueError if the map is not (H, W) of finite numbers.

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
    if max(rows, columns) <= _MOST_RULED:
        lines = {"color": PAPER[0], "linewidth": 1.2}
        ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **lines)
        ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **lines)
    if numbers:
        with style():
            for row, column in np.ndindex(rows, columns):
                ink = "#101418" if color[row, column, :3].mean() > 0.45 else "#ffffff"
                text = written(values[row, column].item(), numbers)
                ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)


def strip_plot(groups: Mapping, axis: str, *, alt: str, log: bool = False, width: float = 5.0) -> BookFigure:
    """Return a row for each group of numbers, {name: values}: a dot for each value, a stroke at their mean.

    `axis` says what the numbers are; `log` spreads them by their logarithm. The row with the lowest mean is on top.
    Raises ValueError if there is no group, an empty one, one of other than finite numbers, or with `log` a value of
    0 or below.

    >>> strip_plot({"FCN-32s": [0.30, 0.32], "FCN-8s": [0.41, 0.40]}, "mean IoU", alt="Dots of two networks")
    <Figure: Dots of two networks>
    """
    rows = [(str(name), as_array(values).astype(float).ravel()) for name, values in groups.items()]
    for name, values in rows or [("no group at all", np.array([]))]:
        if not values.size or not np.isfinite(values).all() or (log and values.min() <= 0):
            wanted = "numbers above 0" if log else "numbers"
            raise ValueError(f"Expected groups of finite {wanted}; got {values.tolist()} ({name}).")
    rows.sort(key=lambda row: row[1].mean())
    fig, ax = figure(width, 0.75 + 0.3 * len(rows), alt=alt)
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
