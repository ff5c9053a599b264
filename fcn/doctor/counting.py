"""How often each value stands in a mask, and how often in the flat: edges that were smoothed have no flat pixels."""

import numpy as np


def counts(values: np.ndarray) -> dict[int, int]:
    """Return how many pixels hold each value of an array of whole numbers.

    >>> counts(np.array([[7, 7], [7, 2]]))
    {2: 1, 7: 3}
    """
    every = values.ravel()
    if not len(every):
        return {}
    if every.dtype == np.uint8:
        found = np.bincount(every, minlength=256)
        return {int(value): int(found[value]) for value in np.flatnonzero(found)}
    starts = np.flatnonzero(np.r_[True, every[1:] != every[:-1]])  # of runs: masks have few
    lengths = np.diff(np.r_[starts, len(every)])
    kinds, which = np.unique(every[starts], return_inverse=True)
    totals = np.bincount(which, weights=lengths)
    return {int(value): int(total) for value, total in zip(kinds, totals, strict=True)}


def flat(values: np.ndarray) -> dict[int, int]:
    """Return how many pixels of each value have that value beside them and above or below, too.

    >>> flat(np.array([[1, 1, 5, 0], [1, 1, 5, 0]]))
    {1: 4}
    """
    beside, below = values[:, 1:] == values[:, :-1], values[1:] == values[:-1]
    level, upright = np.zeros((2, *values.shape), dtype=bool)
    level[:, 1:] |= beside
    level[:, :-1] |= beside
    upright[1:] |= below
    upright[:-1] |= below
    return counts(values[level & upright])


def borders(values: np.ndarray, one: int, other: int) -> int:
    """Return how often a pixel of one value stands beside, above or below one of another.

    >>> borders(np.array([[1, 2], [1, 3]]), 1, 2)
    1
    """
    first, second = values == one, values == other
    across = (first[:, 1:] & second[:, :-1]) | (second[:, 1:] & first[:, :-1])
    down = (first[1:] & second[:-1]) | (second[1:] & first[:-1])
    return int(across.sum() + down.sum())
