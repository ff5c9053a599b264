"""Chapter 5: what each score map adds to the sum."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import traitlets

from fcn.viz import colors, row
from fcn.viz.values import as_array, as_image, as_label_map
from fcn.widgets.live import Live, as_html, as_text, color_names, source

_MAPS = ("score_fr", "score_pool4", "score_pool3")


class Skips(Live):
    """Scenes, the score maps of several FCNs, and a slider for the weight of each map in the sum.

    `images` are N squares (3, S, S) uint8, `truth` their label maps (S, S), of `classes`. `networks` are score maps
    by a network's name: a list of (N, K, s, s), from the coarsest, each twice as fine as the one before, as FCN adds
    them. They are stored as whole numbers, the coarsest of 16 bits, the others of 8: of the book's networks less than
    one pixel of a thousand is answered otherwise. Raises ValueError if these do not fit to each other.

    >>> images, truth = np.zeros((1, 3, 32, 32), np.uint8), np.zeros((1, 32, 32), int)
    >>> Skips(images, truth, {"FCN-32s": [np.zeros((1, 2, 1, 1))]}, ["background", "cat"])
    <Skips>
    """

    _esm = source("skips")
    scenes = traitlets.List(traitlets.Dict()).tag(sync=True)
    networks = traitlets.List(traitlets.Dict()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colors = traitlets.List(traitlets.Unicode()).tag(sync=True)
    side = traitlets.Int().tag(sync=True)

    def __init__(self, images, truth, networks: Mapping, classes: Sequence[str]):
        pictures, masks = [as_image(each) for each in images], [as_label_map(each, len(classes)) for each in truth]
        side = pictures[0].shape[0] if pictures else 0
        sizes = {each.shape[:2] for each in [*pictures, *masks]}
        if len(pictures) != len(masks) or sizes != {(side, side)}:
            raise ValueError(f"Expected as many square images as label maps, of one size; got {sorted(sizes)}.")
        told = [_told(str(name), maps, len(masks), len(classes), side) for name, maps in networks.items()]
        if not told:
            raise ValueError("Expected the score maps of one network or more; got none.")
        scenes = [
            {"picture": as_html(picture), "truth": as_text(mask.astype(np.uint8))}
            for picture, mask in zip(pictures, masks, strict=True)
        ]
        said = "A scene and its label map; the figure computes what networks make of it, and needs a script"
        super().__init__(
            still=row([pictures[0], colors(classes)[masks[0]]], ["picture", "truth"], width=4.6, alt=said).html(),
            scenes=scenes, networks=told, classes=[*map(str, classes)], colors=color_names(classes), side=side,
        )  # fmt: skip


def _told(name: str, maps: Sequence, count: int, classes: int, side: int) -> dict:
    """Return a network's score maps as the figure stores them."""
    maps = [as_array(each).astype(float) for each in maps]
    sides = [each.shape[-1] for each in maps]
    fits = all(each.shape == (count, classes, size, size) for each, size in zip(maps, sides, strict=True))
    doubled = all(fine == 2 * coarse for coarse, fine in pairwise(sides))
    if not maps or len(maps) > len(_MAPS) or not fits or not doubled or side % sides[-1]:
        shapes = [each.shape for each in maps]
        raise ValueError(f"Expected score maps ({count}, {classes}, s, s) for {name}, s doubling; got {shapes}.")
    scores = [[_packed(each[scene], 8 if level else 16) for level, each in enumerate(maps)] for scene in range(count)]
    return {"name": name, "maps": [*_MAPS[: len(maps)]], "sides": sides, "scores": scores}


def _packed(scores: np.ndarray, bits: int) -> dict:
    """Return a map (K, s, s) as whole numbers, and for each class by what they are to be multiplied."""
    largest = 2 ** (bits - 1) - 1
    steps = np.maximum(abs(scores).max(axis=(1, 2)) / largest, 1e-12)
    whole = (scores / steps[:, None, None]).round().astype(f"<i{bits // 8}")
    return {"data": as_text(whole), "bits": bits, "steps": steps.tolist()}
