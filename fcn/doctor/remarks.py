"""What is to be said about masks once it is known what their values mean."""

from collections import Counter
from collections.abc import Sequence

from fcn import VOID
from fcn.doctor.faults import Fault, counted, shown, some
from fcn.doctor.meaning import STRANGE, Meaning
from fcn.doctor.pictures import BILEVEL, PALETTE
from fcn.doctor.reading import Seen


def between_values(meaning: Meaning, every: Sequence[Seen], between: set[int]) -> Fault:
    """Return the fault of values that lie between labels, as JPEG and smooth resizing make them.

    >>> about = Seen("all", None, "a.png", kind="gray", counts={0: 5, 9: 1, 255: 5})
    >>> between_values(Meaning(table=((0, 0), (255, 1)), between=True), [about], {9}).says
    '1 mask has 1 value along edges that is no label (9): 1 pixel, 9.1 % of it; first a.png.'
    """
    found = [(about, sum(count for value, count in meaning.counts(about).items() if value in between))
             for about in every]  # fmt: skip
    found = [(about, count) for about, count in found if count]
    pixels = sum(count for _, count in found)
    share = pixels / sum(sum(about.counts.values()) for about, _ in found)
    values = some((meaning.name(value) for value in sorted(between)), 4)
    one = len(between) == 1
    have = f"{counted(len(found), 'mask')} {'has' if len(found) == 1 else 'have'}"
    are, them = "is no label" if one else "are no labels", "it" if len(found) == 1 else "them"
    says = (
        f"{have} {counted(len(between), 'value')} along edges that {are} ({values}): {counted(pixels, 'pixel')}, "
        f"{100 * share:.2g} % of {them}; first {shown(found[0][0].mask)}."
    )
    true = some((meaning.name(value) for value, label in meaning.table if label != STRANGE), 6)
    how = "JPEG" if any(about.lossy for about, _ in found) else "smooth resizing"
    cure = f"{how} made them. fcn check FOLDER --fix OUT takes the nearest of {true}; or export masks as PNG anew."
    return Fault("in between", "error", tuple(about.mask for about, _ in found), says, cure)


def remarks(meaning: Meaning, every: Sequence[Seen]) -> list[Fault]:
    """Return what else is to be said about masks, as a list of faults.

    >>> about = Seen("all", None, "a.png", kind="gray", counts={0: 5, 7: 1})
    >>> [fault.kind for fault in remarks(Meaning(("a", "b"), ((0, 0), (7, -1))), [about])]
    ['beyond', 'one class']
    """
    labels = [meaning.labelled(about) for about in every]
    return [
        *_beyond(meaning, every), *_void(meaning, every, labels), *_classes(meaning, every, labels),
        *_kinds(meaning, every),
    ]  # fmt: skip


def _beyond(meaning: Meaning, every: Sequence[Seen]) -> list[Fault]:
    strange = {value for value, label in meaning.table if label == STRANGE}
    found = [(about, strange & meaning.counts(about).keys()) for about in every] if strange else []
    files = tuple(about.mask for about, values in found if values)
    if not files:
        return []
    pixels = sum(meaning.counts(about)[value] for about, values in found for value in values)
    what = "Colors" if meaning.colors else "Labels"
    values = sorted({value for _, part in found for value in part})
    known = "those of the table" if meaning.colors else f"the {len(meaning.classes)} classes"
    says = (
        f"{what} {some(map(meaning.name, values), 6)} are beyond {known}: {counted(pixels, 'pixel')} in "
        f"{counted(len(files), 'mask')}, first {shown(files[0])}."
    )
    cure = "Name as many classes as there are: --classes a,b,c; or, if one means no class: --void N."
    if meaning.colors:
        cure = "Add them to the table of colors: a line name,r,g,b."
    return [Fault("beyond", "error", files, says, cure)]


