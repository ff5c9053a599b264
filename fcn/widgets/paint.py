"""Chapter 4: paint that overlaps."""

import numpy as np
import traitlets

from fcn.viz import BookFigure, paint_counts
from fcn.widgets.live import Live, source

BRUSHES, INPUTS = ("ones", "random", "positive", "tent"), ("even", "nearly", "noise")


class Paint(Live):
    """A transposed convolution beside nearest neighbour and a convolution, with one brush: tiles, and their score.

    `kernel` is 1 to 7, `stride` 2 to 4, `depth` how often in a row, 1 to 3; `brush` "ones", "random", "positive"
    (random, of one sign) or "tent"; `input`, what is painted, "even", "nearly" (even, with a tenth of noise) or
    "noise". All can be changed in the figure. Raises traitlets.TraitError for anything else.

    >>> Paint(kernel=3, stride=2).depth
    1
    """

    _esm = source("paint")
    kernel = traitlets.Int(3, min=1, max=7).tag(sync=True)
    stride = traitlets.Int(2, min=2, max=4).tag(sync=True)
    depth = traitlets.Int(1, min=1, max=3).tag(sync=True)
    brush = traitlets.Enum(BRUSHES, "ones").tag(sync=True)
    input = traitlets.Enum(INPUTS, "even").tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)

    def __init__(self, kernel: int = 3, stride: int = 2, **state):
        super().__init__(still=_still(kernel, stride).html(), kernel=kernel, stride=stride, **state)


def _still(kernel: int, stride: int) -> BookFigure:
    """Return the counts of five stamps of a brush of ones."""
    return paint_counts(sum(np.pad(np.ones(kernel, dtype=int), (k * stride, (4 - k) * stride)) for k in range(5)))
