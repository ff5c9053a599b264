"""Figures: light and dark from one drawing, described, and true to the map they show."""

import io

import numpy as np
import pytest
from PIL import Image

from fcn import viz


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