def _void(meaning: Meaning, every: Sequence[Seen], counts: list[Counter]) -> list[Fault]:
    voids = [value for value, label in meaning.table if label == VOID]
    pixels, total = sum(each[VOID] for each in counts), sum(each.total() for each in counts)
    if not pixels:
        return []
    files = tuple(about.mask for about, each in zip(every, counts, strict=True) if each[VOID])
    says = (
        f"{some(map(meaning.name, voids))} is void, neither learned nor scored: {100 * pixels / total:.2g} % of all "
        f"pixels, in {counted(len(files), 'mask')}."
    )
    cure = "If it is a class: --void none." if VOID in voids and not meaning.colors else ""
    faults = [Fault("void", "note", files, says, cure)]
    alone = [about.mask for about, each in zip(every, counts, strict=True) if each[VOID] and each.keys() <= {0, VOID}]
    others = any(each.keys() - {0, VOID} for each in counts)
    if VOID in voids and others and len(alone) == len(files) and not meaning.colors:
        says = (
            f"{counted(len(alone), 'mask')} {'holds' if len(alone) == 1 else 'hold'} 0 and 255 only, others labels "
            f"and no 255, first {shown(alone[0])}: are these two kinds of masks? 255 is read as void."
        )
        faults.append(Fault("two kinds", "warning", tuple(alone), says, "If 255 means a class there, make it 1."))
    return faults


def _classes(meaning: Meaning, every: Sequence[Seen], labels: list[Counter]) -> list[Fault]:
    files = Counter()
    for each in labels:
        files.update(each.keys() - {VOID, STRANGE})
    there = [meaning.classes[label] for label in files]
    if len(files) < 2 or len(meaning.classes) < 2:
        says = f"All masks hold one class only, {some(there)}." if there else "All masks are void: there is no class."
        cure = "Nothing can be learned from that: are the values of the masks those that you meant?"
        return [Fault("one class", "error", tuple(about.mask for about in every), says, cure)]
    absent = [name for name in meaning.classes if name not in there]
    if not absent:
        return []
    says = f"{counted(len(absent), 'class is', 'classes are')} in no mask: {some(absent, 6)}."
    return [Fault("absent", "warning", (), says, "They cannot be learned; leave them out, or label some.")]


# kind, level, of which masks, what is said, the cure
_KINDS = (
    ("three channels", "note", lambda about: "gray in three channels" in about.notes,
     "gray in three channels, read as gray.", ""),
    ("alpha", "warning", lambda about: "alpha" in about.notes, "what alpha hides is read as black, 0.",
     "Look whether that is meant; --fix OUT stores it so."),
    ("deep mask", "note", lambda about: "more than 8 bits" in about.notes,
     "values of more than 8 bits, read as they are.", ""),
    ("lossy", "warning", lambda about: about.lossy, "JPEG or another lossy kind, which changes values.",
     "Export masks as PNG; --fix OUT stores them so."),
    ("animated", "warning", lambda about: about.mask_frames > 1, "several pictures in one file, the first is read.",
     "Store the one that is meant."),
)  # fmt: skip


def _kinds(meaning: Meaning, every: Sequence[Seen]) -> list[Fault]:
    """Return what is to be said about the kinds of files that masks are in."""
    faults = []
    for kind, level, holds, says, cure in (*_KINDS, _palettes(meaning, every)):
        files = tuple(about.mask for about in every if holds(about))
        if files:
            says = f"{counted(len(files), 'mask')}, first {shown(files[0])}: {says}"
            faults.append(Fault(kind, level, files, says, cure))
    return faults


def _palettes(meaning: Meaning, every: Sequence[Seen]) -> tuple:
    if meaning.colors:
        return ("palette", "warning", lambda about: about.kind in (PALETTE, BILEVEL),
                "read by its colors, not its numbers.", "Look whether that is meant.")  # fmt: skip
    colors = {}
    for about in every:
        for index, color in about.palette.items():
            colors.setdefault(index, set()).add(color)
    odd = {index for index, several in colors.items() if len(several) > 1}
    return ("palette", "note", lambda about: bool(odd & about.palette.keys()),
            "palettes differ; the numbers are read, not the colors.", "")  # fmt: skip
