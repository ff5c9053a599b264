"""Reliability diagrams: how often right against how sure."""

from collections.abc import Mapping

import numpy as np

from fcn.palette import ACCENT, INK, LINE, WARM
from fcn.viz.figure import BookFigure, figure
from fcn.viz.values import as_array, came

_COLORS = (WARM, ACCENT, INK)
_FEWEST = 1e-4  # of all pixels: in a bin with less, how often right is chance


def reliability(groups: Mapping, *, alt: str, width: float = 4.0) -> BookFigure:
    """Return a dot for each bin of {name: counts}: how sure the network was, and how often right; a diagonal.

    `counts` are (3, bins), as fcn.calibration.Reliability has them: pixels, the sum of their probabilities, how many
    of them are right. A dot is the larger the more pixels its bin has; bins of less than a ten thousandth of all are
    left out. On the diagonal a network is as often right as it is sure, below it is too sure. Up to three groups.
    Raises ValueError for no group or more than three, and for counts of another shape, below 0 or without a pixel.
    Source: Guo et al. 2017, figure 1, there with bars.

    >>> reliability({"before": [[10, 30], [4, 28], [4, 21]]}, alt="Two dots, the right one below the diagonal")
    <Figure: Two dots, the right one below the diagonal>
    """
    if not isinstance(groups, Mapping) or not 1 <= len(groups) <= len(_COLORS):
        raise ValueError(f"Expected 1 to {len(_COLORS)} groups {{name: counts}}; got {came(groups)}.")
    several = {str(name): as_array(counts).astype(float) for name, counts in groups.items()}
    for name, counts in several.items():
        if counts.ndim != 2 or len(counts) != 3 or not (counts >= 0).all() or counts[0].sum() == 0:
            raise ValueError(f"Expected counts (3, bins), 0 or more, of some pixels; got {counts.shape} ({name}).")
    fig, ax = figure(width, width, alt=alt)
    ax.plot([0, 1], [0, 1], color=LINE[0], linewidth=1.6, label="as often right as sure")
    for (name, counts), color in zip(several.items(), _COLORS, strict=False):
        pixels, sure, right = counts[:, counts[0] > _FEWEST * counts[0].sum()]
        ax.plot(sure / pixels, right / pixels, color=color[0], linewidth=1.2, alpha=0.6)
        size = 20 + 160 * np.sqrt(pixels / pixels.sum())
        ax.scatter(sure / pixels, right / pixels, size, color=color[0], label=name, linewidths=0)
    ax.set_xlim(0, 1.03)
    ax.set_ylim(0, 1.03)
    ax.set_aspect("equal")
    ax.set_xlabel("how sure")
    ax.set_ylabel("how often right")
    for handle in ax.legend(frameon=False, loc="lower right").legend_handles[1:]:
        handle.set_sizes([50])
    return fig
