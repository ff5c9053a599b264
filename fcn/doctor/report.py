"""The report on a folder: what it holds, what is wrong with it, and its data sets. H height, W width."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fcn import VOID
from fcn.doctor import text
from fcn.doctor.checking import pair_faults, split_faults
from fcn.doctor.deciding import decided
from fcn.doctor.faults import Fault, merged, some
from fcn.doctor.folder import Folder
from fcn.doctor.layouts import layout
from fcn.doctor.meaning import Meaning
from fcn.doctor.reading import Seen, Source, seen
from fcn.expect import one_of, that, whole


@dataclass
class Report:
    """What a folder holds and what is wrong with it. See examined.

    `layout` says in words what is believed to be there and why; `classes` are the names of the labels; `faults` are
    sorted, errors first; `meaning` says which label each stored value has, `pairs` what each pair of files is like;
    `asked` are the words of a command line that ask for the same reading, `named` says that the classes' names were
    given, by the folder or by who asked.
    """

    folder: Path
    layout: str
    faults: list[Fault]
    meaning: Meaning = field(repr=False)
    source: Source = field(repr=False)
    pairs: list[Seen] = field(repr=False)
    asked: str = ""
    named: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the labels 0, 1, 2 and so on."""
        return self.meaning.classes

    @property
    def ok(self) -> bool:
        """Say whether the folder can be trained on: there is no error."""
        return not any(fault.level == "error" for fault in self.faults)

    @cached_property
    def splits(self) -> dict[str, list[tuple[Path, Path]]]:
        """Return the pairs (photograph, mask) of each split: "train", "val", "test", or "all"."""
        found = {}
        for about in self.pairs:
            pair = self.folder / about.photograph, self.folder / about.mask
            found.setdefault(about.split, []).append(pair)
        return found

    @cached_property
    def table(self) -> list[dict]:
        """Return of each class, and of void, its name, its pixels, their share, and how many masks have it."""
        labels = [self.meaning.labelled(about) for about in self.pairs if not about.mask_wrong]
        total = sum(each.total() for each in labels)
        rows = []
        for label, name in [*enumerate(self.classes), (VOID, "void")]:
            pixels = sum(each[label] for each in labels)
            if label != VOID or pixels:
                files = sum(label in each for each in labels)
                share = pixels / total if total else 0.0
                rows.append({"label": label, "name": name, "pixels": pixels, "share": share, "files": files})
        return rows

    def text(self) -> str:
        """Return the report for a terminal: at most 80 columns where names allow it."""
        return text.written(self)

    def as_json(self) -> dict:
        """Return the report as what JSON can hold; paths are relative to the folder, "/" between folders."""
        sizes = sorted({about.size for about in self.pairs if not about.wrong})
        return {
            "folder": os.fspath(self.folder), "layout": self.layout, "ok": self.ok, "classes": list(self.classes),
            "splits": {
                split: [[self._below(each) for each in pair] for pair in pairs]
                for split, pairs in self.splits.items()
            },
            "table": self.table, "sizes": [list(size) for size in sizes],
            "faults": [
                {"kind": fault.kind, "level": fault.level, "says": fault.says, "cure": fault.cure,
                 "files": [self._below(path) for path in fault.files]}
                for fault in self.faults
            ],
        }  # fmt: skip

    def data(self, split: str, *, cached: bool = False, indices: Sequence[int] | None = None) -> Folder:
        """Return a split as a data set: data[i] is (image (3, H, W) uint8, mask (H, W) uint8, 255 for void).

        `indices` picks some of its pairs, in their order; `cached` keeps what is read in memory. Raises ValueError,
        naming the first error, where the report is not ok, and for an unknown split or index.
        """
        errors = [fault for fault in self.faults if fault.level == "error"]
        if errors:
            more = f" {len(errors) - 1} more: fcn check {self.folder}" if len(errors) > 1 else ""
            raise ValueError(f"{self.folder} cannot be trained on: {errors[0].says} {errors[0].cure}{more}".rstrip())
        one_of(split, "the split", tuple(self.splits))
        part = [(about.photograph, about.mask) for about in self.pairs if about.split == split]
        chosen = range(len(part)) if indices is None else indices
        files = [part[whole(index, "an index", 0, len(part) - 1)] for index in chosen]
        return Folder(files, self.meaning, self.source, cached=cached)

    def _below(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def examined(
    folder: str | Path, *, void: int | str | None = "auto", classes: Sequence[str] | None = None
) -> Report:  # fmt: skip
    """Return the report on a folder of photographs and masks, of any layout that is known; every file is read once.

    `void` says which stored value means that a pixel has no label: "auto" takes 255 where it stands beside other
    labels than 0, None none, a whole number that one. `classes` names the labels 0, 1, 2 and so on; by default files
    of the folder do, or the labels name themselves.

    Raises FileNotFoundError if there is no such folder, NotADirectoryError for a file, OSError for one that may not
    be read, ValueError for another `void` and for classes that are no names or come twice. What is wrong with what
    lies in the folder raises nothing: it is in the report.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     report = examined(empty)
    >>> report.ok, report.faults[0].kind
    (False, 'empty')
    """
    folder = Path(os.path.expanduser(folder))
    void = void if void in ("auto", None) else whole(void, "void", 0, 0xFFFF)
    if classes is not None:
        names = not isinstance(classes, str) and all(isinstance(name, str) and name.strip() for name in classes)
        twice = names and len(set(classes)) < len(classes)
        that(names and not twice and 0 < len(classes) < 256, "different names of classes, a list", classes)
        classes = tuple(name.strip() for name in classes)
    found = layout(folder, classes)
    splits = {
        split: [(Path(photograph), Path(mask)) for photograph, mask in part]
        for split, part in found.paired.splits.items()
    }
    pairs = seen(splits, found.source)
    drawn = found.source.drawn
    names = found.names if drawn else classes or found.names
    meaning, faults = decided(pairs, names, found.colors, void=void, drawn=drawn)
    faults += _unnamed(meaning, faults)
    faults = merged([*found.faults, *pair_faults(pairs), *faults, *split_faults(pairs, meaning)])
    faults = [
        Fault(each.kind, each.level, tuple(folder / path for path in each.files), each.says, each.cure)
        for each in faults
    ]
    asked = "" if void == "auto" else f" --void {'none' if void is None else void}"
    asked += f" --classes {shlex.quote(','.join(classes))}" if classes else ""
    return Report(folder, found.says, faults, meaning, found.source, pairs, asked, bool(names or found.colors))


def _unnamed(meaning: Meaning, faults: Sequence[Fault]) -> list[Fault]:
    """Say how to name classes that have numbers alone, unless another fault says so."""
    if meaning.classes[:1] != ("class 0",) or {fault.kind for fault in faults} & {"begins at 1", "gaps"}:
        return []
    says = f"Nobody says what the classes are called: they are {some(meaning.classes, 4)} here."
    return [Fault("unnamed", "note", (), says, "--classes a,b,c, or classes.txt with a name a line.")]
