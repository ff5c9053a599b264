"""The figures that answer: what their scripts compute in Chromium is what PyTorch computes."""

import random
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from reading import open_answers, served

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


def figure_of(open_page, name, kind, **settings):
    """Open a chapter and return its figure of this kind, drawn."""
    page = open_page(f"{name}.html", **settings)
    open_answers(page)
    place = page.locator(f".fcn-figure[data-figure={kind}]")
    figure = place.locator(".fcn-live")
    for _ in range(2):  # what is above it is laid out only now
        place.evaluate("(place) => place.scrollIntoView({block: 'center'})")
        figure.wait_for(timeout=20_000)
        page.wait_for_timeout(300)
    return figure


ENDS = [("End", [0, 1]), ("Home", [0, 0]), ("Control+End", [1, 1]), ("Home", [1, 0]), ("Control+Home", [0, 0])]
GRIDS = [
    ("01_segmentation", "score", "canvas >> nth=0", r"Row (\d+), column (\d+)", (8, 8)),
    ("02_one_by_one", "ask", "canvas", r"Row (\d+) of 13, column (\d+)", (13, 20)),
    ("03_upsampling", "grow", "canvas >> nth=3", r"Row (\d+), column (\d+)", (7, 7)),
    ("05_skips", "see", "canvas", r"Row (\d+) of 8, column (\d+)", (8, 8)),
]


@pytest.mark.parametrize(("name", "kind", "canvas", "told", "shape"), GRIDS)
def test_home_and_end_lead_along_the_row_and_with_control_through_all(open_page, name, kind, canvas, told, shape):
    figure = figure_of(open_page, name, kind)
    board = figure.locator(canvas)
    board.focus()
    for key in ("Control+Home", *["ArrowRight"] * 2):
        board.press(key)
    for key, corner in ENDS:
        board.press(key)
        place = [int(number) - 1 for number in re.search(told, figure.inner_text()).groups()]
        assert place == [last * (side - 1) for last, side in zip(corner, shape, strict=True)], key
    assert figure.page.url.endswith(".html"), "and Alt with an arrow is left to the browser"
    assert board.evaluate("""(board) => board.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft",
        altKey: true, cancelable: true}))""")


