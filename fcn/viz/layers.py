"""Layers drawn: what a kernel reads and where its answer goes (chapter 2), and the nets of chapter 5."""

import numpy as np
from matplotlib.patches import Circle, ConnectionPatch, FancyArrowPatch, Rectangle

from fcn.palette import ACCENT, INK, LINE, SOFT, WARM
from fcn.viz.figure import BookFigure, figure, side_by_side, style

_LARGEST = 32  # cells a side that can be told apart


def flattening(side: int, fits: int, *, alt: str = "") -> BookFigure:
    """Return what Flatten and a fully connected layer do with a map of `side` x `side` pixels.

    The map's rows are laid out as one line, above it the line of weights that the layer has: as many as a map of
    `fits` x `fits` needs. Where the two lines differ in length, the layer cannot multiply them.
    Raises ValueError for sides outside of 1..32.

    >>> flattening(6, fits=6)
    <Figure: A map of 6x6 pixels as one line of 36, the weights for 36: they fit, one answer>
    """
    if not all(1 <= each <= _LARGEST for each in (side, fits)):
        raise ValueError(f"Expected sides from 1 to {_LARGEST}; got {side} and {fits}.")
    agree = side == fits
    verdict = "they fit, one answer" if agree else "they do not fit, no answer"
    alt = alt or f"A map of {side}x{side} pixels as one line of {side**2}, the weights for {fits**2}: {verdict}"
    titles = [f"{side}×{side} map", f"{side**2} places, weights for {fits**2}", "answer"]
    fig, (left, middle, right) = side_by_side(4.8, 1.6, titles=titles, ratios=(1.1, 2.6, 0.6), alt=alt)
    longest = max(side, fits) ** 2
    for row in range(side):  # the same shade for a row in both places
        shade = 0.25 + 0.75 * row / side
        left.add_patch(Rectangle((0, row), side, 1, fc=ACCENT[0], alpha=shade, lw=0))
        middle.add_patch(Rectangle((row * side, 1.1), side, 0.8, fc=ACCENT[0], alpha=shade, lw=0))
    _rule(left, side)
    middle.add_patch(Rectangle((0, 0), fits**2, 0.8, fc=INK[0], alpha=0.75, lw=0))
    with style():
        middle.text(0, 2.05, "places", ha="left", va="bottom", color=SOFT[0], fontsize=9)
        middle.text(0, -0.15, "weights", ha="left", va="top", color=SOFT[0], fontsize=9)
        mark = {"ha": "center", "va": "center", "fontsize": 15}
        right.text(0.5, 0.5, "1" if agree else "–", color=ACCENT[0] if agree else WARM[0], **mark)
    right.add_patch(Rectangle((0, 0), 1, 1, fc="none", ec=ACCENT[0] if agree else WARM[0], lw=1.5))
    _bounds(left, side, side)
    middle.set(xlim=(-0.01 * longest, 1.01 * longest), ylim=(-0.8, 2.6))
    middle.set_axis_off()
    _bounds(right, 1, 1)
    return fig


def kernel_on_map(side: int, kernel: int, *, at: tuple[int, int] = (0, 0), alt: str = "") -> BookFigure:
    """Return what a convolution without padding reads and writes: a map, the window of one answer, the answers' map.

    `at` is the answer's (row, column); the window on the left and its answer on the right are joined by lines.
    Raises ValueError for sides outside of 1..32, a kernel larger than the map, and an answer that is not there.

    >>> kernel_on_map(13, 6, at=(2, 3))
    <Figure: A kernel of 6x6 on a map of 13x13 pixels: 8x8 answers, one window and its answer framed>
    """
    out = side - kernel + 1
    if not 1 <= kernel <= side <= _LARGEST or not all(0 <= each < out for each in at):
        wanted = f"a side up to {_LARGEST}, a kernel of 1 to it and an answer within"
        raise ValueError(f"Expected {wanted}; got {side}, {kernel} and {at}.")
    alt = alt or (
        f"A kernel of {kernel}x{kernel} on a map of {side}x{side} pixels: {out}x{out} answers, one window and its "
        "answer framed"
    )
    titles = [f"{side}×{side} map, kernel {kernel}×{kernel}", f"{out}×{out} answers"]
    fig, axes = side_by_side(4.8, 2.6, titles=titles, ratios=(side, max(out, side / 3)), alt=alt)
    (row, column), corners = at, []
    for ax, size, window in zip(axes, (side, out), (kernel, 1), strict=True):
        ax.add_patch(Rectangle((0, 0), size, size, fc=ACCENT[0], alpha=0.25, lw=0))
        _rule(ax, size)
        ax.add_patch(Rectangle((column, row), window, window, fc=WARM[0], alpha=0.55, lw=0))
        ax.add_patch(Rectangle((column, row), window, window, fc="none", ec=WARM[0], lw=2))
        corners.append([(column + (window if ax is axes[0] else 0), row + edge * window) for edge in (0, 1)])
        _bounds(ax, size, size)
    for start, end in zip(*corners, strict=True):
        line = {"coordsA": axes[0].transData, "coordsB": axes[1].transData, "color": WARM[0], "linewidth": 1.2}
        fig.add_artist(ConnectionPatch(start, end, **line))
    return fig


