"""Masks that hold colors: which class each color is."""

from collections.abc import Sequence

import numpy as np

from fcn import VOID
from fcn.doctor.faults import Fault, shown, some
from fcn.doctor.meaning import STRANGE, WHITE, Meaning, summed
from fcn.doctor.reading import Seen
from fcn.doctor.remarks import between_values
from fcn.doctor.solid import distances, solid
from fcn.doctor.tables import is_void

_VOC_VOID = 0xE0E0C0  # the color of PASCAL VOC's label 255
APART = 48  # of 441: a color that is so far from all of a table is none of them
_MOST = 64  # colors without names: with more, these are photographs


def colored(
    every: Sequence[Seen], names: Sequence[str] | None, named: dict[int, str], void: int | str | None
) -> tuple[Meaning, list[Fault]]:
    """Return what the colors of masks mean, and what is to be said about that; `named` are those with a name.

    >>> about = Seen("all", None, None, kind="color", counts={0: 5, 0xFF0000: 4}, flat={0: 5, 0xFF0000: 4})
    >>> colored([about], None, {}, "auto")[0].classes
    ('#000000', '#ff0000')
    """
    total, flat = summed(every, True, WHITE)
    lossy = any(about.lossy for about in every)
    firm = solid(total, flat, lossy=lossy, colors=True)
    if named and lossy:  # JPEG moves every color a little: what is near one of the table is that one
        far = distances(np.array(sorted(firm)), [*named], colors=True).min(axis=1) >= APART
        firm = {color for color, away in zip(sorted(firm), far, strict=True) if away} | named.keys()
    if not named and len(firm) > _MOST:
        files = tuple(about.mask for about in every if len(about.counts) > _MOST)
        says = f"Masks hold {len(total):,} colors, first {shown(files[0] if files else every[0].mask)}."
        cure = "These look like photographs or overlays: export one color, or better one number, a class."
        return Meaning(colors=True), [Fault("many colors", "error", files, says, cure)]
    table, classes, faults = _of_names(named, names, void) if named else _unnamed(firm, names, void, lossy)
    between = set(total) - (firm | table.keys()) if firm & table.keys() else set()
    table |= {color: STRANGE for color in set(total) - between - table.keys()}
    meaning = Meaning(tuple(classes), tuple(sorted(table.items())), True, 1, bool(between))
    return meaning, faults + ([between_values(meaning, every, between)] if between else [])


def _of_names(named: dict[int, str], names: Sequence[str] | None, void) -> tuple[dict, list[str], list[Fault]]:
    """Return labels of colors that have names, in their order or in that of the names that were asked for."""
    void = [*named.values()][void] if isinstance(void, int) and 0 <= void < len(named) else None
    order = [name for name in names or named.values() if name != void and not is_void(name)]
    labels = {name: place for place, name in enumerate(order)}
    table = {
        color: VOID if name == void or is_void(name) else labels.get(name, STRANGE) for color, name in named.items()
    }
    faults = []
    left_out = [name for name in order if name not in named.values()]
    if left_out:
        says = f"Expected classes of the folder's table, {some(named.values(), 8)}; got {some(left_out)}."
        faults.append(Fault("beyond", "error", (), says, "Name them as the table does."))
    dropped = [name for name in named.values() if name == void or is_void(name)]
    if dropped:
        faults.append(Fault("void", "note", (), f"{some(dropped)} is read as void: neither learned nor scored."))
    return table, order, faults


def _unnamed(firm: set[int], names: Sequence[str] | None, void, lossy: bool) -> tuple[dict, list[str], list[Fault]]:
    """Return labels of colors without names, black first."""
    voids = {_VOC_VOID} & firm if void == "auto" else set()
    colors = sorted(firm - voids)
    written = [f"#{color:06x}" for color in colors]
    classes = list(names) if names and len(names) == len(colors) else written
    pairs = ", ".join(f"{color} {shown(name)}" for color, name in zip(written, classes, strict=True))
    lines = "; ".join(f"NAME,{color >> 16},{color >> 8 & 255},{color & 255}" for color in colors[:3])
    cure = f"To name them, put class_dict.csv into the folder, a line a color: name,r,g,b; {lines} ..."
    if names and len(names) != len(colors):
        says = f"Masks hold {len(colors)} colors, and {len(names)} classes were named: {some(written, 8)}."
        return dict(zip(colors, range(len(colors)), strict=True)), written, [
            Fault("beyond", "error", (), says, cure)]  # fmt: skip
    pairs = pairs if classes != written else "called by their color"
    rare = " Of a lossy file: rare classes may be missing among them, a table would find them." if lossy else ""
    says = f"Masks hold {len(colors)} colors ({some(written, 8)}) and no table says what they mean: {pairs}.{rare}"
    faults = [Fault("unnamed colors", "warning", (), says, cure)]
    return {color: place for place, color in enumerate(colors)} | dict.fromkeys(voids, VOID), classes, faults
