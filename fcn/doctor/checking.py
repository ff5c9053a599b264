"""What is wrong with pairs of photographs and masks, and between splits. Sizes are width x height."""

from collections import defaultdict
from collections.abc import Sequence

from fcn import VOID
from fcn.doctor.faults import Fault, counted, shown, some
from fcn.doctor.meaning import STRANGE, Meaning
from fcn.doctor.pictures import SIDEWAYS
from fcn.doctor.reading import Seen

SMALLEST = 64  # pixels a side: training needs them
_LONG = 20  # times as long as wide
_FIX = "fcn check FOLDER --fix OUT"


def pair_faults(every: Sequence[Seen]) -> list[Fault]:
    """Return the faults of pairs, one of each kind with all its files.

    >>> pair_faults([Seen("all", "a.png", "b.png", wrong="the file is empty")])[0].says
    'a.png cannot be used: the file is empty.'
    """
    faults = [*_unreadable(every)]
    good = [about for about in every if not about.wrong]
    for kind, level, holds, says, cure in _KINDS:
        found = [about for about in good if holds(about)]
        if found:
            files = tuple(about.photograph for about in found)
            first = says.format(about=found[0], smallest=SMALLEST, **_words(found[0]))
            more = f" {counted(len(found), 'photograph')} in all." if len(found) > 1 else ""
            says = f"{shown(files[0])} {first}{more}"
            faults.append(Fault(kind, level, files, says, cure.format(smallest=SMALLEST, fix=_FIX)))
    return faults


def split_faults(every: Sequence[Seen], meaning: Meaning) -> list[Fault]:
    """Return what is wrong between splits: the same photograph twice, classes that are never trained, empty masks.

    >>> twice = [Seen(split, f"{split}.png", "m.png", digest=b"1", mask_wrong="x") for split in ("train", "val")]
    >>> split_faults(twice, Meaning())[0].says
    '1 photograph is in several splits: train.png is val.png.'
    """
    good = [about for about in every if not about.mask_wrong]
    labels = [meaning.labelled(about) for about in good]
    return [*_doubles(every), *_never_trained(good, labels, meaning), *_empty(good, labels, meaning)]


def misfits(about: Seen) -> bool:
    """Say whether a mask is of another size than its photograph, as it is shown and as it is stored.

    >>> misfits(Seen("all", None, None, size=(4, 3), stored=(4, 3), mask_size=(3, 4)))
    True
    """
    return about.mask_size not in (about.size, about.stored)


def _sides_turned(about: Seen) -> bool:
    """Say whether it matters to a mask, which fits one of the two, that EXIF exchanges height and width."""
    return not about.mask_wrong and about.turn in SIDEWAYS and about.size != about.stored and not misfits(about)


# kind, level, of which photographs, what is said behind the first one's name, the cure
_KINDS = (
    ("turned", "error", _sides_turned, "is stored {stored} and shown {size} (EXIF turns it); its mask is {mask}.",
     "{fix} stores it as it is shown."),
    ("turned", "warning", lambda about: about.turn != 1 and not _sides_turned(about),
     "is turned by its EXIF data ({about.turn}); it is read as viewers show it.",
     "Look whether its mask fits; {fix} stores it as it is shown."),
    ("size", "error", lambda about: not about.mask_wrong and misfits(about), "has {size} pixels, its mask {mask}.",
     "Export the mask in the size of the photograph; {fix} mends those of the same proportions."),
    ("small", "error", lambda about: min(about.size) < SMALLEST,
     "has {size} pixels; training needs {smallest} a side.", "Leave it out ({fix} does), or use it larger."),
    ("long", "warning", lambda about: max(about.size) > _LONG * min(about.size), "has {size} pixels: is that meant?",
     "Cut it into pieces."),
    ("deep", "error", lambda about: about.mode.startswith(("I", "F")),
     "has more than 8 bits a color ({about.mode}, up to {about.highest}).", "{fix} brings it to 0..255."),
    ("gray", "note", lambda about: about.mode in ("L", "1", "LA"), "is gray: read as red = green = blue.", ""),
    ("cmyk", "note", lambda about: about.mode in ("CMYK", "YCCK", "LAB", "HSV"),
     "is {about.mode}, as for print: read as RGB.", ""),
    ("alpha", "note", lambda about: about.mode in ("RGBA", "LA", "PA", "RGBa", "La"),
     "has alpha: it is dropped.", ""),
    ("animated", "warning", lambda about: about.frames > 1, "holds {about.frames} pictures: the first is read.",
     "{fix} stores the first alone."),
)  # fmt: skip


