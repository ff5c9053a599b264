"""The files of a folder, and which of its folders hold photographs, which masks, of which split."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PICTURES = frozenset({
    ".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm",
    ".jp2", ".avif", ".heic", ".heif", ".tga",
})  # fmt: skip
# in the order in which they are believed where there are several
PHOTOGRAPHS = (
    "images", "imgs", "img", "image", "jpegimages", "img_dir", "photographs", "photos", "photo", "pictures",
)  # fmt: skip
MASKS = (
    "masks", "mask", "segmentationclass", "segmentationclasspng", "ann_dir", "annot", "annots", "annotations",
    "annotation", "labels", "label", "gt", "groundtruth", "ground_truth", "trimaps", "segmentations", "segmentation",
    "seg",
)  # fmt: skip
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
          "testing": "test"}  # fmt: skip
_ASIDE = re.compile(r"__macosx|segmentationobject\w*|segmentationclass(visualization|npy)|overlays?|vis|viz"
                    r"|visuali[sz]ations?|thumbs|thumbnails|lost\+found")  # fmt: skip
_JUNK = {"thumbs.db", "desktop.ini", "ehthumbs.db"}
_DEEPEST = 12  # folders below each other


@dataclass(frozen=True)
class Place:
    """What the path of a folder says: `role` "photographs", "masks" or "", its `word`, its split, and the rest."""

    role: str
    word: str
    split: str
    rest: tuple[str, ...]


@dataclass
class Inventory:
    """The files below a folder, as paths relative to it; `broken` are links that lead nowhere and what is no file."""

    root: Path
    files: list[PurePosixPath] = field(default_factory=list)
    broken: list[PurePosixPath] = field(default_factory=list)

    def named(self, *names: str) -> list[PurePosixPath]:
        """Return the files of one of these names (in any case), the outermost first."""
        found = [path for path in self.files if path.name.lower() in names]
        return sorted(found, key=lambda path: (len(path.parts), path))

    def ending(self, *endings: str) -> list[PurePosixPath]:
        """Return the files whose names end so."""
        return [path for path in self.files if path.name.lower().endswith(endings)]

    def pictures(self) -> list[PurePosixPath]:
        """Return the files that are named as pictures are."""
        return [path for path in self.files if path.suffix.lower() in PICTURES]


def inventory(folder: Path) -> Inventory:
    """Return the files below a folder, sorted; hidden ones, thumbnails and drawn overlays are passed by.

    A folder is entered once, however many links lead to it. Raises FileNotFoundError if there is no such folder,
    OSError if it cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.png").write_bytes(b""), Path(folder, ".hidden.png").write_bytes(b"")
    ...     [str(path) for path in inventory(Path(folder)).files]
    ['a.png']
    """
    found, seen, waiting = Inventory(folder), set(), [(PurePosixPath(), 0)]
    while waiting:
        below, depth = waiting.pop()
        about = os.stat(folder / below)
        if (about.st_dev, about.st_ino) in seen or depth > _DEEPEST:
            continue
        seen.add((about.st_dev, about.st_ino))
        try:
            entries = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
        except OSError:
            if not below.parts:
                raise
            found.broken.append(below)  # a folder that may not be read
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _JUNK:
                continue
            path, kind = below / entry.name, _kind(entry)
            if kind == "folder" and not _ASIDE.fullmatch(entry.name.lower()):
                waiting.append((path, depth + 1))
            elif kind == "file":
                found.files.append(path)
            elif kind == "broken" and path.suffix.lower() in PICTURES:
                found.broken.append(path)
    found.files.sort(), found.broken.sort()
    return found


def _kind(entry: os.DirEntry) -> str:
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "broken"
    except OSError:  # a link in a circle
        return "broken"


def place(folder: PurePosixPath, masks: frozenset[str] = frozenset()) -> Place:
    """Return what the path of a folder says; `masks` are further names for folders of masks.

    >>> place(PurePosixPath("img_dir/train/aachen"))
    Place(role='photographs', word='img_dir', split='train', rest=('aachen',))
    >>> place(PurePosixPath("trainannot"))
    Place(role='masks', word='annot', split='train', rest=())
    """
    role, word, split, rest = "", "", "", []
    for part in folder.parts:
        for piece in _pieces(part.lower()):
            if piece in SPLITS and not split:
                split = SPLITS[piece]
            elif piece in masks or piece in MASKS:
                role, word = "masks", piece  # annotations/trimaps: the innermost says it
            elif piece in PHOTOGRAPHS and role != "masks":
                role, word = "photographs", piece
            else:
                rest.append(part)
    return Place(role, word, split, tuple(rest))


def _pieces(name: str) -> list[str]:
    """Return "trainannot" or "masks_val" as its two words; any other name as it is."""
    words = "|".join(sorted({*MASKS, *PHOTOGRAPHS}, key=len, reverse=True))
    splits = "|".join(sorted(SPLITS, key=len, reverse=True))
    match = re.fullmatch(rf"({splits})[ _.-]?({words})|({words})[ _.-]?({splits})", name)
    return [piece for piece in match.groups() if piece] if match else [name]


def rank(word: str) -> int:
    """Return where a word stands among those for folders of photographs or masks: the lower, the surer.

    >>> rank("masks") < rank("labels")
    True
    """
    words = [*PHOTOGRAPHS, *MASKS]
    return words.index(word) if word in words else -1
