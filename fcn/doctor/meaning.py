"""What the stored values of a folder's masks mean: labels, void, or nothing known. H height, W width."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fcn import VOID
from fcn.doctor.pictures import BILEVEL, COLOR, GRAY, PALETTE, Raw
from fcn.doctor.reading import Seen
from fcn.doctor.solid import distances

STRANGE = -1  # in the table: surely a label, and of no class
WHITE = 0xFFFFFF


@dataclass(frozen=True)
class Meaning:
    """What a stored value means: `table` from it to a label, 0..K-1 or 255 for void; `classes` names the labels.

    `colors` says that values are packed colors, also of masks with a palette; `one` is what the 1 of a mask of 1 bit
    stands for. `between` says that other values lie between these, and so the nearest one can stand for them; those
    in the table whose label is -1 cannot be mended so.
    """

    classes: tuple[str, ...] = ()
    table: tuple[tuple[int, int], ...] = ()
    colors: bool = False
    one: int = 1
    between: bool = False

    def labels(self, stored: Raw, *, mend: bool = False) -> np.ndarray:
        """Return the label map (H, W) uint8 of a mask; with `mend` the nearest known value stands for an unknown one.

        Raises ValueError, in one line, for a value that is not in the table.
        """
        unified = self.unified(stored)
        few = unified.dtype == np.uint8  # most masks: no need to sort their pixels
        values, which = (np.arange(256), unified) if few else np.unique(unified, return_inverse=True)
        known, labels = (np.array(column) for column in zip(*self.table, strict=True))
        away = distances(values, known.tolist(), self.colors)
        best = labels[away.argmin(axis=1)]
        strange = (best == STRANGE) | ((away.min(axis=1) > 0) & (not mend))
        if strange.any():
            unknown = np.unique(which[strange[which]])
            if len(unknown):
                more = f", nor are {len(unknown) - 1} other values of this mask" if len(unknown) > 1 else ""
                raise ValueError(f"{self.name(int(values[unknown[0]]))} is no label here{more}")
        return best.astype(np.uint8)[which].reshape(stored.values.shape)

    def unified(self, stored: Raw) -> np.ndarray:
        """Return a mask's values (H, W) in the terms of the table."""
        palette = np.arange(256) if stored.palette is None else stored.palette
        if stored.kind == BILEVEL:
            return stored.values.astype(np.int32) * self._one
        if stored.kind == PALETTE and self.colors:
            return palette[stored.values]
        return stored.values.astype(np.int32) * 0x010101 if stored.kind == GRAY and self.colors else stored.values

    def counts(self, about: Seen) -> Counter:
        """Return how many pixels of a mask hold each value, in the terms of the table."""
        return unified(about, self.colors, self._one)

    def labelled(self, about: Seen) -> Counter:
        """Return how many pixels of a mask have each label; those of no known one count for the nearest."""
        table, found, others = dict(self.table), Counter(), Counter()
        for value, count in self.counts(about).items():
            if value in table:
                found[table[value]] += count
            else:
                others[value] += count
        if others and table:
            known = list(table)
            best = distances(np.array(list(others)), known, self.colors).argmin(axis=1)
            for place, count in zip(best.tolist(), others.values(), strict=True):
                found[table[known[place]]] += count
        return found

    def name(self, value: int) -> str:
        """Return a value as it is written: 17, or #ff8000."""
        return f"#{value:06x}" if self.colors and value >= 0 else str(value)

    @property
    def _one(self) -> int:
        return WHITE if self.colors else self.one


def unified(about: Seen, colors: bool, one: int) -> Counter:
    """Return how many pixels of a mask hold each value, or each packed color.

    >>> about = Seen("all", None, None, kind=BILEVEL, counts={0: 5, 1: 7})
    >>> unified(about, colors=False, one=255)
    Counter({255: 7, 0: 5})
    """
    found = Counter()
    for value, count in about.counts.items():
        if about.kind == BILEVEL:
            value *= one
        elif colors and about.kind == PALETTE:
            value = about.palette[value]
        elif colors and about.kind == GRAY:
            value *= 0x010101
        found[value] += count
    return found


def summed(every: Iterable[Seen], colors: bool, one: int) -> tuple[Counter, Counter]:
    """Return how many pixels of all masks hold each value, and how many of them in the flat.

    >>> summed([], colors=False, one=1)
    (Counter(), Counter())
    """
    total, flat = Counter(), Counter()
    for about in every:
        total.update(unified(about, colors, one))
        flat.update(unified(Seen("", about.photograph, about.mask, kind=about.kind, palette=about.palette,
                                 counts=about.flat), colors, one))  # fmt: skip
    return total, flat


def by_color(every: list[Seen], named: dict[int, str]) -> bool:
    """Say whether the masks of a folder are to be read by their colors; `named` are those that have a name.

    So they are where one holds colors; where names of colors are known and all that masks hold is among them; and
    where several palettes number the same colors differently.

    >>> by_color([Seen("all", None, None, kind=COLOR)], {})
    True
    """
    if any(about.kind == COLOR for about in every):
        return True
    if named:
        found = {color for about in every for color in unified(about, True, WHITE)}
        return bool(found) and found <= named.keys()
    palettes = [about.palette for about in every if about.kind == PALETTE]
    shown = {item for palette in palettes for item in palette.items()}
    indices, colors = {index for index, _ in shown}, {color for _, color in shown}
    return len(shown) > len(indices) >= len(colors) > 1


def bit(every: list[Seen]) -> int:
    """Return what the 1 of masks of 1 bit stands for: 255 where all other masks hold 0 and 255 alone, else 1.

    >>> bit([Seen("all", None, None, kind=BILEVEL), Seen("all", None, None, kind=GRAY, counts={0: 3, 1: 4})])
    1
    """
    others = {value for about in every if about.kind != BILEVEL for value in about.counts}
    return 255 if others <= {0, VOID} and any(about.kind == BILEVEL for about in every) else 1
