"""Chapter 4's counts and scores, against counting by hand and against the spectrum."""

import itertools

import pytest
import torch
from torch import nn

from fcn.checkerboard import UPSAMPLERS, decoder, gradient_profile, paint_count, phase_score


def test_paint_counts_are_those_of_stamping_one_brush_after_the_other():
    for length, kernel, stride in itertools.product(range(1, 13), range(1, 8), range(1, 5)):
        canvas = [0] * ((length - 1) * stride + kernel)
        for i, k in itertools.product(range(length), range(kernel)):
            canvas[i * stride + k] += 1
        for padding in range(kernel):
            left = canvas[padding : len(canvas) - padding]
            if left:
                assert paint_count(length, kernel, stride, padding).tolist() == left
            else:
                with pytest.raises(ValueError, match="pixels would be left"):
                    paint_count(length, kernel, stride, padding)


def test_the_paint_is_uneven_exactly_when_the_stride_does_not_divide_the_kernel():
    for kernel, stride in itertools.product(range(1, 8), range(1, 5)):
        inside = paint_count(20, kernel, stride)[kernel:-kernel]
        assert (inside.unique().numel() > 1) == (kernel % stride != 0)


def test_in_two_dimensions_the_counts_multiply():
    weight = torch.ones(1, 1, 3, 3)
    painted = torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 4, 5), weight, stride=2, padding=1)
    assert paint_count((4, 5), 3, 2, 1).tolist() == painted[0, 0].tolist()
    assert paint_count(6, 3, 2).unique().tolist() == [1, 2]
    assert paint_count((6, 6), 3, 2).unique().tolist() == [1, 2, 4]
    assert paint_count((2, 3), (3, 2), (2, 1)).shape == (5, 4)


@pytest.mark.parametrize("stride", [2, 3, 4, 6])
def test_the_phase_score_is_the_share_of_the_spectrum_at_the_strides_frequencies(stride):
    x = torch.randn(3, 2, 24, 36, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x += 0.7 * torch.randn(stride, stride, generator=torch.Generator().manual_seed(1)).tile(
        24 // stride, 36 // stride
    )
    energy = torch.fft.fft2(x).abs() ** 2
    energy[..., 0, 0] = 0
    share = energy[..., :: 24 // stride, :: 36 // stride].sum() / energy.sum()
    assert phase_score(x, stride)[0] == pytest.approx(share.item(), rel=1e-9)


def test_a_constant_map_scores_zero_a_checkerboard_one_and_noise_its_floor():
    assert phase_score(torch.full((2, 8, 8), 3.0), 2)[0] == 0
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).tile(8, 8)
    assert phase_score(board, 2)[0] == pytest.approx(1)
    noise = torch.randn(4000, 16, 16, generator=torch.Generator().manual_seed(0))
    score, floor = phase_score(noise, 4)
    assert floor == 15 / 255
    assert score == pytest.approx(floor, rel=0.03)


def test_max_pooling_spreads_its_gradient_evenly_and_a_strided_convolution_does_not():
    torch.manual_seed(0)
    x = torch.randn(16, 8, 32, 32)
    flat = gradient_profile(nn.MaxPool2d(2), x, 2)
    assert flat.mean().item() == pytest.approx(1)
    assert (flat - 1).abs().max() < 0.05
    strided = gradient_profile(nn.Conv2d(8, 64, 3, 2, 1), x, 2)
    assert strided.max() / strided.min() > 2
    single = gradient_profile(nn.Conv2d(8, 64, 1, 2), x, 2)
    assert single.flatten().tolist() == pytest.approx([4, 0, 0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: paint_count(0, 3, 2),
            "length, or a pair (rows, columns) of them, as a whole number, from 1 to 1000000; got 0",
        ),
        (lambda: paint_count(3, 3, 2, -1), "padding as a whole number, 0 or more; got -1"),
        (lambda: paint_count(1, 2, 2, 1), "0 pixels would be left"),
        (lambda: phase_score(torch.zeros(5, 4), 2), "sides that 2 divides; got torch.float32 (5, 4)"),
        (lambda: phase_score(torch.zeros(4, 4), 1), "stride as a whole number, 2 or more; got 1"),
        (lambda: phase_score(torch.zeros(4), 2), "maps (..., H, W); got torch.float32 (4,)"),
        (
            lambda: gradient_profile(lambda x: x * 0, torch.zeros(1, 1, 4, 4), 2),
            "gradient reaches the input; got <function",
        ),
    ],
)
def test_what_cannot_be_counted_or_scored_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_every_way_doubles_the_map_in_each_step_of_a_decoder(name):
    net = decoder(name, (6, 5, 4, 3))
    x = torch.rand(2, 6, 5, 7)
    assert net(x).shape == (2, 3, 40, 56)
    assert sum(isinstance(part, nn.ReLU) for part in net) == 2  # the last step gives logits: below zero too
    assert net(x).min() < 0


