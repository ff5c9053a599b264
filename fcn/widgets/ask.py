"""Chapter 2: a map of answers over a photograph. Point at a square, and it says what it sees, and why."""

from collections.abc import Sequence

import numpy as np
import traitlets

from fcn.viz import BookFigure, crop_overlay
from fcn.viz.values import as_array, as_image
from fcn.widgets.live import Live, as_html, source

_BEST, _TERMS = 5, 3  # names a square, channels in its sum


class Ask(Live):
    """A photograph under a map of answers: each square tells its five best names, and what a score is made of.

    `image` is (3, H, W) or (H, W, 3), `names` the K classes. `answers` are pairs, features (C, h, w) and scores
    (K, h, w), one for each part of the photograph that the network was given, from its upper left corner, the whole
    photograph last; a slider goes through them. A square is H / h pixels a side. `weight` (K, C) is what makes scores
    of features. `start` is the (row, column) that it opens on. Raises ValueError if these do not fit to each other.

    >>> features, weight = np.ones((4, 2, 3)), np.ones((5, 4))
    >>> Ask(np.zeros((3, 64, 96), np.uint8), [(features, np.tensordot(weight, features, 1))], list("abcde"), weight)
    <Ask>
    """

    _esm = source("ask")
    picture = traitlets.Unicode().tag(sync=True)
    cell = traitlets.Int().tag(sync=True)
    full = traitlets.List(traitlets.Int()).tag(sync=True)
    start = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.Dict().tag(sync=True)
    sizes = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, image, answers: Sequence, names: Sequence[str], weight, *, start: tuple[int, int] = (0, 0)):
        image, weight = as_image(image), as_array(weight).reshape(len(names), -1)
        answers = [tuple(as_array(part).astype(float) for part in pair) for pair in answers]
        cell = image.shape[0] // answers[-1][1].shape[1] if answers else 0
        for features, scores in answers:
            fits = len(scores) == len(names) and len(features) == weight.shape[1]
            if not fits or features.shape[1:] != scores.shape[1:] or scores.shape[2] * cell > image.shape[1]:
                came = f"{features.shape} and {scores.shape} for {image.shape} and a weight {weight.shape}"
                raise ValueError(f"Expected features (C, h, w), scores (K, h, w) and a weight (K, C); got {came}.")
        if not answers:
            raise ValueError("Expected one pair (features, scores) or more; got none.")
        shown = sorted({label for _, scores in answers for label in scores.argmax(axis=0).ravel().tolist()})
        sizes = [_told(*pair, weight, shown) for pair in answers]
        used = {label for size in sizes for square in size["labels"] for label in square} | {*shown}
        super().__init__(
            still=_still(image, sizes[-1], names, start, cell).html(), picture=as_html(image, "JPEG"), cell=cell,
            full=[*image.shape[:2]], start=[*start], names={str(label): str(names[label]) for label in sorted(used)},
            sizes=sizes,
        )  # fmt: skip


def _still(image: np.ndarray, size: dict, names: Sequence[str], start: tuple[int, int], cell: int) -> BookFigure:
    """Return the photograph, lit where the best name of the square that the figure opens on is probable."""
    row, column = (min(place, size[side] - 1) for place, side in zip(start, ("rows", "columns"), strict=True))
    label, *_ = size["labels"][row * size["columns"] + column]
    shares = np.array([int(digit, 16) for digit in size["lit"][str(label)]]).reshape(size["rows"], size["columns"])
    said = f"The photograph in {size['rows']} by {size['columns']} squares, lit where {names[label]} is probable"
    return crop_overlay(image, shares / 15, cell=cell, title=f"where {names[label]} is probable", alt=said)


def _told(features: np.ndarray, scores: np.ndarray, weight: np.ndarray, shown: list[int]) -> dict:
    """Return what the squares of one part say: labels, probabilities, sums, and where each of `shown` is probable."""
    rows, columns = scores.shape[1:]
    flat, channels = scores.reshape(len(scores), -1).T, features.reshape(len(features), -1).T
    odds = np.exp(flat - flat.max(axis=1, keepdims=True))
    probable = odds / odds.sum(axis=1, keepdims=True)
    best = np.argsort(-probable, axis=1)[:, :_BEST]
    sums = []
    for square, label in enumerate(best[:, 0]):
        parts = channels[square] * weight[label]
        terms = np.argsort(-abs(parts))[:_TERMS].tolist()
        named = [[k, round(channels[square, k], 2), round(weight[label, k].item(), 2)] for k in terms]
        rest = flat[square, label] - sum(value * by for _, value, by in named)
        sums.append({"terms": named, "rest": round(rest.item(), 2)})
    sixteenths = (15 * probable).round().astype(int)  # one digit a square
    lit = {str(label): "".join(f"{share:x}" for share in sixteenths[:, label]) for label in shown}
    return {
        "rows": rows, "columns": columns, "labels": best.tolist(), "sums": sums, "lit": lit,
        "probabilities": np.take_along_axis(probable, best, axis=1).round(3).tolist(),
    }  # fmt: skip
