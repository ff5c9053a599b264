"""Figures: light and dark from one drawing, described, and true to what they show."""

import io

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex, to_rgba
from PIL import Image

from fcn import viz


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def hex_pixel(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def shown(fig: viz.BookFigure) -> np.ndarray:
    return np.asarray(fig.axes[0].images[0].get_array())


def line_figure():
    fig, ax = viz.figure(3, 2, alt="A line that rises", title="Rising")
    ax.plot([0, 1], [0, 1], color=viz.ACCENT[0], linewidth=6)
    return fig


def test_a_figure_has_the_paper_and_the_ink_of_each_theme():
    fig = line_figure()
    for dark in (False, True):
        image = pixels(fig.encoded(dark))
        assert image[0, 0].tolist() == hex_pixel(viz.PAPER[dark])
        assert (image == hex_pixel(viz.ACCENT[dark])).all(axis=2).any()
        assert not (image == hex_pixel(viz.ACCENT[not dark])).all(axis=2).any()
        assert not (image == hex_pixel(viz.INK[not dark])).all(axis=2).any()


def test_drawing_the_dark_twin_leaves_the_light_figure_as_it_was():
    fig = line_figure()
    before = fig.encoded()
    fig.encoded(dark=True)
    assert fig.encoded() == before


def test_a_figure_carries_its_description_and_its_dark_twin_into_the_notebook():
    fig = line_figure()
    data, metadata = fig._repr_mimebundle_()
    assert data["text/plain"] == repr(fig) == "<Figure: A line that rises>"
    assert metadata["image/png"]["alt"] == "A line that rises"
    assert metadata["image/png"]["dark"] != data["image/png"]


def test_importing_viz_changes_nothing_in_matplotlib():
    line_figure().encoded()
    assert matplotlib.rcParams["font.family"] == matplotlib.rcParamsDefault["font.family"]


def test_the_dark_twin_keeps_opacity_and_darkens_markers_and_collections():
    fig, ax = viz.figure(3, 2, alt="Markers and bars")
    bar = ax.bar([0], [1], color=viz.ACCENT[0] + "33")[0]
    (line,) = ax.plot([0], [0], "o", mfc=viz.INK[0], mec=viz.WARM[0])
    dots = ax.scatter([0, 1], [0, 1], c=[viz.INK[0], viz.ACCENT[0]])
    with viz.dark_colors(fig):
        assert bar.get_facecolor() == pytest.approx(to_rgba(viz.ACCENT[1], 0.2), abs=0.01)
        assert to_hex(line.get_markerfacecolor()) == viz.INK[1]
        assert to_hex(line.get_markeredgecolor()) == viz.WARM[1]
        assert [to_hex(color) for color in dots.get_facecolor()] == [viz.INK[1], viz.ACCENT[1]]
    assert to_hex(line.get_markerfacecolor()) == viz.INK[0]


IMAGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
PLANES = torch.from_numpy(IMAGE).permute(2, 0, 1)


@pytest.mark.parametrize(
    "image", [PLANES, PLANES.numpy(), PLANES.permute(1, 2, 0), IMAGE.tolist()], ids=["3HW", "array", "HW3", "lists"]
)
def test_an_image_is_drawn_whichever_way_it_comes(image):
    if isinstance(image, list):
        image = np.array(image) / 255
    picture = shown(viz.panel(image, "An image"))
    np.testing.assert_allclose(picture / (1 if picture.dtype.kind == "f" else 255), IMAGE / 255)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_an_image_may_be_floats_with_a_gradient(dtype):
    image = (PLANES / 255).to(dtype).requires_grad_()
    picture = shown(viz.panel(image, "An image"))
    np.testing.assert_allclose(picture, IMAGE / 255, atol=0.003 if dtype == torch.bfloat16 else 1e-7)


def test_an_image_three_wide_is_read_by_its_last_axis():
    square = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    np.testing.assert_array_equal(shown(viz.panel(square, "Narrow")), square)


def test_a_row_shows_each_image_in_its_place():
    batch = torch.zeros(2, 3, 20, 20)
    batch[0, 0], batch[1, 2] = 1, 1
    for images in (batch, list(batch)):
        image = pixels(viz.row(images, ["red", "$blue$"], width=4, alt="red and blue").encoded())
        height, width = image.shape[:2]
        assert image[height // 2, width // 4].argmax() == 0
        assert image[height // 2, 3 * width // 4].argmax() == 2


def test_titles_describe_a_row_that_has_no_description():
    assert viz.row([IMAGE, IMAGE], ["left", "right"]).get_label() == "left, right"


def test_a_map_is_enlarged_cell_by_cell_and_never_smoothed():
    image = np.full((40, 60, 3), 128, dtype=np.uint8)
    heat = np.zeros((2, 3))
    heat[1, 2] = 1
    lit = viz.overlay(image, heat)
    cell = lit[20:, 40:]
    assert np.ptp(cell, axis=(0, 1)).max() == 0
    rest = np.ones((40, 60), dtype=bool)
    rest[20:, 40:] = False
    assert np.ptp(lit[rest], axis=0).max() == 0
    assert cell[0, 0].sum() > 2 * lit[0, 0].sum()


def test_several_maps_light_up_in_a_color_each():
    image = np.full((8, 16, 3), 128, dtype=np.uint8)
    left, right = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    lit = viz.overlay(image, [left, right])
    np.testing.assert_allclose(lit[:, :8], viz.overlay(image, left)[:, :8])
    assert not np.allclose(lit[0, 0], lit[0, 15])


def test_an_overlay_is_the_same_from_tensors_and_from_floats():
    heats = torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = viz.overlay(IMAGE, list(heats.numpy()))
    np.testing.assert_array_equal(viz.overlay(PLANES, heats.requires_grad_()), expected)
    np.testing.assert_allclose(viz.overlay(PLANES / 255, heats), expected, atol=1e-6)


def test_a_crop_overlay_lights_the_corner_that_the_network_was_given_and_no_more():
    image = np.full((80, 160, 3), 200, dtype=np.uint8)
    dark_cell, lit_cell = torch.zeros(2, 3), torch.ones(2, 3)
    dark, lit = (
        pixels(viz.crop_overlay(image, heat, cell=20, title="a corner", width=3.2).encoded()).astype(int)
        for heat in (dark_cell, lit_cell)
    )
    height = dark.shape[0] * 3.2 * 80 / 160 / (3.2 * 80 / 160 + 0.32)  # pixels of the picture, below the title
    top, scale = dark.shape[0] - height, height / 80
    difference = np.abs(lit - dark).max(axis=2)
    assert difference[int(top + 30 * scale), int(50 * scale)] > 50  # row 30, column 50: in the corner of 40 x 60
    assert difference[int(top + 50 * scale), int(30 * scale)] < 12
    assert difference[int(top + 30 * scale), int(70 * scale)] < 12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.overlay(IMAGE, np.full((2, 2), np.nan)), "0 to 1; got nan"),
        (lambda: viz.overlay(IMAGE, np.full((2, 2), 7.0)), "0 to 1; got 7 to 7"),
        (lambda: viz.overlay(IMAGE, [np.zeros((2, 2))] * 5), "4 colors; got 5"),
        (lambda: viz.overlay(IMAGE, torch.zeros(5, 2, 2)), "4 colors; got 5"),
        (lambda: viz.overlay(IMAGE, np.zeros((2, 61))), "no larger than the image (40, 60); got float64 (2, 61)"),
        (lambda: viz.overlay(IMAGE, np.zeros((0, 2))), "got float64 (0, 2)"),
        (
            lambda: viz.crop_overlay(IMAGE, np.zeros((2, 2)), cell=32, title="t"),
            "(2, 2) cells of 32 pixels do not fit",
        ),
        (lambda: viz.crop_overlay(IMAGE, np.zeros((2, 2)), cell=0, title="t"), "into an image of 40x60"),
        (lambda: viz.crop_overlay(IMAGE, np.zeros(2), cell=2, title="t"), "(2,) cells"),
        (lambda: viz.panel(IMAGE[..., 0], "gray"), "got uint8 (40, 60)"),
        (lambda: viz.panel(IMAGE[:0], "empty"), "got uint8 (0, 60, 3)"),
        (lambda: viz.panel(PLANES[None].float(), "batch"), "got float32 (1, 3, 40, 60)"),
        (lambda: viz.panel("cat.png", "path"), "got str"),
        (lambda: viz.panel([[1, 2], [3]], "lists"), "got list"),
        (lambda: viz.panel(IMAGE + 255.0, "float"), "as floats of 0 to 1; got float64 (40, 60, 3), 255 to 510"),
        (lambda: viz.panel(PLANES.long(), "int"), "as floats of 0 to 1; got int64 (3, 40, 60), 0 to 255"),
        (lambda: viz.panel(PLANES > 9, "bool"), "got bool (3, 40, 60), 0 to 1"),
        (lambda: viz.panel(IMAGE * np.nan, "nan"), "got float64 (40, 60, 3), nan to nan"),
        (lambda: viz.panel(IMAGE), "and a description; got 3.4x"),
        (lambda: viz.row([], [], alt="none"), "got [] and []"),
        (
            lambda: viz.row([IMAGE, IMAGE[:9]], alt="two"),
            "images of one size, each with a title or none; got [(40, 60)",
        ),
        (lambda: viz.row([IMAGE, IMAGE], ["one"]), "got [(40, 60), (40, 60)] and ['one']"),
        (lambda: viz.figure(3, 2, alt=""), "a description"),
        (lambda: viz.figure(3, 0, alt="flat"), "got 3x0"),
        (
            lambda: viz.side_by_side(3, 2, titles=["one"], ratios=(1, 2), alt="Two"),
            "ratio for each axes; got ['one'] and (1, 2)",
        ),
    ],
)
def test_what_cannot_be_drawn_truly_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_a_loss_curve_shows_every_step_and_leaves_out_those_of_nothing_but_void():
    fig = viz.loss_curve([4.0, float("nan"), *[2.0] * 38])
    faint, mean = fig.axes[0].lines
    assert len(faint.get_xdata()) == 39
    assert mean.get_ydata()[-1] == 2.0
    assert "40 steps" in repr(fig)


