"""Chapter 3's ways to enlarge a map, against PyTorch's own and against plain counting."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fcn.upsampling import (
    BilinearUp,
    ResizeConv,
    SubPixel,
    bed_of_nails,
    bilinear,
    bilinear_kernel,
    bilinear_matrix,
    coarsened,
    conv_matrix,
    max_unpool,
    nearest,
    transposed_conv,
)

FACTORS = [2, 3, 4, 8, 32]
SIZES = [(5, 7), (1, 1), (4, 4), (1, 6)]
DTYPES = [torch.float32, torch.float64]


def maps(height, width, channels=3, dtype=torch.float32, seed=0):
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("size", SIZES)
def test_nearest_repeats_each_pixel(factor, size):
    x = maps(*size)
    assert torch.equal(nearest(x, factor), F.interpolate(x, scale_factor=factor, mode="nearest"))


def test_a_bed_of_nails_keeps_each_pixel_once():
    x = maps(3, 4)
    nails = bed_of_nails(x, 3)
    assert nails.shape == (2, 3, 9, 12)
    assert torch.equal(nails[:, :, ::3, ::3], x)
    assert nails.count_nonzero() == x.numel()


def test_max_unpooling_puts_each_maximum_back_where_it_was():
    x = maps(6, 9)
    pooled, indices = F.max_pool2d(x, 3, return_indices=True)
    back = max_unpool(pooled, indices, 3)
    assert torch.equal(back, F.max_unpool2d(pooled, indices, 3))
    assert torch.equal(back[back > 0], x[back > 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factor", FACTORS)
def test_bilinear_interpolation_is_a_transposed_convolution(factor, size, dtype):
    """Inside everywhere; a border band of factor // 2 pixels differs unless the map is continued beyond it."""
    x = maps(*size, dtype=dtype)
    reference = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    ours = BilinearUp(3, factor).to(dtype)(x)
    band = factor // 2
    inside = (..., slice(band, -band), slice(band, -band))
    torch.testing.assert_close(ours[inside], reference[inside], rtol=0, atol=1e-6)
    outside = torch.ones(ours.shape, dtype=torch.bool)
    outside[inside] = False
    assert ((reference - ours)[outside] > 1e-3).float().mean() > 0.95, "the border is darker"
    torch.testing.assert_close(BilinearUp(3, factor, exact=True).to(dtype)(x), reference, rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_dense_kernel_with_zeros_off_its_diagonal_is_the_grouped_one(factor):
    x, up = maps(5, 7), BilinearUp(3, factor)
    dense = torch.zeros(3, 3, *up.weight.shape[2:])
    dense[range(3), range(3)] = up.weight[:, 0].detach()
    padding = (up.weight.shape[-1] - factor) // 2
    torch.testing.assert_close(F.conv_transpose2d(x, dense, stride=factor, padding=padding), up(x))


@pytest.mark.parametrize("factor", FACTORS)
def test_corners_are_aligned_by_another_kernel_and_another_size(factor):
    x = maps(5, 7, channels=1)
    distance = (torch.arange(2 * factor - 1) - (factor - 1)).abs() / factor
    weight = torch.outer(1 - distance, 1 - distance)[None, None]
    painted = F.conv_transpose2d(x, weight, stride=factor, padding=factor - 1)
    size = tuple((side - 1) * factor + 1 for side in (5, 7))
    aligned = F.interpolate(x, size=size, mode="bilinear", align_corners=True)
    torch.testing.assert_close(painted, aligned)
    scaled = {"scale_factor": factor, "mode": "bilinear"}
    assert not torch.allclose(
        F.interpolate(x, **scaled, align_corners=True), F.interpolate(x, **scaled, align_corners=False), atol=1e-2
    )


def test_the_last_layer_of_fcn_32s_has_a_kernel_of_64_a_stride_of_32_and_a_padding_of_16():
    assert bilinear_kernel(32).shape == (64, 64)
    assert BilinearUp(1, 32)(torch.ones(1, 1, 3, 3)).shape == (1, 1, 96, 96)
    border = BilinearUp(1, 8)(torch.ones(1, 1, 3, 3))[0, 0]
    assert border[12, :5].tolist() == [0.5625, 0.6875, 0.8125, 0.9375, 1.0]
    assert border[0, 0].item() == pytest.approx(0.5625**2)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resize_and_convolve_is_interpolation_then_a_convolution(mode):
    x, layer = maps(4, 5), ResizeConv(3, 6, 2, mode=mode)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode=mode), layer[1].weight, layer[1].bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_sub_pixel_with_icnr_starts_as_a_convolution_followed_by_nearest(factor):
    x, layer = maps(4, 5), SubPixel(3, 6, factor)
    fresh = layer(x)
    assert fresh.shape == (2, 6, 4 * factor, 5 * factor)
    assert torch.equal(fresh, nearest(fresh[:, :, ::factor, ::factor], factor))
    other = SubPixel(3, 6, factor, icnr=False)(x)
    assert not torch.allclose(other, nearest(other[:, :, ::factor, ::factor], factor), atol=1e-2)


