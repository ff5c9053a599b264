"""Chapter 4: how often each pixel is painted, as kernel and stride change."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from fcn.checkerboard import paint_count
from fcn.viz import ACCENT, INK, BookFigure, draw_cells, side_by_side


def painting(length: int, kernel: int, stride: int) -> BookFigure:
    """Return how often a transposed convolution paints each pixel: bars along one row, and the map of both sides.

    `length` is the input's, in both directions. Raises ValueError as paint_count does.
    """
    row = paint_count(length, kernel, stride).numpy()
    grid = np.outer(row, row)
    steps = ", ".join(map(str, row.tolist()))
    alt = (
        f"Kernel {kernel}, stride {stride}: along a row the pixels are painted {steps} times; in both directions "
        f"{grid.min()} to {grid.max()} times"
    )
    fig, (bars, square) = side_by_side(5.4, 2.9, ["times painted, along a row", "in both directions"], (1.25, 1), alt)
    colours = [ACCENT[0] if count == row.max() else INK[0] for count in row]
    bars.bar(range(len(row)), row, color=colours, width=0.86)
    bars.set_xticks([])
    bars.yaxis.set_major_locator(MaxNLocator(integer=True))
    bars.set_ylim(0, 4.2)
    draw_cells(square, grid, numbers="d" if len(row) <= 15 else "", size=7)
    square.set_axis_off()
    return fig
