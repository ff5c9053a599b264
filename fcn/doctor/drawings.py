"""Folders whose masks are drawn from JSON: labelme's, a file a photograph, and COCO's, a file for many."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fcn import VOID
from fcn.doctor import coco, shapes
from fcn.doctor.faults import Fault, counted, shown, some
from fcn.doctor.pairing import Paired
from fcn.doctor.reading import Source
from fcn.doctor.tables import is_void
from fcn.doctor.walk import Inventory, place

_BACKGROUND = "_background_"
_ORDER = ("train", "val", "test", "all")
Found = tuple[str, Paired, Source, tuple[str, ...], list[Fault]]  # in words, pairs, masks, names, faults


def labelme_of(there: Inventory, names: Sequence[str] | None) -> Found | None:
    """Return what is in a folder of labelme's JSON files; None if there is none.

    `names` orders the classes; without, background comes first, then the labels by name.

    >>> labelme_of(Inventory(Path("."), [PurePosixPath("a.png")]), None) is None
    True
    """
    drawings, faults = _drawings(there)
    if not drawings and not faults:
        return None
    pictures, by_stem, pairs = set(there.pictures()), defaultdict(list), Paired()
    for path in there.pictures():
        by_stem[path.stem].append(path)
    labels, classes, strange = _labels(drawings, names)
    for path, drawing in drawings.items():
        photograph = _photograph_of(path, drawing, pictures, by_stem)
        pictures.discard(photograph)
        if photograph is None:
            pairs.lone_masks.append(path)
        elif all(label in labels for label, *_ in drawing.shapes):
            pairs.splits.setdefault(place(path.parent).split or "all", []).append((photograph, path))
    _leave_out_doubles(pairs)
    unread = {path.stem for fault in faults for path in fault.files}
    lone = [path for path in sorted(pictures) if path.stem not in unread]
    pairs.lone_photographs = [(place(path.parent).split or "all", path) for path in lone]
    pairs.splits = {split: pairs.splits[split] for split in _ORDER if pairs.splits.get(split)}
    used = {path for part in pairs.splits.values() for _, path in part}
    says = f"labelme: {counted(len(used), 'JSON file')} with shapes, drawn into masks as labelme draws them"
    source = Source(there.root, drawings={Path(path): drawings[path] for path in used}, labels=labels)
    return says, pairs, source, classes, faults + strange


def _drawings(there: Inventory) -> tuple[dict[PurePosixPath, shapes.Drawing], list[Fault]]:
    """Return what labelme's files say, and a fault for each that cannot be drawn."""
    drawings, faults, broken = {}, [], []
    for path in there.ending(".json"):
        says = None
        try:
            said = shapes.loaded(there.root / path)
        except ValueError as error:
            says, strange = error, broken
        else:
            if not shapes.is_labelme(said):
                continue
            try:
                drawings[path] = shapes.drawing(said, path)
            except ValueError as error:
                says, strange = error, faults
        if says is not None:
            says = str(says).replace(str(there.root / path), str(path))
            strange.append(Fault("unreadable", "error", (Path(path),), says, "Open it in labelme and save it again."))
    return drawings, faults + broken if drawings or faults else []  # what is no JSON may be anybody's


def _photograph_of(
    path: PurePosixPath, drawing: shapes.Drawing, pictures: set, by_stem: dict
) -> PurePosixPath | None:
    """Return the photograph that a file of labelme's means, within the folder: named, beside it, or in it."""
    named = _joined(path.parent, drawing.photograph)
    if named in pictures:
        return named
    beside = by_stem.get(path.stem, [])
    beside = [each for each in beside if each.parent == path.parent] or beside
    if len(beside) == 1:
        return beside[0]
    return path if drawing.embedded else None


def _joined(folder: PurePosixPath, name: str) -> PurePosixPath | None:
    """Return a path relative to a folder without its dots; None if it leads out of where all paths begin."""
    parts = [] if name.startswith("/") else list(folder.parts)
    if name.startswith("/"):
        return None
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return PurePosixPath(*parts)


def _leave_out_doubles(pairs: Paired) -> None:
    """Take out and report each photograph of which several files speak."""
    files = defaultdict(list)
    for part in pairs.splits.values():
        for photograph, path in part:
            files[photograph].append(Path(path))
    for photograph, several in files.items():
        if len(several) > 1:
            says = f"{shown(photograph)} has {len(several)} JSON files: {some(several)}."
            pairs.faults.append(Fault("two for one", "error", tuple(several), says, "Keep the right one."))
    for split, part in pairs.splits.items():
        pairs.splits[split] = [pair for pair in part if len(files[pair[0]]) == 1]


