"""Chapters 3 and 4: every upsampler is a transposed convolution, and what one starts from decides on its tiles."""

import pytest
import torch
from torch import nn

from fcn.checkerboard import UPSAMPLERS, phase_score
from fcn.upsampling import ResizeConv, SubPixel, as_transposed, bilinear_kernel, nearest, tent_

ZEROS_BEYOND = ("transposed k=2", "transposed k=3", "transposed k=4", "sub-pixel, ICNR", "nearest + conv")


@pytest.mark.parametrize("name", [name for name in UPSAMPLERS if name != "sub-pixel"])
def test_every_upsampler_of_chapter_4_is_a_transposed_convolution(name):
    torch.manual_seed(1)
    layer, x = UPSAMPLERS[name](3, 5), torch.randn(2, 3, 11, 11)
    y, same = layer(x), as_transposed(layer, 3)(x)
    border = 0 if name in ZEROS_BEYOND else 6
    inside = slice(border, 22 - border)
    torch.testing.assert_close(same[..., inside, inside], y[..., inside, inside], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("transposed k=3", 3),
        ("nearest + conv", 4),
        ("bilinear + conv", 6),
        ("sub-pixel", 6),
        ("conv + fixed bilinear", 8),
    ],
)
def test_nearest_and_conv_is_one_with_a_kernel_of_4_bilinear_and_conv_of_6(name, kernel):
    assert as_transposed(UPSAMPLERS[name](2, 3), 2).kernel_size == (kernel, kernel)


def test_the_kernel_of_4_that_nearest_and_conv_makes_is_tied_nine_weights_make_sixteen():
    torch.manual_seed(0)
    layer = ResizeConv(1, 1, 2)
    stamp, kernel = (
        as_transposed(layer, 1).weight[0, 0],
        layer[1].weight[0, 0].flip(0, 1),
    )  # a stamp is the mirror image
    rows = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]]).float()  # by hand: a block of 2 stamped thrice
    torch.testing.assert_close(stamp, rows @ kernel @ rows.T)


def test_a_factor_of_3_works_and_a_stamp_that_is_cut_is_named():
    layer, x = SubPixel(2, 4, 3), torch.randn(1, 2, 7, 7)
    torch.testing.assert_close(as_transposed(layer, 2)(x), layer(x), atol=1e-5, rtol=0)
    wide = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 15, padding=7))
    with pytest.raises(ValueError, match="size"):
        as_transposed(wide, 2, size=5)
    assert as_transposed(wide, 2, size=15).kernel_size == (16, 16)
    with pytest.raises(ValueError, match="9"):
        as_transposed(nn.Conv2d(2, 2, 3, padding=1), 2)


@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_a_tent_starts_without_tiles_and_with_weights_as_large_as_before(kernel):
    torch.manual_seed(0)
    layer = UPSAMPLERS[f"transposed k={kernel}"](16, 16)
    before, flat = layer.weight.square().mean(), 1 + 0.1 * torch.randn(4, 16, 32, 32)
    assert phase_score(layer(flat)[..., 8:56, 8:56], 2)[0] > 0.9
    assert phase_score(tent_(layer)(flat)[..., 8:56, 8:56], 2)[0] < 0.01
    torch.testing.assert_close(layer.weight.square().mean(), before)


def test_a_tent_is_the_bilinear_kernel_times_one_number_a_pair_of_channels():
    kernels = tent_(nn.ConvTranspose2d(3, 5, 4, stride=2)).weight / bilinear_kernel(2)
    torch.testing.assert_close(kernels, kernels[:, :, :1, :1].expand_as(kernels))
    assert len(kernels[:, :, 0, 0].unique()) == 15


def test_a_tent_of_2_is_nearest():
    layer = tent_(nn.ConvTranspose2d(1, 1, 2, stride=2, bias=False))
    x = torch.randn(1, 1, 4, 4)
    torch.testing.assert_close(layer(x), layer.weight[0, 0, 0, 0] * nearest(x, 2))


def test_what_cannot_start_from_a_tent_is_named():
    with pytest.raises(ValueError, match="ConvTranspose2d"):
        tent_(nn.Conv2d(1, 1, 3))
    with pytest.raises(ValueError, match="stride"):
        tent_(nn.ConvTranspose2d(1, 1, 2, stride=3))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 1), nn.ReLU()),
        nn.Upsample(scale_factor=(1, 2)),
        nn.ConvTranspose2d(2, 2, 2, stride=2).requires_grad_(False),
    ],
)
def test_what_is_no_transposed_convolution_is_refused(layer):
    if isinstance(layer, nn.ConvTranspose2d):
        layer.weight.zero_()
    with pytest.raises(ValueError, match="Expected"):
        as_transposed(layer, 2)


def test_to_ask_for_the_transposed_convolution_changes_neither_the_layer_nor_chance():
    layer = nn.Sequential(nn.Upsample(scale_factor=2), nn.BatchNorm2d(2))
    before = torch.get_rng_state()
    as_transposed(layer, 2)
    assert layer[1].num_batches_tracked == 0
    assert torch.equal(torch.get_rng_state(), before)
