"""A figure that moves without a kernel: what is stored for the page, and what is refused. See also browser/."""

import re

import ipywidgets
import pytest

from fcn import viz
from fcn.widgets import frames


def draw(value):
    fig, ax = viz.figure(2, 1, alt=f'<{value}> dots & "more"')
    ax.plot(range(value), "o")
    return fig


def test_there_is_a_picture_for_every_stop_of_the_slider():
    figure = frames(draw, [1, 2, 3], label="dots")
    _, slider, tabs = figure.children
    assert slider.description == "dots"
    assert [label for label, _ in slider.options] == ["1", "2", "3"]
    assert len(tabs.children) == 3


def test_the_slider_is_linked_to_the_pictures_in_the_page_itself(monkeypatch):
    links = []
    monkeypatch.setattr(ipywidgets, "jslink", lambda *pair: links.append(pair))
    _, slider, tabs = frames(draw, [1, 2], label="dots").children
    assert links == [((slider, "index"), (tabs, "selected_index"))]


def test_each_picture_is_described_for_screen_readers_in_both_themes():
    figure = frames(draw, [1, 2], label="dots")
    for picture, value in zip(figure.children[2].children, [1, 2], strict=True):
        alts = re.findall(r'alt="([^"]*)"', picture.value)
        assert alts == [f"&lt;{value}&gt; dots &amp; &quot;more&quot;"] * 2
        assert len(set(re.findall(r"base64,([^\"]+)", picture.value))) == 2


@pytest.mark.parametrize("values", [[], [1]])
def test_a_figure_that_moves_needs_two_values(values):
    with pytest.raises(ValueError, match="two values or more"):
        frames(draw, values, label="dots")


def test_draw_must_return_a_figure():
    with pytest.raises(ValueError, match=r"draw\(1\) must return a figure of fcn\.viz; it returned NoneType"):
        frames(lambda value: None, [1, 2], label="dots")


def test_a_figure_opens_on_the_value_that_its_author_chose():
    _, slider, tabs = frames(draw, [1, 2, 3], label="dots", start=3).children
    assert (slider.index, tabs.selected_index) == (2, 2)
    with pytest.raises(ValueError, match=r"a start among \['1', '2'\]; got 3"):
        frames(draw, [1, 2], label="dots", start=3)
