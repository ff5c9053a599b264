"""From photographs to files of masks, each whole or not there. K classes, H height, W width."""

import os
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from fcn.answers import predicted
from fcn.expect import that
from fcn.files import write_whole
from fcn.palette import colors
from fcn.predict.pictures import opened
from fcn.predict.tiles import tile_and_overlap
from fcn.predict.trained import Trained
from fcn.predict.written import ASIDE, as_csv, as_overlay, as_png, probabilities_to

COUNTS = "counts.csv"
_MASK, _OVERLAY, _LIKELY = ".png", ".overlay.jpg", ".probabilities.npy"
_LONGEST_NAME = 255 - len(f"..12345678{ASIDE}")  # bytes; most file systems take 255
_NAMED = 5  # photographs that the last message names
_SAID = 3  # classes that a photograph's line names
_LARGEST_JPEG = 65_500  # pixels a side


def predict_files(
    trained: Trained, files: Iterable[str | Path], out: str | Path, *, overlay: bool = False,
    probabilities: bool = False, force: bool = False, tile: int | None = None,
    say: Callable[[str], object] | None = None,
) -> list[Path]:  # fmt: skip
    """Write a mask for each photograph into the folder `out`, made if need be; return the masks' paths.

    Of NAME.jpg comes NAME.png, as large as a viewer shows the photograph: its values are labels, and its palette
    shows them in the colors that the network's file names, or in the book's. With `overlay` also NAME.overlay.jpg,
    the photograph under its mask, half transparent, a class "background" without color; with `probabilities`
    NAME.probabilities.npy, float16 (K, H, W),
    sums of 1, for np.load(path, mmap_mode="r"). counts.csv has a line for each photograph of this run: its path, its
    width and height, and its pixels of each class. `tile` as in fcn.predict.blocks; `say`, if given, is told of each
    photograph, in one line.

    Memory does not grow with the number of photographs; a photograph takes up to 12 bytes a pixel besides the tiles.
    A photograph that cannot be read does not keep the others from being done: at the end ValueError names it. Before
    anything is done are raised: FileExistsError if a file to be written is there and `force` is not set; ValueError
    if two photographs would get the same files (a.jpg and a.png, a.jpg of two folders, names that differ by case
    alone: give each a folder of its own), if photographs lie in `out`, since the next run would take their masks for
    photographs, and for another tile. OSError, naming the file, ends the run where nothing can be written (disk
    full); the photographs done until then keep their files, and every file is whole or not there.

    >>> import tempfile
    >>> from fcn import data_path
    >>> from fcn.predict import load, photographs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     masks = predict_files(load("camvid-fcn8s"), photographs(data_path("photographs/town.jpg")), folder)
    ...     [mask.name for mask in masks], sorted(os.listdir(folder))
    (['town.png'], ['counts.csv', 'town.png'])
    """
    files, out, say = [Path(file) for file in files], Path(out), _printable(say)
    ends = [_MASK, *[_OVERLAY] * overlay, *[_LIKELY] * probabilities]
    table = _colors(trained)
    tile_and_overlap(tile, height=1, width=1)
    _check_names(files, ends)
    _check_folder(files, out, [out / f"{file.stem}{end}" for file in files for end in ends], force)
    rows, masks, wrong = [], [], []
    try:
        for file in files:
            try:
                rows.append([os.fspath(file), *_answered(trained, file, out, ends, table, tile, say)])
                masks.append(out / f"{file.stem}{_MASK}")
            except (ValueError, RuntimeError, MemoryError) as error:  # of torch's: no memory for so large a tile
                wrong.append(_because(file, error))
                say(wrong[-1])
    finally:  # also where the run is stopped, or ends with a full disk
        if rows:
            write_whole(out / COUNTS, as_csv(["photograph", "width", "height", *trained.classes], rows))
    if wrong:
        more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise ValueError(f"{len(rows)} of {len(files)} photographs were done. {'; '.join(wrong[:_NAMED])}{more}")
    return masks


def _printable(say: Callable[[str], object] | None) -> Callable[[str], object]:
    """Return what is told of lines that can be printed, whatever the bytes of a file's name."""
    return lambda line: say and say(line.encode("utf-8", "backslashreplace").decode())