def skip_connections(*, alt: str = "") -> BookFigure:
    """Return FCN-32s, FCN-16s and FCN-8s as one drawing, in the layer names of Long et al. (2015).

    On the left the backbone goes down to ever larger cells; each map is scored by a 1x1 convolution, and on the right
    the sums go up again. A network is what leads to its name.

    >>> skip_connections()
    <Figure: FCN-32s, FCN-16s, FCN-8s: three maps are scored, coarser scores enlarged and added to finer ones>
    """
    alt = alt or "FCN-32s, FCN-16s, FCN-8s: three maps are scored, coarser scores enlarged and added to finer ones"
    fig, ax = figure(4.8, 3.7, alt=alt)
    rows = [("pool3", "score_pool3", 8), ("pool4", "score_pool4", 16), ("fc7", "score_fr", 32)]
    with style():
        for x, title in ((0.5, "maps"), (2.9, "scores"), (4.75, "sums"), (6.75, "networks")):
            ax.text(x, -0.75, title, ha="center", color=SOFT[0], fontsize=9)
        ax.plot((3.48, 5.05), (4, 4), color=SOFT[0], linewidth=1.2)
        ax.text(-0.55, -0.2, "image,\npool1, pool2", ha="right", va="center", fontsize=9)
        _arrow(ax, (-0.45, -0.2), (-0.08, 0.2))
        for row, (map_name, score_name, stride) in enumerate(rows):
            top, middle = 1.75 * row, 1.75 * row + 0.5
            for x, name, color in ((0, map_name, INK), (2.4, score_name, ACCENT)):
                ax.add_patch(Rectangle((x, top), 1, 1, fc=color[0], alpha=0.3, lw=0))
                _rule(ax, 1, cells=64 // stride, corner=(x, top))
                ax.text(x + 0.5, top + 1.05, name, ha="center", va="top", fontsize=9)
            ax.text(-0.12, middle, f"stride {stride}", ha="right", va="center", color=SOFT[0], fontsize=9)
            _arrow(ax, (1.08, middle), (2.32, middle), "1×1")
            if row < 2:
                _arrow(ax, (0.5, top + 1.36), (0.5, top + 1.71))
                _arrow(ax, (3.48, middle), (4.5, middle))
                ax.text(4.75, middle, "+", ha="center", va="center", fontsize=15)
                ax.add_patch(Circle((4.75, middle), 0.24, fill=False, ec=INK[0], lw=1.2))
                _arrow(ax, (4.75, middle + (1.47 if row == 0 else 1.72)), (4.75, middle + 0.3), "2×", beside=True)
            _arrow(ax, (5.05, middle), (6.2, middle), f"{stride}×")
            ax.text(6.3, middle, f"FCN-{stride}s", ha="left", va="center")
    ax.set(xlim=(-1.75, 7.3), ylim=(4.95, -0.9), aspect="equal")
    ax.set_axis_off()
    return fig


def _arrow(
    ax, start: tuple[float, float], end: tuple[float, float], label: str = "", *, beside: bool = False
) -> None:
    look = {"arrowstyle": "-|>", "mutation_scale": 9, "shrinkA": 0, "shrinkB": 0, "color": SOFT[0], "linewidth": 1.2}
    ax.add_patch(FancyArrowPatch(start, end, **look))
    x, y = ((a + b) / 2 for a, b in zip(start, end, strict=True))
    place = {"ha": "left", "va": "center"} if beside else {"ha": "center", "va": "bottom"}
    ax.text(x + 0.1 * beside, y - 0.05 * (not beside), label, fontsize=9, **place)


def _rule(ax, size: int, *, cells: int = 0, corner: tuple[float, float] = (0, 0)) -> None:
    """Rule a square into cells, by default into one for each unit of its side."""
    (x, y), places = corner, np.linspace(0, size, (cells or size) + 1)
    line = {"color": LINE[0], "linewidth": 0.8}
    ax.hlines(y + places, x, x + size, **line)
    ax.vlines(x + places, y, y + size, **line)


def _bounds(ax, width: float, height: float) -> None:
    ax.set(xlim=(-0.02 * width, 1.02 * width), ylim=(1.02 * height, -0.02 * height), aspect="equal")
    ax.set_anchor("N")
    ax.set_axis_off()
