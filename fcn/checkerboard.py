"""Chapter 4: counting and measuring checkerboards. H height, W width, s the stride."""

import copy
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from fcn.expect import one_of, sizes, that, whole
from fcn.upsampling import BilinearUp, ResizeConv, SubPixel


def _interpolated(channels: int, out: int, learned: bool) -> nn.Sequential:
    up = BilinearUp(out, 2, exact=True).requires_grad_(learned)
    return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), up)


# Upsamplers that double a map, each (channels, out) -> a module (N, C, H, W) -> (N, C', 2 H, 2 W).
UPSAMPLERS = {
    "transposed k=2": lambda c, out: nn.ConvTranspose2d(c, out, 2, stride=2),
    "transposed k=3": lambda c, out: nn.ConvTranspose2d(c, out, 3, stride=2, padding=1, output_padding=1),
    "transposed k=4": lambda c, out: nn.ConvTranspose2d(c, out, 4, stride=2, padding=1),
    "sub-pixel": lambda c, out: SubPixel(c, out, 2, icnr=False),
    "sub-pixel, ICNR": lambda c, out: SubPixel(c, out, 2),
    "nearest + conv": lambda c, out: ResizeConv(c, out, 2, mode="nearest"),
    "bilinear + conv": lambda c, out: ResizeConv(c, out, 2, mode="bilinear"),
    "conv + learned bilinear": lambda c, out: _interpolated(c, out, learned=True),
    "conv + fixed bilinear": lambda c, out: _interpolated(c, out, learned=False),
}


def decoder(upsampler: str | Callable, channels: tuple[int, ...]) -> nn.Sequential:
    """Return a stack of doublings by one upsampler: (N, channels[0], H, W) -> (N, channels[-1], 2^n H, 2^n W).

    The upsampler is one of UPSAMPLERS by its name, or your own: a function (channels, out) -> a module that doubles.
    n is len(channels) - 1; BatchNorm and ReLU stand between two steps, nothing after the last, which gives logits.
    Raises ValueError for a name that UPSAMPLERS does not have and for fewer than two numbers of channels.

    >>> decoder("nearest + conv", (8, 6, 4))(torch.zeros(1, 8, 5, 5)).shape
    torch.Size([1, 4, 20, 20])
    """
    double = upsampler if callable(upsampler) else UPSAMPLERS[one_of(upsampler, "the upsampler", UPSAMPLERS)]
    that(len(channels) > 1, "the channels of a decoder's input and of each step", channels)
    steps = []
    for fewer, more in pairwise(channels):
        steps += [double(fewer, more), nn.BatchNorm2d(more), nn.ReLU()]
    return nn.Sequential(*steps[:-2])


def paint_count(length, kernel, stride, padding=0) -> Tensor:
    """Count how often a transposed convolution paints each output pixel: 1-D from whole numbers, 2-D from pairs.

    `length` is the input's; each pixel of it stamps a brush `kernel` wide, `stride` apart, and `padding` pixels are
    cut from each end. Result: ((length - 1) stride + kernel - 2 padding,) int64, or its outer product for pairs
    (rows, columns), where a single number stands for both.
    Raises ValueError for other numbers, or if nothing would be left.
    Source: Odena et al. 2016, Deconvolution and Checkerboard Artifacts.

    >>> paint_count(length=4, kernel=3, stride=2).tolist()
    [1, 1, 2, 1, 2, 1, 2, 1, 1]
    """
    values = (length, kernel, stride, padding)
    pairs = [value for value in values if isinstance(value, tuple)]
    if pairs and all(len(pair) == 2 for pair in pairs):
        rows, columns = (paint_count(*(v[i] if isinstance(v, tuple) else v for v in values)) for i in (0, 1))
        return torch.outer(rows, columns)
    length, kernel, stride = (
        whole(value, f"the {name}, or a pair (rows, columns) of them,", 1, 10**6)
        for name, value in [("length", length), ("kernel", kernel), ("stride", stride)]
    )
    left = (length - 1) * stride + kernel - 2 * whole(padding, "the padding", 0)
    that(left > 0, f"a padding that leaves something: {left} pixels would be left", padding)
    place = torch.arange(padding, padding + left)
    last = (place // stride).clamp(max=length - 1)  # the last brush that starts at or before the place
    first = ((place - kernel) // stride + 1).clamp(min=0)  # the first that still reaches it
    return (last - first + 1).clamp(min=0)


def phase_score(x: Tensor, stride: int) -> tuple[float, float]:
    """Return (score, floor): the share of a map's variance that repeats with period `stride`: (..., H, W) -> 0..1.

    The score is the variance of the means by position modulo the stride over the variance of all pixels, both taken
    within each map and summed over the maps; 0 for constant maps. It equals the share of the spectrum's energy, less
    that of the mean, at the frequencies k H / s and l W / s. `floor` is what white noise scores on average,
    (s * s - 1) / (H W - 1): a score means something where it stands well above.
    Raises ValueError for a stride below 2 or one that does not divide H and W, and for maps that are not finite.

    >>> board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).tile(8, 8)
    >>> phase_score(board, stride=2)[0]
    1.0
    """
    _check_maps(x, stride)
    maps = _by_phase(x.detach().cpu().double(), stride)  # to the CPU first: not every device knows float64
    between = maps.mean(dim=(1, 3)).var(dim=(1, 2), correction=0).sum()
    total = maps.var(dim=(1, 2, 3, 4), correction=0).sum()
    # The variance of a constant is not 0 but what rounding leaves of it.
    rounding = maps.square().mean(dim=(1, 2, 3, 4)).sum() * (1000 * torch.finfo(maps.dtype).eps) ** 2
    score = (between / total).item() if total > rounding else 0.0
    return score, (stride**2 - 1) / (x.shape[-2] * x.shape[-1] - 1)


def gradient_profile(layer: nn.Module, x: Tensor, stride: int) -> Tensor:
    """Return the mean squared gradient at the input by position modulo the stride: (s, s) float64, its mean 1.

    The gradient is that of the layer's output, weighted by random signs drawn from torch's generator: what reaches
    the input (N, C, H, W) when every output pixel asks for something of its own. The layer stays as it is.
    Raises ValueError as phase_score does, and if no gradient reaches the input.

    >>> gradient_profile(nn.Conv2d(2, 2, 1, stride=2), torch.rand(1, 2, 8, 8), stride=2).tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    sizes(x, "N C H W", "float", name="an input")
    _check_maps(x, stride)
    x = x.detach().requires_grad_()
    y = copy.deepcopy(layer)(x)  # a copy: BatchNorm would count what passes through it
    signs = torch.randint_like(y, 2) * 2 - 1
    (gradient,) = torch.autograd.grad(y, x, signs, allow_unused=True)
    reached = gradient is not None and bool(gradient.any())
    that(reached, "a layer through which a gradient reaches the input", layer)
    profile = _by_phase(gradient.cpu().double().square(), stride).mean(dim=(0, 1, 3))
    return profile / profile.mean()


def _by_phase(maps: Tensor, stride: int) -> Tensor:
    height, width = maps.shape[-2:]
    return maps.reshape(-1, height // stride, stride, width // stride, stride)  # (maps, H / s, s, W / s, s)


def _check_maps(x: Tensor, stride: int) -> None:
    height, width = sizes(x, "... H W", name="maps")[-2:]
    divides = height % whole(stride, "the stride", 2) == width % stride == 0
    that(divides, f"sides that {stride} divides", x, "Crop the map first.")
    that(x.isfinite().all(), "finite numbers", x[~x.isfinite()][:1].tolist(), "Has the network diverged?")
