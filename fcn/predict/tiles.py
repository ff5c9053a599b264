"""A picture of any size, asked in overlapping tiles whose logits are blended. K classes, H height, W width."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fcn.answers import asked, predicted
from fcn.expect import scores, sizes, that, whole

TILE, OVERLAP = 1280, 512  # pixels a side; what two neighbors share
WHOLE, LONGEST = 2**21, 4096  # up to so many pixels, and a side of so many, a picture is asked at once
_GRID = 32  # the coarsest stride: only tiles that begin on it have their cells where the whole picture has them
_RAMP = 32  # the pixels over which one tile's weight falls and the next one's rises


class _Span(NamedTuple):
    """A tile along one side: what the network sees, [start, stop), and where its weight is not 0, [low, high).

    From `low` to `done` nothing comes from later tiles; `weight` has high - low values.
    """

    start: int
    stop: int
    low: int
    high: int
    done: int
    weight: Tensor


def label_map(net: nn.Module, image: Tensor, *, tile: int | None = None, overlap: int | None = None) -> Tensor:
    """Return the label map (H, W) uint8 of one image (3, H, W) of any size, asked in tiles if it is large.

    Arguments, exactness, memory and errors as for blocks; the map lies where the image does. Besides that memory it
    takes a byte a pixel.

    >>> net = nn.Conv2d(3, 5, 3, padding=1)
    >>> label_map(net, torch.rand(3, 200, 90), tile=96, overlap=32).shape
    torch.Size([200, 90])
    """
    return joined(blocks(net, image, tile=tile, overlap=overlap), image)


def joined(parts: Iterable[tuple[slice, slice, Tensor]], image: Tensor) -> Tensor:
    """Return the label map (H, W) uint8 of an image (3, H, W) from its blocks of logits: rows, columns, (K, h, w).

    Raises ValueError as fcn.predict.predicted does.

    >>> joined([(slice(0, 2), slice(0, 4), torch.rand(5, 2, 4))], torch.rand(3, 2, 4)).shape
    torch.Size([2, 4])
    """
    found = None
    for rows, columns, logits in parts:
        if found is None:  # now that the image is known to be one
            found = torch.empty(image.shape[1:], dtype=torch.uint8, device=image.device)
        found[rows, columns] = predicted(logits[None])[0]
        del logits  # before the next tile
    return found


def blocks(
    net: nn.Module, image: Tensor, *, tile: int | None = None, overlap: int | None = None
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield the logits of one image (3, H, W), block by block: the rows, the columns, and the logits (K, h, w) there.

    The blocks cover each pixel once, row of tiles by row of tiles. The image is what the network takes: bytes, or
    floats normalized already. A tile has `tile` pixels a side and shares `overlap` of them with the next one. By
    default an image of up to 2^21 pixels (1920x1080) and 4096 a side is one block, asked whole; a larger one is asked
    in tiles of 1280, overlap 512. With a `tile` of your own it is asked whole if it fits into one, and the overlap is
    512 or, for tiles below 1024, half of the tile. Both are multiples of 32, the network's coarsest stride: shifted
    by less, its cells would lie elsewhere, and the logits differ everywhere, not only at a tile's edge.

    Exactness. In the overlap a tile's weight is 0 in its outer (overlap - 32) / 2 pixels, which are context alone,
    and rises smoothly to 1 over the next 32, where the neighbor's falls: the weights sum to 1. So the logits are
    those of the whole picture, but for rounding (1e-4), if (overlap - 32) / 2 pixels are as far as the network sees.
    The book's FCN-8s on EfficientNet-Lite0, its head of 3x3 included, sees 488 to each side: 425 by the backbone's
    kernels and strides, 32 by the head, 31 by the enlargements; all else, BatchNorm too, is local. It is exact with
    overlap=1024, at nine times the time of the default's. With the default every pixel has 240 of context or more.
    Measured on the book's six photographs, enlarged to 2560x1920, camvid-fcn8s: 0.03 to 0.07 % of the pixels get
    another label than at once, and no logit differs by more than 0.23, of a range of about 40.

    Memory, with that network: 300 bytes, or 8 K if that is more, for each pixel of a tile, half a GB by default, and
    128 W K bytes for what is still open. H does not count.

    Raises ValueError for another image, for a tile or overlap that is no multiple of 32, for an overlap as large as
    the tile, and for a network whose logits are not as large as what it was asked about.

    >>> net = nn.Conv2d(3, 5, 3, padding=1)
    >>> [(rows, logits.shape[2]) for rows, _, logits in blocks(net, torch.rand(3, 90, 20), tile=64)]
    [(slice(0, 32, None), 20), (slice(32, 90, None), 20)]
    """
    _, height, width = sizes(image, "3 H W", name="an image")
    tile, overlap = tile_and_overlap(tile, overlap, height=height, width=width)
    below, right = None, None  # what is still open: under the row of tiles above, beside the tile on the left
    down, across = (_spans(side, tile, overlap) for side in (height, width))
    for row in down:
        for column in across:
            part = image[None, :, row.start : row.stop, column.start : column.stop]
            block = _weighted(_asked(net, part, alone=len(down) == len(across) == 1), row, column)
            if column.low:
                block[:, :, : right.shape[2]] += right
            ready = column.done - column.low
            right, block = block[:, :, ready:].clone(), block[:, :, :ready]
            here = (..., slice(column.low, column.done))
            if row.low:
                block[:, : below.shape[1]] += below[here]
            ready = row.done - row.low
            if below is None:
                below = block.new_empty(len(block), row.high - row.done, width)
            if row.done < height:
                below[here] = block[:, ready:]
            yield slice(row.low, row.done), slice(column.low, column.done), block[:, :ready]
            del block  # or it would lie there while the network works on the next tile


