"""A photograph as small as those that a network was trained on, and its logits in its own size. K classes."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from fcn.expect import sizes, whole

_BAND = 2**20  # pixels that are enlarged at a time


def shrunk(image: Tensor, longest: int) -> Tensor:
    """Return a photograph (3, H, W) uint8 whose longer side is at most `longest`, a larger one made smaller.

    It is resized smoothly, over all pixels that fall on one, as photographs are for training. What is small enough is
    returned itself, as is all with the limit 0. Raises ValueError for another image, and for a limit below 0.

    >>> shrunk(torch.zeros(3, 300, 400, dtype=torch.uint8), 40).shape
    torch.Size([3, 30, 40])
    """
    _, height, width = sizes(image, "3 H W", "byte", name="a photograph")
    if not whole(longest, "the longer side", 0) or max(height, width) <= longest:
        return image
    size = [max(1, round(longest / max(height, width) * side)) for side in (height, width)]
    return F.interpolate(image[None].cpu(), size, mode="bilinear", antialias=True)[0].to(image.device)


def enlarged(logits: Tensor, height: int, width: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield logits (K, h, w) enlarged to height and width, in bands: the rows, all columns, the logits (K, r, W).

    The same as F.interpolate(..., mode="bilinear"), of which never more than 2^20 pixels are there at once.
    Raises ValueError for another shape, and for sides below 1.

    >>> [(rows, band.shape) for rows, _, band in enlarged(torch.zeros(5, 3, 4), 30, 40)]
    [(slice(0, 30, None), torch.Size([5, 30, 40]))]
    """
    _, low, _ = sizes(logits, "K h w", "float", name="logits")
    whole(height, "the height", 1), whole(width, "the width", 1)
    step = max(1, _BAND // width)
    for start in range(0, height, step):
        stop = min(start + step, height)
        places = ((torch.arange(start, stop, dtype=torch.float64) + 0.5) * low / height - 0.5).clamp(0, low - 1)
        above, share = places.long().to(logits.device), places.frac().to(logits)[:, None]
        rows = logits[:, above] * (1 - share) + logits[:, (above + 1).clamp(max=low - 1)] * share
        band = F.interpolate(rows[None], (stop - start, width), mode="bilinear")[0]  # its rows are already there
        yield slice(start, stop), slice(0, width), band
