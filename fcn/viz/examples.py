"""Photographs, truth and answer in rows: what one looks at while a network learns."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.patches import Patch

from fcn import VOID
from fcn.palette import PAPER, colors, rgb
from fcn.viz.figure import BookFigure, picture_axes, style
from fcn.viz.values import as_image, as_label_map

_LEGEND_ROW, _A_ROW = 0.24, 5  # inches, and how many names stand in one
_MOST = 20  # names in a legend


def examples(
    rows: Sequence[tuple], classes: Sequence[str], *, title: str = "answer", width: float = 7.0
) -> BookFigure:
    """Return rows of (image, truth, answer) as one figure: photographs, their masks, what a network says; a legend.

    An image is (3, H, W) or (H, W, 3), a map (H, W) of labels or 255; rows may differ in size. `title` stands above
    the answers. Raises ValueError for no rows, for maps of another size than their image, and as label_map does.

    >>> mask = np.zeros((40, 60), dtype=np.uint8)
    >>> examples([(np.zeros((3, 40, 60), dtype=np.uint8), mask, mask)], ["background", "cat"])
    <Figure: 1 photographs, their masks and the answers of a network>
    """
    table, pictures, seen = colors(classes), [], set()
    for image, *maps in rows:
        image, maps = as_image(image), [as_label_map(each, len(classes)) for each in maps]
        if any(each.shape != image.shape[:2] for each in maps):
            raise ValueError(f"Expected maps of the image's size {image.shape[:2]}; got {[m.shape for m in maps]}.")
        seen |= {int(label) for each in maps for label in np.unique(each)}
        pictures.append([_as_bytes(image), *(table[each] for each in maps)])
    if not pictures:
        raise ValueError("Expected one row of (image, truth, answer) or more; got none.")
    height = float(np.median([len(three[0]) / len(three[0][0]) for three in pictures]))
    names = {label: str(classes[label]) for label in sorted(seen - {VOID})[:_MOST]} | {VOID: "void"}
    legend = {name: to_hex(table[label] / 255) for label, name in names.items() if label in seen}
    alt = f"{len(pictures)} photographs, their masks and the answers of a network"
    titles = ["photograph", "mask", title, *[""] * (3 * len(pictures) - 3)]
    below = 0.2 + _LEGEND_ROW * -(-len(legend) // _A_ROW)
    fig, axes = picture_axes((round(1000 * height), 1000), titles, width=width, alt=alt, columns=3, below=below)
    for ax, picture in zip(axes, (each for three in pictures for each in three), strict=True):
        ax.imshow(_framed(picture, height))
    handles = [Patch(color=color, label=name) for name, color in legend.items()]
    with style():
        fig.legend(handles=handles, loc="lower left", ncols=_A_ROW, frameon=False, bbox_to_anchor=(0, 0))
    return fig


def _as_bytes(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.uint8 else np.round(255 * image.clip(0, 1)).astype(np.uint8)


def _framed(picture: np.ndarray, height: float) -> np.ndarray:
    """Return a picture in the middle of paper whose height is so many times its width."""
    tall, wide = picture.shape[:2]
    full = max(wide, round(tall / height)), max(tall, round(wide * height))
    frame = np.tile(rgb(PAPER[0]), (full[1], full[0], 1))
    top, left = (full[1] - tall) // 2, (full[0] - wide) // 2
    frame[top : top + tall, left : left + wide] = picture
    return frame
