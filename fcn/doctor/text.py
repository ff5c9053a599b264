"""A report as a terminal shows it, 80 columns wide. Korean letters and emoji take two."""

import shlex
import textwrap
import unicodedata
from collections import Counter

from fcn.doctor.faults import counted, shown

_WIDTH = 80
_MOST_FILES, _MOST_CLASSES = 3, 40
_MARKS = {"error": "✗", "warning": "!", "note": "·"}


def written(report) -> str:
    """Return a report as lines of text.

    >>> import tempfile
    >>> from fcn.doctor.report import examined
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     print(written(examined(empty)).splitlines()[-1])
    This folder cannot be trained on yet: 1 error.
    """
    parts = [_head(report), _classes(report), _faults(report), _last(report)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def columns(words: str) -> int:
    """Return how many columns of a terminal words take.

    >>> columns("cat"), columns("고양이")
    (3, 6)
    """
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words
    )  # fmt: skip


def _head(report) -> list[str]:
    lines = [*_wrapped(shown(report.folder), ""), *_wrapped(report.layout, "  ")]
    pairs = [f"{split} {len(part):,}" for split, part in report.splits.items()]
    if pairs:
        lines += _wrapped(f"pairs: {', '.join(pairs)}", "  ")
    sizes = Counter(about.size for about in report.pairs if not about.wrong)
    if sizes:
        (width, height), _ = sizes.most_common(1)[0]
        if len(sizes) == 1:
            lines += [f"  size: {width}x{height} pixels"]
        else:
            small, large = (kind(sizes, key=lambda size: size[0] * size[1]) for kind in (min, max))
            between = f"{small[0]}x{small[1]} to {large[0]}x{large[1]} pixels"
            lines += _wrapped(f"sizes: {len(sizes):,}, from {between}, most often {width}x{height}", "  ")
    return lines


def _classes(report) -> list[str]:
    rows = report.table
    if not rows:
        return []
    names = [_padded(shown(row["name"]), 0) for row in rows]
    wide = min(max(5, *map(columns, names)), 36)
    digits = max(6, *(len(f"{row['pixels']:,}") for row in rows))
    lines = [f"  {'label':>5}  {_padded('class', wide)}  {'pixels':>{digits}}   share  masks"]
    for row, name in zip(rows[:_MOST_CLASSES], names, strict=False):
        numbers = f"{row['pixels']:>{digits},}  {100 * row['share']:5.1f}%  {row['files']:5,}"
        lines.append(f"  {row['label']:>5}  {_padded(name, wide)}  {numbers}")
    if len(rows) > _MOST_CLASSES:
        lines.append(f"         and {len(rows) - _MOST_CLASSES} more")
    return lines


def _faults(report) -> list[str]:
    lines = []
    for fault in report.faults:
        lines += _wrapped(fault.says, f"{_MARKS[fault.level]} {fault.level + ':':9}", " " * 11)
        names = [path.relative_to(report.folder) for path in fault.files]
        if len(names) > 1 and fault.level != "note":
            lines += [f"             {_cut(shown(name), _WIDTH - 13)}" for name in names[:_MOST_FILES]]
            if len(names) > _MOST_FILES:
                lines.append(f"             and {len(names) - _MOST_FILES:,} more")
        if fault.cure:
            lines += _wrapped(fault.cure, "           → ", " " * 13)
    return lines


def _last(report) -> list[str]:
    levels = Counter(fault.level for fault in report.faults)
    if levels["error"]:
        return [f"This folder cannot be trained on yet: {counted(levels['error'], 'error')}."]
    look = f"; look at {counted(levels['warning'], 'warning')} first" if levels["warning"] else ""
    command = f"fcn train {shlex.quote(shown(report.folder))}{shown(report.asked)}"
    return [f"This folder can be trained on{look}:", f"  {command}"]


def _wrapped(words: str, first: str, after: str | None = None) -> list[str]:
    after = first if after is None else after
    return textwrap.wrap(words, _WIDTH, initial_indent=first, subsequent_indent=after, break_long_words=False,
                         break_on_hyphens=False) or [first]  # fmt: skip


def _cut(words: str, most: int) -> str:
    """Return words, or the end of them, in so many columns."""
    if columns(words) <= most:
        return words
    while columns(words) > most - 1:
        words = words[1:]
    return f"…{words}"


def _padded(words: str, wide: int) -> str:
    while wide and columns(words) > wide:
        words = f"{words[:-2]}…"
    return words + " " * (wide - columns(words))
