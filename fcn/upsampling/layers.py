"""Enlarging with weights that can be learned. N batch, C channels, H height, W width, s the factor of enlargement."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.expect import one_of, sizes, that, whole

_MODES = ("nearest", "bilinear")


def bilinear_kernel(factor: int, center: float | None = None) -> Tensor:
    """Return the tent that interpolates linearly between pixels `factor` apart: (k, k) float32.

    k is 2s for an even factor and 2s - 1 for an odd one; with a `center` as in bilinear_matrix, 2s if it lies between
    two pixels and 2s - 1 if it is one. Raises ValueError for a factor below 2 and for any other center.
    Source: Long et al. 2015, section 3.3.

    >>> bilinear_kernel(4).shape, bilinear_kernel(3).shape
    (torch.Size([8, 8]), torch.Size([5, 5]))
    """
    center = (whole(factor, "the factor", 2) - 1) / 2 if center is None else center
    that(2 * center % 1 == 0 and 0 <= center < factor, f"a center in 0, 0.5, 1, ..., {factor - 0.5}", center)
    size = 2 * factor - (1 if center % 1 == 0 else 0)
    return torch.outer(tent(size, factor), tent(size, factor))


def tent(size: int, factor: int) -> Tensor:
    """Return what falls from 1 at its middle to 0 at a distance of `factor` pixels: (size,) float32.

    >>> tent(4, 2).tolist()
    [0.25, 0.75, 0.75, 0.25]
    """
    distance = (torch.arange(size, dtype=torch.float32) - (size - 1) / 2).abs()
    return (1 - distance / factor).clamp(min=0)


class BilinearUp(nn.Module):
    """Bilinear interpolation as a transposed convolution, learnable: (N, C, H, W) -> (N, C, s H, s W).

    Each channel has a kernel of its own, which starts as bilinear_kernel(factor). Inside it equals
    F.interpolate(mode="bilinear", align_corners=False); within s // 2 pixels of the border it is darker, since
    nothing is painted from beyond. With `exact=True` the map is first continued by its outermost pixels, and the two
    are equal everywhere. `center` as in bilinear_matrix, a whole or half number. Raises ValueError as bilinear_kernel
    does, and for maps with other channels.
    Source: Long et al. 2015, section 3.3.

    >>> BilinearUp(3, 8)(torch.zeros(1, 3, 7, 7)).shape
    torch.Size([1, 3, 56, 56])
    """

    def __init__(self, channels: int, factor: int, *, center: float | None = None, exact: bool = False):
        super().__init__()
        self.factor, self.exact = factor, exact
        kernel = bilinear_kernel(factor, center)
        self.center = (factor - 1) / 2 if center is None else center
        self.weight = nn.Parameter(kernel.expand(whole(channels, "channels", 1), 1, -1, -1).clone())

    def forward(self, x: Tensor) -> Tensor:
        height, width = (self.factor * side for side in sizes(x, f"N {len(self.weight)} H W", name="maps")[2:])
        # The first kernel is centered on `center`, so the canvas, where that kernel begins, begins before the map.
        first = round((self.weight.shape[-1] - 1) / 2 - self.center)
        if self.exact:
            x = F.pad(x, (1, 1, 1, 1), mode="replicate")
            first += self.factor
        canvas = F.conv_transpose2d(x, self.weight, stride=self.factor, groups=len(self.weight))
        return canvas[:, :, first : first + height, first : first + width]


class ResizeConv(nn.Sequential):
    """Enlarge by interpolation, then convolve: (N, C, H, W) -> (N, C', s H, s W).

    `mode` is "nearest" or "bilinear"; `kernel` is odd. Raises ValueError otherwise, and for a factor below 2.
    Source: Odena et al. 2016, Deconvolution and Checkerboard Artifacts.

    >>> ResizeConv(3, 5, 2)(torch.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 5, 8, 8])
    """

    def __init__(self, channels: int, out: int, factor: int, *, kernel: int = 3, mode: str = "nearest"):
        enlarge = nn.Upsample(scale_factor=whole(factor, "the factor", 2), mode=one_of(mode, "mode", _MODES))
        super().__init__(enlarge, _same_size(channels, out, kernel))


class SubPixel(nn.Sequential):
    """Convolve to s * s times the channels and deal them out as pixels: (N, C, H, W) -> (N, C', s H, s W).

    With `icnr=True` the s * s pixels of a block start equal, so that the fresh layer is a convolution followed by
    nearest. Raises ValueError for a factor below 2 and for an even kernel.
    Source: Shi et al. 2016, section 3; Aitken et al. 2017 (ICNR).

    >>> SubPixel(3, 5, 2)(torch.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 5, 8, 8])
    """

    def __init__(self, channels: int, out: int, factor: int, *, kernel: int = 3, icnr: bool = True):
        conv = _same_size(channels, out * whole(factor, "the factor", 2) ** 2, kernel)
        super().__init__(conv, nn.PixelShuffle(factor))
        if icnr:
            with torch.no_grad():
                for parameter in (conv.weight, conv.bias):
                    parameter.copy_(parameter[:: factor**2].repeat_interleave(factor**2, dim=0))


def _same_size(channels: int, out: int, kernel: int) -> nn.Conv2d:
    that(whole(kernel, "the kernel", 1) % 2 == 1, "an odd kernel, which has a middle", kernel)
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2)