def test_several_losses_are_named_lines_in_one_chart():
    fig = viz.loss_curve({"one": [3.0, 2.0], "other": [3.0, 1.0, 1.0]})
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["one", "other"]
    assert [line.get_ydata()[-1] for line in fig.axes[0].lines] == [2.0, 1.0]
    assert "of other falls from 3.00 to 1.00 in 3 steps" in repr(fig)


def test_curves_go_through_their_points_and_have_a_tick_at_each():
    fig = viz.curves({"a": {32: 0.5, 8: 0.9}, "b": {32: 0.4, 16: 0.6}}, "factor", "IoU", alt="Two lines", log="x")
    ax = fig.axes[0]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[32, 8], [32, 16]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "16", "32"]
    with pytest.raises(ValueError, match="1 to 6 lines; got 0"):
        viz.curves({}, "x", "y", alt="None")
    with pytest.raises(ValueError, match=r"2 or more points of finite numbers.*\(a\)"):
        viz.curves({"a": {1: float("nan"), 2: 1}}, "x", "y", alt="A gap")


def test_charts_that_are_to_be_compared_share_their_limits():
    charts = [viz.intervals({"a": (x, x - 1, x + 1)}, "points", alt="One", limits=(-2, 9)) for x in (1, 7)]
    assert {chart.axes[0].get_xlim() for chart in charts} == {(-2, 9)}
    assert viz.scatter({"a": (1, 2)}, "x", "y", alt="One", limits=(0, 5)).axes[0].get_ylim() == (0, 5)


