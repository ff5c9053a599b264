"""Chapter 1: an answer painted by hand, and what each score makes of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import traitlets
from scipy import ndimage

from fcn import VOID
from fcn.viz import label_map
from fcn.viz.values import as_label_map
from fcn.widgets.live import Live, color_names, source

_LARGEST = 64  # pixels a side: smaller squares cannot be met


class Score(Live):
    """A label map to paint beside the true one, and the scores of chapter 1, which move with each stroke.

    `masks` are true label maps by the names under which they can be chosen: (H, W), of 4 to 64 pixels a side, labels
    of `classes`, 255 for void; keys choose the first ten. Boundary IoU is taken within `width` pixels.
    Raises ValueError for anything else.

    >>> Score({"a small one": [[0, 0, 1, 1]] * 4}, ["background", "cat"])
    <Score>
    """

    _esm = source("score")
    pictures = traitlets.List(traitlets.Dict()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colors = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, masks: Mapping, classes: Sequence[str], *, width: int = 1):
        maps = {str(name): as_label_map(mask, len(classes)) for name, mask in masks.items()}
        if not maps or any(not 4 <= side <= _LARGEST for each in maps.values() for side in each.shape):
            came = {name: each.shape for name, each in maps.items()}
            raise ValueError(f"Expected label maps of 4 to {_LARGEST} pixels a side, by their names; got {came}.")
        pictures = [
            {"name": name, "labels": each.ravel().tolist(), "height": each.shape[0], "width": each.shape[1],
             "reach": width, "thin": _thinnest(each)}
            for name, each in maps.items()
        ]  # fmt: skip
        title, mask = next(iter(maps.items()))
        still = label_map(mask, classes, title=f"the truth, {title}").html()
        super().__init__(still=still, pictures=pictures, classes=[*map(str, classes)], colors=color_names(classes))


def _thinnest(mask: np.ndarray) -> int | None:
    """Return the thing of which the fewest pixels lie inside, away from other classes; None if there is none."""
    inside = {
        label: ndimage.binary_erosion(mask == label, np.ones((3, 3))).sum() / (mask == label).sum()
        for label in np.unique(mask).tolist()
        if label not in (0, VOID)
    }
    return min(inside, key=inside.get) if inside else None
