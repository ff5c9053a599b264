"""Which stored values are labels, and which only lie between two of them: JPEG's and smooth resizing's."""

from collections import Counter

import numpy as np

_FLAT = 0.25  # of a label's pixels, at least so many have neighbors of the same label
_FEWEST = 3  # values in between: fewer may be classes of thin things
_MOST = 0.25  # of all pixels
_APART = {False: 24, True: 48}  # values, colors: nearer to a frequent one, a lossy file made it
_SHARE = 0.0005  # of all pixels that a label of a lossy file has


def solid(total: Counter, flat: Counter, *, lossy: bool, colors: bool) -> set[int]:
    """Return the values (or packed colors) that are labels, by how many pixels they have, and how many in the flat.

    >>> blurred = Counter({0: 900, 255: 90, 60: 3, 120: 3, 180: 4})
    >>> sorted(solid(blurred, Counter({0: 890, 255: 85}), lossy=False, colors=False))
    [0, 255]
    """
    if lossy:
        return _peaks(total, flat, colors)
    firm = {value for value, count in total.items() if flat[value] >= _FLAT * count}
    if not firm:
        return set(total)
    loose = {value for value in set(total) - firm if colors or min(firm) < value < max(firm)}
    few = len(loose) < _FEWEST or sum(total[value] for value in loose) > _MOST * total.total()
    return set(total) if few else set(total) - loose


def _peaks(total: Counter, flat: Counter, colors: bool) -> set[int]:
    found, least = [], max(1, _SHARE * total.total())
    for value, count in total.most_common():
        frequent = count >= least and flat[value] >= _FLAT * count
        if not found or (frequent and distances(np.array([value]), found, colors).min() >= _APART[colors]):
            found.append(value)
    return set(found)


def distances(values: np.ndarray, known: list[int], colors: bool) -> np.ndarray:
    """Return how far values (N,) are from known ones (M,): (N, M) floats; of packed colors, as in a cube.

    >>> distances(np.array([0x000003]), [0x000000, 0x000400], colors=True).tolist()
    [[3.0, 5.0]]
    """
    values, known = values.astype(np.int64), np.array(known, dtype=np.int64)
    if not colors:
        return np.abs(values[:, None] - known).astype(float)
    channels = [(part >> shift) & 255 for part in (values, known) for shift in (16, 8, 0)]
    return np.sqrt(
        sum((mine[:, None] - theirs) ** 2 for mine, theirs in zip(channels[:3], channels[3:], strict=True))
    )
