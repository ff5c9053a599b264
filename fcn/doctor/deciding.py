"""What the values of a folder's masks are taken for, and each decision said aloud."""

from collections import Counter
from collections.abc import Sequence

from fcn import VOID
from fcn.doctor.coloring import colored
from fcn.doctor.faults import Fault, counted, shown, some
from fcn.doctor.meaning import STRANGE, Meaning, bit, by_color, summed
from fcn.doctor.reading import BACKGROUND, OBJECT, OUTLINE, TRIMAP, Seen
from fcn.doctor.remarks import between_values, remarks
from fcn.doctor.solid import solid
from fcn.doctor.tables import is_void

_DIRECT = 0.05  # as often as that 1 may meet 2 in a trimap, for each time that 3 meets one of them
_LEAST_STEP = 8  # between labels that were stretched
Decided = tuple[Meaning, list[Fault]]


def decided(
    every: Sequence[Seen], names: Sequence[str] | None, colors: Sequence[tuple[str, int]] = (), *,
    void: int | str | None = "auto", drawn: bool = False,
) -> Decided:  # fmt: skip
    """Return what stored values mean, and what is to be said about that.

    `names` are those of the labels 0, 1, 2 and so on, if they are known, `colors` pairs (name, packed color); `void`
    is "auto", None or a stored value. Masks that were `drawn` from shapes hold labels and nothing else.

    >>> meaning, faults = decided([Seen("all", None, None, kind="gray", counts={0: 9, 255: 1}, flat={0: 9})], None)
    >>> meaning.classes, meaning.table, faults[0].kind
    (('background', 'object'), ((0, 0), (255, 1)), 'binary')
    """
    every = [about for about in every if not about.mask_wrong]
    if not every:
        return Meaning(tuple(names or [name for name, _ in colors])), []
    named = {color: name for name, color in colors}
    if not drawn and by_color(every, named):
        meaning, faults = colored(every, names, named, void)
        return meaning, faults + remarks(meaning, every)
    names = names or [name for name, _ in colors] or None
    one = bit(every)
    total, flat = summed(every, False, one)
    lossy = any(about.lossy for about in every)
    values = set(total) if drawn else solid(total, flat, lossy=lossy, colors=False)
    if names and max(values - {VOID}, default=0) < len(names):
        values |= {value for value in total if value < len(names) and not lossy}
    if void == "auto" and values == {*TRIMAP} and len(names or ("", "")) == 2 and _outlined(every):
        table, classes, faults = _trimap(names)
    else:
        table, classes, faults = _numbered(sorted(values), total, names, void, drawn)
    table |= {value: STRANGE for value in values - table.keys()}
    between = set(total) - values
    meaning = Meaning(tuple(classes), tuple(sorted(table.items())), False, one, bool(between))
    if between:
        faults.append(between_values(meaning, every, between))
    return meaning, faults + remarks(meaning, every)


def stretched(values: list[int]) -> bool:
    """Say whether labels look as if they were stretched: evenly spaced, far apart.

    >>> stretched([0, 38, 75, 113]), stretched([0, 1, 2])
    (True, False)
    """
    if len(values) < 2 or values[0] != 0:
        return False
    step = values[-1] / (len(values) - 1)
    return step >= _LEAST_STEP and all(abs(value - place * step) <= 1 for place, value in enumerate(values))


def _numbered(values: list[int], total: Counter, names, void, drawn: bool) -> tuple[dict, list[str], list[Fault]]:
    """Return the table from values to labels, the classes' names, and what was decided."""
    faults = []
    voids = {void} & {*values} if isinstance(void, int) else set()
    rest = [value for value in values if value not in voids]
    top = rest[-1] if rest else 0
    two = not drawn and void != VOID and len(rest) > 0 and set(rest) <= {0, top} and top in (VOID, 0xFFFF)
    if two and (names is None or len(names) <= 2):
        return _binary(top, voids, names, void)
    if VOID in rest and void is not None and not (names and len(names) == len(rest) and stretched(rest)):
        if stretched(rest) and len(rest) > 2 and names is None and void == "auto":
            says = f"Values {some(rest, 8)} look like {len(rest)} classes stretched to 0..255, or is 255 void?"
            faults.append(Fault("void or class", "error", (), says, "Say it: --void none, or --void 255."))
        voids, rest = voids | {VOID}, [value for value in rest if value != VOID]
    table, classes, more = _in_order(rest, names, void if isinstance(void, int) else None, max(values))
    return {**table, **dict.fromkeys(voids, VOID)}, classes, faults + more