def _labels(drawings: dict, names: Sequence[str] | None) -> tuple[dict[str, int], tuple[str, ...], list[Fault]]:
    """Return the label of each name, the classes, and a fault for names that are no class."""
    files = defaultdict(list)
    for path, drawing in drawings.items():
        for label in dict.fromkeys(label for label, *_ in drawing.shapes):
            files[label].append(Path(path))
    voids = {label: VOID for label in files if is_void(label)}
    order = [name for name in names or sorted(files) if not is_void(name)]
    background = [name for name in order if name.strip("_").lower() == "background"] or [_BACKGROUND]
    classes = tuple([*background[:1], *(name for name in order if name not in background[:1])])
    if len(classes) > VOID:
        says = f"There are {len(classes):,} labels, and {VOID} is the most there can be."
        return {}, (), [Fault("many labels", "error", (), says, "Give things of one kind one name.")]
    labels = {name: label for label, name in enumerate(classes)} | voids
    strange = [label for label in files if label not in labels]
    faults = []
    for label in strange:
        where = files[label]
        many = counted(len(where), "file")
        says = f"The label {shown(label)} is not among the classes; in {many}, first {shown(where[0])}."
        cure = "Name it, too: --classes; or rename it in labelme."
        faults.append(Fault("beyond", "error", tuple(where), says, cure))
    return labels, classes, faults


def coco_of(there: Inventory, names: Sequence[str] | None) -> Found | None:
    """Return what is in a folder with COCO's JSON; None if there is none.

    >>> coco_of(Inventory(Path("."), [PurePosixPath("a.png")]), None) is None
    True
    """
    files, faults = _outlines(there)
    if not files:
        return ("JSON that cannot be read", Paired(), Source(there.root), (), faults) if faults else None
    says = f"COCO: outlines in {some(files)}, drawn into masks, the large ones first"
    nothing = says, Paired(), Source(there.root), ()
    if not coco.installed():
        wrong = f"{some(files)} is COCO's JSON, and pycocotools, which draws it, is not installed."
        return *nothing, [Fault("pycocotools", "error", tuple(map(Path, files)), wrong, "pip install pycocotools")]
    categories = list(dict.fromkeys(name for table, _ in files.values() for _, name in sorted(table.items())))
    learned = [name for name in names or categories if name.lower() != coco.BACKGROUND and not is_void(name)]
    classes = (coco.BACKGROUND, *learned)
    labels = {name: label for label, name in enumerate(classes)} | {
        name: VOID for name in filter(is_void, categories)
    }
    labels |= {name: 0 for name in categories if name.lower() == coco.BACKGROUND}
    strange = [name for name in categories if name not in labels]
    if strange or len(classes) > VOID:
        wrong = (
            f"{some(strange)} of {some(files)} is not among the classes."
            if strange
            else "There are too many classes."
        )
        return *nothing, [Fault("beyond", "error", tuple(map(Path, files)), wrong, "Name it, too: --classes a,b,c.")]
    pairs, outlines = _outlined(there, files)
    return says, pairs, Source(there.root, outlines=outlines, labels=labels), classes, faults


def _outlines(there: Inventory) -> tuple[dict[PurePosixPath, tuple], list[Fault]]:
    """Return what COCO's files say, and a fault for each that cannot be read."""
    files, faults = {}, []
    for path in there.ending(".json"):
        try:
            said = shapes.loaded(there.root / path)
            if coco.is_coco(said):
                files[path] = coco.outlined(said, path)
        except ValueError as error:
            says = str(error).replace(str(there.root / path), str(path))
            faults.append(Fault("unreadable", "error", (Path(path),), says, "Export it again."))
    return files, faults


def _outlined(there: Inventory, files: dict) -> tuple[Paired, dict]:
    """Return the pairs, and what is drawn on each photograph, its categories by name."""
    by_name = defaultdict(list)
    for path in there.pictures():
        by_name[path.name].append(path)
    pairs, outlines = Paired(), {}
    for path, (table, every) in files.items():
        split = place(PurePosixPath(*path.parent.parts, *path.stem.replace("-", "_").split("_"))).split
        for about in every:
            name = PurePosixPath(about.photograph)
            fits = [each for each in by_name[name.name] if each.parts[-len(name.parts) :] == name.parts]
            fits = fits or by_name[name.name]
            fits = [each for each in fits if place(each.parent).split == split] or fits
            fits = [each for each in fits if each.parent == path.parent] or fits
            things = tuple((table[category], outline) for category, outline in about.things)
            if len(fits) == 1 and Path(fits[0]) not in outlines and ".." not in name.parts:
                outlines[Path(fits[0])] = coco.Outlined(about.photograph, about.size, things)
                pairs.splits.setdefault(split or place(fits[0].parent).split or "all", []).append((fits[0], path))
            else:
                says = (
                    f"{shown(path)} names {shown(name)}, and there {'is none' if not fits else 'are several'} here."
                )
                pairs.faults.append(Fault("no photograph", "warning", (Path(path),), says, "Put it into images/."))
    pairs.splits = {split: pairs.splits[split] for split in _ORDER if split in pairs.splits}
    pairs.lone_photographs = [
        (place(each.parent).split or "all", each) for each in there.pictures() if Path(each) not in outlines
    ]
    return pairs, outlines
