"""The figures that answer: what their scripts compute in Chromium is what PyTorch computes."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from reading import served

from fcn import VOID
from fcn.backbones import small
from fcn.checkerboard import paint_count, phase_score
from fcn.metrics import ERRORS, Confusion, boundary_iou, errors
from fcn.upsampling import bilinear
from fcn.widgets import See, Skips
from fcn.widgets.live import source

SETTINGS = 200


@pytest.fixture(scope="module")
def module(browser, tmp_path_factory):
    """Return a function (name, JavaScript that ends in a value, of its argument) -> that value."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "index.html").write_text("<!doctype html><title>Modules</title>")
    for name in ("paint", "score", "grow", "skips", "see"):
        (folder / f"{name}.js").write_text(source(name))
    with served(folder) as host:
        page = browser.new_page()
        page.goto(f"{host}/index.html")
        yield lambda name, code, given: page.evaluate(
            f"async (given) => {{ const it = await import('/{name}.js'); return {code}; }}", given
        )
        page.close()


def settings():
    chance = random.Random(0)
    for number in range(SETTINGS):
        yield {
            "kernel": chance.randint(1, 7), "stride": chance.randint(2, 4), "depth": chance.choice([1, 1, 2, 3]),
            "brush": chance.choice(["ones", "random", "positive", "tent"]),
            "input": chance.choice(["even", "nearly", "noise"]), "seed": number,
        }  # fmt: skip


def square(values):
    side = round(len(values) ** 0.5)
    return torch.tensor(values, dtype=torch.float64).view(1, 1, side, side)


