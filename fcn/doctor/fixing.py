"""A clean copy of a folder that has been examined: what can be mended is, the rest is left out and named."""

import glob
import os
import secrets
import shutil
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fcn import VOID, palette
from fcn.doctor.faults import line, shown, some
from fcn.doctor.meaning import STRANGE
from fcn.doctor.mending import beyond_help, bits, write_pair
from fcn.doctor.reading import Seen
from fcn.files import write_whole

_WRITERS = 4  # threads
_ASIDE = ".fcn-part"  # how a copy ends that is being written
_LONG_AGO = 24 * 3600  # seconds


def fixed(report, out: str | Path) -> dict:
    """Write a clean copy of an examined folder and return what was written.

    The copy holds images/SPLIT and masks/SPLIT (without SPLIT where there are none) and classes.txt. Masks are
    PNG files with a palette whose values are labels 0..K-1, or 255 for void; values between labels become the nearest
    one, and a mask of its photograph's proportions gets its size. Photographs are turned as EXIF says, and of 8 bits
    and RGB; those that are so already are copied byte for byte.

    Returned is {"out", "classes", "pairs": {split: count}, "changed": {what: count}, "left_out": {file: why}}. The
    copy appears whole or not at all. Raises FileExistsError where `out` is a file, a folder that is not empty, or one
    in the examined folder, FileNotFoundError where there is no folder for it, ValueError if no two classes are left,
    and OSError if it cannot be written.

    >>> import tempfile
    >>> from fcn.doctor.report import examined
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     fixed(examined(empty), f"{empty}-copy")
    Traceback (most recent call last):
    ValueError: There are no pairs with two classes that can be copied: The folder is empty.
    """
    out = Path(os.path.abspath(os.path.expanduser(out)))
    _check_target(out, report)
    left_out = _without_hope(report)
    kept = [about for about in report.pairs if about.photograph.as_posix() not in left_out]
    there = {label for about in kept for label in report.meaning.labelled(about)} - {VOID, STRANGE}
    if len(there) < 2:
        blamed = report.faults[0].says if report.faults else "all have one class"
        raise ValueError(f"There are no pairs with two classes that can be copied: {blamed}")
    _leftovers(out)
    aside = out.with_name(f".{out.name}.{secrets.token_hex(4)}{_ASIDE}")
    try:
        changed, pairs = _written(report, kept, aside, left_out)
        if not pairs:
            raise ValueError(f"There is no pair that can be copied: {next(iter(left_out.values()))}.")
        if out.is_dir():
            out.rmdir()  # it is empty, or this fails
        os.rename(aside, out)
    except OSError as error:
        raise type(error)(error.errno, f"{out} could not be written ({error.strerror}); nothing is there") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {"out": str(out), "classes": list(report.classes), "pairs": dict(pairs), "changed": dict(changed),
            "left_out": left_out}  # fmt: skip


def _check_target(out: Path, report) -> None:
    if out.resolve().is_relative_to(report.folder.resolve()):
        raise FileExistsError(
            f"{shown(out)} is in the folder itself, which would hold all twice: name one elsewhere."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{shown(out)} is there and not an empty folder: name a new one.")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {shown(out.parent)} to make {shown(out.name)} in.")


def _leftovers(out: Path) -> None:
    """Remove what was left behind when a copy was killed, a day ago or before."""
    for left in out.parent.glob(f".{glob.escape(out.name)}.*{_ASIDE}"):
        if time.time() - left.stat().st_mtime > _LONG_AGO:
            shutil.rmtree(left, ignore_errors=True)


def _without_hope(report) -> dict[str, str]:
    """Return the pairs that cannot be mended, and why."""
    left_out, strange = {}, {value for value, label in report.meaning.table if label == STRANGE}
    for about in report.pairs:
        wrong = sorted(strange & report.meaning.counts(about).keys()) if strange and not about.mask_wrong else []
        beyond = f"{some(map(report.meaning.name, wrong))} is beyond the classes" if wrong else ""
        if why := beyond_help(about) or beyond:
            left_out[about.photograph.as_posix()] = why
    return left_out


def _written(report, kept: list[Seen], aside: Path, left_out: dict) -> tuple[Counter, Counter]:
    """Write all pairs; return how often what was changed, and how many there are of each split."""
    places, taken = [], set()
    for about in kept:
        folder = "" if about.split == "all" else about.split
        name = _free(about.photograph.stem, folder, taken)
        places.append([aside / kind / folder / name for kind in ("images", "masks")])
        for place in places[-1]:
            place.parent.mkdir(parents=True, exist_ok=True)
    depth, table = bits(kept), palette.colors(report.classes)

    def write(about: Seen, place: list[Path]) -> tuple[list[str], str]:
        try:
            return write_pair(report, about, *place, depth=depth, table=table), ""
        except ValueError as error:
            for part in place:  # a photograph without its mask
                for left in part.parent.glob(f"{glob.escape(part.name)}.*"):
                    left.unlink()
            return [], line(error)

    changed, pairs = Counter(), Counter()
    with warnings.catch_warnings(), ThreadPoolExecutor(_WRITERS) as writers:
        warnings.simplefilter("ignore")  # of damaged EXIF data, which the copy does not have
        for about, (what, why) in zip(kept, writers.map(write, kept, places), strict=True):
            if why:
                left_out[about.photograph.as_posix()] = why
            else:
                changed.update(what)
                pairs[about.split] += 1
    names = "".join(f"{shown(name)}\n" for name in report.classes)
    write_whole(aside / "classes.txt", names.encode("utf-8", "backslashreplace"))
    return changed, pairs


def _free(stem: str, folder: str, taken: set) -> str:
    """Return a name that no other pair of a split has, in any case."""
    name, number = stem, 2
    while (folder, name.casefold()) in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add((folder, name.casefold()))
    return name