def _outlined(every: Sequence[Seen]) -> bool:
    """Say whether 3 lies between 1 and 2 in masks of these three, nearly everywhere."""
    direct, through = (sum(about.between[place] for about in every) for place in (0, 1))
    return direct < _DIRECT * through


def _trimap(names: Sequence[str] | None) -> tuple[dict, list[str], list[Fault]]:
    classes = list(names or ["background", "object"])
    says = (f"Masks hold 1, 2 and 3, and 3 lies between the two: read as trimaps, {OBJECT} is {shown(classes[1])}, "
            f"{BACKGROUND} is {shown(classes[0])}, {OUTLINE} the outline, which is void.")  # fmt: skip
    faults = [Fault("trimap", "note", (), says, "If they are three classes: --void none.")]
    return {OBJECT: 1, BACKGROUND: 0, OUTLINE: VOID}, classes, faults


def _binary(top: int, voids: set[int], names, void) -> tuple[dict, list[str], list[Fault]]:
    given = [name for name in names or ["background", "object"] if not is_void(name)] or ["object"]
    classes = given if len(given) == 2 else ["background", *given]
    says = f"Masks hold 0 and {top} only: read as {some(classes)}; {top} is not void here."
    cure = "If it is void: --void 255." if void == "auto" and top == VOID else ""
    faults = [Fault("binary", "note", (), says, cure)]
    return {0: 0, top: 1, **dict.fromkeys(voids, VOID)}, classes, faults


def _in_order(rest: list[int], names, void: int | None, top: int) -> tuple[dict, list[str], list[Fault]]:
    """Return the labels of values that are not void, in their order."""
    if names is None:
        return _unnamed(rest, void)
    several, faults = len(names), []
    stand_for = list(range(several))
    if void is not None and several == top and void <= top:  # names without one for void
        stand_for = [value for value in range(several + 1) if value != void]
    if not set(rest) <= set(stand_for):
        if len(rest) == several and stretched(rest):
            stand_for = rest
            pairs = ", ".join(f"{value} {shown(name)}" for value, name in zip(rest, names, strict=True))
            says = f"Labels look stretched ({some(rest, 8)}): read in their order, {pairs}."
            faults.append(Fault("gaps", "warning", (), says, "fcn check FOLDER --fix OUT stores 0, 1, 2 and so on."))
        elif several == len(rest) and rest == list(range(1, several + 1)):
            stand_for = rest
            says = f"Labels begin at 1: 1 is read as {shown(names[0])}, {rest[-1]} as {shown(names[-1])}."
            faults.append(Fault("begins at 1", "note", (), says))
    table, classes = {}, []
    for value, name in zip(stand_for, names, strict=True):
        if is_void(name) or value == void:
            table[value] = VOID
        else:
            table[value] = len(classes)
            classes.append(name)
    return table, classes, faults


def _unnamed(rest: list[int], void: int | None) -> tuple[dict, list[str], list[Fault]]:
    """Return labels without gaps, or a class that no mask has would spoil the mean of all scores."""
    if len(rest) > VOID:
        says = f"Masks hold {len(rest):,} labels, and {VOID} is the most there can be: are these instances?"
        cure = "Store the class of each pixel, 0, 1, 2 and so on."
        return {}, [], [Fault("many labels", "error", (), says, cure)]
    faults, several = [], counted(len(rest), "class", "classes")
    if rest and rest == list(range(1, len(rest) + 1)) and void != 0:
        says = f"Labels begin at 1: 1 to {rest[-1]} are read as {several}, and no pixel is 0."
        faults.append(Fault("begins at 1", "note", (), says, "To name them: --classes, the first for 1."))
    elif rest != [value for value in range(rest[-1] + 1 if rest else 0) if value != void]:
        looks = "they look stretched" if stretched(rest) else "others below the highest never occur"
        says = f"Labels have gaps ({some(rest, 8)}; {looks}): read as {several}."
        cure = "Name them in this order: --classes a,b,c. --fix OUT stores 0, 1, 2 and so on."
        faults.append(Fault("gaps", "warning", (), says, cure))
    return {value: place for place, value in enumerate(rest)}, [f"class {value}" for value in rest], faults