def on_a_torus(x, brush, stride):
    """Return a transposed convolution whose map has no border."""
    cells, kernel = x.shape[-1], brush.shape[-1]
    around = -(-kernel // stride)
    x = x.repeat(1, 1, *[2 * -(-around // cells) + 1] * 2)  # more often than once, where the map is small
    before = -(-around // cells) * cells * stride
    canvas = F.conv_transpose2d(x, brush, stride=stride)
    return canvas[..., before : before + cells * stride, before : before + cells * stride]


def enlarged(x, brush, stride):
    """Return nearest neighbour and a convolution on a map without a border."""
    large = x.repeat_interleave(stride, 2).repeat_interleave(stride, 3)
    side, kernel = large.shape[-1], brush.shape[-1]
    middle = (kernel - 1) // 2
    rows = torch.arange(-middle, side + kernel - 1 - middle) % side
    return F.conv2d(large[..., rows, :][..., rows], brush)


def test_what_the_paint_figure_draws_and_scores_is_what_pytorch_gives(module):
    several = (
        "given.map((each) => { const p = it.painted(each); return {...p, brushes: p.brushes.map((b) => [...b]), \
        start: [...p.start], maps: {stamped: [...p.maps.stamped], convolved: [...p.maps.convolved]}}; })"
    )
    given = list(settings())
    for setting, found in zip(given, module("paint", several, given), strict=True):
        stamped = convolved = square(found["start"])
        for brush in map(square, found["brushes"]):
            stamped = on_a_torus(stamped, brush, setting["stride"])
            convolved = enlarged(convolved, brush, setting["stride"])
        for name, expected in (("stamped", stamped), ("convolved", convolved)):
            scale = expected.abs().max()
            assert (square(found["maps"][name]) - expected).abs().max() < 1e-12 * scale, setting
            score, floor = phase_score(expected, setting["stride"] ** setting["depth"])
            assert found["scores"][name]["floor"] == pytest.approx(floor)
            if expected.std() > 1e-9 * scale:
                assert found["scores"][name]["score"] == pytest.approx(score, abs=1e-9), setting
            else:  # flat but for rounding
                assert found["scores"][name]["score"] == 0


def test_the_spectrum_of_the_paint_figure_is_that_of_the_fourier_transform(module):
    maps = [np.random.default_rng(number).normal(size=48 * 48).tolist() for number in range(SETTINGS // 10)]
    for values, found in zip(
        maps, module("paint", "given.map((map) => [...it.spectrum(map, 48)])", maps), strict=True
    ):
        energies = torch.fft.fft2(square(values)[0, 0]).abs() ** 2
        energies[0, 0] = 0
        assert torch.allclose(square(found)[0, 0], torch.fft.fftshift(energies) / energies.sum(), atol=1e-12)


def test_the_paint_figure_counts_stamps_as_the_chapter_does(module):
    pairs = [[kernel, stride] for kernel in range(1, 8) for stride in range(2, 5)]
    for (kernel, stride), found in zip(
        pairs, module("paint", "given.map((p) => it.counts(...p))", pairs), strict=True
    ):
        middle = paint_count(40, kernel, stride)[20 * stride : 21 * stride]
        assert found == middle.tolist()


def test_the_chance_of_a_figure_repeats_and_is_normal(module):
    draws = "[0, 1].map(() => { const draw = it.chanceOf(5); return Array.from({length: 20000}, draw); })"
    first, second = module("paint", draws, None)
    assert first == second
    assert np.mean(first) == pytest.approx(0, abs=0.02)
    assert np.std(first) == pytest.approx(1, abs=0.02)


def label_maps(number):
    chance = np.random.default_rng(number)
    height, width, classes = chance.integers(4, 14), chance.integers(4, 14), int(chance.integers(2, 6))
    truth, answer = chance.integers(classes, size=(2, height, width))
    if number % 3 == 0:  # large pieces, as masks have them
        truth, answer = (np.kron(each[::3, ::3], np.ones((3, 3), int))[:height, :width] for each in (truth, answer))
    truth[chance.random((height, width)) < (number % 4) / 10] = VOID
    truth[0, 0] = 0
    return torch.tensor(truth, dtype=torch.uint8), torch.tensor(answer, dtype=torch.uint8), classes, 1 + number % 3


def test_the_scores_of_the_painted_answer_are_those_of_chapter_one(module):
    maps = [label_maps(number) for number in range(SETTINGS)]
    given = [[truth.flatten().tolist(), answer.flatten().tolist(), *truth.shape, classes, reach]
             for truth, answer, classes, reach in maps]  # fmt: skip
    told = "given.map((each) => JSON.parse(JSON.stringify(it.scores(...each))))"  # NaN becomes null
    for (truth, answer, classes, reach), found in zip(maps, module("score", told, given), strict=True):
        table = Confusion(classes).update(truth, answer)
        outlines = boundary_iou(truth, answer, classes, width=reach)
        expected = [table.pixel_accuracy(), table.mean_accuracy(), table.mean_iou(), table.frequency_weighted_iou(),
                    outlines.nanmean().item(), *table.iou().tolist()]  # fmt: skip
        names = ["pixelAccuracy", "meanAccuracy", "meanIou", "weightedIou", "boundaryIou"]
        got = [
            float("nan") if value is None else value for value in [*(found[name] for name in names), *found["iou"]]
        ]
        assert got == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_moved_answer_goes_on_at_the_border_as_in_the_chapter(module):
    _, answer, _, _ = label_maps(1)
    (height, width), flat = answer.shape, answer.flatten().tolist()
    (found,) = module("score", "given.map((each) => it.moved(...each))", [[flat, height, width, 0, 2]])
    expected = torch.cat([answer[:, :1].expand(-1, 2), answer], dim=1)[:, :width]
    assert found == expected.flatten().tolist()


def grow_settings():
    chance = random.Random(1)
    while True:
        setting = {
            "kernel": chance.randint(1, 7), "stride": chance.randint(1, 4), "dilation": chance.randint(1, 3),
            "padding": chance.randint(0, 5), "flat": chance.random() < 0.3,
        }  # fmt: skip
        setting["outputPadding"] = chance.randrange(max(setting["stride"], setting["dilation"]))
        height, width = (1 if setting["flat"] else chance.randint(1, 5)), chance.randint(1, 5)
        sides = [width] if setting["flat"] else [height, width]
        reach = setting["dilation"] * (setting["kernel"] - 1) + 1
        canvas = [(side - 1) * setting["stride"] + reach + setting["outputPadding"] for side in sides]
        if min(canvas) > 2 * setting["padding"]:
            weights = setting["kernel"] ** (1 if setting["flat"] else 2)
            values = [[chance.randint(-9, 9) for _ in range(count)] for count in (height * width, weights)]
            yield {"values": values[0], "height": height, "width": width}, values[1], setting


def test_stamping_and_gathering_both_give_what_pytorchs_transposed_convolution_gives(module):
    several = grow_settings()
    given = [next(several) for _ in range(SETTINGS)]
    code = "given.map(([x, brush, setting]) => [it.grown(x, brush, setting), it.stamped(x, brush, setting)].map(\
        (map) => ({...map, values: [...map.values]})))"
    for (x, brush, setting), (result, canvas) in zip(given, module("grow", code, given), strict=True):
        options = {"stride": setting["stride"], "dilation": setting["dilation"]}
        values = torch.tensor(x["values"], dtype=torch.float64).view(1, 1, x["height"], x["width"])
        weight = torch.tensor(brush, dtype=torch.float64)
        cut, extra = setting["padding"], setting["outputPadding"]
        if setting["flat"]:
            layer, values, weight = F.conv_transpose1d, values[:, :, 0], weight.view(1, 1, -1)
        else:
            layer, weight = F.conv_transpose2d, weight.view(1, 1, setting["kernel"], setting["kernel"])
        expected = layer(values, weight, padding=cut, output_padding=extra, **options)
        assert [result["height"], result["width"]] == [1, *expected.shape[2:]][-2:]
        assert result["values"] == expected.flatten().tolist()
        whole = layer(values, weight, output_padding=extra, **options)
        assert canvas["values"] == whole.flatten().tolist()


def score_maps(number):
    """Return the score maps of a network on one scene, weights for them, and the label map of the scene."""
    chance = torch.Generator().manual_seed(number)
    coarse, levels, classes = 1 + number % 4, 1 + number % 3, 2 + number % 5
    maps = [torch.randn(1, classes, coarse << level, coarse << level, generator=chance) for level in range(levels)]
    side = (coarse << (levels - 1)) * (2 if number % 2 else 8)
    truth = torch.randint(classes, (1, side, side), generator=chance, dtype=torch.uint8)
    truth[torch.rand(truth.shape, generator=chance) < 0.1] = VOID
    return maps, (torch.randint(21, (levels,), generator=chance) / 10).tolist(), truth


def test_the_answer_of_weighted_maps_is_what_pytorch_gives_of_the_stored_ones(module):
    given, expected = [], []
    for number in range(SETTINGS):
        maps, weights, truth = score_maps(number)
        classes, side = maps[0].shape[1], truth.shape[-1]
        names = ["background", *map(str, range(1, classes))]
        state = Skips(torch.zeros(1, 3, side, side, dtype=torch.uint8), truth, {"one": maps}, names).networks[0]
        given.append([state["scores"][0], state["sides"], weights, classes, side, truth.flatten().tolist()])
        total = None
        for weight, each, bits in zip(weights, maps, (16, 8, 8), strict=False):
            step = each.double().abs().amax((2, 3), keepdim=True) / (2 ** (bits - 1) - 1)
            part = weight * (each / step).round() * step
            total = part if total is None else bilinear(total, 2) + part
        expected.append(bilinear(total, side // total.shape[-1]).argmax(1)[0])
    code = """given.map(([stored, sides, weights, classes, side, truth]) => {
        const maps = stored.map((each, level) => ({ values: it.unpacked(each), side: sides[level] }));
        const answer = it.predicted(maps, weights, classes, side);
        return [answer, it.kinds(truth, answer)];
    })"""
    apart, pixels = 0, 0
    for (*_, truth), answer, (found, wrong) in zip(given, expected, module("skips", code, given), strict=True):
        found = torch.tensor(found)
        apart, pixels = apart + (found != answer.flatten()).sum().item(), pixels + len(found)
        kinds = errors(torch.tensor(truth, dtype=torch.uint8), found.to(torch.uint8))
        assert wrong == [ERRORS[kind] for kind in kinds]
    assert apart < pixels / 10_000  # where two sums are equal but for rounding


def test_what_the_see_figure_frames_is_what_the_gradient_reaches(module):
    side, net = 256, small(wide=True).double().eval()
    for stage in net.stages:  # what a cell can see, not what one picture's largest values are
        for place, layer in enumerate(stage):
            if isinstance(layer, torch.nn.MaxPool2d):
                stage[place] = torch.nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
    with torch.no_grad():
        for weight in net.parameters():
            weight.abs_()  # so that no gradient is 0 by chance

    def reached(index, row, column):
        image = torch.rand(1, 3, side, side, dtype=torch.float64).requires_grad_()
        net(image)[index][0, :, row, column].sum().backward()
        rows, columns = (image.grad.abs().sum(dim=(0, 1)).sum(dim=axis).nonzero() for axis in (1, 0))
        return [rows[0].item(), columns[0].item(), rows[-1].item() + 1, columns[-1].item() + 1]

    fields = {}
    for index, stride in enumerate(net.strides):
        top, left, bottom, right = reached(index, side // stride // 2, side // stride // 2)
        fields[stride] = torch.zeros(side, side)
        fields[stride][top:bottom, left:right] = 1
    figure = See(np.zeros((1, 3, side, side), np.uint8), fields, dict(zip(net.strides, net.centers, strict=True)))
    chance = random.Random(0)
    asked = []
    for _ in range(SETTINGS):
        index = chance.randrange(4)
        asked.append([index, *(chance.randrange(side // net.strides[index]) for _ in range(2))])
    given = {"depths": figure.depths, "asked": asked, "side": side}
    code = "given.asked.map(([index, row, column]) => it.box(given.depths[index], row, column, given.side))"
    for (index, row, column), found in zip(asked, module("see", code, given), strict=True):
        assert found == reached(index, row, column), (net.strides[index], row, column)
