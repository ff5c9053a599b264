"""Figures: light and dark from one drawing, described, and true to the map they show."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from fcn import viz
from fcn.scenes import CLASSES


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def hex_pixel(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def line_figure():
    fig, ax = viz.figure(3, 2, "A line that rises", title="Rising")
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
    data, metadata = line_figure()._repr_mimebundle_()
    assert data["text/plain"] == "<Figure: A line that rises>"
    assert metadata["image/png"]["alt"] == "A line that rises"
    assert metadata["image/png"]["dark"] != data["image/png"]


def test_importing_viz_changes_nothing_in_matplotlib():
    import matplotlib

    line_figure().encoded()
    assert matplotlib.rcParams["font.family"] == matplotlib.rcParamsDefault["font.family"]


def test_a_map_is_enlarged_cell_by_cell_and_never_smoothed():
    image = np.full((40, 60, 3), 128, dtype=np.uint8)
    heat = np.zeros((2, 3))
    heat[1, 2] = 1
    lit = viz.glow(image, heat)
    cell = lit[20:, 40:]
    assert np.ptp(cell, axis=(0, 1)).max() == 0
    rest = np.ones((40, 60), dtype=bool)
    rest[20:, 40:] = False
    assert np.ptp(lit[rest], axis=0).max() == 0
    assert cell[0, 0].sum() > 2 * lit[0, 0].sum()


def test_a_row_refuses_images_of_unequal_size():
    with pytest.raises(ValueError, match="images of one size"):
        viz.row([np.zeros((4, 4, 3)), np.zeros((4, 5, 3))], ["a", "b"], alt="two")


def test_several_maps_light_up_in_a_colour_each():
    image = np.full((8, 16, 3), 128, dtype=np.uint8)
    left, right = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    lit = viz.glow(image, [left, right])
    np.testing.assert_allclose(lit[:, :8], viz.glow(image, left)[:, :8])
    assert not np.allclose(lit[0, 0], lit[0, 15])


def test_a_row_shows_each_image_in_its_place():
    red, blue = np.zeros((20, 20, 3)), np.zeros((20, 20, 3))
    red[..., 0], blue[..., 2] = 1, 1
    image = pixels(viz.row([red, blue], ["red", "$blue$"], width=4, alt="red and blue").encoded())
    height, width = image.shape[:2]
    assert image[height // 2, width // 4].argmax() == 0
    assert image[height // 2, 3 * width // 4].argmax() == 2


def test_a_window_lights_the_corner_that_the_network_was_given_and_no_more():
    image = np.full((80, 160, 3), 200, dtype=np.uint8)
    dark_cell, lit_cell = np.zeros((2, 3)), np.ones((2, 3))
    dark, lit = (
        pixels(viz.window(image, heat, "a corner", cell=20, width=3.2).encoded()).astype(int)
        for heat in (dark_cell, lit_cell)
    )
    height = dark.shape[0] * 3.2 * 80 / 160 / (3.2 * 80 / 160 + 0.32)  # pixels of the picture, below the title
    top, scale = dark.shape[0] - height, height / 80
    difference = np.abs(lit - dark).max(axis=2)
    assert difference[int(top + 30 * scale), int(50 * scale)] > 50  # row 30, column 50: in the corner of 40 x 60
    assert difference[int(top + 50 * scale), int(30 * scale)] < 12
    assert difference[int(top + 30 * scale), int(70 * scale)] < 12


def test_the_dark_twin_keeps_opacity_and_darkens_markers_and_collections():
    fig, ax = viz.figure(3, 2, "Markers and bars")
    bar = ax.bar([0], [1], color=viz.ACCENT[0] + "33")[0]
    (line,) = ax.plot([0], [0], "o", mfc=viz.INK[0], mec=viz.WARM[0])
    dots = ax.scatter([0, 1], [0, 1], c=[viz.INK[0], viz.ACCENT[0]])
    with viz._dark_colours(fig):
        assert bar.get_facecolor() == pytest.approx(viz.to_rgba(viz.ACCENT[1], 0.2), abs=0.01)
        assert viz.to_hex(line.get_markerfacecolor()) == viz.INK[1]
        assert viz.to_hex(line.get_markeredgecolor()) == viz.WARM[1]
        assert [viz.to_hex(colour) for colour in dots.get_facecolor()] == [viz.INK[1], viz.ACCENT[1]]
    assert viz.to_hex(line.get_markerfacecolor()) == viz.INK[0]


IMAGE = np.zeros((40, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.glow(IMAGE / 255, np.zeros((2, 2))), "as uint8"),
        (lambda: viz.glow(IMAGE, np.full((2, 2), np.nan)), "0 to 1; got nan"),
        (lambda: viz.glow(IMAGE, np.full((2, 2), 7.0)), "0 to 1; got 7 to 7"),
        (lambda: viz.glow(IMAGE, [np.zeros((2, 2))] * 5), "4 colours; got 5"),
        (lambda: viz.glow(IMAGE, np.zeros((2, 61))), "no larger than the image"),
        (lambda: viz.window(IMAGE, np.zeros((2, 2)), "t", cell=32), "do not fit into an image of 40x60"),
        (lambda: viz.panel(IMAGE[..., 0], "grey"), "array (H, W, 3); got ndarray (40, 60)"),
        (lambda: viz.panel(IMAGE + 255.0, "float"), "uint8, or 0 to 1; got float64"),
        (lambda: viz.row([], [], alt="none"), "got [] and []"),
        (lambda: viz.figure(3, 2, ""), "a description"),
    ],
)
def test_what_cannot_be_drawn_truly_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


# Machado, Oliveira, Fernandes 2009, severity 1, for linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def smallest_distance(colours: np.ndarray, deficiency: str) -> float:
    """Return the smallest CIELAB distance (CIE 1976) between two of the colours (n, 3) as such eyes see them."""
    rgb = colours / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.array(DEFICIENCIES[deficiency]).T).clip(0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen[None])[0]
    distances = np.linalg.norm(lab[:, None] - lab, axis=2)
    return distances[np.triu_indices(len(lab), 1)].min()


NAMES = [name for name in viz.CLASS_COLOURS if name != "void"]


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_colours_of_the_classes_stay_apart_for_colour_blind_eyes(deficiency):
    table = viz.colours(NAMES)
    assert smallest_distance(table[[*range(len(NAMES)), 255]], deficiency) >= 18
    kinds = np.array([hex_pixel(colour) for colour in viz.ERROR_COLOURS.values()])
    assert smallest_distance(kinds, deficiency) >= 18


def test_vocs_own_colours_do_not():
    table = viz.voc_colours(NAMES)
    assert min(smallest_distance(table[: len(NAMES)], deficiency) for deficiency in DEFICIENCIES) < 2


def test_vocs_colours_are_those_of_its_label_files():
    table = viz.voc_colours(["background", "aeroplane", "bicycle", "person", "tvmonitor"])
    assert table[:5].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [192, 128, 128], [0, 64, 128]]
    assert table[255].tolist() == [224, 224, 192]


def test_every_class_of_the_scenes_has_a_colour():
    assert len(np.unique(viz.colours(CLASSES)[: len(CLASSES)], axis=0)) == len(CLASSES)


MASK = np.zeros((40, 60), dtype=np.uint8)
MASK[5:25, 5:25], MASK[30:32, 50:52], MASK[:, 40] = 1, 2, 255
THREE = ["background", "cat", "dog"]


def test_a_label_map_is_drawn_in_its_colours_and_names_its_classes_where_there_is_room():
    fig = viz.draw_mask(MASK, THREE, "a map", width=3)
    image = pixels(fig.encoded())
    scale = 10  # 3 inches, 200 pixels an inch, 60 columns
    top = image.shape[0] - 40 * scale
    for row, column in [(38, 20), (6, 6), (31, 51), (20, 40)]:
        at = (top + row * scale + 5, column * scale + 5)
        assert image[at].tolist() == viz.colours(THREE)[MASK[row, column]].tolist()
    (text,) = fig.axes[0].texts  # the dog is too small for a name
    assert (text.get_text(), text.get_position()) == ("cat", (14, 14))
    assert fig.get_label() == "Label map with background, cat, dog, void"


def test_a_name_stands_in_the_middle_of_its_classes_largest_piece():
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[2:8, 2:8], mask[20:37, 30:47] = 1, 1
    (text,) = viz.draw_mask(mask, THREE).axes[0].texts
    assert text.get_position() == (38, 28)


def test_a_row_of_panels_holds_the_image_the_masks_and_the_truth():
    image = np.full((40, 60, 3), 90, dtype=np.uint8)
    row = viz.draw_row(image, {"32s": MASK * 0, "8s": MASK}, MASK, THREE)
    assert [fig.axes[0].get_title(loc="left") for fig in row] == ["image", "32s", "8s", "truth"]
    shown = [fig.axes[0].images[0].get_array() for fig in row]
    expected = [image, *(viz.colours(THREE)[mask] for mask in (MASK * 0, MASK, MASK))]
    for one, other in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(viz.draw_row(image, {"truth": MASK}, MASK, THREE)) == 3


def test_the_map_of_errors_tells_a_wrong_class_from_a_missed_thing_and_leaves_void_out():
    truth = np.array([[0, 0, 1, 1, 1, 255]], dtype=np.uint8)
    answer = np.array([[0, 2, 1, 2, 0, 1]], dtype=np.uint8)
    kinds = list(viz.ERROR_COLOURS)
    expected = ["right", "wrong class", "right", "wrong class", "missed", "void"]
    assert [kinds[k] for k in viz.errors(truth, answer)[0]] == expected
    fig = viz.draw_errors(truth, answer, width=3)
    assert [text.get_text() for text in fig.axes[0].texts] == kinds
    squares = [viz.to_hex(patch.get_facecolor()) for patch in fig.axes[0].patches]
    assert squares == list(viz.ERROR_COLOURS.values())
    assert fig.get_label() == "Map of errors: right 33%, wrong class 33%, missed 17%, void 17% of the pixels"
    image = pixels(fig.encoded())
    assert image[10 + 64, 450].tolist() == hex_pixel(viz.ERROR_COLOURS["missed"])


@pytest.mark.parametrize("shape", [(400, 100), (100, 100), (40, 400)])
def test_the_key_of_a_map_of_errors_lies_below_the_map_and_within_the_figure(shape):
    fig = viz.draw_errors(np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.uint8), width=2.25)
    fig.draw_without_rendering()
    (_, bottom), (right, _) = fig.bbox.min, fig.bbox.max
    lower_edge = fig.axes[0].get_window_extent().y0
    texts = [text.get_window_extent() for text in fig.axes[0].texts]
    squares = [patch.get_window_extent() for patch in fig.axes[0].patches]
    for box in texts + squares:
        assert bottom <= box.y0 < box.y1 <= lower_edge
        assert box.x1 <= right
    for square, text in zip(squares, texts, strict=True):
        assert square.width == pytest.approx(square.height)
        assert square.x1 < text.x0
    assert all(text.x1 < square.x0 for text, square in zip(texts, squares[1:], strict=False))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.colours(["background", "unicorn"]), "got ['unicorn']"),
        (lambda: viz.colours(["void"]), "got ['void']"),
        (lambda: viz.colours(["cat"] * 256), "up to 255 names; got 256"),
        (lambda: viz.voc_colours(["unicorn"]), "got ['unicorn']"),
        (lambda: viz.draw_mask(MASK[:0], THREE), "got uint8 (0, 60)"),
        (lambda: viz.draw_row(MASK, {}, MASK, THREE), "array (H, W, 3); got ndarray (40, 60)"),
        (lambda: viz.draw_row(IMAGE, {"a": MASK.T}, MASK, THREE), "got [(60, 40), (40, 60)]"),
        (lambda: viz.draw_mask(MASK / 2, THREE), "of whole numbers; got float64 (40, 60)"),
        (lambda: viz.draw_mask(MASK, THREE[:2]), "labels in 0..1 or 255 (void); got 2"),
        (lambda: viz.draw_row(IMAGE[:9], {"a": MASK}, MASK, THREE), "the image's size (9, 60)"),
        (lambda: viz.errors(MASK, MASK[:9]), "got (40, 60) and (9, 60), 9 pixels of it void"),
        (lambda: viz.errors(MASK, MASK), "and (40, 60), 40 pixels of it void"),
        (lambda: viz.errors(MASK[None], MASK), "got uint8 (1, 40, 60)"),
    ],
)
def test_a_label_map_that_is_none_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_a_small_map_is_drawn_cell_by_cell_with_its_numbers():
    fig = viz.cells(np.array([[0, 4], [-2, -0.001]]), "map", numbers=".1f")
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.0", "4.0", "-2.0", "0.0"]
    zero, high, low = fig.axes[0].images[0].get_array()[[0, 0, 1], [0, 1, 0], :3]
    assert high[0] > high[2]
    assert low[2] > low[0]
    assert zero.max() < 0.25


def test_the_dots_of_a_group_stand_beside_its_name_lowest_mean_on_top():
    fig = viz.dots({"b": [3, 5], "a": [1, 2]}, "score", alt="Dots")
    ax = fig.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.lines[0].get_xdata().tolist() == [1, 2]
    assert set(ax.lines[1].get_xdata()) == {1.5}


@pytest.mark.parametrize(
    "call",
    [
        lambda: viz.cells(np.zeros(3), "flat"),
        lambda: viz.cells(np.array([[np.nan]]), "nan"),
        lambda: viz.dots({}, "score", alt="Dots"),
        lambda: viz.dots({"a": [0.0]}, "score", alt="Dots", log=True),
    ],
)
def test_cells_and_dots_refuse_what_cannot_be_drawn(call):
    with pytest.raises(ValueError, match="Expected"):
        call()


def test_panels_side_by_side_need_a_ratio_for_each_title():
    with pytest.raises(ValueError, match="ratio for each"):
        viz.side_by_side(3, 2, ["one"], (1, 2), "Two panels")
