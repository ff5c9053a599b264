"""What a transposed convolution is, written out: painting, and the transpose of a matrix. k is the kernel's side."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fcn.expect import sizes, that, whole


def transposed_conv(
    x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """Paint: every pixel stamps the kernel, times its value, onto a canvas. What nn.ConvTranspose2d does, in loops.

    x (N, C, H, W), weight (C, C' / groups, k, k) -> (N, C', H', W') with
    H' = (H - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding.
    Raises ValueError for shapes and settings that do not go together.
    Source: Dumoulin and Visin 2016, section 4.

    >>> transposed_conv(torch.zeros(1, 4, 5, 6), torch.zeros(4, 3, 3, 3), stride=2, padding=1).shape
    torch.Size([1, 3, 9, 11])
    """
    n, channels, height, width = sizes(x, "N C H W", name="a map")
    _, out, kernel, _ = sizes(weight, f"{channels} C' k k", name="weight")
    whole(stride, "the stride", 1), whole(dilation, "the dilation", 1), whole(padding, "the padding", 0)
    whole(output_padding, "output_padding, below stride or dilation,", 0, max(stride, dilation) - 1)
    that(channels % whole(groups, "groups", 1) == 0, f"groups that divide the {channels} channels", groups)
    reach = dilation * (kernel - 1) + 1
    rows, columns = ((side - 1) * stride + reach + output_padding for side in (height, width))
    that(min(rows, columns) > 2 * padding, f"a padding that leaves something of {rows}x{columns} pixels", padding)
    canvas = x.new_zeros(n, out * groups, rows, columns)
    brushes = weight.view(groups, channels // groups, -1, kernel, kernel)
    for i in range(height):
        for j in range(width):
            pixel = x[:, :, i, j].view(n, groups, -1)
            paint = torch.einsum("ngc,gcokl->ngokl", pixel, brushes).flatten(1, 2)  # (N, C', k, k)
            top, left = i * stride, j * stride
            canvas[:, :, top : top + reach : dilation, left : left + reach : dilation] += paint
    return canvas[:, :, padding : rows - padding, padding : columns - padding]


def conv_matrix(weight: Tensor, height: int, width: int, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Return the matrix of a convolution: weight (C', C, k, k), map (C, H, W) -> (C' H' W', C H W).

    The convolution of a map is this matrix times the flattened map; the transposed convolution with the same kernel
    is its transpose. Raises ValueError for a kernel of another shape, or larger than the padded map.
    Source: Dumoulin and Visin 2016, section 4.1.

    >>> conv_matrix(torch.zeros(1, 1, 3, 3), 5, 5, stride=2, padding=1).shape
    torch.Size([9, 25])
    """
    _, channels, kernel, _ = sizes(weight, "C' C k k", "float", name="weight")
    least = min(whole(height, "the height", 1), whole(width, "the width", 1)) + 2 * whole(padding, "the padding", 0)
    that(kernel <= least, f"a kernel that fits into the padded map of {height}x{width}", kernel)
    size = channels * height * width
    # The columns of a matrix are its answers to the unit vectors: each is a map with a single 1.
    basis = torch.eye(size, dtype=weight.dtype, device=weight.device).view(size, channels, height, width)
    return F.conv2d(basis, weight, stride=whole(stride, "the stride", 1), padding=padding).flatten(1).T
