"""Label maps, small maps and brushes: each pixel in its color, each number in its place."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_hex
from test_viz import IMAGE, PLANES, hex_pixel, pixels, shown

from fcn import viz
from fcn.checkerboard import paint_count
from fcn.metrics import errors

MASK = np.zeros((40, 60), dtype=np.uint8)
MASK[5:25, 5:25], MASK[30:32, 50:52], MASK[:, 40] = 1, 2, 255
THREE = ["background", "cat", "dog"]


def test_a_label_map_is_drawn_in_its_colors_and_names_its_classes_where_there_is_room():
    fig = viz.label_map(MASK, THREE, title="a map", width=3)
    image = pixels(fig.encoded())
    scale = 10  # 3 inches, 200 pixels an inch, 60 columns
    top = image.shape[0] - 40 * scale
    for row, column in [(38, 20), (6, 6), (31, 51)]:
        at = (top + row * scale + 5, column * scale + 5)
        assert image[at].tolist() == viz.colors(THREE)[MASK[row, column]].tolist()
    void = image[top + 200 : top + 210, 400:410].reshape(-1, 3)
    light = (void == viz.colors(THREE)[255]).all(axis=1)
    assert 0.6 <= light.mean() <= 0.8  # and the rest is hatching
    (text,) = fig.axes[0].texts  # the dog is too small for a name
    assert (text.get_text(), text.get_position()) == ("cat", (14, 14))
    assert fig.get_label() == "a map: background 82%, cat 17%, void 2%, and 1 smaller"
    assert fig.apart["legend"] == []


def test_a_label_map_has_names_of_the_readers_own():
    fig = viz.label_map(torch.tensor([[0, 1]]), ["sky", "road"])
    assert [text.get_text() for text in fig.axes[0].texts] == ["sky", "road"]
    np.testing.assert_array_equal(shown(fig), viz.colors(["sky", "road"])[[[0, 1]]])


def test_a_name_stands_in_the_middle_of_its_classes_largest_piece():
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[2:8, 2:8], mask[20:37, 30:47] = 1, 1
    (text,) = viz.label_map(mask, THREE).axes[0].texts
    assert text.get_position() == (38, 28)


def test_a_name_hides_neither_its_thing_nor_another_name_a_page_says_it_below():
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[20:40, 10:54], mask[10:16, 20:26] = 1, 2
    fig = viz.label_map(mask, ["background", "cat", "motorbike"], width=2)
    assert [text.get_text() for text in fig.axes[0].texts] == ["cat"]
    assert fig.apart["legend"] == [("motorbike", viz.CLASS_COLORS["motorbike"])]
    mask[:] = 0
    mask[20:30, :], mask[30:32, :] = 1, 1
    mask[24:28, 10:54] = 2  # both are widest at the same place
    texts = viz.label_map(mask, ["background", "diningtable", "motorbike"], width=2).axes[0].texts
    assert len(texts) <= 1


def test_a_page_may_set_title_and_legend_in_its_own_type():
    figure = viz.error_map(np.zeros((10, 10), dtype=np.uint8), "FCN-8s", width=2)
    _, metadata = figure._repr_mimebundle_()
    about = metadata["image/png"]
    assert (about["title"], about["legend"]) == ("FCN-8s", list(viz.ERROR_COLORS.items()))
    image = pixels(figure.encoded())
    above, below = (round(200 * about[side]) for side in ("above", "below"))
    inner = image[above : len(image) - below]
    assert inner.shape[:2] == (400, 400)
    assert (inner.reshape(-1, 3) == hex_pixel(viz.ERROR_COLORS["right"])).all()
    assert viz.row(np.zeros((2, 3, 4, 4)), ["a", "b"]).apart == {}  # two titles have no place above one picture


def test_maps_of_several_sizes_have_cells_of_one():
    small, large = (viz.cells(np.ones((n, n)), f"{n}", side=6, width=3).axes[0] for n in (2, 6))
    assert small.get_xlim() == (-2.5, 3.5)
    assert large.get_xlim() == (-0.5, 5.5)
    with pytest.raises(ValueError, match="a side of 8 cells or more; got 6"):
        viz.cells(np.ones((8, 8)), "large", side=6)


def test_a_comparison_holds_the_image_the_label_maps_and_the_truth():
    mask = torch.from_numpy(MASK)
    figures = viz.comparison(PLANES, {"32s": MASK * 0, "8s": mask}, truth=mask, classes=THREE)
    assert [fig.axes[0].get_title(loc="left") for fig in figures] == ["image", "32s", "8s", "truth"]
    expected = [IMAGE, *(viz.colors(THREE)[mask] for mask in (MASK * 0, MASK, MASK))]
    for fig, picture in zip(figures, expected, strict=True):
        np.testing.assert_array_equal(shown(fig), picture)
    assert len(viz.comparison(IMAGE, {"truth": MASK}, truth=MASK, classes=THREE)) == 3


def test_a_map_of_errors_shows_each_kind_in_its_color_and_says_their_shares():
    label = torch.tensor([[0, 0, 1, 1, 1, 255]], dtype=torch.uint8)
    kinds = errors(label, torch.tensor([[0, 2, 1, 2, 0, 1]], dtype=torch.uint8))
    fig = viz.error_map(kinds, "FCN-8s", width=3)
    colors = viz.ERROR_COLORS
    expected = ["right", "spilled", "right", "mixed up", "missed", "void"]
    assert shown(fig)[0].tolist() == [hex_pixel(colors[name]) for name in expected]
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == list(colors)
    assert [to_hex(patch.get_facecolor()) for patch in legend.get_patches()] == list(colors.values())
    shares = "right 33%, missed 17%, spilled 17%, mixed up 17%, void 17% of the pixels"
    assert fig.get_label() == f"Map of errors, FCN-8s: {shares}"


@pytest.mark.parametrize("width", [2.2, 2.8, 3.39, 3.4, 4.6])
@pytest.mark.parametrize("shape", [(400, 100), (100, 100), (40, 400)])
def test_the_legend_of_a_map_of_errors_lies_below_the_map_and_within_the_figure(shape, width):
    fig = viz.error_map(np.zeros(shape, dtype=np.uint8), width=width)
    fig.draw_without_rendering()
    (left, bottom), (right, _) = fig.bbox.min, fig.bbox.max
    lower_edge = fig.axes[0].get_window_extent().y0
    for part in [fig.legends[0], *fig.legends[0].get_texts(), *fig.legends[0].get_patches()]:
        box = part.get_window_extent()
        assert left <= box.x0 < box.x1 <= right
        assert bottom <= box.y0 < box.y1 <= lower_edge


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.label_map(MASK[:0], THREE), "got uint8 (0, 60)"),
        (lambda: viz.label_map(MASK / 2, THREE), "of whole numbers; got float64 (40, 60)"),
        (lambda: viz.label_map(MASK, THREE[:2]), "labels in 0..1 or 255 (void); got 2 at (30, 50)"),
        (lambda: viz.label_map(torch.tensor([[0, -1]]), THREE), "got -1 at (0, 1)"),
        (lambda: viz.label_map(MASK, ["void"]), "got ['void']"),
        (lambda: viz.comparison(MASK, {}, truth=MASK, classes=THREE), "got uint8 (40, 60)"),
        (lambda: viz.comparison(IMAGE, {"a": MASK.T}, truth=MASK, classes=THREE), "got [(60, 40), (40, 60)]"),
        (lambda: viz.comparison(IMAGE[:9], {"a": MASK}, truth=MASK, classes=THREE), "the image's size (9, 60)"),
        (lambda: viz.error_map(MASK), "labels in 0..4; got 255 at (0, 40). Pass what fcn.metrics.errors"),
        (lambda: viz.error_map(MASK[None]), "got uint8 (1, 40, 60)"),
    ],
)
def test_a_label_map_that_is_none_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("values", "numbers", "expected"),
    [
        (torch.tensor([[0, 4], [-2, -0.001]], requires_grad=True), ".1f", ["0.0", "4.0", "-2.0", "0.0"]),
        (np.array([[0, 1], [-0.5, -0.001]]), ".0%", ["0%", "100%", "-50%", "0%"]),
        (np.array([[0, 100], [-5, -0.0]]), ".0e", ["0e+00", "1e+02", "-5e+00", "0e+00"]),
        (torch.tensor([[0, 4], [-2, 0]]), "d", ["0", "4", "-2", "0"]),
        ([[0, True], [-1, False]], "g", ["0", "1", "-1", "0"]),
    ],
)
def test_a_small_map_is_drawn_cell_by_cell_with_its_numbers(values, numbers, expected):
    fig = viz.cells(values, "map", numbers=numbers)
    assert [text.get_text() for text in fig.axes[0].texts] == expected
    zero, high, low = shown(fig)[[0, 0, 1], [0, 1, 0], :3]
    assert high[0] > high[2]
    assert low[2] > low[0]
    assert zero.max() < 0.25


def test_the_dots_of_a_group_stand_beside_its_name_highest_mean_on_top():
    fig = viz.strip_plot({"a": torch.tensor([1, 2]), "b": [3, 5]}, "score", alt="Dots")
    ax = fig.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a"]
    assert ax.lines[2].get_xdata().tolist() == [1, 2]
    assert set(ax.lines[3].get_xdata()) == {1.5}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.cells(np.zeros(3), "flat"), "got float64 (3,)"),
        (lambda: viz.cells(np.array([[0, np.nan]]), "nan"), "got nan at (0, 1)"),
        (lambda: viz.cells([["a"]], "text"), "got list"),
        (lambda: viz.strip_plot({}, "score", alt="Dots"), "got [] (no group at all)"),
        (lambda: viz.strip_plot({"a": [1], "b": []}, "score", alt="Dots"), "got [] (b)"),
        (lambda: viz.strip_plot({"a": [0.0]}, "score", alt="Dots", log=True), "above 0; got [0.0] (a)"),
        (lambda: viz.strip_plot({"a": [np.inf]}, "score", alt="Dots"), "got [inf] (a)"),
    ],
)
def test_cells_and_dots_refuse_what_cannot_be_drawn(call, message):
    with pytest.raises(ValueError, match="Expected") as error:
        call()
    assert message in str(error.value)


X, KERNEL = torch.tensor([[1.0, 2], [0, 3]]), torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])


def test_the_last_stamp_completes_the_transposed_convolution():
    reference = torch.nn.functional.conv_transpose2d(X[None, None], KERNEL[None, None], stride=2)[0, 0]
    for stamp, complete in [(4, True), (1, False)]:
        canvas = viz.stamps(X.requires_grad_(), KERNEL.numpy(), stride=2, stamp=stamp).axes[1]
        numbers = [float(text.get_text()) for text in canvas.texts]
        assert (numbers == reference.flatten().tolist()) == complete


def test_a_frame_shows_where_the_last_stamp_lies():
    figure = viz.stamps(np.ones((2, 3)), np.ones((3, 3)), stride=2, stamp=5)
    pixel, brush = (axes.patches[-1] for axes in figure.axes)
    assert pixel.get_xy() == (0.5, 0.5)
    assert brush.get_xy() == (1.5, 1.5)
    assert (brush.get_width(), brush.get_height()) == (3, 3)
    assert "stamp 5 of 6" in figure.get_label()


def test_the_bars_are_the_counts_of_paint():
    for counts in (paint_count(5, 3, 2), paint_count(5, 3, 2).numpy(), (1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1)):
        fig = viz.paint_counts(counts)
        bars, square = fig.axes
        assert [bar.get_height() for bar in bars.patches] == [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]
        assert sorted({text.get_text() for text in square.texts}) == ["1", "2", "4"]
        assert "painted 1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1 times; in both directions 1 to 4" in fig.get_label()


def test_bars_share_a_scale_and_none_is_cut_off():
    scales = [viz.paint_counts(counts).axes[0].get_ylim() for counts in ([1, 2], [4, 4], [1, 9])]
    assert scales[0] == scales[1]
    assert scales[2][1] > 9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.stamps(X, KERNEL, stride=2, stamp=5), "a stamp in 1..4; got 2 and 5"),
        (lambda: viz.stamps(X, KERNEL, stride=2, stamp=0), "a stamp in 1..4; got 2 and 0"),
        (lambda: viz.stamps(X, KERNEL, stride=0, stamp=1), "stride of 1 or more and a stamp in 1..4; got 0 and 1"),
        (lambda: viz.stamps(np.ones(4), KERNEL, stride=2, stamp=1), "got float64 (4,)"),
        (lambda: viz.stamps(X, KERNEL[:0], stride=2, stamp=1), "got float32 (0, 3)"),
        (lambda: viz.paint_counts(paint_count((5, 5), 3, 2)), "got int64 (11, 11)"),
        (lambda: viz.paint_counts([]), "got float64 (0,): []"),
        (lambda: viz.paint_counts([0.5]), "got float64 (1,): [0.5]"),
        (lambda: viz.paint_counts(np.array([-1, 1])), "got int64 (2,): [-1, 1]"),
    ],
)
def test_a_figure_of_paint_refuses_what_cannot_be_painted(call, message):
    with pytest.raises(ValueError, match="Expected") as error:
        call()
    assert message in str(error.value)


def test_the_stamps_alone_add_up_to_the_transposed_convolution():
    x, kernel = torch.tensor([[1.0, 2], [0, 3]]), torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    fig = viz.stamp_sum(x, kernel, stride=2)
    written = [float(text.get_text()) for text in fig.axes[1].texts]
    expected = F.conv_transpose2d(x[None, None], kernel[None, None], stride=2).flatten()
    assert written == expected.tolist()
    assert len(fig.axes[0].child_axes) == 4


def test_a_kernel_of_four_is_four_kernels_whose_sums_are_what_it_makes_of_an_even_input():
    kernel = torch.randn(4, 4)
    made = F.conv_transpose2d(torch.ones(1, 1, 6, 6), kernel[None, None], stride=2)[0, 0, 4:6, 4:6]
    fig = viz.phases(kernel)
    sums = [text.get_text() for small in fig.axes[1].child_axes for text in small.texts if "sum" in text.get_text()]
    assert [float(each.removeprefix("sum ").replace("−", "-")) for each in sums] == pytest.approx(
        made.flatten().tolist(), abs=0.0051
    )
    colors = [patch.get_facecolor() for patch in fig.axes[0].patches]
    assert (len(set(colors)), len(colors)) == (4, 16)
    with pytest.raises(ValueError, match=r"Expected a kernel of 2x2 or more; got .*1"):
        viz.phases(torch.ones(1, 4))


def test_the_drawing_of_the_skips_names_what_each_network_adds_from_its_own_stride():
    (ax,) = viz.skip_connections().axes
    places = {text.get_text(): text.get_position() for text in ax.texts}
    for network, score, stride in (
        ("FCN-8s", "score_pool3", 8),
        ("FCN-16s", "score_pool4", 16),
        ("FCN-32s", "score_fr", 32),
    ):
        height = places[network][1]
        assert places[f"stride {stride}"][1] == height == places[f"{stride}×"][1] + 0.05
        assert abs(places[score][1] - height) < 1
    assert [text.get_text() for text in ax.texts].count("+") == 2


def test_a_drawn_layer_shows_where_an_answer_comes_from_and_refuses_one_that_is_not_there():
    fig = viz.kernel_on_map(13, 6, at=(2, 3))
    assert "8x8 answers" in repr(fig)
    assert "do not fit" in repr(viz.flattening(13, fits=6))
    for wrong in (
        lambda: viz.kernel_on_map(13, 6, at=(8, 0)),
        lambda: viz.kernel_on_map(3, 5),
        lambda: viz.flattening(0, 1),
    ):
        with pytest.raises(ValueError, match="Expected"):
            wrong()


def test_squares_are_framed_around_their_center_and_cut_at_the_border():
    fig = viz.framed(np.zeros((3, 64, 64)), {"small": 8, "large": 100}, center=(32, 32), title="Seen")
    small, large = fig.axes[0].patches
    assert (small.get_width(), small.get_height()) == (8, 8)
    assert large.get_width() == 64
    with pytest.raises(ValueError, match="1 pixel"):
        viz.framed(np.zeros((3, 8, 8)), {"none": 0}, center=(4, 4), title="Nothing")


def test_limits_say_which_value_is_full_yellow():
    half, full = (shown(viz.cells([[1.0]], "a", limits=(0, high)))[0, 0, :3] for high in (2, 1))
    assert full[0] > half[0] + 0.1


def test_the_small_canvases_add_up_to_the_large_one():
    fig = viz.stamp_sum(X.detach(), KERNEL, stride=2)
    small = [ax for axes in fig.axes[0].child_axes for ax in [axes]]
    lit = [np.asarray(ax.images[0].get_array())[..., 0] for ax in small]
    assert len(lit) == 4
    assert sum((one > one.min()).any() for one in lit) == 3  # one pixel is 0 and stamps nothing


def test_the_confusion_matrix_writes_the_shares_of_each_row():
    fig = viz.confusion([[90, 10, 0], [40, 60, 0], [0, 0, 0]], ["road", "car", "pole"], alt="Squares")
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in fig.axes[0].texts}
    assert written == {(0, 0): "90", (0, 1): "10", (1, 0): "40", (1, 1): "60"}


@pytest.mark.parametrize("counts", [[[1, 2]], [[1, -2], [3, 4]], [1, 2]])
def test_what_is_no_confusion_matrix_is_refused(counts):
    with pytest.raises(ValueError, match=r"Expected counts \(2, 2\), 0 or more"):
        viz.confusion(counts, ["road", "car"], alt="Squares")


def test_a_photograph_shines_through_a_label_map_and_leaves_its_colors():
    mask, photograph = np.array([[0, 1], [0, 1]], dtype=np.uint8), np.full((3, 2, 2), 255, dtype=np.uint8)
    photograph[:, 1] = 0
    seen = viz.label_map(mask, ["road", "car"], over=photograph, alt="Map").axes[0].images[0].get_array()
    table = viz.colors(["road", "car"])
    assert np.array_equal(seen[0], table[mask[0]])
    assert np.allclose(seen[1], 0.45 * table[mask[1]], atol=0.51)
    with pytest.raises(ValueError, match=r"a photograph of the map's size \(2, 2\)"):
        viz.label_map(mask, ["road", "car"], over=photograph[:, :1], alt="Map")