def _check_names(files: list[Path], ends: list[str]) -> None:
    """Compare names as the most forgiving file systems do: without case, accents composed."""
    that(len(files) > 0, "one photograph or more", files)
    first = {}
    for file in files:
        length = len(os.fsencode(f"{file.stem}{max(ends, key=len)}"))
        that(length <= _LONGEST_NAME, f"names of at most {_LONGEST_NAME} bytes for what {file} becomes", length)
        key = unicodedata.normalize("NFC", file.stem).casefold()
        other = first.setdefault(key, file)
        that(other is file, f"photographs with different names, as {other} and {file} would get the same mask",
             f"{file.stem}{_MASK} twice", "Ask about them in two runs, each with a folder of its own.")  # fmt: skip


def _check_folder(files: list[Path], out: Path, targets: list[Path], force: bool) -> None:
    """Make the folder, and tell what is in the way before any work is done."""
    if os.path.lexists(out) and not out.is_dir():
        raise FileExistsError(f"{out} is a file, not a folder: name a folder for the masks.")
    sources = {file.parent for file in files if file.parent.is_dir()}
    apart = not out.is_dir() or not any(source.samefile(out) for source in sources)
    advice = f"The next run would take them for photographs: name {out / 'masks'}, for example."
    that(apart, "another folder for the masks than that of the photographs", str(out), advice)
    there = [path for path in [*targets, out / COUNTS] if os.path.lexists(path) and (not force or path.is_dir())]
    if there:
        more = f" and {len(there) - 1} more files are" if len(there) > 1 else " is"
        advice = "name another folder" if force else "name another folder, or overwrite them by force (--force)"
        raise FileExistsError(f"{there[0]}{more} there already: {advice}.")
    strange = out.is_dir() and any(out.iterdir()) and not (out / COUNTS).is_file() and not force
    if strange:
        raise FileExistsError(f"{out} holds files that predict has not written: name another folder, or --force.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(error.errno, f"The folder {out} cannot be made ({error.strerror})") from None
    write_whole(out / COUNTS, None)  # tells whether anything can be written into it


def _colors(trained: Trained) -> np.ndarray:
    """Return the table (256, 3) uint8 of the network's file, or the book's."""
    table, count = colors(trained.classes), len(trained.classes)
    given = trained.about.get("network", {}).get("palette")
    if given is not None:
        fits = isinstance(given, list) and len(given) == count and all(map(_is_color, given))
        that(fits, f"a palette of {count} colors [red, green, blue], 0 to 255, in the network's file", given)
        table[:count] = given
    return table


def _is_color(values) -> bool:
    return isinstance(values, list) and len(values) == 3 and all(value in range(256) for value in values)


def _answered(trained, file: Path, out: Path, ends: list[str], table: np.ndarray, tile, say) -> list[int]:
    """Write the files of one photograph; return its width and height, and its pixels of each class."""
    shown = opened(file, say=say)
    size, classes = shown.shape[:2], trained.classes
    small = _OVERLAY not in ends or max(size) <= _LARGEST_JPEG
    that(small, f"sides of at most {_LARGEST_JPEG:,} pixels for an overlay", size, "Ask without an overlay.")
    labels, counts = np.empty(size, dtype=np.uint8), np.zeros(len(classes), dtype=np.int64)
    with ExitStack() as stack:
        write = None
        if _LIKELY in ends:
            write = stack.enter_context(probabilities_to(out / f"{file.stem}{_LIKELY}", (len(classes), *size)))
        for rows, columns, logits in trained.blocks(torch.from_numpy(shown).permute(2, 0, 1), tile=tile):
            labels[rows, columns] = part = predicted(logits[None])[0].cpu().numpy()
            counts += np.bincount(part.ravel(), minlength=len(classes))
            if write is not None:
                write(rows, columns, logits)
            del logits  # before the next tile
        write_whole(out / f"{file.stem}{_MASK}", as_png(labels, table))
        if _OVERLAY in ends:
            bare = classes.index("background") if "background" in classes else None
            write_whole(out / f"{file.stem}{_OVERLAY}", as_overlay(shown, labels, table, bare))
    most = [index for index in np.argsort(-counts, kind="stable")[:_SAID].tolist() if counts[index]]
    shares = ", ".join(f"{classes[index]} {100 * counts[index] / labels.size:.0f} %" for index in most)
    say(f"{file} ({size[1]}x{size[0]}): {shares}")
    return [size[1], size[0], *counts.tolist()]


def _because(file: Path, error: Exception) -> str:
    """Return one line that names the photograph and what is wrong with it."""
    line = " ".join(str(error).split())[:300]
    if isinstance(error, RuntimeError | MemoryError) and "memory" in f"{line} {type(error).__name__}".lower():
        line = f"the memory does not suffice, ask in smaller tiles ({line[:100]})"
    return line if str(file) in line else f"{file}: {line}"