HEARD = """(figure) => {
    globalThis.heard = [];
    for (const live of figure.querySelectorAll("[aria-live=polite], [role=status]"))
        new MutationObserver(() => heard.push(live.textContent)).observe(live, {childList: true, characterData: true,
            subtree: true});
}"""
SPEAKING = [
    ("01_segmentation", "score", "canvas >> nth=0"), ("02_one_by_one", "ask", "canvas"),
    ("03_upsampling", "grow", "canvas >> nth=3"), ("04_checkerboard", "paint", "input[type=range] >> nth=0"),
    ("05_skips", "see", "canvas"), ("05_skips", "skips", "input[type=range] >> nth=0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "control"), SPEAKING)
def test_a_figure_says_once_what_has_rested_and_nothing_on_the_way_nor_when_it_opens(open_page, name, kind, control):
    figure = figure_of(open_page, name, kind)
    figure.evaluate(HEARD)
    page = figure.page
    page.wait_for_timeout(1200)
    assert page.evaluate("heard") == []
    box = figure.locator(control).bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.6 * box["height"], steps=12)
    page.mouse.up()
    assert page.evaluate("heard") == []
    page.wait_for_timeout(1200)
    (said,) = page.evaluate("heard")
    assert re.search(r"\d", said)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_in_the_figure_of_skips_however_many_things_are_answered(open_page, width):
    figure = figure_of(open_page, "05_skips", "skips", width=width)
    places = """(figure) => [...figure.querySelectorAll("canvas, p.fcn-formula")]
        .map((each) => Math.round(each.getBoundingClientRect().top - figure.getBoundingClientRect().top))"""
    seen, count = set(), figure.locator("fieldset").first.locator("label").count()
    for scene in range(count):
        figure.locator("fieldset").first.locator("label").nth(scene).click()
        for keys in (["End"] * 3, ["Home", "Home", "End"], ["Home", "End", "Home"]):
            for handle, key in zip(figure.locator("input[type=range]").all(), keys, strict=True):
                handle.press(key)
            seen.add(tuple(figure.evaluate(places)))
    assert len(seen) == 1, seen


# --- what "Try it" says of the figures


def scored(figure):
    cells = [row.locator("th, td").all_inner_texts() for row in figure.locator("tr").all()]
    return {name: float(score) for name, score, _ in cells}


def stroke(figure, start, end):
    """Draw on the board of 8 × 8 from one (row, column) to another."""
    box = figure.locator("canvas").first.bounding_box()
    places = [[box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + (row + 0.5) * box["height"] / 8]
              for row, column in (start, end)]  # fmt: skip
    figure.page.mouse.move(*places[0])
    figure.page.mouse.down()
    figure.page.mouse.move(*places[1], steps=3)
    figure.page.mouse.up()


def test_what_try_it_says_of_score(open_page):
    figure = figure_of(open_page, "01_segmentation", "score")

    def painted(start, name, *strokes):
        figure.get_by_role("button", name=start).click()
        figure.locator("label", has_text=name).click()
        for each in strokes:
            stroke(figure, *each)
        return scored(figure)

    none = painted("All background", "dog")
    dog = painted("All background", "dog", *(((row, 1), (row, 4)) for row in range(3, 7)))
    bottle = painted("All background", "bottle", ((1, 6), (6, 6)))
    gains = [each["mean IoU"] - none["mean IoU"] for each in (dog, bottle)]
    assert 0 < gains[0] - gains[1] < 0.07
    assert min(gains) > 0.34
    assert dog["pixel accuracy"] - bottle["pixel accuracy"] > 0.14
    missed = painted("The truth", "background", ((1, 6), (6, 6)))
    wide = painted("The truth", "bottle", ((1, 5), (6, 5)), ((1, 7), (6, 7)))
    assert missed["pixel accuracy"] == pytest.approx(1 - 6 / 64, abs=0.006)
    assert wide["pixel accuracy"] == pytest.approx(1 - 12 / 64, abs=0.006)
    assert wide["mean IoU"] > missed["mean IoU"]
    named = painted("The truth", "dog", ((1, 6), (6, 6)))
    assert named["pixel accuracy"] == missed["pixel accuracy"]
    assert named["mean IoU"] < missed["mean IoU"]


def test_what_try_it_says_of_ask(open_page):
    figure = figure_of(open_page, "02_one_by_one", "ask")
    canvas, told, handle = (
        figure.locator("canvas"),
        figure.locator("p.fcn-title"),
        figure.locator("input[type=range]"),
    )
    canvas.press("Control+Home")
    canvas.press("ArrowRight")
    said = [told.inner_text()]
    for _ in range(6):
        canvas.press("ArrowDown")
        said.append(told.inner_text())
    names, sure = zip(*(re.search(r": (.+), (\d+) %", each).groups() for each in said), strict=True)
    sure = [int(each) for each in sure]
    assert set(names) == {"crane"}
    assert sure[0] > 95
    assert sure[1:] == sorted(sure[1:], reverse=True)
    assert sure[-1] < 40
    for _ in range(3):
        canvas.press("ArrowRight")
    assert told.inner_text().startswith("Row 7 of 13, column 5 of 20: screen")
    canvas.press("ArrowUp")
    assert "Row 6 of 13, column 5 of 20: tiger cat" in told.inner_text()
    handle.press("Home")
    assert "Row 6 of 7, column 5 of 7: screen" in told.inner_text()
    handle.press("ArrowRight")
    assert "column 5 of 9: tiger cat" in told.inner_text()


def test_what_try_it_says_of_grow(module):
    code = "given.map(([x, brush, setting]) => [...it.grown(x, brush, setting).values])"
    usual = {"kernel": 3, "stride": 2, "padding": 0, "outputPadding": 0, "dilation": 1, "flat": False}
    x = {"values": [1, 2, 1, 0, 3, 1, 2, 1, 1], "height": 3, "width": 3}
    brush = [1, 2, 1, 2, 4, 2, 1, 2, 1]
    line = {"values": [1, 1, 1], "height": 1, "width": 3}
    dilated, added, cut, bilinearly = module("grow", code, [
        [x, brush, usual | {"dilation": 2}], [x, brush, usual | {"outputPadding": 1}],
        [x, brush, usual | {"outputPadding": 1, "padding": 1}],
        [line, [1, 3, 3, 1], usual | {"kernel": 4, "padding": 1, "flat": True}],
    ])  # fmt: skip
    assert len(dilated) == 81
    assert dilated.count(0) > 2 / 3 * 81
    assert added[-8:] == [0] * 8
    assert added[7::8] == [0] * 8
    assert 0 not in cut[-6:]
    assert bilinearly == [3, 4, 4, 4, 4, 3]


def test_what_try_it_says_of_paint(open_page):
    figure = figure_of(open_page, "04_checkerboard", "paint")
    kernel, stride, _ = figure.locator("input[type=range]").all()
    words = figure.locator(".fcn-told p:not(.fcn-title)")
    score = figure.locator("figcaption", has_text="phase score").first
    figure.locator("label", has_text="tent").click()
    assert score.inner_text().startswith("phase score 0,")
    for handle, times in ((kernel, 1), (stride, 2)):
        for _ in range(times):
            handle.press("ArrowRight")
    assert "The stride divides the kernel" in words.inner_text()
    assert "The most paint on a pixel is 9.0 times the least." in words.inner_text()
    stride.press("Home")
    figure.locator("label", has_text="ones").click()
    figure.locator("label", has_text="noise").click()
    assert score.inner_text() == "phase score 0, noise has 0.0013"
    figure.locator("label", has_text="random").click()
    assert float(score.inner_text().split()[2].strip(",")) > 0.05


def test_what_try_it_says_of_see_and_skips(open_page):
    see = figure_of(open_page, "05_skips", "see")
    see.locator("canvas").press("Control+Home")
    high, wide = map(int, re.search(r"of which (\d+) × (\d+) lie", see.inner_text()).groups())
    assert high * wide / 200**2 == pytest.approx(1 / 3, abs=0.01)
    figure = figure_of(open_page, "05_skips", "skips")
    answer, told = figure.locator("canvas").nth(1), figure.locator("p.fcn-formula")
    first = answer.evaluate("canvas => canvas.toDataURL()")
    for keys in (["End"], ["Home", "ArrowRight"]):
        for handle in figure.locator("input[type=range]").all():
            for key in keys:
                handle.press(key)
        assert answer.evaluate("canvas => canvas.toDataURL()") == first
    figure.locator("label", has_text="bicycle, boat").click()
    found = {}
    for name in ("FCN-32s", "FCN-16s"):
        figure.locator("label", has_text=name).click()
        numbers = [float(each) for each in re.findall(r"\d\.\d\d", told.inner_text())]
        found[name] = (*numbers[:2], answer.get_attribute("aria-label"))
    assert found["FCN-32s"][0] > found["FCN-16s"][0]
    assert found["FCN-32s"][1] < found["FCN-16s"][1]
    assert found["FCN-32s"][2] == "answer: nothing"
    assert re.match(r"answer: bicycle \d %, boat \d %", found["FCN-16s"][2])
