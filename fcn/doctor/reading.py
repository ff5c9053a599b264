"""Every photograph and mask of a folder, read once and in several threads: what each of them is like."""

import hashlib
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from fcn.doctor import coco, pictures, shapes
from fcn.doctor.counting import borders, counts, flat
from fcn.doctor.faults import line
from fcn.doctor.pictures import GRAY, Raw, bytes_of, decoded, opened

TRIMAP = OBJECT, BACKGROUND, OUTLINE = 1, 2, 3  # as the Oxford-IIIT Pet data set has them
_READERS = 4  # threads: Pillow decodes beside Python


@dataclass(frozen=True)
class Source:
    """Where photographs and masks come from: files below `root`, or what was drawn; paths are relative to it.

    `drawings` are labelme's by the path of their file, `outlines` COCO's by the path of their photograph; `labels`
    says which label each name has.
    """

    root: Path
    drawings: dict[Path, shapes.Drawing] = field(default_factory=dict)
    outlines: dict[Path, coco.Outlined] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Say whether masks are drawn."""
        return bool(self.drawings or self.outlines)

    def photograph(self, path: Path) -> bytes:
        """Return the bytes of a photograph, also of one that lies in labelme's file."""
        return shapes.photograph(self.root / path) if path in self.drawings else bytes_of(self.root / path)

    def mask(self, photograph: Path, mask: Path) -> tuple[Raw, str, int]:
        """Return a mask as it is stored, its file's format, and how many pictures are in that file."""
        if mask in self.drawings:
            drawing = self.drawings[mask]
            size = drawing.size or _shown(opened(self.photograph(photograph)))
            return Raw(shapes.drawn(drawing.shapes, self.labels, size), GRAY), "JSON", 1
        if photograph in self.outlines:
            return Raw(coco.drawn(self.outlines[photograph], self.labels), GRAY), "JSON", 1
        data = bytes_of(self.root / mask)
        picture = opened(data)
        frames = pictures.frames(picture)
        return pictures.raw(decoded(picture), data), "JPEG" if _lossy(picture, data) else picture.format or "", frames


@dataclass
class Seen:
    """What one pair is like. Sizes are (width, height); `wrong` and `mask_wrong` say why a file cannot be used."""

    split: str
    photograph: Path
    mask: Path
    wrong: str = ""
    size: tuple[int, int] = (0, 0)  # as a viewer shows it
    stored: tuple[int, int] = (0, 0)
    mode: str = ""
    turn: int = 1
    highest: int = 0  # of values that are more than bytes
    frames: int = 1
    digest: bytes = b""
    mask_wrong: str = ""
    mask_size: tuple[int, int] = (0, 0)
    kind: str = ""
    lossy: bool = False
    mask_frames: int = 1
    counts: dict[int, int] = field(default_factory=dict)
    flat: dict[int, int] = field(default_factory=dict)
    palette: dict[int, int] = field(default_factory=dict)  # index -> color, of those that occur
    notes: tuple[str, ...] = ()
    between: tuple[int, int] = (0, 0)  # of a mask of 1, 2 and 3: how often 1 meets 2, and how often 3 meets either


def seen(splits: dict[str, Sequence[tuple[Path, Path]]], source: Source) -> list[Seen]:
    """Return what each pair of a folder is like, read in threads; no file of any kind stops it.

    >>> seen({}, Source(Path(".")))
    []
    """
    pairs = [(split, *pair) for split, part in splits.items() for pair in part]
    with warnings.catch_warnings(), ThreadPoolExecutor(_READERS) as readers:
        warnings.simplefilter("ignore")  # of what is damaged, each file's own line tells
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return list(readers.map(lambda pair: _looked_at(*pair, source), pairs))


def _looked_at(split: str, photograph: Path, mask: Path, source: Source) -> Seen:
    about = Seen(split, photograph, mask)
    for look, wrong in ((_photograph, "wrong"), (_mask, "mask_wrong")):
        try:
            look(about, source)
        except ValueError as error:
            setattr(about, wrong, str(error))
        except Exception as error:  # what Pillow's formats have not foreseen
            setattr(about, wrong, f"the picture cannot be read ({type(error).__name__}: {line(error)})")
    return about


def _photograph(about: Seen, source: Source) -> None:
    data = source.photograph(about.photograph)
    about.digest = hashlib.sha256(data).digest()
    picture = opened(data)
    about.stored, about.mode, about.frames = picture.size, picture.mode, pictures.frames(picture)
    if picture.format == "JPEG":
        picture.draft(picture.mode, (1, 1))  # read to its end, at an eighth of its size: that is quick
    decoded(picture)
    about.turn = pictures.orientation(picture)
    about.mode = "RGBA" if picture.mode == "P" and "transparency" in picture.info else about.mode
    about.size = about.stored[::-1] if about.turn in pictures.SIDEWAYS else about.stored
    if pictures.deep(picture):
        about.highest = int(np.nan_to_num(np.asarray(picture, dtype=np.float64)).max())


def _mask(about: Seen, source: Source) -> None:
    stored, form, about.mask_frames = source.mask(about.photograph, about.mask)
    about.mask_size, about.kind = stored.values.shape[::-1], stored.kind
    about.notes, about.lossy = stored.notes, form in pictures.LOSSY
    about.counts = counts(stored.values)
    if stored.kind == pictures.PALETTE:
        about.palette = {value: int(stored.palette[value]) for value in about.counts}
    if {*TRIMAP} >= about.counts.keys() and OUTLINE in about.counts:
        met = {pair: borders(stored.values, *pair) for pair in combinations(TRIMAP, 2)}
        about.between = met[TRIMAP[:2]], sum(met.values()) - met[TRIMAP[:2]]
    few = stored.kind == pictures.BILEVEL or len(about.counts) < 3
    about.flat = dict(about.counts) if few else flat(stored.values)


def _lossy(picture: Image.Image, data: bytes) -> bool:
    return picture.format in pictures.LOSSY or (picture.format == "WEBP" and b"VP8 " in data[:64])


def _shown(picture: Image.Image) -> tuple[int, int]:
    return picture.size[::-1] if pictures.orientation(picture) in pictures.SIDEWAYS else picture.size
