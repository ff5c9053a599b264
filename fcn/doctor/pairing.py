"""Which mask belongs to which photograph: by stem, within a split; and what has no partner."""

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fcn.doctor.faults import Fault, counted, shown, some
from fcn.doctor.walk import PICTURES, Inventory, Place, place, rank

_OF_MASKS = re.compile(
    r"[_\- .](masks?|p|l|gt|labels?|seg|segmentation|annotation|trimap|groundtruth)$", re.IGNORECASE
)
_OF_PHOTOGRAPHS = re.compile(r"[_\- .](image|img|photo|sat|rgb)$", re.IGNORECASE)
_ORDER = {"train": 0, "val": 1, "test": 2}


@dataclass
class Paired:
    """Pairs (photograph, mask) of each split, paths relative to the folder, and what was noticed on the way."""

    splits: dict[str, list[tuple[PurePosixPath, PurePosixPath]]] = field(default_factory=dict)
    lone_photographs: list[tuple[str, PurePosixPath]] = field(default_factory=list)  # with their splits
    lone_masks: list[PurePosixPath] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    words: tuple[str, str] = ("", "")  # how the folders of photographs and masks are called


def stems(path: PurePosixPath, ending: re.Pattern) -> list[str]:
    """Return the stems under which a picture may be known, the surest first: its own, without a second ending of a
    picture (a.jpg.png), and without what says its kind (a_mask).

    >>> stems(PurePosixPath("masks/Street 1_L.png"), _OF_MASKS)
    ['Street 1_L', 'Street 1']
    """
    found = [unicodedata.normalize("NFC", path.stem)]  # a Mac's archives hold letters and accents apart
    second = PurePosixPath(found[0])
    if second.suffix.lower() in PICTURES:
        found.append(second.stem)
    found += [ending.sub("", found[-1])]
    return list(dict.fromkeys(stem for stem in found if stem))


def paired(there: Inventory, masks: frozenset[str] = frozenset()) -> Paired:
    """Return what belongs together in a folder; `masks` are further names of folders that hold masks.

    >>> paired(Inventory(None, [PurePosixPath("images/a.jpg"), PurePosixPath("masks/a.png")])).splits
    {'all': [(PurePosixPath('images/a.jpg'), PurePosixPath('masks/a.png'))]}
    """
    result = Paired()
    photographs, labelled = _sorted_out(there, masks, result)
    by_stem = defaultdict(list)
    for path, where in labelled:
        for sure, stem in enumerate(stems(path, _OF_MASKS)):
            by_stem[stem.casefold()].append((path, where, stem, sure))
    chosen = {}
    for path, where in photographs:
        mask = _mask_of(path, where, by_stem, result)
        if mask is None:
            result.lone_photographs.append((where.split or "all", path))
        else:
            chosen[path] = (where.split or mask[1].split or "all", mask[0], mask[2])
    _leave_out_doubles(chosen, result)
    for path, (split, mask, other_case) in chosen.items():
        result.splits.setdefault(split, []).append((path, mask))
        if other_case:
            says = f"{shown(path)} and {shown(mask)} differ in more than their endings: read as a pair."
            result.faults.append(Fault("case", "warning", (path, mask), says, "Give both the same stem."))
    used = {mask for _, mask, _ in chosen.values()}
    used |= {path for fault in result.faults if fault.kind == "two for one" for path in fault.files}
    result.lone_masks = [path for path, _ in labelled if path not in used]
    result.splits = dict(sorted(result.splits.items(), key=lambda item: (_ORDER.get(item[0], 3), item[0])))
    return result


Placed = list[tuple[PurePosixPath, Place]]


def _sorted_out(there: Inventory, masks: frozenset[str], result: Paired) -> tuple[Placed, Placed]:
    """Return the photographs and the masks, each with its place."""
    places = {folder: place(folder, masks) for folder in {path.parent for path in there.pictures()}}
    every = [(path, places[path.parent]) for path in there.pictures()]
    roles = {role: [item for item in every if item[1].role == role] for role in ("photographs", "masks", "")}
    if not roles["photographs"]:
        roles["photographs"] = roles[""]
    elif not roles["masks"] and roles[""]:
        roles["photographs"] = every
    if not roles["masks"]:
        roles["photographs"], roles["masks"] = _beside_each_other(roles["photographs"])
    photographs = _of_one_word(roles["photographs"], result)
    labelled = _of_one_word(roles["masks"], result)
    words = [Counter(where.word for _, where in part).most_common(1) for part in (photographs, labelled)]
    result.words = tuple(word[0][0] if word else "" for word in words)
    return photographs, labelled


def _beside_each_other(every: Placed) -> tuple[Placed, Placed]:
    """Part pictures of one folder: a_mask.png is a mask where there is an a.jpg."""
    known = {(path.parent, stem) for path, _ in every for stem in stems(path, _OF_PHOTOGRAPHS)}
    masks = {
        path for path, _ in every
        if _OF_MASKS.search(path.stem) and any((path.parent, stem) in known for stem in stems(path, _OF_MASKS)[1:])
    }  # fmt: skip
    return [item for item in every if item[0] not in masks], [item for item in every if item[0] in masks]


def _of_one_word(part: Placed, result: Paired) -> Placed:
    """Keep the folders of the surest name, where several would do: images/, masks/ and labels/."""
    words = sorted({where.word for _, where in part}, key=rank)
    for other in words[1:]:
        left = tuple(path for path, where in part if where.word == other)
        says = f"{words[0] or 'other'}/ is taken; {other}/ ({counted(len(left), 'picture')}) is left aside."
        result.faults.append(Fault("left aside", "note", left, says))
    return [item for item in part if item[1].word == words[0]] if words else part


def _mask_of(path: PurePosixPath, where: Place, by_stem: dict, result: Paired):
    """Return a photograph's (mask, its place, whether only its case fits), None where there is none."""
    for stem in stems(path, _OF_PHOTOGRAPHS):
        fits = [each for each in by_stem.get(stem.casefold(), []) if not (each[1].split and where.split)
                or each[1].split == where.split]  # fmt: skip
        for better in (
            lambda each: each[1].rest == where.rest, lambda each, stem=stem: each[2] == stem,
            lambda each: each[3] == min(other[3] for other in fits),  # noqa: B023 (called at once)
        ):  # fmt: skip
            fits = [each for each in fits if better(each)] or fits
        if len({each[0] for each in fits}) > 1:
            files = (path, *dict.fromkeys(each[0] for each in fits))
            says = f"{shown(path)} has {len(files) - 1} masks: {some(files[1:])}."
            result.faults.append(Fault("two for one", "error", files, says, "Keep the right one."))
            return None
        if fits:
            mask, its_place, found, _ = fits[0]
            return mask, its_place, found != stem
    return None


def _leave_out_doubles(chosen: dict, result: Paired) -> None:
    """Report each mask that several photographs claim, and take them out."""
    claims = defaultdict(list)
    for path, (_, mask, _) in chosen.items():
        claims[mask].append(path)
    for mask, claiming in claims.items():
        if len(claiming) == 1:
            continue
        says = f"{shown(mask)} belongs to {len(claiming)} photographs: {some(claiming)}."
        files = (*claiming, mask)
        result.faults.append(Fault("two for one", "error", files, says, "Keep one photograph for each mask."))
        for path in claiming:
            del chosen[path]
