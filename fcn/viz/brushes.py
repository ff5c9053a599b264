"""Transposed convolutions at work: stamp by stamp (chapter 3), how often each pixel is painted, and by which weights
(chapter 4)."""

from collections.abc import Iterator

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from fcn.palette import ACCENT, INK, OVERLAY_COLORS, WARM
from fcn.viz.cells import draw_cells
from fcn.viz.figure import BookFigure, side_by_side, style
from fcn.viz.values import as_array, as_small_map, came


def paint_counts(counts) -> BookFigure:
    """Return how often each pixel is painted: bars along one row, and the map of a brush as wide as high.

    `counts` are the row's, (n,) whole numbers, as fcn.checkerboard.paint_count returns them. Figures with counts up
    to 4 have bars of one scale. Raises ValueError for anything else.

    >>> paint_counts([1, 2, 1])
    <Figure: Along a row the pixels are painted 1, 2, 1 times; in both directions 1 to 4 times>
    """
    row = as_array(counts)
    if row.ndim != 1 or not row.size or row.dtype.kind not in "ui" or row.min() < 0:
        raise ValueError(f"Expected counts (n,) along a row, 0 or more; got {came(row)}: {row.tolist()}.")
    row = row.astype(np.int64)
    grid = np.outer(row, row)
    alt = (
        f"Along a row the pixels are painted {', '.join(map(str, row))} times; in both directions {grid.min()} to "
        f"{grid.max()} times"
    )
    titles = ["painted, along a row", "in both directions"]
    fig, (bars, square) = side_by_side(4.8, 2.6, titles=titles, ratios=(1, 1), alt=alt)
    colors = [ACCENT[0] if count == row.max() else INK[0] for count in row]
    bars.bar(range(len(row)), row, color=colors, width=0.86)
    bars.set_xticks([])
    bars.yaxis.set_major_locator(MaxNLocator(integer=True))
    bars.set_ylim(0, 1.05 * max(4, row.max()))
    draw_cells(square, grid, numbers="d" if len(row) <= 11 else "", size=9)
    square.set_axis_off()
    square.set_anchor("N")  # both titles at one height
    return fig


def stamps(x, kernel, *, stride: int, stamp: int) -> BookFigure:
    """Return what a transposed convolution has painted after `stamp` stamps: the input (h, w), and the canvas.

    Pixels stamp from left to right, then row by row; the last stamp is framed on both sides. `kernel` is (k, k),
    nothing is cut from the canvas: ((h - 1) stride + k, (w - 1) stride + k).
    Raises ValueError for a stamp outside of 1..h w, a stride below 1, or arrays that are not 2-D.

    >>> stamps([[1, 2]], [[1, 1], [1, 1]], stride=1, stamp=2).axes[1].images[0].get_array().shape[:2]
    (2, 3)
    """
    x, kernel = as_small_map(x), as_small_map(kernel)
    if stride < 1 or stamp not in range(1, x.size + 1):
        raise ValueError(f"Expected a stride of 1 or more and a stamp in 1..{x.size}; got {stride} and {stamp}.")
    canvases = list(_canvases(x, kernel, stride))
    row, column = divmod(stamp - 1, x.shape[1])
    alt = (
        f"After stamp {stamp} of {x.size}: the input, its pixel in row {row + 1}, column {column + 1} framed, and "
        f"the canvas of {canvases[0].shape[0]}x{canvases[0].shape[1]} with the brush framed where it has just added "
        f"{x[row, column]:g} times the kernel"
    )
    ratios = (x.shape[1] + 0.6, canvases[0].shape[1])
    fig, pair = side_by_side(4.8, 3.1, titles=["input", "canvas"], ratios=ratios, alt=alt)
    for ax, values, corner, size in [
        (pair[0], x, (column, row), (1, 1)),
        (pair[1], canvases[stamp - 1], (column * stride, row * stride), kernel.shape[::-1]),
    ]:
        draw_cells(ax, values, numbers="g", limits=(0, canvases[-1].max()), size=10)
        ax.set_axis_off()
        ax.set_anchor("N")
        frame = {"fill": False, "edgecolor": WARM[0], "linewidth": 3, "clip_on": False, "zorder": 3}
        ax.add_patch(Rectangle((corner[0] - 0.5, corner[1] - 0.5), *size, **frame))
    return fig


