"""Names and colors: the book's paper and ink, and the color of each class. Needs NumPy alone."""

from collections.abc import Iterable, Sequence

import numpy as np

from fcn import VOID

# light, dark: the same as in book/assets/book.css, tests/test_palette.py compares them
PAPER = ("#fdfcf9", "#15181b")
INK = ("#22262b", "#e4e2dc")
SOFT = ("#5c6670", "#a3a9af")
LINE = ("#e2ddd1", "#2c3237")
ACCENT = ("#0b6e75", "#5cc6c9")
WARM = ("#b4531a", "#f0a06a")  # in figures only
OVERLAY_COLORS = ("#ffc233", "#ff7a59", "#5ad1d8", "#d59bff")  # light on gray photographs: a map's class
# The same class, the same color in the whole book; in VOC's order. Apart also for color-blind eyes: test_palette.py.
CLASS_COLORS = {
    "background": "#262d34", "aeroplane": "#c9e5ff", "bicycle": "#d41667", "bird": "#fcdc4d", "boat": "#587bf9",
    "bottle": "#6ffd96", "bus": "#a48b07", "car": "#ae96fc", "cat": "#c661a1", "chair": "#8e5a12", "cow": "#615529",
    "diningtable": "#cc9cde", "dog": "#b7c757", "horse": "#8c62bd", "motorbike": "#7c1dfb", "person": "#e79dbb",
    "pottedplant": "#78954e", "sheep": "#83c78e", "sofa": "#4c44ba", "train": "#a00181", "tvmonitor": "#096552",
    "void": "#f4f1e8",
}  # fmt: skip
ERROR_COLORS = {  # the kinds of fcn.metrics.errors, in its order
    "right": "#3d4852", "missed": "#4fa3ff", "spilled": "#ffb13d", "mixed up": "#e0559f", "void": "#f4f1e8",
}  # fmt: skip
_KNOWN = {name: index for index, name in enumerate(CLASS_COLORS) if name != "void"}
_ALSO = {"airplane": "aeroplane", "couch": "sofa", "motorcycle": "motorbike", "tv": "tvmonitor"}  # COCO's names


def rgb(color: str) -> np.ndarray:
    """Return a color "#rrggbb" as (3,) uint8: red, green, blue.

    >>> rgb("#ffb13d").tolist()
    [255, 177, 61]
    """
    return np.frombuffer(bytes.fromhex(color.removeprefix("#")), dtype=np.uint8)


def colors(classes: Sequence[str]) -> np.ndarray:
    """Return the table (256, 3) uint8 that turns a label map into a picture: `colors(classes)[label_map]`.

    Row i is the color of the i-th name; rows without a name and row 255 are void's. A name of CLASS_COLORS keeps its
    color, also where VOC or COCO spell it "potted plant", "tv/monitor" or "motorcycle". Any other name gets one of
    the colors that the list leaves unused: first those of CLASS_COLORS, background's last, then further ones, each as
    far from all before it as can be. Two classes of a list never share a color.
    Raises ValueError for more than 255 names and for a class named "void".

    >>> table = colors(["background", "cat", "unicorn"])
    >>> table.shape, table[1].tolist()
    ((256, 3), [198, 97, 161])
    """
    last = len(_KNOWN)
    indices = _indices(classes, [*range(1, last), 0, *range(last, VOID)])
    table = np.tile(rgb(CLASS_COLORS["void"]), (256, 1))
    table[: len(indices)] = _palette(max(indices, default=0) + 1)[indices]
    return table


def voc_colors(classes: Sequence[str]) -> np.ndarray:
    """Return the table (256, 3) uint8 like colors(classes), in the colors of PASCAL VOC's own label files.

    A name that is not VOC's gets the color of the first index that the list leaves unused, from 0 on.
    Raises ValueError as colors does.
    Source: VOCdevkit, VOClabelcolormap.m: the bits of a class's index are dealt out to red, green and blue from the
    top down; void is the color of index 255.

    >>> voc_colors(["background", "aeroplane", "person"])[[0, 1, 2, 255]].tolist()
    [[0, 0, 0], [128, 0, 0], [192, 128, 128], [224, 224, 192]]
    """
    indices = _indices(classes, range(VOID))
    index = np.array(indices + [VOID] * (256 - len(indices)))[:, None]
    bits = [((index >> (3 * bit + np.arange(3))) & 1) << (7 - bit) for bit in range(3)]
    return sum(bits).astype(np.uint8)


def _indices(classes: Sequence[str], order: Iterable[int]) -> list[int]:
    """Return each class's index in CLASS_COLORS; names that it lacks take the unused ones of `order` in turn."""
    names = [str(name) for name in classes]
    if isinstance(classes, str) or len(names) > VOID or "void" in map(_plain, names):
        given = repr(classes) if isinstance(classes, str) or len(names) <= VOID else f"{len(names)} of them"
        raise ValueError(f'Expected a list of up to {VOID} names, none of them "void" (label {VOID}); got {given}.')
    found = {}
    for spelled in (str, _plain):  # a class's very name comes before its other spellings
        for place, name in enumerate(names):
            index = _KNOWN.get(spelled(name))
            if place not in found and index is not None and index not in found.values():
                found[place] = index
    unused = (index for index in order if index not in found.values())
    return [found[place] if place in found else next(unused) for place in range(len(names))]


def _plain(name: str) -> str:
    """Return a name as CLASS_COLORS would spell it: "tv/monitor" and "TV" as tvmonitor, "_background_" bare."""
    letters = "".join(filter(str.isalnum, name.lower()))
    return _ALSO.get(letters, letters)


def _palette(count: int) -> np.ndarray:
    """Return the colors of CLASS_COLORS without void's, and more behind them: at least (count, 3) uint8."""
    taken = [rgb(color) for color in CLASS_COLORS.values()]
    grid = np.stack(np.meshgrid(*[np.arange(16, 256, 32)] * 3), axis=-1).reshape(-1, 3)
    away = np.min([((grid - color) ** 2).sum(axis=1) for color in taken], axis=0)
    for _ in range(len(_KNOWN), count):
        taken.append(grid[away.argmax()])
        away = np.minimum(away, ((grid - taken[-1]) ** 2).sum(axis=1))
    return np.delete(taken, len(_KNOWN), axis=0).astype(np.uint8)
