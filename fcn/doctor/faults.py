"""What can be wrong with a folder, and how a name from it is shown: untrusted, so in one line and printable."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LEVELS = ("error", "warning", "note")
_ALONE = 3  # faults of one kind that are still told one by one
_JOINERS = "\u200d"  # holds an emoji of several together, and prints as nothing


@dataclass(frozen=True)
class Fault:
    """Something about a folder that one should know.

    `kind` is its stable name, `level` "error" (training would be wrong or impossible), "warning" (possible, but look
    at it) or "note" (what was decided); `files` are all that it concerns, `says` is one line with counts and the
    first file, `cure` one line that says what to do, or "".
    """

    kind: str
    level: str
    files: tuple[Path, ...]
    says: str
    cure: str = ""


def shown(name: object) -> str:
    r"""Return a name from a file as it may be printed: control characters and what is no Unicode as escapes.

    >>> shown("a\nb \x1b[31m"), shown("고양이 🐈")
    ('a\\nb \\x1b[31m', '고양이 🐈')
    """
    letters = (c if c.isprintable() or c in _JOINERS else ascii(c)[1:-1] for c in str(name))
    return "".join(letters)


def some(names: Iterable[object], most: int = 3) -> str:
    """Return the first of some names, and how many more there are.

    >>> some("abcde"), some(["a", "b"])
    ('a, b, c and 2 more', 'a, b')
    """
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more


def counted(count: int, word: str, several: str = "") -> str:
    """Return a number and its word, in the plural where it is one.

    >>> counted(1, "mask"), counted(1200, "mask")
    ('1 mask', '1,200 masks')
    """
    return f"{count:,} {word if count == 1 else several or word + 's'}"


def line(error: BaseException) -> str:
    r"""Return what an exception says, in one short printable line.

    >>> line(ValueError("cut\nshort"))
    'cut short'
    """
    words = shown(" ".join(str(error).split())) or type(error).__name__
    return words if len(words) <= 160 else f"{words[:157]}..."


def merged(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults, errors first; where more than a few are of one kind and have one cure, one stands for them all.

    >>> merged([Fault("case", "note", (Path(name),), f"{name} differs.") for name in "abcd"])[0].says
    'a differs. And 3 more like it.'
    """
    groups = {}
    for fault in faults:
        groups.setdefault((LEVELS.index(fault.level), fault.kind, fault.cure), []).append(fault)
    result = []
    for group in groups.values():
        if len(group) <= _ALONE:
            result += group
            continue
        files = tuple(dict.fromkeys(path for fault in group for path in fault.files))
        first = group[0]
        says = f"{first.says} And {len(group) - 1:,} more like it."
        result.append(Fault(first.kind, first.level, files, says, first.cure))
    return sorted(result, key=lambda fault: LEVELS.index(fault.level))