def stamp_sum(x, kernel, *, stride: int) -> BookFigure:
    """Return all stamps of a transposed convolution, each alone on its canvas, and beside them their sum.

    The small canvases stand as the pixels of the input (h, w) do, which stamp them; `kernel` is (k, k). All have one
    scale of colors. Raises ValueError for a stride below 1, or arrays that are not 2-D.

    >>> stamp_sum([[1, 2]], [[1, 1], [1, 1]], stride=1)
    <Figure: 1x2 canvases with one stamp each, and the canvas of 2x3 with their sum>
    """
    x, kernel = as_small_map(x), as_small_map(kernel)
    if stride < 1:
        raise ValueError(f"Expected a stride of 1 or more; got {stride}.")
    rows, columns = x.shape
    *_, total = canvases = [np.zeros_like(kernel), *_canvases(x, kernel, stride)]
    size = "x".join(map(str, total.shape))
    alt = f"{rows}x{columns} canvases with one stamp each, and the canvas of {size} with their sum"
    fig, pair = side_by_side(4.8, 2.8, titles=["each stamp alone", "their sum"], ratios=(1, 1), alt=alt)
    for ax in pair:
        ax.set_axis_off()
        ax.set_anchor("N")
    draw_cells(pair[1], total, numbers="g", limits=(0, total.max()), size=10)
    for place, (row, column) in enumerate(np.ndindex(rows, columns)):
        before = canvases[place] if place else np.zeros_like(total)
        left, bottom, wide, high = column / columns, 1 - (row + 1) / rows, 0.92 / columns, 0.92 / rows
        small = pair[0].inset_axes((left, bottom, wide, high))
        draw_cells(small, canvases[place + 1] - before, limits=(0, total.max()), ruled=False)
        small.set_axis_off()
    return fig


def phases(kernel) -> BookFigure:
    """Return the kernel (k, k) of a transposed convolution of stride 2, and the four kernels that it consists of.

    Each makes the pixels in one place of a tile of 2 x 2. Its weights have one color on both sides, and their sum,
    which is what it makes of an even input, stands below. Raises ValueError for a kernel that is not 2-D, or smaller
    than 2 x 2.

    >>> phases([[1, 2], [3, 4]])
    <Figure: A kernel of 2x2 as the four of its phases, whose weights sum up to 1.00, 2.00, 3.00, 4.00>
    """
    kernel = as_small_map(kernel)
    if min(kernel.shape) < 2:
        raise ValueError(f"Expected a kernel of 2x2 or more; got {came(kernel)}.")
    parts = {place: kernel[place[0] :: 2, place[1] :: 2] for place in np.ndindex(2, 2)}
    sums = ", ".join(f"{part.sum():.2f}" for part in parts.values())
    alt = f"A kernel of {'x'.join(map(str, kernel.shape))} as the four of its phases, whose weights sum up to {sums}"
    titles = ["one kernel", "the four that it consists of"]
    fig, (left, right) = side_by_side(4.8, 2.7, titles=titles, ratios=(1, 1.1), alt=alt)
    for ax in (left, right):
        ax.set_axis_off()
        ax.set_anchor("N")
    for ((row, column), part), color in zip(parts.items(), OVERLAY_COLORS, strict=True):
        _weights(left, part, color, corner=(row, column), step=2)
        small = right.inset_axes((0.04 + 0.52 * column, 0.1 + 0.53 * (1 - row), 0.44, 0.37))
        _weights(small, part, color)
        with style():
            total = f"sum {part.sum():z.2f}".replace("-", "−")
            small.text(0.5, -0.05, total, transform=small.transAxes, ha="center", va="top")
        small.set_axis_off()
    return fig


def _weights(ax, weights: np.ndarray, color: str, corner: tuple[int, int] = (0, 0), step: int = 1) -> None:
    for row, column in np.ndindex(weights.shape):
        y, x = corner[0] + step * row, corner[1] + step * column
        ax.add_patch(Rectangle((x + 0.03, y + 0.03), 0.94, 0.94, fc=color, alpha=0.4, lw=0))
        with style():
            ax.text(x + 0.5, y + 0.5, f"{weights[row, column]:z.2f}".replace("-", "−"), ha="center", va="center")
    height, width = (corner[axis] + step * (size - 1) + 1 for axis, size in enumerate(weights.shape))
    ax.set(xlim=(0, max(width, ax.get_xlim()[1])), ylim=(max(height, ax.get_ylim()[0]), 0), aspect="equal")


def _canvases(x: np.ndarray, kernel: np.ndarray, stride: int) -> Iterator[np.ndarray]:
    """Yield the canvas after each stamp of the pixels of x (h, w)."""
    height, width = kernel.shape
    canvas = np.zeros(((x.shape[0] - 1) * stride + height, (x.shape[1] - 1) * stride + width))
    for row, column in np.ndindex(*x.shape):
        canvas[row * stride :, column * stride :][:height, :width] += x[row, column] * kernel
        yield canvas.copy()
