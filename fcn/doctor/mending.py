"""One pair of an examined folder, written as it should be. H height, W width."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fcn.datasets import nearest
from fcn.doctor.checking import SMALLEST, misfits
from fcn.doctor.faults import shown
from fcn.doctor.pictures import SIDEWAYS, decoded, deep, opened, rgb, turned
from fcn.doctor.reading import Seen

_AS_THEY_ARE = {"JPEG": ".jpg", "PNG": ".png"}  # if they are RGB and nothing turns them


def beyond_help(about: Seen) -> str:
    """Return why a pair cannot be mended, "" if it can.

    >>> beyond_help(Seen("all", None, None, size=(1, 1), stored=(1, 1), mask_size=(1, 1)))
    'it has 1x1 pixels, fewer than 64 a side'
    """
    if about.wrong or about.mask_wrong:
        path, why = (about.photograph, about.wrong) if about.wrong else (about.mask, about.mask_wrong)
        return f"{shown(path)}: {shown(why)}"
    if min(about.size) < SMALLEST:
        return f"it has {about.size[0]}x{about.size[1]} pixels, fewer than {SMALLEST} a side"
    if misfits(about) and not _in_proportion(about):
        (width, height), (wide, high) = about.size, about.mask_size
        return f"it has {width}x{height} pixels, its mask {wide}x{high}"
    return ""


def bits(every: list[Seen]) -> int:
    """Return how many bits the deepest photographs have: what their cameras stored, not what their files could.

    >>> bits([Seen("all", None, None, highest=4000)])
    12
    """
    return max(8, max(about.highest for about in every).bit_length())


def write_pair(report, about: Seen, images: Path, masks: Path, *, depth: int, table: np.ndarray) -> list[str]:
    """Write a photograph (`images` plus its ending) and its mask (`masks` plus .png); return what was changed.

    `depth` is the bits of deep photographs, `table` (256, 3) the colors of labels. Raises ValueError for a file that
    has changed since it was examined, OSError if it cannot be written.

    >>> import tempfile
    >>> from fcn.doctor.meaning import Meaning
    >>> from fcn.doctor.reading import Source
    >>> from fcn.doctor.report import Report
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = Path(folder)
    ...     Image.new("L", (80, 64)).save(root / "a.png"), Image.new("L", (80, 64), 7).save(root / "m.png")
    ...     report = Report(root, "", [], Meaning(("x", "y"), ((0, 0), (7, 1))), Source(root), [])
    ...     about, colors = Seen("all", Path("a.png"), Path("m.png")), np.zeros((256, 3), dtype=np.uint8)
    ...     write_pair(report, about, root / "b", root / "n", depth=8, table=colors)
    (None, None)
    ['photographs stored as RGB']
    """
    data, changed = report.source.photograph(about.photograph), []
    picture = decoded(opened(data))
    pixels = rgb(picture, depth)
    stored, _, _ = report.source.mask(about.photograph, about.mask)
    labels = report.meaning.labels(stored, mend=report.meaning.between)
    if report.meaning.counts(about).keys() - dict(report.meaning.table).keys():
        changed.append("masks freed of values in between")
    if about.turn in SIDEWAYS and about.mask_size == about.stored != about.size:
        labels = np.array(turned(Image.fromarray(labels), about.turn))
        changed.append("masks turned")
    if labels.shape != pixels.shape[:2]:
        labels = nearest(torch.from_numpy(labels), pixels.shape[:2]).numpy()
        changed.append("masks resized")
    if picture.format in _AS_THEY_ARE and picture.mode == "RGB" and about.turn == 1 and about.frames == 1:
        images.with_name(images.name + _AS_THEY_ARE[picture.format]).write_bytes(data)
    else:
        _save(Image.fromarray(pixels), images)
        changed.append(
            "photographs turned" if about.turn != 1 else "photographs brought to 8 bits" if deep(picture)
            else "photographs stored as RGB"
        )  # fmt: skip
    mask = Image.fromarray(labels)
    mask.putpalette(table.tobytes())
    _save(mask, masks)
    return changed


def _in_proportion(about: Seen) -> bool:
    """Say whether a mask is its photograph's in another size, to the pixel."""
    scale = max(mine / theirs for mine, theirs in zip(about.mask_size, about.size, strict=True))
    return all(abs(scale * side - mine) < 1 for side, mine in zip(about.size, about.mask_size, strict=True)) and (
        about.mask_size[0] != about.size[0] and about.mask_size[1] != about.size[1]
    )


def _save(picture: Image.Image, place: Path) -> None:
    picture.save(place.with_name(f"{place.name}.png"), "PNG")
