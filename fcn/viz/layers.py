"""Layers drawn: what a kernel reads and where its answer goes (chapter 2), and the nets of chapter 5."""

import numpy as np
from matplotlib.patches import ConnectionPatch, Rectangle

from fcn.palette import ACCENT, INK, LINE, SOFT, WARM
from fcn.viz.figure import BookFigure, side_by_side, style

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
    titles = [f"{side}×{side} map", f"flattened: {side**2} places, weights for {fits**2}", "answer"]
    fig, (left, middle, right) = side_by_side(7, 1.9, titles=titles, ratios=(1.3, 3.4, 0.7), alt=alt)
    longest = max(side, fits) ** 2
    for row in range(side):  # the same shade for a row in both places
        shade = 0.25 + 0.75 * row / side
        left.add_patch(Rectangle((0, row), side, 1, fc=ACCENT[0], alpha=shade, lw=0))
        middle.add_patch(Rectangle((row * side, 1.1), side, 0.8, fc=ACCENT[0], alpha=shade, lw=0))
    _rule(left, side)
    middle.add_patch(Rectangle((0, 0), fits**2, 0.8, fc=INK[0], alpha=0.75, lw=0))
    with style():
        middle.text(longest, 2.05, "places", ha="right", va="bottom", color=SOFT[0], fontsize=9)
        middle.text(longest, -0.15, "weights", ha="right", va="top", color=SOFT[0], fontsize=9)
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
    fig, axes = side_by_side(5.4, 2.7, titles=titles, ratios=(side, max(out, side / 3)), alt=alt)
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


def _rule(ax, size: int) -> None:
    places = np.arange(size + 1)
    for lines in (ax.hlines, ax.vlines):
        lines(places, 0, size, color=LINE[0], linewidth=0.8)


def _bounds(ax, width: float, height: float) -> None:
    ax.set(xlim=(-0.02 * width, 1.02 * width), ylim=(1.02 * height, -0.02 * height), aspect="equal")
    ax.set_anchor("N")
    ax.set_axis_off()
