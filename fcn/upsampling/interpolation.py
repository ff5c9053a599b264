"""Enlarging with nothing to learn. N batch, C channels, H height, W width, s the factor of enlargement."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn import VOID
from fcn.expect import labels, sizes, that, whole


def nearest(x: Tensor, factor: int) -> Tensor:
    """Repeat each pixel `factor` times down and across: (N, C, H, W) -> (N, C, s H, s W).

    Raises ValueError for a factor below 2 and for another shape.

    >>> nearest(torch.zeros(1, 2, 3, 4), 2).shape
    torch.Size([1, 2, 6, 8])
    """
    sizes(x, "N C H W", name="a map"), whole(factor, "the factor", 2)
    return x.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)


def bilinear(x: Tensor, factor: int, center: float | None = None) -> Tensor:
    """Interpolate linearly down and across: (N, C, H, W) -> (N, C, s H, s W).

    The same as F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False), and faster to train
    through on two cores where the factor is large; only, an infinite score counts as half the largest finite one,
    and a NaN makes all of its map NaN.
    `center` as in bilinear_matrix. Raises ValueError as nearest does, and for whole numbers.

    >>> bilinear(torch.zeros(1, 2, 3, 4), 8).shape
    torch.Size([1, 2, 24, 32])
    """
    sizes(x, "N C H W", "float", name="a map", advice="Interpolation makes fractions: pass x.float().")
    return Bilinear(factor, center)(x)


class Bilinear(nn.Module):
    """Bilinear interpolation with nothing to learn, as a module; arguments and errors as for bilinear.

    >>> Bilinear(8)(torch.zeros(1, 2, 3, 4)).shape
    torch.Size([1, 2, 24, 32])
    """

    def __init__(self, factor: int, center: float | None = None):
        super().__init__()
        self.factor, self.center = whole(factor, "the factor", 2), center

    def forward(self, x: Tensor) -> Tensor:
        # Two products with small matrices, one for the rows and one for the columns. In them a zero must make even an
        # infinite score vanish, as the pixels far from it do not see it.
        largest = torch.finfo(x.dtype).max / 2
        rows, columns = (_matrix(side, self.factor, self.center).to(x.dtype).to(x.device) for side in x.shape[2:])
        return rows @ x.clamp(-largest, largest) @ columns.T  # (s H, H) (N, C, H, W) (W, s W)

    def extra_repr(self) -> str:
        return f"{self.factor}, center={self.center}"


def bilinear_matrix(length: int, factor: int, center: float | None = None) -> Tensor:
    """Return the matrix that interpolates L values linearly: (s L, L) float64, each row mixes two and sums to 1.

    `center` is the large pixel on which the first small one is centered, the next lying s further on: (s - 1) / 2 if
    each stands for a block of s pixels, which is the default and what align_corners=False means elsewhere. Before the
    first center and after the last the outermost value goes on. Raises ValueError for a factor below 2, a length
    below 1.

    >>> bilinear_matrix(2, 2).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    return _matrix(whole(length, "the length", 1), whole(factor, "the factor", 2), center)


def _matrix(length: int, factor: int, center: float | None) -> Tensor:
    # Unchecked: whole() would make a constant of a length that torch.compile and torch.export keep as a symbol.
    center = (factor - 1) / 2 if center is None else center
    cells, pixels = (  # float64, whatever the default is: in bfloat16 pixel 257 would be 256
        torch.arange(count, dtype=torch.float64, device="cpu") for count in (length, factor * length)
    )
    places = ((pixels - center) / factor).clamp(0, length - 1)
    return (1 - (places[:, None] - cells).abs()).clamp(min=0)


def bed_of_nails(x: Tensor, factor: int) -> Tensor:
    """Put each pixel into the upper left corner of a block of zeros: (N, C, H, W) -> (N, C, s H, s W).

    Raises ValueError as nearest does.

    >>> bed_of_nails(torch.ones(1, 1, 1, 2), 2).tolist()
    [[[[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]
    """
    n, c, h, w = sizes(x, "N C H W", name="a map")
    nails = x.new_zeros(n, c, whole(factor, "the factor", 2) * h, factor * w)
    nails[:, :, ::factor, ::factor] = x
    return nails


def max_unpool(x: Tensor, indices: Tensor, factor: int) -> Tensor:
    """Put each pixel back where max-pooling took it from, zeros elsewhere: (N, C, H, W) -> (N, C, s H, s W).

    `indices` are those that F.max_pool2d(..., factor, return_indices=True) returned: (N, C, H, W) int64, each the
    place in the flattened large map. The large map must have sides of s H and s W: max_pool2d drops what is left over
    where s does not divide them, and max_unpool cannot know.
    Raises ValueError as nearest does, and if an index lies outside of the block that its pixel stands for: then it
    belongs to another input. Source: Zeiler and Fergus 2014, section 2.1.

    >>> pooled, indices = F.max_pool2d(torch.rand(1, 2, 6, 8), 2, return_indices=True)
    >>> max_unpool(pooled, indices, 2).shape
    torch.Size([1, 2, 6, 8])
    """
    n, c, h, w = sizes(x, "N C H W", name="a map")
    sizes(indices, f"{n} {c} {h} {w}", "whole", name="indices, one a pixel,")
    height, width = whole(factor, "the factor", 2) * h, factor * w
    # An index counts the pixels of the large map row by row; the block it lies in must be the one of its own pixel.
    block = indices // width // factor * w + indices % width // factor
    strangers = (block != torch.arange(h * w, device=x.device).view(h, w)).nonzero()
    wrong = [(indices[place].item(), place) for place in map(tuple, strangers[:1].tolist())]
    that(not wrong, f"each index in the {factor}x{factor} block of its pixel in a map of {height}x{width}", wrong)
    large = x.new_zeros(n, c, height * width)
    return large.scatter(2, indices.flatten(2), x.flatten(2)).view(n, c, height, width)


def coarsened(masks: Tensor, factor: int, classes: int) -> Tensor:
    """Return what is left of label maps on a grid `factor` times coarser: (N, H, W) -> (N, H, W) of their dtype.

    Of each block the share of every class is kept (VOID belongs to none, so a block full of it weighs nothing), and
    the shares are interpolated linearly; the largest wins. Scored against the masks themselves it says what averaged
    shares reach on so coarse a grid.
    Raises ValueError for a factor below 2 or one that does not divide H and W, and for other labels.
    Source: the question is that of Long et al. 2015, appendix A of arXiv v2.

    >>> coarsened(torch.zeros(1, 64, 64, dtype=torch.uint8), 32, classes=3).shape
    torch.Size([1, 64, 64])
    """
    _, height, width = sizes(masks, "N H W", "whole", name="label maps")
    divides = height % whole(factor, "the factor", 2) == width % factor == 0
    that(divides, f"sides that {factor} divides", masks, "Crop the maps first.")
    answers = []
    for mask in labels(masks, classes, void=VOID):  # one by one: a map for each class takes memory
        one_hot = (mask == torch.arange(classes, device=mask.device)[:, None, None]).float()  # (K, H, W)
        shares = F.avg_pool2d(one_hot[None], factor)  # (1, K, H / s, W / s)
        answers.append(bilinear(shares, factor)[0].argmax(0).to(masks.dtype))
    return torch.stack(answers)