def _words(about: Seen) -> dict[str, str]:
    sizes = {"stored": about.stored, "size": about.size, "mask": about.mask_size}
    return {name: f"{width}x{height}" for name, (width, height) in sizes.items()}


def _unreadable(every: Sequence[Seen]) -> list[Fault]:
    wrong = {}
    for about in every:
        for path, why in ((about.photograph, about.wrong), (about.mask, about.mask_wrong)):
            if why:
                wrong.setdefault(path, why)
    reasons = defaultdict(list)
    for path, why in wrong.items():
        reasons[why].append(path)
    cure = f"Get it whole again, or leave it out ({_FIX} does)."
    return [
        Fault("unreadable", "error", tuple(paths), f"{some(paths)} cannot be used: {shown(why)}.", cure)
        for why, paths in reasons.items()
    ]


def _doubles(every: Sequence[Seen]) -> list[Fault]:
    same = defaultdict(list)
    for about in every:
        if about.digest:
            same[about.digest].append(about)
    same = [group for group in same.values() if len(group) > 1]
    across, within = [], []
    for group in same:
        (across if len({about.split for about in group}) > 1 else within).append(group)
    faults = []
    for groups, level, where in ((across, "warning", "in several splits"), (within, "note", "there more than once")):
        if groups:
            files = tuple(about.photograph for group in groups for about in group)
            are = f"{counted(len(groups), 'photograph')} {'is' if len(groups) == 1 else 'are'}"
            says = f"{are} {where}: {shown(files[0])} is {shown(files[1])}."
            cure = "Keep each in one split: scores on what was trained on are too good." if level == "warning" else ""
            faults.append(Fault("duplicates" if level == "warning" else "twice", level, files, says, cure))
    return faults


def _never_trained(good: Sequence[Seen], labels: list, meaning: Meaning) -> list[Fault]:
    where = defaultdict(lambda: defaultdict(list))
    for about, each in zip(good, labels, strict=True):
        for label in each.keys() - {VOID, STRANGE}:
            where[about.split][label].append(about.mask)
    if "train" not in where:
        return []
    faults = []
    for split in where.keys() - {"train"}:
        missing = sorted(where[split].keys() - where["train"].keys())
        if missing:
            files = tuple(path for label in missing for path in where[split][label])
            names = some((meaning.classes[label] for label in missing), 6)
            says = f"{split} has {names}, and train has none; first {shown(files[0])}."
            faults.append(Fault("never trained", "warning", files, says, "Move some of these pairs to train."))
    return faults


def _empty(good: Sequence[Seen], labels: list, meaning: Meaning) -> list[Fault]:
    several = {label for each in labels for label in each} - {VOID}
    faults = []
    kinds = [({VOID}, "warning", "void", "Label them, or leave them out.")]
    if len(several) > 1 and meaning.classes:
        kinds.append(({0}, "note", meaning.classes[0], "Right for pictures without a thing; otherwise label them."))
    for kind, level, name, cure in kinds:
        files = tuple(about.mask for about, each in zip(good, labels, strict=True) if each.keys() == kind)
        if files:
            are = f"{counted(len(files), 'mask')} {'is' if len(files) == 1 else 'are'}"
            faults.append(
                Fault("empty mask", level, files, f"{are} {shown(name)} alone, first {shown(files[0])}.", cure)
            )
    return faults
