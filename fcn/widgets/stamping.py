"""Chapter 3: the brush of a transposed convolution, stamp by stamp."""

import numpy as np
from matplotlib.patches import Rectangle

from fcn.viz import WARM, BookFigure, draw_cells, side_by_side


def stamping(x: np.ndarray, kernel: np.ndarray, stride: int, stamp: int) -> BookFigure:
    """Return what a transposed convolution has painted after `stamp` stamps: the input (h, w), and the canvas.

    Pixels stamp from left to right, then row by row; the last stamp is framed on both sides. `kernel` is (k, k),
    nothing is cut from the canvas: ((h - 1) stride + k, (w - 1) stride + k).
    Raises ValueError for a stamp outside of 1..h w, a stride below 1, or arrays that are not 2-D.
    """
    x, kernel = np.asarray(x, dtype=float), np.asarray(kernel, dtype=float)
    if x.ndim != 2 or kernel.ndim != 2 or stride < 1 or not 1 <= stamp <= x.size:
        raise ValueError(
            f"Expected an input (h, w), a kernel (k, k), a stride of 1 or more and a stamp in 1..{x.size}; got "
            f"{x.shape}, {kernel.shape}, {stride} and {stamp}."
        )
    canvases = [np.zeros(((x.shape[0] - 1) * stride + len(kernel), (x.shape[1] - 1) * stride + kernel.shape[1]))]
    for row, column in np.ndindex(*x.shape):
        canvas = canvases[-1].copy()
        canvas[row * stride :, column * stride :][: len(kernel), : kernel.shape[1]] += x[row, column] * kernel
        canvases.append(canvas)
    row, column = divmod(stamp - 1, x.shape[1])
    alt = (
        f"After stamp {stamp} of {x.size}: the input, its pixel in row {row + 1}, column {column + 1} framed, and "
        f"the canvas of {len(canvas)}x{canvas.shape[1]} with the brush framed where it has just added "
        f"{x[row, column]:g} times the kernel"
    )
    fig, pair = side_by_side(6.6, 3.9, ["input", "canvas"], (x.shape[1] + 0.6, canvas.shape[1]), alt)
    limits = (0, canvases[-1].max())
    for axes, values, corner, size in [
        (pair[0], x, (column, row), (1, 1)),
        (pair[1], canvases[stamp], (column * stride, row * stride), kernel.shape[::-1]),
    ]:
        draw_cells(axes, values, numbers="g", limits=limits, size=10)
        axes.set_axis_off()
        axes.add_patch(Rectangle((corner[0] - 0.5, corner[1] - 0.5), *size, fill=False, edgecolor=WARM[0],
                                 linewidth=3.5, clip_on=False))  # fmt: skip
    return fig