def test_of_fresh_layers_those_that_interpolate_are_clean_and_those_that_paint_are_not_however_even_the_paint():
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    x = torch.rand(4, 16, 24, 24, generator=generator)
    scores = {}
    for way, make in UPSAMPLERS.items():
        with torch.no_grad():
            several = [phase_score(make(16, 16)(x)[..., 8:-8, 8:-8], 2) for _ in range(5)]
        scores[way] = sum(score for score, _ in several) / 5
    floor = several[0][1]
    painted = {"transposed k=2", "transposed k=3", "transposed k=4", "sub-pixel"}
    assert all(score > 50 * floor for way, score in scores.items() if way in painted), scores
    assert all(score < 2 * floor for way, score in scores.items() if way not in painted), scores


def test_the_fixed_way_learns_nothing_in_its_kernel_and_the_learned_one_starts_there():
    fixed, learned = UPSAMPLERS["conv + fixed bilinear"](3, 2), UPSAMPLERS["conv + learned bilinear"](3, 2)
    assert not fixed[1].weight.requires_grad
    assert learned[1].weight.requires_grad
    assert torch.equal(fixed[1].weight, learned[1].weight)


@pytest.mark.parametrize(
    ("way", "channels", "message"),
    [("bicubic", (3, 2), "nearest.*got 'bicubic'"), ("nearest + conv", (3,), r"each step; got \(3,\)")],
)
def test_a_decoder_refuses_a_way_it_does_not_know_and_an_empty_stack(way, channels, message):
    with pytest.raises(ValueError, match=message):
        decoder(way, channels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paint_count(2.5, 3, 2), "got 2.5"),
        (lambda: paint_count((3, 3, 3), 3, 2), r"pair .* got \(3, 3, 3\)"),
        (lambda: phase_score(torch.full((8, 8), torch.nan), 2), r"finite numbers; got \[nan\]"),
        (lambda: phase_score(torch.zeros(0, 8, 8), 2), r"got torch\.float32 \(0, 8, 8\)"),
        (lambda: phase_score(torch.zeros(8, 8), 2.0), r"stride as a whole number.*got 2\.0"),
        (lambda: gradient_profile(nn.Conv2d(2, 2, 1), torch.ones(2, 4, 4), 2), r"\(N, C, H, W\)"),
    ],
)
def test_what_would_be_counted_or_scored_wrongly_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("size", "stride"), [(6, 3), (96, 3), (128, 32)])
def test_a_constant_scores_zero_whatever_it_is(size, stride):
    generator = torch.Generator().manual_seed(0)
    for value in torch.rand(50, generator=generator, dtype=torch.float64).tolist():
        assert phase_score(torch.full((1, size, size), value, dtype=torch.float64), stride)[0] == 0
    small_waves = 1 + 1e-9 * torch.randn(1, 96, 96, dtype=torch.float64, generator=generator)
    assert phase_score(small_waves, 2)[0] > 0  # not constant, however little it varies


def test_measuring_a_layers_gradients_leaves_the_layer_as_it_was():
    layer = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    gradient_profile(layer, torch.rand(2, 2, 8, 8), 2)
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@pytest.mark.parametrize("call", [lambda x: phase_score(x, 2), lambda x: gradient_profile(nn.Identity(), x, 2)])
@pytest.mark.parametrize("x", [[[1.0]], None, "map"])
def test_what_is_no_map_is_named_in_one_line(call, x):
    with pytest.raises(ValueError, match=r"^Expected .*; got .*$"):
        call(x)


def test_more_paint_than_memory_holds_is_refused_before_it_is_counted():
    with pytest.raises(ValueError, match="got 1000000000"):
        paint_count(10**9, 3, 2)
