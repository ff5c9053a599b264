"""Chapter 5: how far a cell of each map sees."""

from collections.abc import Mapping, Sequence

import numpy as np
import traitlets

from fcn.viz import overlay, panel
from fcn.viz.values import as_array, as_image
from fcn.widgets.live import Live, as_html, as_text, source

_SHARE = 0.9  # of all that a cell depends on
_FINEST = 128  # values a side at which a field is kept


class See(Live):
    """Pictures, and for the cell that one points at, in each depth, what it can see and on what it depends most.

    `images` are N squares (3, S, S) uint8. `fields` are {stride: (S, S)}: how strongly the cell in row and column
    S / stride // 2 of the map depends on each pixel. `centers` are {stride: on which pixel the map's first cell is
    centered}. The figure lays each field around the cell that is pointed at; in truth it differs from cell to cell.
    Raises ValueError if these do not fit to each other, and for a field that is 0 everywhere.

    >>> See(np.zeros((1, 3, 8, 8), np.uint8), {4: np.eye(8)}, {4: 1.5})
    <See>
    """

    _esm = source("see")
    pictures = traitlets.List(traitlets.Unicode()).tag(sync=True)
    depths = traitlets.List(traitlets.Dict()).tag(sync=True)
    side = traitlets.Int().tag(sync=True)

    def __init__(self, images: Sequence, fields: Mapping, centers: Mapping):
        pictures = [as_image(each) for each in images]
        side = pictures[0].shape[0] if pictures else 0
        strengths = {int(stride): as_array(field).astype(float) for stride, field in fields.items()}
        sizes = {*(picture.shape[:2] for picture in pictures), *(field.shape for field in strengths.values())}
        if sizes != {(side, side)} or set(strengths) != set(map(int, centers)) or any(side % s for s in strengths):
            raise ValueError(
                f"Expected pictures and fields of one size, multiples of the strides, a center each; "
                f"got {sorted(sizes)}, fields of {[*strengths]}, centers of {[*centers]}."
            )
        depths = [_told(stride, field, centers[stride], side) for stride, field in strengths.items()]
        deepest = strengths[max(strengths)] ** 0.5
        said = f"The middle cell of the map at stride {max(strengths)} and what it depends on"
        still = panel(overlay(pictures[0], deepest / deepest.max()), width=3.4, alt=said)
        html = [as_html(picture, "JPEG") for picture in pictures]
        super().__init__(still=still.html(), pictures=html, depths=depths, side=side)


def _told(stride: int, field: np.ndarray, center: float, side: int) -> dict:
    """Return where a field lies against its cell's center, how far its share reaches, and its strengths in bytes."""
    if not (field >= 0).all() or field.max() == 0:
        raise ValueError(f"Expected strengths of 0 or more, and some above; got others at stride {stride}.")
    middle = center + stride * (side // stride // 2)
    rows, columns = (np.flatnonzero(field.sum(axis=axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    seen = field[top : rows[-1] + 1, left : columns[-1] + 1]
    step = -(-max(seen.shape) // _FINEST)
    high, wide = (-(-length // step) for length in seen.shape)
    padded = np.pad(seen, ((0, high * step - seen.shape[0]), (0, wide * step - seen.shape[1])))
    kept = padded.reshape(high, step, wide, step).mean(axis=(1, 3)) ** 0.5
    half = _half(field, middle)
    return {
        "stride": stride, "center": float(center), "top": top - middle, "left": left - middle,
        "high": seen.shape[0], "wide": seen.shape[1], "step": step, "rows": high, "columns": wide, "most": 2 * half,
        "values": as_text((255 * kept / kept.max()).round().astype(np.uint8)),
    }  # fmt: skip


def _half(field: np.ndarray, middle: float) -> int:
    """Return half the side of the centred square that holds the share."""
    at = int(np.ceil(middle))
    for half in range(1, at + 1):
        inside = field[at - half : at + half, at - half : at + half]
        if inside.sum() >= _SHARE * field.sum():
            return half
    return at
