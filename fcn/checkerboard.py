"""Chapter 4: counting and measuring checkerboards. H height, W width, s the stride."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from fcn.upsampling import BilinearUp, ResizeConv, SubPixel


def _interpolated(channels: int, out: int, learned: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, padding=1), BilinearUp(out, 2, exact=True).requires_grad_(learned)
    )


# Ways to double a map, each (channels, out) -> a module (N, C, H, W) -> (N, C', 2 H, 2 W).
DOUBLING = {
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


def decoder(way: str, channels: tuple[int, ...]) -> nn.Sequential:
    """Return a stack of doublings, all made in one way: (N, channels[0], H, W) -> (N, channels[-1], 2^n H, 2^n W).

    n is len(channels) - 1; BatchNorm and ReLU stand between two steps, nothing after the last, which gives logits.
    Raises ValueError for a way that DOUBLING does not know and for fewer than two numbers of channels.
    """
    if way not in DOUBLING:
        raise ValueError(f"There is no way {way!r} to double a map; there are {', '.join(map(repr, DOUBLING))}.")
    if len(channels) < 2:
        raise ValueError(f"A decoder needs the channels of its input and of each step; got {channels}.")
    steps = []
    for fewer, more in pairwise(channels):
        steps += [DOUBLING[way](fewer, more), nn.BatchNorm2d(more), nn.ReLU()]
    return nn.Sequential(*steps[:-2])


def paint_count(length, kernel, stride, padding=0) -> Tensor:
    """Count how often a transposed convolution paints each output pixel: 1-D from whole numbers, 2-D from pairs.

    `length` is the input's; each pixel of it stamps a brush `kernel` wide, `stride` apart, and `padding` pixels are
    cut from each end. Result: ((length - 1) stride + kernel - 2 padding,) int64, or its outer product for pairs
    (rows, columns), where a single number stands for both.
    Raises ValueError for anything but whole numbers and pairs, for a length, kernel or stride below 1,
    a padding below 0, or if nothing would be left.
    Source: Odena et al. 2016, Deconvolution and Checkerboard Artifacts.
    """
    values = (length, kernel, stride, padding)
    if any(isinstance(value, tuple) for value in values):
        if any(isinstance(value, tuple) and len(value) != 2 for value in values):
            raise ValueError(f"Expected whole numbers, or pairs of them as tuples; got {values}.")
        rows, columns = (paint_count(*(v[i] if isinstance(v, tuple) else v for v in values)) for i in (0, 1))
        return torch.outer(rows, columns)
    if not all(hasattr(value, "__index__") and not isinstance(value, bool) for value in values):
        raise ValueError(f"Expected whole numbers, or pairs of them as tuples; got {values}.")
    left = (length - 1) * stride + kernel - 2 * padding
    if min(length, kernel, stride) < 1 or padding < 0 or left < 1:
        raise ValueError(
            f"Expected length, kernel and stride of 1 or more and a padding that leaves something; "
            f"got {length}, {kernel}, {stride}, {padding}: {left} pixels would be left."
        )
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
    Raises ValueError for a stride below 2 or one that does not divide H and W, for less than two dimensions, and for
    maps that are empty or hold NaN or infinity.
    """
    if not isinstance(x, Tensor) or not x.numel() or not x.isfinite().all() or not hasattr(stride, "__index__"):
        raise ValueError(
            "Expected maps as a tensor of finite numbers, with something in it, and a whole stride; got "
            f"{type(x).__name__} {tuple(x.shape)} and {stride!r}. NaN means that the network has diverged."
        )
    if x.ndim < 2 or stride < 2 or x.shape[-2] % stride or x.shape[-1] % stride:
        raise ValueError(
            f"Expected maps (..., H, W) whose sides the stride (2 or more) divides; got {tuple(x.shape)} and "
            f"{stride}: crop the map first."
        )
    height, width = x.shape[-2:]
    maps = x.detach().double().reshape(-1, height // stride, stride, width // stride, stride)
    means = maps.mean(dim=(1, 3))
    between = means.var(dim=(1, 2), correction=0).sum()
    total = maps.var(dim=(1, 2, 3, 4), correction=0).sum()
    score = (between / total).item() if total > 0 else 0.0
    return score, (stride**2 - 1) / (height * width - 1)


def gradient_profile(layer: nn.Module, x: Tensor, stride: int) -> Tensor:
    """Return the mean squared gradient at the input by position modulo the stride: (s, s), its mean 1.

    The gradient is that of the layer's output, weighted by random signs drawn from torch's generator: what reaches
    the input (N, C, H, W) when every output pixel asks for something of its own.
    Raises ValueError as phase_score does, and if no gradient reaches the input.
    """
    phase_score(x, stride)  # checks the sizes
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(f"Expected the input as floating point (N, C, H, W); got {x.dtype} {tuple(x.shape)}.")
    x = x.detach().requires_grad_()
    y = layer(x)
    y.backward(torch.randint_like(y, 2) * 2 - 1)
    n, c, height, width = x.shape
    squared = x.grad.double().square().view(n, c, height // stride, stride, width // stride, stride)
    profile = squared.mean(dim=(0, 1, 2, 4))
    if profile.sum() == 0:
        raise ValueError("No gradient reaches the input: does the layer depend on it?")
    return profile / profile.mean()
