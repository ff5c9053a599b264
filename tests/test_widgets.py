"""A figure that moves without a kernel: what is stored for the page, and what is refused. See also browser/."""

import re

import ipywidgets
import numpy as np
import pytest
import torch

from fcn import viz
from fcn.widgets import frames, painting, stamping


def draw(value):
    fig, ax = viz.figure(2, 1, f'<{value}> dots & "more"')
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


def test_the_last_stamp_completes_the_transposed_convolution():
    x, kernel = torch.tensor([[1.0, 2], [0, 3]]), torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    reference = torch.nn.functional.conv_transpose2d(x[None, None], kernel[None, None], stride=2)[0, 0]
    for stamp, painted in [(4, reference), (1, None)]:
        canvas = stamping(x.numpy(), kernel.numpy(), 2, stamp).axes[1]
        numbers = [float(text.get_text()) for text in canvas.texts]
        assert (numbers == reference.flatten().tolist()) == (painted is not None)


def test_a_frame_shows_where_the_last_stamp_lies():
    figure = stamping(np.ones((2, 3)), np.ones((3, 3)), 2, 5)
    pixel, brush = (axes.patches[-1] for axes in figure.axes)
    assert pixel.get_xy() == (0.5, 0.5)
    assert brush.get_xy() == (1.5, 1.5)
    assert (brush.get_width(), brush.get_height()) == (3, 3)
    assert "stamp 5 of 6" in figure.get_label()


def test_the_bars_are_the_counts_of_paint():
    bars, square = painting(5, 3, 2).axes
    assert [bar.get_height() for bar in bars.patches] == [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]
    assert sorted({text.get_text() for text in square.texts}) == ["1", "2", "4"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: stamping(np.ones((2, 2)), np.ones((3, 3)), 2, 5),
        lambda: stamping(np.ones((2, 2)), np.ones((3, 3)), 2, 0),
        lambda: stamping(np.ones(4), np.ones((3, 3)), 2, 1),
        lambda: painting(5, 0, 2),
    ],
)
def test_a_figure_of_paint_refuses_what_cannot_be_painted(call):
    with pytest.raises(ValueError, match="Expected"):
        call()
