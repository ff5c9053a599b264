"""The confusion matrix: what is taken for what."""

from collections.abc import Sequence

import numpy as np

from fcn.palette import INK
from fcn.viz.cells import draw_cells
from fcn.viz.figure import BookFigure, figure
from fcn.viz.values import as_array, came

_LEAST = 0.005  # a smaller share gets no number
_CELL, _NAMES = 0.42, 1.1  # inches


def confusion(counts, classes: Sequence[str], *, alt: str) -> BookFigure:
    """Return a confusion matrix, a row each true class, in it the shares in % that were taken for each class.

    `counts` (K, K) are those of fcn.metrics.Confusion: row i, column j holds the pixels of class i that were taken
    for class j. A row without a pixel stays empty.
    Raises ValueError if they are not (K, K), not negative, for K names.

    >>> confusion([[90, 10], [40, 60]], ["road", "car"], alt="Two by two squares")
    <Figure: Two by two squares>
    """
    counts = as_array(counts).astype(float)
    if counts.shape != (len(classes), len(classes)) or not (counts >= 0).all():
        raise ValueError(f"Expected counts ({len(classes)}, {len(classes)}), 0 or more; got {came(counts)}.")
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    side = _CELL * len(classes) + _NAMES
    fig, ax = figure(side, side, alt=alt)
    draw_cells(ax, np.sqrt(shares), limits=(0, 1), ruled=False)
    for row, column in zip(*np.nonzero(shares >= _LEAST), strict=True):
        ink = "#101418" if shares[row, column] > 0.2 else "#ffffff"
        ax.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", color=ink, fontsize=9)
    ax.set_xticks(range(len(classes)), classes, rotation=60, ha="left", rotation_mode="anchor", color=INK[0])
    ax.set_yticks(range(len(classes)), classes, color=INK[0])
    ax.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    ax.set_ylabel("is")
    ax.set_xlabel("is taken for")
    ax.xaxis.set_label_position("top")
    return fig