SETTINGS = [
    (stride, padding, extra, dilation, groups)
    for stride, padding, extra, dilation, groups in itertools.product((1, 2, 3), (0, 1, 2), (0, 1, 2), (1, 2), (1, 2))
    if extra < max(stride, dilation)
]


@pytest.mark.parametrize(("stride", "padding", "extra", "dilation", "groups"), SETTINGS)
def test_a_transposed_convolution_is_stamping(stride, padding, extra, dilation, groups):
    x = maps(3, 5, channels=4)
    layer = nn.ConvTranspose2d(4, 6, 3, stride, padding, extra, groups, bias=False, dilation=dilation)
    ours = transposed_conv(
        x, layer.weight, stride=stride, padding=padding, output_padding=extra, dilation=dilation, groups=groups
    )
    torch.testing.assert_close(ours, layer(x))


def test_a_transposed_convolution_is_the_transpose_of_the_convolutions_matrix_and_its_gradient():
    weight, x = maps(3, 3, channels=4)[0].expand(5, -1, -1, -1).clone(), maps(7, 6, channels=4)[0]
    weight += torch.rand(weight.shape, generator=torch.Generator().manual_seed(1))
    matrix = conv_matrix(weight, 7, 6, stride=2, padding=1)
    y = F.conv2d(x, weight, stride=2, padding=1)
    torch.testing.assert_close(matrix @ x.flatten(), y.flatten())
    back = F.conv_transpose2d(y, weight, stride=2, padding=1, output_padding=(0, 1))
    torch.testing.assert_close((matrix.T @ y.flatten()).view(4, 7, 6), back)
    asked = x.clone().requires_grad_()
    F.conv2d(asked, weight, stride=2, padding=1).backward(y)
    torch.testing.assert_close(asked.grad, back)


def test_deconvolution_does_not_undo_a_convolution():
    x, weight = maps(8, 8, channels=1), maps(3, 3, channels=1)[:1]
    back = F.conv_transpose2d(F.conv2d(x, weight, padding=1), weight, padding=1)
    best = (back * x).sum() / back.square().sum()  # even at the scale that fits best
    assert (best * back - x).square().mean() > 0.1 * x.var()


def test_two_inputs_with_the_same_pooled_map_cannot_be_told_apart_by_any_upsampler():
    one, other = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    one[..., ::2, ::2], other[..., 1::2, 1::2] = 1, 1
    assert not torch.equal(one, other)
    assert torch.equal(F.max_pool2d(one, 2), F.max_pool2d(other, 2))


X = torch.rand(1, 4, 4, 4)
POOLED, INDICES = F.max_pool2d(torch.rand(1, 4, 8, 8), 2, return_indices=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nearest(X, 1), "2 or more; got 1."),
        (lambda: bed_of_nails(X, 2.5), "factor as a whole number, 2 or more; got 2.5"),
        (lambda: nearest(X[0], 2), "(N, C, H, W); got torch.float32 (4, 4, 4)"),
        (lambda: bilinear_kernel(0), "2 or more; got 0."),
        (lambda: BilinearUp(3, 1), "2 or more; got 1."),
        (lambda: ResizeConv(3, 3, 2, mode="cubic"), "'nearest', 'bilinear'; got 'cubic'"),
        (lambda: SubPixel(3, 3, 2, kernel=4), "odd kernel, which has a middle; got 4"),
        (lambda: max_unpool(POOLED, INDICES.flip(2), 2), "in a map of 8x8"),
        (lambda: max_unpool(POOLED, INDICES[:, :2], 2), "(1, 4, 4, 4), whole numbers; got torch.int64 (1, 2, 4, 4)"),
        (lambda: transposed_conv(X, torch.rand(3, 2, 3, 3)), "weight (4, C', k, k); got torch.float32 (3, 2, 3, 3)"),
        (lambda: transposed_conv(X, torch.rand(4, 2, 3, 3), groups=3), "groups that divide the 4 channels; got 3"),
        (lambda: transposed_conv(X, torch.rand(4, 2, 3, 3), stride=2, output_padding=2), "from 0 to 1; got 2"),
        (lambda: transposed_conv(X, torch.rand(4, 2, 3, 3), padding=3), "leaves something of 6x6 pixels; got 3"),
    ],
)
def test_what_cannot_be_enlarged_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factor", FACTORS)
def test_interpolation_is_a_matrix_for_the_rows_and_one_for_the_columns(factor, size, dtype):
    x = maps(*size, dtype=dtype)
    reference = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(bilinear(x, factor), reference, atol=1e-6, rtol=1e-5)
    assert (bilinear_matrix(size[0], factor).sum(dim=1) - 1).abs().max() < 1e-12


