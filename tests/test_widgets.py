"""Figures that answer without a kernel: what is stored for the page, and what is refused. See also browser/."""

import re

import numpy as np
import pytest
import traitlets

from fcn import viz
from fcn.widgets import Grow, Paint, Score, frames


def draw(value):
    fig, ax = viz.figure(2, 1, alt=f'<{value}> dots & "more"')
    ax.plot(range(value), "o")
    return fig


def test_there_is_a_picture_for_every_stop_of_the_slider():
    figure = frames(draw, [1, 2, 3], label="dots")
    assert (figure.label, figure.values) == ("dots", ["1", "2", "3"])
    assert len(figure.pictures) == 3


def test_each_picture_is_described_for_screen_readers_in_both_themes():
    figure = frames(draw, [1, 2], label="dots")
    for picture, value in zip(figure.pictures, [1, 2], strict=True):
        alts = re.findall(r'alt="([^"]*)"', picture)
        assert alts == [f"&lt;{value}&gt; dots &amp; &quot;more&quot;"] * 2
        assert len(set(re.findall(r"base64,([^\"]+)", picture))) == 2


@pytest.mark.parametrize("values", [[], [1]])
def test_a_figure_that_moves_needs_two_values(values):
    with pytest.raises(ValueError, match="two values or more"):
        frames(draw, values, label="dots")


def test_draw_must_return_a_figure():
    with pytest.raises(ValueError, match=r"draw\(1\) must return a figure of fcn\.viz; it returned NoneType"):
        frames(lambda value: None, [1, 2], label="dots")


def test_a_figure_opens_on_the_value_that_its_author_chose():
    figure = frames(draw, [1, 2, 3], label="dots", start=3)
    assert figure.index == 2
    assert figure.still == figure.pictures[2]
    with pytest.raises(ValueError, match=r"a start among \['1', '2'\]; got 3"):
        frames(draw, [1, 2], label="dots", start=3)


@pytest.mark.parametrize("wrong", [{"kernel": 8}, {"stride": 1}, {"depth": 4}, {"brush": "fur"}, {"input": "odd"}])
def test_a_figure_refuses_a_setting_that_it_has_not(wrong):
    with pytest.raises(traitlets.TraitError):
        Paint(**wrong)


def test_a_figure_says_what_it_is_in_a_word_and_carries_its_script_whole():
    figure = Paint(kernel=4, stride=2)
    assert repr(figure) == "<Paint>"
    state = figure.get_state()
    assert state["_esm"].rstrip().endswith("export default { render };")
    assert "const slider" in state["_esm"]
    assert ".fcn-live" in state["_css"]


@pytest.mark.parametrize(
    "masks", [{}, {"large": np.zeros((65, 65), int)}, {"flat": np.zeros((3, 9), int)}, {"wrong": np.full((8, 8), 2)}]
)
def test_a_label_map_that_nobody_could_paint_is_refused(masks):
    with pytest.raises(ValueError, match="Expected"):
        Score(masks, ["background", "cat"])


def test_the_thinnest_thing_is_the_one_with_the_least_inside():
    mask = np.zeros((12, 12), int)
    mask[1:7, 1:7], mask[1:, 9] = 2, 1
    (picture,) = Score({"a pole": mask}, ["background", "pole", "house"]).pictures
    assert picture["thin"] == 1


@pytest.mark.parametrize(("x", "brush"), [(np.ones((6, 2)), np.ones((3, 3))), (np.ones((2, 2)), np.ones((2, 3)))])
def test_maps_too_large_to_be_followed_stamp_by_stamp_are_refused(x, brush):
    with pytest.raises(ValueError, match="up to 5 pixels a side and a square brush"):
        Grow(x, brush)