def test_a_row_may_have_several_lines():
    fig = viz.row(np.zeros((4, 3, 10, 10)), list("abcd"), columns=2, width=4)
    boxes = [ax.get_position().bounds for ax in fig.axes]
    assert boxes[0][0] == boxes[2][0]
    assert boxes[0][1] > boxes[2][1] + boxes[2][3]


def test_a_scatter_names_its_points_beside_them_and_strokes_their_spread():
    fig = viz.scatter({"a": (1, 2), "b": (3, 5, 4, 6)}, "x", "y", alt="Two points", marked=["b"], log="x")
    assert [text.get_text() for text in fig.axes[0].texts] == ["a", "b"]
    assert any(list(line.get_ydata()) == [4, 6] for line in fig.axes[0].lines)


def test_names_of_near_points_do_not_cover_each_other():
    fig = viz.scatter({f"point {i}": (1 + i / 100, 1) for i in range(3)}, "x", "y", alt="Three near points")
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_an_interval_that_holds_zero_is_gray_and_the_first_row_is_on_top():
    fig = viz.intervals({"sure": (2, 1, 3), "unsure": (1, -1, 3)}, "points", alt="Two differences")
    sure, _, unsure, *_ = (line.get_color() for line in fig.axes[0].lines)
    assert (sure, unsure) == (viz.ACCENT[0], viz.SOFT[0])
    low, high = fig.axes[0].get_ylim()
    assert low > high


@pytest.mark.parametrize(
    ("draw", "given"),
    [(viz.loss_curve, ([1.0],)), (viz.loss_curve, ([1.0, float("inf")],)), (viz.scatter, ({}, "x", "y")),
     (viz.scatter, ({"a": (1, 2, 3)}, "x", "y")), (viz.intervals, ({"a": (1, 2, 3)}, "x")),
     (viz.intervals, ({}, "x"))],
)  # fmt: skip
def test_a_chart_of_other_numbers_is_refused_by_name(draw, given):
    with pytest.raises(ValueError, match="Expected"):
        draw(*given, alt="A chart")