def tile_and_overlap(tile: int | None, overlap: int | None = None, *, height: int, width: int) -> tuple[int, int]:
    """Return the tile and the overlap that are meant for an image; see blocks, whose errors are raised here.

    >>> tile_and_overlap(None, height=480, width=640), tile_and_overlap(None, height=3000, width=4000)
    ((640, 320), (1280, 512))
    """
    if tile is None:
        small = height * width <= WHOLE and max(height, width) <= LONGEST and overlap is None
        tile = _GRID * -(-max(height, width) // _GRID) if small else TILE
    whole(tile, "the side of a tile", _GRID)
    overlap = min(OVERLAP, tile // 2 // _GRID * _GRID) if overlap is None else whole(overlap, "the overlap", 0)
    fits = tile % _GRID == overlap % _GRID == 0 and overlap < tile
    that(fits, f"a tile and a smaller overlap that are multiples of {_GRID}", (tile, overlap))
    return tile, overlap


def _spans(length: int, tile: int, overlap: int) -> list[_Span]:
    """Return the tiles along a side; the last one ends with it, and may be shorter than the others."""
    ramp = min(_RAMP, overlap)
    margin, step = (overlap - ramp) // 2, tile - overlap
    rise = torch.sin(torch.pi / 2 * (torch.arange(ramp) + 0.5) / max(ramp, 1)) ** 2  # and 1 - rise is its mirror
    spans = []
    for start in range(0, max(length - overlap, 1), step):
        first, last = start == 0, start + tile >= length
        low, high = 0 if first else start + margin, length if last else start + tile - margin
        weight = torch.ones(high - low)
        if not first:
            weight[:ramp] = rise
        if not last:
            weight[high - low - ramp :] = rise.flip(0)
        spans.append(_Span(start, min(start + tile, length), low, high, high if last else high - ramp, weight))
    return spans


def _asked(net: nn.Module, part: Tensor, *, alone: bool) -> Tensor:
    """Return the logits (K, h, w) of a part (1, 3, h, w) of an image, or of one that stands alone."""
    # with the channels of a pixel side by side a convolution needs a quarter less memory, and rounds differently
    part = part.contiguous() if alone else part.contiguous(memory_format=torch.channels_last)
    with asked(net) as device:  # around one tile, not around a yield: the caller's gradients stay as they are
        logits = net(part.to(device))
    scores(logits)
    that(logits.shape[2:] == part.shape[2:], f"logits as large as the image, {tuple(part.shape[2:])}", logits)
    return logits[0]


def _weighted(logits: Tensor, row: _Span, column: _Span) -> Tensor:
    """Return those logits of a tile (K, h, w) whose weight is not 0, times their weight."""
    if row.weight.min() == column.weight.min() == 1 and logits.shape[1:] == (row.high, column.high):
        return logits  # of the whole image
    rows, columns = (slice(span.low - span.start, span.high - span.start) for span in (row, column))
    down, across = (span.weight.to(logits.device) for span in (row, column))
    return (logits[:, rows, columns].float() * down[:, None]).mul_(across)
