"""What a transposed convolution starts from. C channels, H height, W width, k the kernel's side, s the stride."""

import torch
from torch import Tensor, nn

from fcn.expect import that, whole


@torch.no_grad()
def tent_(layer: nn.ConvTranspose2d) -> nn.ConvTranspose2d:
    """Start a transposed convolution without tiles: each kernel is a tent times a random number of its own.

    The tent falls from its middle to zero at a distance of s pixels, so a k of 2s interpolates linearly. The numbers
    are drawn from torch's generator, and scaled so that the weights have the root mean square that they had. In
    place, as in torch.nn.init; the layer is returned. Raises ValueError for another layer, and for a kernel smaller
    than its stride, which paints only some of the pixels.
    Source: Long et al. 2015, section 3.3 (the tent, for one kernel a class); the random number is the book's.

    >>> tent_(nn.ConvTranspose2d(2, 3, 4, stride=2)).weight.shape
    torch.Size([2, 3, 4, 4])
    """
    that(isinstance(layer, nn.ConvTranspose2d), "a nn.ConvTranspose2d", layer)
    weight, sizes_and_strides = layer.weight, tuple(zip(layer.kernel_size, layer.stride, strict=True))
    fits = all(size >= stride for size, stride in sizes_and_strides)
    that(fits, "a kernel as large as its stride or larger", layer)
    rows, columns = (_tent(size, stride).to(weight) for size, stride in sizes_and_strides)
    tents = torch.randn_like(weight[:, :, :1, :1]) * torch.outer(rows, columns)
    weight.copy_(tents * (weight.square().mean() / tents.square().mean()).sqrt())
    return layer


@torch.no_grad()
def as_transposed(layer: nn.Module, channels: int, *, size: int = 9) -> nn.ConvTranspose2d:
    """Return the transposed convolution that a linear upsampler is: both (N, C, H, W) -> (N, C', s H, s W).

    Its kernel is the stamp that the layer makes of a single 1 in the middle of a map of zeros, `size` pixels a side.
    The two agree on every map as far from its border as the layer continues the map beyond it: everywhere for zeros,
    as nearest + conv and sub-pixel convolution do. Raises ValueError for a layer that changes sizes otherwise, and if
    the stamp reaches the border of the map.

    >>> as_transposed(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 5, 3, padding=1)), 3)
    ConvTranspose2d(3, 5, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    """
    whole(channels, "channels", 1), that(whole(size, "the size", 3) % 2 == 1, "an odd size, which has a middle", size)
    dark = torch.zeros(channels, channels, size, size)
    lit, middle = dark.clone(), size // 2
    lit[range(channels), range(channels), middle, middle] = 1
    bias = layer(dark)
    factor, rest = divmod(bias.shape[-1], size)
    that(factor > 1 and not rest, f"a layer that enlarges by a whole number, not {size} to {bias.shape[-1]}", layer)
    stamp = layer(lit) - bias  # (C, C', s size, s size)
    touched = (stamp.abs().amax(dim=(0, 1)) > 1e-6 * stamp.abs().max()).nonzero() - factor * middle
    padding = max(0, -touched.amin().item(), touched.amax().item() - factor + 1)
    last = max(padding, touched.amax().item())  # the kernel reaches from -padding to last
    that(padding < factor * middle, f"a stamp that fits into {size} pixels", layer, "Pass a larger size.")
    kernel, part = padding + last + 1, slice(factor * middle - padding, factor * middle + last + 1)
    settings = {"padding": padding, "output_padding": factor + padding - last - 1}
    transposed = nn.ConvTranspose2d(channels, stamp.shape[1], kernel, factor, **settings)
    transposed.weight.copy_(stamp[:, :, part, part])
    transposed.bias.copy_(bias[0, :, factor * middle, factor * middle])
    return transposed


def _tent(size: int, stride: int) -> Tensor:
    distance = (torch.arange(size, dtype=torch.float32) - (size - 1) / 2).abs()
    return (1 - distance / stride).clamp(min=0)
