"""Chapter 3: a transposed convolution, stamp by stamp and pixel by pixel."""

import traitlets

from fcn.viz import stamps
from fcn.viz.values import as_small_map
from fcn.widgets.live import Live, source

_LARGEST = 5  # pixels of the input a side


class Grow(Live):
    """A transposed convolution as stamping and as gathering, side by side; all of its settings can be changed.

    `x` is the input (h, w), up to 5 pixels a side, `brush` (k, k), k from 1 to 7: whole numbers from -9 to 9 at best,
    as both can be edited. Raises ValueError for other maps, traitlets.TraitError for other settings.

    >>> Grow([[1, 2], [0, 3]], [[1, 1], [1, 1]], stride=2)
    <Grow>
    """

    _esm = source("grow")
    x = traitlets.List().tag(sync=True)
    brush = traitlets.List().tag(sync=True)
    stride = traitlets.Int(2, min=1, max=4).tag(sync=True)
    padding = traitlets.Int(0, min=0, max=9).tag(sync=True)
    output_padding = traitlets.Int(0, min=0, max=3).tag(sync=True)
    dilation = traitlets.Int(1, min=1, max=3).tag(sync=True)

    def __init__(self, x, brush, *, stride: int = 2, **settings):
        x, brush = as_small_map(x), as_small_map(brush)
        if max(x.shape) > _LARGEST or brush.shape[0] != brush.shape[1] or len(brush) > 7:
            raise ValueError(
                f"Expected an input of up to {_LARGEST} pixels a side and a square brush of up to 7; got {x.shape} "
                f"and {brush.shape}."
            )
        still = stamps(x, brush, stride=stride, stamp=x.size // 2 + 1).html()
        super().__init__(still=still, x=x.tolist(), brush=brush.tolist(), stride=stride, **settings)