@pytest.mark.parametrize("call", [lambda: bilinear(maps(2, 2), 1), lambda: bilinear_matrix(0, 2)])
def test_interpolation_refuses_a_factor_below_two_and_an_empty_row(call):
    with pytest.raises(ValueError, match=r"2 or more; got 1\.|1 or more; got 0\."):
        call()


def test_three_pictures_can_have_one_pooled_map_and_then_no_upsampler_tells_them_apart():
    upright = torch.zeros(1, 1, 8, 8)
    upright[..., ::2] = 1
    one, other = (F.max_pool2d(picture, 2) for picture in (upright, upright.mT))
    assert not torch.equal(upright, upright.mT)
    for enlarge in (lambda x: nearest(x, 2), lambda x: bilinear(x, 2), ResizeConv(1, 1, 2), SubPixel(1, 1, 2)):
        assert torch.equal(enlarge(one), enlarge(other))


@pytest.mark.parametrize("factor", [2, 4])
def test_the_upper_bound_keeps_of_each_block_the_share_of_every_class(factor):
    """Against a loop over blocks and PyTorch's own interpolation, void left out."""
    masks = torch.randint(3, (2, 16, 24), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    masks[:, 3:6] = 255
    shares = torch.zeros(2, 3, 16 // factor, 24 // factor)
    for n, label, i, j in itertools.product(range(2), range(3), range(16 // factor), range(24 // factor)):
        block = masks[n, i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
        shares[n, label, i, j] = (block == label).float().mean()
    large = F.interpolate(shares, scale_factor=factor, mode="bilinear")
    answer = coarsened(masks, factor, 3)
    assert answer.dtype == torch.uint8
    assert answer.shape == masks.shape
    top = large.topk(2, dim=1).values
    clear = top[:, 0] - top[:, 1] > 1e-5  # ties may fall either way
    assert torch.equal(answer[clear], large.argmax(1).to(torch.uint8)[clear])
    assert clear.float().mean() > 0.5


def test_a_coarser_grid_has_a_lower_upper_bound():
    masks = torch.zeros(1, 64, 64, dtype=torch.uint8)
    masks[:, 10:50, 13:40] = 1
    masks[:, 30, :] = 2  # a thin class
    wrong = [int((coarsened(masks, factor, 3) != masks).sum()) for factor in (2, 4, 8, 16, 32)]
    assert wrong == sorted(wrong)
    assert wrong[0] < wrong[-1]


@pytest.mark.parametrize(
    ("masks", "factor", "message"),
    [
        (torch.zeros(1, 8, 9, dtype=torch.uint8), 4, r"sides that 4 divides; got torch\.uint8 \(1, 8, 9\)"),
        (torch.zeros(8, 8, dtype=torch.uint8), 4, r"\(N, H, W\)"),
        (torch.full((1, 8, 8), 7, dtype=torch.uint8), 4, r"got 7 at \(0, 0, 0\), and 63 more"),
        (torch.zeros(1, 8, 8, dtype=torch.uint8), 1, "2 or more"),
    ],
)
def test_an_upper_bound_refuses_maps_that_the_factor_does_not_divide_and_strange_labels(masks, factor, message):
    with pytest.raises(ValueError, match=message):
        coarsened(masks, factor, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nearest(maps(2, 2), 2.0), r"factor as a whole number.*got 2\.0"),
        (lambda: bilinear(maps(2, 2).byte(), 2), r"got torch\.uint8 \(2, 3, 2, 2\)\. .*pass x\.float\(\)"),
        (lambda: bilinear(maps(2, 2).numpy(), 2), "ndarray"),
        (lambda: BilinearUp(3, 2)(maps(2, 2, channels=2)), r"\(N, 3, H, W\); got torch\.float32 \(2, 2, 2, 2\)"),
        (lambda: coarsened(torch.zeros(1, 8, 8), 2, 3), "whole numbers; got torch.float32"),
        (lambda: transposed_conv(maps(2, 2), torch.rand(3, 1, 3, 5)), r"k, k\)"),
        (lambda: transposed_conv(maps(2, 2), torch.rand(3, 1, 3, 3), stride=0), r"stride .*, 1 or more; got 0\."),
        (lambda: transposed_conv(maps(2, 2), torch.rand(3, 1, 3, 3), padding=-1), r"padding .*, 0 or more; got -1\."),
        (lambda: transposed_conv(maps(2, 2), torch.rand(3, 1, 3, 3), groups=0), r"groups .*, 1 or more; got 0\."),
        (lambda: conv_matrix(torch.rand(1, 1, 5, 5), 3, 3), "padded map of 3x3; got 5"),
    ],
)
def test_what_would_be_enlarged_wrongly_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("factor", "center"), [(2, 1), (2, 0), (8, 7), (8, 0), (16, 15), (3, 2), (3, 0.5), (4, 3.5)])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_cells_can_be_centred_on_any_pixel_as_those_of_a_network_that_pads_to_one_side_are(factor, center, size):
    values = torch.rand(size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pixels = np.interp(np.arange(factor * size), center + factor * np.arange(size), values.numpy())
    line = values.view(1, 1, 1, size).expand(1, 1, size, size)
    expected = torch.from_numpy(pixels).expand(factor * size, -1)
    torch.testing.assert_close(bilinear(line, factor, center)[0, 0], expected)
    painted = BilinearUp(1, factor, center=center, exact=True).double()(line)
    torch.testing.assert_close(painted[0, 0].detach(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("center", [-0.5, 2, 0.3])
def test_a_kernel_is_centred_on_a_pixel_of_its_block_or_between_two(center):
    with pytest.raises(ValueError, match=f"got {center}"):
        BilinearUp(1, 2, center=center)


@pytest.mark.parametrize("default", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("side", [16, 64])
def test_positions_are_exact_whatever_the_default_type_is(default, side):
    x = maps(side, side, channels=1)
    up = BilinearUp(1, 32, exact=True)
    expected, painted = bilinear(x, 32), up(x).detach()
    torch.set_default_dtype(default)
    try:
        found, fresh = bilinear(x, 32), BilinearUp(1, 32, exact=True)(x).detach()
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)
    assert torch.equal(fresh, painted)


@pytest.mark.parametrize("factor", [3, 7, 8])
def test_interpolation_in_double_precision_is_as_exact_as_that(factor):
    x = maps(5, 6, dtype=torch.float64)
    reference = F.interpolate(x, scale_factor=factor, mode="bilinear")
    assert (bilinear(x, factor) - reference).abs().max() < 1e-14


def test_an_infinite_score_is_seen_by_the_pixels_around_it_and_by_no_others():
    for value in (float("-inf"), float("inf")):
        x = torch.zeros(1, 2, 8, 8)
        x[0, 0, 3, 3] = value
        found, reference = bilinear(x, 2), F.interpolate(x, scale_factor=2, mode="bilinear")
        assert not found.isnan().any()
        assert torch.equal(found.abs() > 1e30, reference.isinf())
        assert torch.equal(found[reference.isfinite()], reference[reference.isfinite()])
        assert torch.equal(found.argmax(1), reference.argmax(1))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: nearest(x, 2),
        lambda x: bilinear(x, 2),
        lambda x: bed_of_nails(x, 2),
        lambda x: max_unpool(x, INDICES, 2),
        lambda x: transposed_conv(x, torch.rand(4, 2, 3, 3)),
        lambda x: conv_matrix(x, 8, 8),
        lambda x: BilinearUp(4, 2)(x),
        lambda x: coarsened(x, 2, 3),
    ],
)
@pytest.mark.parametrize("x", [[1.0, 2.0], "map", None, np.zeros((1, 4, 4, 4)), torch.zeros(0, 4, 4, 4)])
def test_what_is_no_map_is_named_in_one_line(call, x):
    with pytest.raises(ValueError, match=r"^Expected .*\(.*\).*; got .*$"):
        call(x)


def test_of_strange_labels_the_first_wrong_one_is_named():
    masks = torch.tensor([[[0, 2], [-1, 2]]])
    with pytest.raises(ValueError, match=r"got -1 at \(0, 1, 0\)\."):
        coarsened(masks, 2, 3)
    assert coarsened(masks.abs().to(torch.uint16), 2, 3).dtype == torch.uint16  # as a 16-bit PNG gives them
