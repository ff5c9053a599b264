"""What a transposed convolution starts from. C channels, H height, W width, k the kernel's side, s the stride."""

import copy

import torch
from torch import Tensor, nn

from fcn.expect import that, whole
from fcn.upsampling.layers import tent


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
    rows, columns = (tent(size, stride).to(weight) for size, stride in sizes_and_strides)
    tents = torch.randn_like(weight[:, :, :1, :1]) * torch.outer(rows, columns)
    weight.copy_(tents * (weight.square().mean() / tents.square().mean()).sqrt())
    return layer


@torch.no_grad()
def as_transposed(layer: nn.Module, channels: int, *, size: int = 9) -> nn.ConvTranspose2d:
    """Return the transposed convolution that a linear upsampler is: both (N, C, H, W) -> (N, C', s H, s W).

    Its kernel is the stamp that the layer makes of a single 1 in the middle of a map of zeros, `size` pixels a side.
    The two agree on every map as far from its border as the layer continues the map beyond it: everywhere for zeros,
    as nearest + conv and sub-pixel convolution do. (Sub-pixel convolution adds a bias of its own to each place in a
    tile; the transposed convolution has that of the first.) The layer stays as it is and is asked in evaluation mode.
    Raises ValueError for a layer that does not enlarge by a whole number, if the stamp reaches the border of the map,
    and if the layer does something else than to stamp. For layers in float32 on the CPU.

    >>> as_transposed(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 5, 3, padding=1)), 3)
    ConvTranspose2d(3, 5, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    """
    whole(channels, "channels", 1), that(whole(size, "the size", 3) % 2 == 1, "an odd size, which has a middle", size)
    layer, middle = copy.deepcopy(layer).eval(), size // 2
    lit = torch.zeros(channels, channels, size, size)
    lit[range(channels), range(channels), middle, middle] = 1
    bias = layer(torch.zeros_like(lit))
    factor = bias.shape[-1] // size
    enlarges = factor > 1 and tuple(bias.shape[2:]) == (factor * size,) * 2
    that(enlarges, f"a layer that enlarges by a whole number, not {size} to {tuple(bias.shape[2:])}", layer)
    stamp = layer(lit) - bias  # (C, C', s size, s size)
    that(stamp.any(), "a layer with weights that are not all zero", layer)
    touched = (stamp.abs().amax(dim=(0, 1)) > 1e-6 * stamp.abs().max()).nonzero() - factor * middle
    padding = max(0, -touched.amin().item(), touched.amax().item() - factor + 1)
    last = max(padding, touched.amax().item())  # the kernel reaches from -padding to last
    that(padding < factor * middle, f"a stamp that fits into {size} pixels", layer, "Pass a larger size.")
    kernel, part = padding + last + 1, slice(factor * middle - padding, factor * middle + last + 1)
    settings = {"padding": padding, "output_padding": factor + padding - last - 1}
    build = nn.ConvTranspose2d  # skip_init: its start would be drawn from torch's own chance, for nothing
    transposed = nn.utils.skip_init(build, channels, stamp.shape[1], kernel, factor, **settings)
    transposed.weight.copy_(stamp[:, :, part, part])
    transposed.bias.copy_(bias[0, :, factor * middle, factor * middle])
    _check_stamps(layer, transposed, lit, bias)
    return transposed


def _check_stamps(layer: nn.Module, transposed: nn.ConvTranspose2d, like: Tensor, bias: Tensor) -> None:
    """Raise ValueError if a layer answers a map of noise with something else than stamps, far from the border."""
    noise = torch.rand(like.shape, generator=torch.Generator().manual_seed(0)) - 0.5
    found, stamps = layer(noise) - bias, transposed(noise) - transposed.bias[:, None, None]
    margin = transposed.padding[0]  # as far as a stamp reaches, so no pixel inside saw what is beyond
    inside = slice(margin, found.shape[-1] - margin)
    error = (found - stamps)[..., inside, inside].abs().amax(dim=(0, 1))
    middle = error[len(error) // 4 : -(len(error) // 4), len(error) // 4 : -(len(error) // 4)]
    that(middle.max() < 1e-3 * stamps.abs().max(), "a layer that is linear and stamps alike everywhere", layer)
