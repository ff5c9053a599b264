"""Which tool wrote a folder: its photographs, its masks, the names of its classes."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fcn.doctor import tables
from fcn.doctor.drawings import coco_of, labelme_of
from fcn.doctor.faults import Fault, counted, shown, some
from fcn.doctor.pairing import Paired, paired
from fcn.doctor.pictures import packed_color
from fcn.doctor.reading import Source
from fcn.doctor.walk import SPLITS, Inventory, inventory

_LISTS = ("train.txt", "val.txt", "valid.txt", "test.txt")


@dataclass
class Layout:
    """What is where in a folder: `says` in words why it is read so; paths are relative to the folder.

    `names` are the classes' if a file says them, `colors` pairs (name, packed color), `source` gives the masks.
    """

    says: str
    paired: Paired
    source: Source
    names: tuple[str, ...] | None = None
    colors: tuple[tuple[str, int], ...] = ()
    faults: list[Fault] = field(default_factory=list)
    tool: str = ""


def layout(folder: Path, names: tuple[str, ...] | None = None) -> Layout:
    """Return what is where in a folder; `names` are the classes' if they are known.

    Raises FileNotFoundError if there is no such folder, NotADirectoryError for a file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     layout(Path(empty)).faults[0].kind
    'empty'
    """
    if not folder.is_dir():
        if folder.exists():
            raise NotADirectoryError(
                f"Expected a folder; got the file {shown(folder)}. Give the folder that it is in."
            )
        raise FileNotFoundError(f"There is no folder {shown(folder)}.")
    there = inventory(folder)
    faults = [_broken(there)] if there.broken else []
    found = _tables(there)
    faults += found.faults
    result = None
    if not _has_masks(there, found):
        result = labelme_of(there, names or found.names) or coco_of(there, names)
    if result is None:
        pairs = paired(there, frozenset({found.masks} - {""}))
        found.tool = _tool(there, pairs, found)
        result = Layout(_says(pairs, found), pairs, Source(folder), found.names, found.colors, [], found.tool)
    elif not isinstance(result, Layout):
        says, pairs, source, classes, more = result
        result = Layout(says, pairs, source, classes, (), more, says.split()[0])
    _by_lists(there, result)
    result.faults = [*faults, *result.faults, *result.paired.faults, *_without_pairs(there, result)]
    return result


@dataclass
class _Tables:
    names: tuple[str, ...] | None = None
    colors: tuple[tuple[str, int], ...] = ()
    masks: str = ""  # a further name of the folder of masks
    file: PurePosixPath | None = None
    tool: str = ""
    faults: list[Fault] = field(default_factory=list)


def _tables(there: Inventory) -> _Tables:
    """Return what the text files of a folder say, the first that can be read of the surest kind."""
    found = _Tables()
    known = there.named("dataset.yaml", "data.yaml")
    yaml = [*known, *(path for path in there.ending(".yaml", ".yml") if path not in known)]
    kinds = [
        (there.named("labelmap.txt"), "colors"), (there.named("class_dict.csv"), "colors"), (yaml, "yaml"),
        (there.named(*tables.NAMES), "names"), (there.named("id2label.json"), "numbered"),
    ]  # fmt: skip
    for files, kind in kinds:
        for path in files[:3]:
            try:
                _read(found, there.root / path, kind)
                found.file = path
                return found
            except ValueError as error:
                if kind == "yaml" and path not in known:  # it may be about anything
                    continue
                says = str(error).replace(str(there.root / path), str(path))
                level = "warning" if kind == "yaml" else "error"
                cure = "Mend that file, or name the classes: --classes a,b,c."
                found.faults.append(Fault("names", level, (Path(path),), says, cure))
    return found


def _read(found: _Tables, path: Path, kind: str) -> None:
    if kind == "colors":
        found.colors = tuple((name, packed_color(color)) for name, color in tables.colors(path))
    elif kind == "yaml":
        names, found.masks = tables.described(path)
        found.names = tuple(names)
    else:
        found.names = tuple((tables.names if kind == "names" else tables.numbered)(path))


def _has_masks(there: Inventory, found: _Tables) -> bool:
    """Say whether there are masks as pictures: then JSON files beside them are what these were made from."""
    return bool(there.ending(".json")) and bool(paired(there, frozenset({found.masks} - {""})).splits)


def _tool(there: Inventory, pairs: Paired, found: _Tables) -> str:
    """Return the name of the tool that writes folders like this one, or ""."""
    name = found.file.name.lower() if found.file else ""
    photographs, masks = pairs.words
    voc = photographs == "jpegimages" and masks.startswith("segmentationclass")
    if name == "labelmap.txt":
        return 'CVAT, "Segmentation mask"'
    if name == "class_names.txt" and voc:
        return "labelme2voc"
    known = {"class_dict.csv": "class_dict.csv", "codes.txt": "fastai", "id2label.json": "Hugging Face"}
    if name.endswith((".yaml", ".yml")):
        return "Ultralytics"
    if name in known:
        return known[name]
    if (photographs, masks) == ("img_dir", "ann_dir"):
        return "mmsegmentation"
    if voc:
        return "PASCAL VOC"
    return "SegNet" if (photographs, masks) == ("", "annot") else ""


def _says(pairs: Paired, found: _Tables) -> str:
    where = "no photograph with a mask"
    if pairs.splits:
        every = [pair for part in pairs.splits.values() for pair in part]
        folders = [dict.fromkeys(f"{pair[side].parent}/" for pair in every) for side in range(2)]
        photographs, masks = (
            some("the folder itself" if name == "./" else name for name in part) for part in folders
        )
        where = f"photographs in {photographs}, masks in {masks}"
    names = f", names in {shown(found.file)}" if found.file and (found.names or found.colors) else ""
    return f"{found.tool or 'photographs and masks'}: {where}{names}"


def _by_lists(there: Inventory, result: Layout) -> None:
    """Part pairs by train.txt, val.txt and so on, if folders do not do it; without train.txt the rest trains."""
    pairs = result.paired
    lists = [path for path in there.named(*_LISTS)]
    if set(pairs.splits) != {"all"} or not lists:
        return
    keys, parts, taken = {}, {}, set()
    for pair in pairs.splits["all"]:
        stem = pair[0].with_suffix("")
        for start in range(len(stem.parts)):
            keys.setdefault("/".join(stem.parts[start:]), pair)
    for path in lists:
        found = _of_list(there, path, keys, pairs.faults)
        parts.setdefault(SPLITS[path.stem.lower()], []).extend(pair for pair in found if pair not in taken)
        taken.update(found)
    rest = [pair for pair in pairs.splits["all"] if pair not in taken]
    if rest and "train" not in parts:
        parts["train"] = rest
    elif rest:
        says = f"No list names {counted(len(rest), 'pair')}, first {shown(rest[0][0])}: left aside."
        pairs.faults.append(Fault("list", "warning", tuple(Path(pair[0]) for pair in rest), says, "Add them to one."))
    if taken:
        pairs.splits = {split: parts[split] for split in ("train", "val", "test") if parts.get(split)}


def _of_list(there: Inventory, path: PurePosixPath, keys: dict, faults: list[Fault]) -> list:
    """Return the pairs that a list names, each once."""
    try:
        lines = tables.listed(there.root / path)
    except ValueError as error:
        says = str(error).replace(str(there.root / path), str(path))
        faults.append(Fault("list", "error", (Path(path),), says, "Mend or delete that list."))
        return []
    found = {words: _named(words, keys) for words in lines}
    missing = [words for words, pair in found.items() if pair is None]
    if missing:
        says = f"{shown(path)} names {counted(len(missing), 'picture')} without a pair here: {some(missing)}."
        cure = "Correct the list; paths that lead out of the folder are not followed."
        faults.append(Fault("list", "warning", (Path(path),), says, cure))
    return list(dict.fromkeys(pair for pair in found.values() if pair))


def _named(words: str, keys: dict):
    """Return the pair that a line of a list means: by as much of its path as fits."""
    stem = PurePosixPath(words)
    stems = [stem] if stem.suffix == "" else [stem.with_suffix(""), stem]
    if ".." in stem.parts:
        return None
    for each in stems:
        for start in range(len(each.parts)):
            if "/".join(each.parts[start:]) in keys:
                return keys["/".join(each.parts[start:])]
    return None


def _broken(there: Inventory) -> Fault:
    says = f"{counted(len(there.broken), 'name')} cannot be followed: links that lead nowhere or in a circle, first "
    cure = "Delete them, or mend the links."
    return Fault("link", "error", tuple(map(Path, there.broken)), f"{says}{shown(there.broken[0])}.", cure)


def _without_pairs(there: Inventory, result: Layout) -> list[Fault]:
    """Return what is to be said of pictures without partners."""
    pairs, faults = result.paired, []
    lone, masks = pairs.lone_photographs, pairs.lone_masks
    if not there.files and not there.broken:
        return [
            Fault("empty", "error", (), "The folder is empty.", "Put photographs into images/, masks into masks/.")
        ]
    blamed = any(fault.level == "error" for fault in result.faults + pairs.faults)
    if not pairs.splits and not lone and not masks:
        if not blamed:
            says = f"The folder holds {counted(len(there.files), 'file')}, none of them a picture that is known here."
            faults.append(Fault("no pictures", "error", (), says, "Put photographs into images/, masks into masks/."))
        return faults
    if not pairs.splits and not masks:
        says = f"There are photographs only ({len(lone):,}), and no masks."
        cure = "Label some: pip install labelme; labelme FOLDER (a JSON file each), or with CVAT in a browser."
        return [Fault("only photographs", "error", tuple(Path(path) for _, path in lone), says, cure)]
    if lone:
        says = f"{counted(len(lone), 'photograph')} without a mask, first {shown(lone[0][1])}: left out."
        level = "warning" if pairs.splits else "error"
        cure = "Give the mask the stem of its photograph: images/a.jpg, masks/a.png."
        faults.append(Fault("no mask", level, tuple(Path(path) for _, path in lone), says, cure))
    if masks:
        says = f"{counted(len(masks), 'mask')} without a photograph, first {shown(masks[0])}: left out."
        level = "warning" if pairs.splits else "error"
        cure = "Give the photograph the stem of its mask: images/a.jpg, masks/a.png."
        faults.append(Fault("no photograph", level, tuple(map(Path, masks)), says, cure))
    return faults
