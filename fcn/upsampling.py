"""Chapter 3: ways to enlarge a map. N batch, C channels, H height, W width, s the factor of enlargement.

Every way takes (N, C, H, W) and returns (N, C', s H, s W). The functions have nothing to learn; the modules do.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def nearest(x: Tensor, factor: int) -> Tensor:
    """Repeat each pixel `factor` times down and across: (N, C, H, W) -> (N, C, s H, s W).

    Raises ValueError for a factor below 2 and for another shape.
    """
    _check(x, factor)
    return x.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)


def bilinear(x: Tensor, factor: int, centre: float | None = None) -> Tensor:
    """Interpolate linearly down and across: (N, C, H, W) -> (N, C, s H, s W).

    Two products with small matrices, one for the rows and one for the columns; the same as
    F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False), and twice as fast to train through on
    two cores where the factor is large. `centre` as in bilinear_matrix. Raises ValueError as nearest does.
    """
    _check(x, factor)
    if not x.is_floating_point():
        raise ValueError(f"Interpolation makes fractions, which {x.dtype} cannot hold: pass x.float().")
    rows, columns = (bilinear_matrix(side, factor, centre).to(x) for side in x.shape[2:])
    return rows @ x @ columns.T


def bilinear_matrix(length: int, factor: int, centre: float | None = None) -> Tensor:
    """Return the matrix (s L, L) that interpolates L values linearly: each row mixes two neighbours, and sums to 1.

    `centre` is the large pixel on which the first small one is centred, the next lying s further on: (s - 1) / 2 if
    each stands for a block of s pixels, which is the default. Before the first centre and after the last the
    outermost value goes on. Raises ValueError for a factor below 2, a length below 1.
    """
    _check_factor(factor)
    if length < 1:
        raise ValueError(f"Expected at least one value to interpolate; got a length of {length}.")
    centre = (factor - 1) / 2 if centre is None else centre
    centres = ((torch.arange(factor * length) - centre) / factor).clamp(0, length - 1)
    return (1 - (centres[:, None] - torch.arange(length)).abs()).clamp(min=0)


def bed_of_nails(x: Tensor, factor: int) -> Tensor:
    """Put each pixel into the upper left corner of a block of zeros: (N, C, H, W) -> (N, C, s H, s W).

    Raises ValueError as nearest does.
    """
    _check(x, factor)
    n, c, h, w = x.shape
    nails = x.new_zeros(n, c, factor * h, factor * w)
    nails[:, :, ::factor, ::factor] = x
    return nails


def max_unpool(x: Tensor, indices: Tensor, factor: int) -> Tensor:
    """Put each pixel back where max-pooling took it from, zeros elsewhere: (N, C, H, W) -> (N, C, s H, s W).

    `indices` are those that F.max_pool2d(..., factor, return_indices=True) returned: (N, C, H, W) int64, each the
    place in the flattened large map. Raises ValueError as nearest does, and if an index lies outside of the block
    that its pixel stands for: then it belongs to another input. Source: Zeiler and Fergus 2014, section 2.1.
    """
    _check(x, factor)
    if indices.shape != x.shape or indices.dtype != torch.int64:
        raise ValueError(
            f"Expected indices like the map, {tuple(x.shape)} int64; got {tuple(indices.shape)} {indices.dtype}."
        )
    n, c, h, w = x.shape
    rows, columns = indices // (factor * w), indices % (factor * w)
    at_home = (rows // factor == torch.arange(h, device=x.device)[:, None]) & (
        columns // factor == torch.arange(w, device=x.device)
    )
    if not at_home.all():
        place = tuple((~at_home).nonzero()[0].tolist())
        raise ValueError(
            f"The index {indices[place].item()} at {place} lies outside of its {factor}x{factor} block in a map of "
            f"{factor * h}x{factor * w}: these indices come from pooling another input, or with another factor."
        )
    large = x.new_zeros(n, c, factor * h * factor * w)
    return large.scatter(2, indices.flatten(2), x.flatten(2)).view(n, c, factor * h, factor * w)


def bilinear_kernel(factor: int, centre: float | None = None) -> Tensor:
    """Return the tent that interpolates linearly between pixels `factor` apart: (k, k) float32.

    k is 2s for an even factor and 2s - 1 for an odd one; with a `centre` as in bilinear_matrix, 2s if it lies between
    two pixels and 2s - 1 if it is one. Raises ValueError for a factor below 2 and for any other centre.
    Source: Long et al. 2015, section 3.3.
    """
    _check_factor(factor)
    centre = (factor - 1) / 2 if centre is None else centre
    if 2 * centre % 1 or not 0 <= centre < factor:
        raise ValueError(f"Expected a centre in 0, 0.5, 1, ..., {factor - 0.5}; got {centre!r}.")
    size = 2 * factor - (1 if centre % 1 == 0 else 0)
    distance = (torch.arange(size) - (size - 1) / 2).abs()  # from the centre, in pixels of the large map
    tent = 1 - distance / factor
    return torch.outer(tent, tent)


class BilinearUp(nn.Module):
    """Bilinear interpolation as a transposed convolution, learnable: (N, C, H, W) -> (N, C, s H, s W).

    Each channel has a kernel of its own, which starts as bilinear_kernel(factor). Inside it equals
    F.interpolate(mode="bilinear", align_corners=False); within s // 2 pixels of the border it is darker, since
    nothing is painted from beyond. With `exact=True` the map is first continued by its outermost pixels, and the two
    are equal everywhere. `centre` as in bilinear_matrix, a whole or half number. Raises ValueError as bilinear_kernel
    does, and for maps with other channels.
    Source: Long et al. 2015, section 3.3.
    """

    def __init__(self, channels: int, factor: int, *, centre: float | None = None, exact: bool = False):
        super().__init__()
        self.factor, self.exact = factor, exact
        self.centre = (factor - 1) / 2 if centre is None else centre
        self.weight = nn.Parameter(bilinear_kernel(factor, centre).expand(channels, 1, -1, -1).clone())

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != len(self.weight):
            raise ValueError(f"Expected maps (N, {len(self.weight)}, H, W); got {tuple(x.shape)}.")
        height, width = (self.factor * side for side in x.shape[2:])
        first = round((self.weight.shape[-1] - 1) / 2 - self.centre)  # the canvas begins before the map does
        if self.exact:
            x = F.pad(x, (1, 1, 1, 1), mode="replicate")
            first += self.factor
        canvas = F.conv_transpose2d(x, self.weight, stride=self.factor, groups=len(self.weight))
        return canvas[:, :, first : first + height, first : first + width]


class ResizeConv(nn.Sequential):
    """Enlarge by interpolation, then convolve: (N, C, H, W) -> (N, C', s H, s W).

    `mode` is "nearest" or "bilinear"; `kernel` is odd. Raises ValueError otherwise, and for a factor below 2.
    Source: Odena et al. 2016, Deconvolution and Checkerboard Artifacts.
    """

    def __init__(self, channels: int, out: int, factor: int, *, kernel: int = 3, mode: str = "nearest"):
        _check_factor(factor)
        if mode not in ("nearest", "bilinear") or kernel % 2 != 1:
            raise ValueError(f"Expected mode nearest or bilinear and an odd kernel; got {mode!r} and {kernel}.")
        super().__init__(
            nn.Upsample(scale_factor=factor, mode=mode),
            nn.Conv2d(channels, out, kernel, padding=kernel // 2),
        )


class SubPixel(nn.Sequential):
    """Convolve to s * s times the channels and deal them out as pixels: (N, C, H, W) -> (N, C', s H, s W).

    With `icnr=True` the s * s pixels of a block start equal, so that the fresh layer is a convolution followed by
    nearest. Raises ValueError for a factor below 2 and for an even kernel.
    Source: Shi et al. 2016, section 3; Aitken et al. 2017 (ICNR).
    """

    def __init__(self, channels: int, out: int, factor: int, *, kernel: int = 3, icnr: bool = True):
        _check_factor(factor)
        if kernel % 2 != 1:
            raise ValueError(f"Expected an odd kernel; got {kernel}.")
        conv = nn.Conv2d(channels, out * factor**2, kernel, padding=kernel // 2)
        super().__init__(conv, nn.PixelShuffle(factor))
        if icnr:
            with torch.no_grad():
                for parameter in (conv.weight, conv.bias):
                    parameter.copy_(parameter[:: factor**2].repeat_interleave(factor**2, dim=0))


def transposed_conv(
    x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """Paint: every pixel stamps the kernel, times its value, onto a canvas. What nn.ConvTranspose2d does, in loops.

    x (N, C, H, W), weight (C, C' / groups, k, k) -> (N, C', H', W') with
    H' = (H - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding.
    Raises ValueError for other shapes, if the channels do not divide by groups, for a stride or dilation below 1 or a
    padding below 0, if output_padding is not below max(stride, dilation), or if nothing would be left.
    Source: Dumoulin and Visin 2016, section 4.
    """
    _check_map(x)
    n, channels, height, width = x.shape
    kernel = weight.shape[-1]
    if weight.ndim != 4 or weight.shape[2] != kernel or len(weight) != channels or groups < 1 or channels % groups:
        raise ValueError(
            f"Expected weight ({channels}, C', k, k) and groups that divide {channels}; got {tuple(weight.shape)} "
            f"and {groups}."
        )
    if stride < 1 or dilation < 1 or padding < 0:
        raise ValueError(
            f"Expected stride, dilation of 1 or more, padding of 0 or more; got {stride}, {dilation}, {padding}."
        )
    if not 0 <= output_padding < max(stride, dilation):
        limit = max(stride, dilation)
        raise ValueError(f"output_padding must be below max(stride, dilation) = {limit}; got {output_padding}.")
    rows, columns = ((side - 1) * stride + dilation * (kernel - 1) + 1 + output_padding for side in (height, width))
    if min(rows, columns) <= 2 * padding:
        raise ValueError(f"A padding of {padding} cuts away all of {rows}x{columns} pixels.")
    out = weight.shape[1] * groups
    canvas = x.new_zeros(n, out, rows, columns)
    brushes = weight.view(groups, channels // groups, -1, kernel, kernel)
    reach = dilation * (kernel - 1) + 1
    for i in range(height):
        for j in range(width):
            paint = torch.einsum("ngc,gcokl->ngokl", x[:, :, i, j].view(n, groups, -1), brushes)
            top, left = i * stride, j * stride
            canvas[:, :, top : top + reach : dilation, left : left + reach : dilation] += paint.flatten(1, 2)
    return canvas[:, :, padding : rows - padding, padding : columns - padding]


def conv_matrix(weight: Tensor, height: int, width: int, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Return the matrix of a convolution: weight (C', C, k, k), map (C, H, W) -> (C' H' W', C H W).

    The convolution of a map is this matrix times the flattened map; the transposed convolution with the same kernel
    is its transpose. Raises ValueError for a kernel of another shape, or larger than the padded map.
    Source: Dumoulin and Visin 2016, section 4.1.
    """
    if weight.ndim != 4 or min(height, width) + 2 * padding < weight.shape[-1]:
        raise ValueError(
            f"Expected weight (C', C, k, k) that fits into the padded map; got {tuple(weight.shape)} for "
            f"{height}x{width} with padding {padding}."
        )
    size = weight.shape[1] * height * width
    basis = torch.eye(size, dtype=weight.dtype).view(size, weight.shape[1], height, width)
    return F.conv2d(basis, weight, stride=stride, padding=padding).flatten(1).T


def restored(masks: Tensor, factor: int, classes: int) -> Tensor:
    """Return what is left of label maps after a map `factor` times smaller: (N, H, W) -> (N, H, W), of one dtype.

    Of each block the share of every class is kept, 255 (void) left out, and the shares are interpolated linearly; the
    largest wins. Scored against the masks themselves it is the upper bound of a network that answers on so coarse a
    grid and leaves the rest to interpolation. Raises ValueError for a factor below 2 or one that does not divide H
    and W, and for a label that is neither below `classes` nor 255.
    Source: the question is that of Long et al. 2015, appendix A of arXiv v2.
    """
    _check_factor(factor)
    if not isinstance(masks, Tensor) or masks.is_floating_point():
        raise ValueError(f"Expected label maps as a tensor of whole numbers; got {getattr(masks, 'dtype', masks)}.")
    if masks.ndim != 3 or masks.shape[1] % factor or masks.shape[2] % factor:
        raise ValueError(
            f"Expected label maps (N, H, W) whose sides {factor} divides; got {tuple(masks.shape)}: crop them first."
        )
    known = masks != 255
    if masks[known].numel() and not 0 <= masks[known].min() <= masks[known].max() < classes:
        raise ValueError(f"Expected labels in 0..{classes - 1} or 255 (void); got {masks[known].max().item()}.")
    answers = []
    for mask in masks:  # one by one: a map for each class takes memory
        one_hot = (mask == torch.arange(classes, device=mask.device)[:, None, None]).float()
        answers.append(bilinear(F.avg_pool2d(one_hot[None], factor), factor)[0].argmax(0).to(mask.dtype))
    return torch.stack(answers)


def _check_factor(factor: int) -> None:
    if isinstance(factor, bool) or not hasattr(factor, "__index__") or factor < 2:
        raise ValueError(f"A map is enlarged by a whole factor of 2 or more; got {factor!r}.")


def _check(x: Tensor, factor: int) -> None:
    _check_factor(factor)
    _check_map(x)


def _check_map(x: Tensor) -> None:
    if not isinstance(x, Tensor) or x.ndim != 4:
        raise ValueError(f"Expected a tensor, a map (N, C, H, W); got {tuple(x.shape)} ({type(x).__name__}).")
