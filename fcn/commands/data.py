"""Which photographs and masks a command means: a folder of one's own, or a published data set."""

import argparse
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

PUBLISHED = {"camvid": ("train", "val"), "voc": ("train", "val"), "pets": ("trainval", "test")}  # to train, to score
WHOLE = "all"  # the one split of a folder that has none


class WrongUse(ValueError):
    """What was asked for makes no sense, whatever lies on the disk: the command ends with 2."""


def words(parser: argparse.ArgumentParser) -> None:
    """Add what names photographs with masks: FOLDER, or --data and --root; and how a folder's masks are read.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["pictures", "--void", "none"]).void is None
    True
    """
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="photographs and masks of your own (see fcn check)"
    )
    parser.add_argument("--data", choices=PUBLISHED, help="instead of FOLDER: a published data set")
    parser.add_argument("--root", metavar="DIR", help="the folder in which that lies (fcn fetch brings it)")
    meaning(parser)


def meaning(parser: argparse.ArgumentParser) -> None:
    """Add what says how the masks of a folder are read.

    >>> parser = argparse.ArgumentParser()
    >>> meaning(parser)
    >>> parser.parse_args(["--classes", "background, cat"]).classes
    ['background', 'cat']
    """
    said = "the value in masks that is no class (auto: 255, where other labels stand beside it)"
    parser.add_argument("--void", default="auto", type=_void, metavar="auto|none|N", help=said)
    parser.add_argument("--classes", type=_names, metavar="A,B,C", help="the names of the labels 0, 1, 2 and so on")


def opened(
    asked: argparse.Namespace, splits: Sequence[str], *, classes: Sequence[str] | None = None, quiet: bool = False
) -> dict:  # fmt: skip
    """Return {split: data set} of those of these splits that there are; of a folder without splits {"all": data set}.

    Prints what the doctor finds in a folder, if it is `quiet` only where that is an error. `classes` are the names
    that its labels get where nobody says them.
    Raises ValueError for a folder that cannot be used, and if neither a folder nor a data set is named, or both are.

    >>> opened(argparse.Namespace(folder=None, data=None), ["val"])
    Traceback (most recent call last):
    fcn.commands.data.WrongUse: Expected FOLDER, or --data with --root; got neither.
    """
    from fcn.datasets import VOC, CamVid, Pets, Shards
    from fcn.datasets.shards import INDEX
    from fcn.doctor import examined

    named = [each for each in (asked.folder, asked.data) if each is not None]
    if len(named) != 1:
        raise WrongUse(f"Expected FOLDER, or --data with --root; got {' and '.join(named) or 'neither'}.")
    if asked.data:
        if asked.root is None:
            raise WrongUse(f"Expected the folder in which {asked.data} lies too, --root DIR; got none.")
        kind = {"camvid": CamVid, "voc": VOC, "pets": Pets}[asked.data]
        return {split: kind(asked.root, split) for split in splits}
    if Path(asked.folder, INDEX).is_file():
        return {WHOLE: Shards(asked.folder)}
    report = examined(asked.folder, void=asked.void, classes=asked.classes)
    if classes and not report.named:
        with_names = examined(asked.folder, void=asked.void, classes=classes)
        report = with_names if with_names.ok else report
    if not (quiet and report.ok):
        print(report.text(), end="\n\n")
    if not report.ok:
        raise ValueError(f"{asked.folder} cannot be used as it is; what is wrong, and the cures, stand above.")
    return {split: report.data(split) for split in report.splits if split in (*splits, WHOLE)}


def number(kind: type, low: float, high: float = float("inf"), *, zero: bool = False) -> Callable[[str], float]:
    """Return what reads a number from the command line: from `low` on and below `high`; or 0, with `zero`.

    >>> number(int, 1)("3")
    3
    """

    def read(word: str) -> float:
        try:
            value = kind(word)
        except ValueError:
            value = float("nan")
        if not (low <= value < high or (zero and value == 0)):
            what = "whole number" if kind is int else "number"
            limits = (
                f"from {low} on" + (f" and below {high}" if high < float("inf") else "") + (", or 0" if zero else "")
            )
            raise argparse.ArgumentTypeError(f"expected a {what} {limits}; got {word!r}")
        return value

    return read


def called(data, index: int) -> str | int:
    """Return what a pair of a data set is known by: its photograph's name and a checksum, or in shards its number.

    >>> called([], 3)
    3
    """
    if not hasattr(data, "files"):
        return index
    path = data.files[index][0]
    return f"{path.name} {zlib.crc32(path.read_bytes()):08x}"


def _void(word: str) -> str | int | None:
    if word in ("auto", "none"):
        return None if word == "none" else word
    if word.isdecimal() and int(word) <= 255:
        return int(word)
    raise argparse.ArgumentTypeError(f"{word!r} is neither auto nor none nor a number from 0 to 255")


def _names(words: str) -> list[str]:
    return [name.strip() for name in words.split(",")]