@pytest.mark.parametrize(("columns", "numbers", "ruled"), [(15, "", True), (16, "", False), (25, "g", True)])
def test_lines_part_the_cells_of_a_map_that_is_small_or_has_numbers_in_it(columns, numbers, ruled):
    fig = viz.cells(torch.rand(9, columns), numbers=numbers, alt="A map of nine rows")
    assert bool(fig.axes[0].collections) == ruled


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.curves([1, 2], "x", "y", alt="A"), "{name: {x: y}}; got list"),
        (lambda: viz.curves({"a": {1: "b", 2: 1}}, "x", "y", alt="A"), "Expected numbers; got ['b', 1] (a, y)"),
        (lambda: viz.curves({"a": {1: 0, 2: 1}}, "x", "y", alt="A", log="y"), "above 0 on a logarithmic axis; got 0"),
        (lambda: viz.curves({"a": {1: 1, 2: 1}}, "x", "y", alt="A", log="z"), 'as "x", "y" or "xy"; got \'z\''),
        (lambda: viz.loss_curve({}), "1 to 6 trainings; got 0"),
        (lambda: viz.loss_curve({str(n): [2.0, 1.0] for n in range(7)}), "1 to 6 trainings; got 7"),
        (lambda: viz.loss_curve([float("nan")] * 3), "the losses of 2 steps or more"),
        (lambda: viz.intervals([(1, 0, 2)], "points", alt="A"), "{name: values}; got list"),
        (lambda: viz.scatter({"a": (1, 2)}, "x", "y", alt="A", marked=["b"]), "names of points to mark; got ['b']"),
        (lambda: viz.row(np.zeros((2, 3, 4, 4)), columns=3), "columns from 1 to 2, or 0 for one line; got 3"),
        (lambda: viz.row(np.zeros((2, 3, 4, 4)), columns=-1), "got -1"),
        (lambda: viz.cells([[1]], "a", side=2.5), "a side of 1 cells or more; got 2.5"),
    ],
)
def test_charts_refuse_what_cannot_be_drawn_in_one_line(call, message):
    with pytest.raises(ValueError, match="Expected") as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_negative_numbers_stand_below_zero():
    low, high = viz.curves({"a": {1: -1, 2: -2}}, "x", "y", alt="A fall").axes[0].get_ylim()
    assert low < -2 < high


def test_lines_of_one_chart_differ_in_colour_or_dashes_and_the_logarithm_is_one():
    fig = viz.curves({str(n): {1: 1, 10: n + 1} for n in range(6)}, "x", "y", alt="Six lines", log="xy")
    ax = fig.axes[0]
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 6
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert viz.strip_plot({"a": [1, 2]}, "x", alt="Dots", log=True).axes[0].get_xscale() == "log"
    assert viz.loss_curve([2.0, 1.0], log=True).axes[0].get_yscale() == "log"


def test_what_is_marked_has_another_colour():
    dots = viz.scatter({"a": (1, 2), "b": (2, 1)}, "x", "y", alt="Two", marked=["b"]).axes[0].lines
    assert dots[0].get_color() != dots[1].get_color()


def test_a_photograph_is_stored_as_jpeg_and_a_drawing_as_png():
    assert viz.panel(IMAGE, "a").encoded()[:3] == b"\xff\xd8\xff"
    assert viz.cells([[1]], "a").encoded()[1:4] == b"PNG"


def test_a_reliability_diagram_sets_how_often_right_over_how_sure():
    counts = [[10, 0, 30, 50_000], [4, 0, 21, 47_500], [3, 0, 15, 45_000]]
    many = [[0, 0, 5, 100_000], [0, 0, 4, 95_000], [0, 0, 4, 95_000]]
    fig = viz.reliability({"as trained": counts, "later": many}, alt="Dots")
    first, second = (each.get_offsets().tolist() for each in fig.axes[0].collections)
    assert np.allclose(first, [[0.4, 0.3], [0.7, 0.5], [0.95, 0.9]])  # a bin without a pixel has no dot
    assert np.allclose(second, [[0.95, 0.95]])  # nor one with less than a ten thousandth
    assert fig.axes[0].lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({}, "1 to 3 groups"),
        ([[1], [1], [1]], "1 to 3 groups"),
        ({name: [[1], [1], [1]] for name in "abcd"}, "1 to 3 groups"),
        ({"one": [1, 1, 1]}, r"counts \(3, bins\).*\(one\)"),
        ({"one": [[1], [1]]}, r"counts \(3, bins\)"),
        ({"one": [[-1], [1], [1]]}, "0 or more"),
        ({"one": [[0], [0], [0]]}, "of some pixels"),
    ],
)
def test_what_is_no_reliability_is_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        viz.reliability(groups, alt="Dots")
