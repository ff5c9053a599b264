"""Which run shows a number of the prose: each is bound to its place, so that no other number can stand in for it.

A Markdown cell says in its metadata, under "numbers", for each number of its text in their order, where it stands:
  "cell-29 out 0"    the first number that the code cell with this id prints
  "cell-29 code 2"   the third number in that cell's code
  "skips > val > 8s > mean IoU > mean"   data/results/skips.json, by its keys; lists count from 0; cited.json likewise
`make bind CHAPTER=NN` writes these for numbers that have none, and prints them: look whether they are the right ones.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "data" / "results"
NUMBER = re.compile(r"(?<![\w.,/])(?<![A-Za-z]-)(\d{1,3}(?:,\d{3})++|\d++)(\.\d++)?+(?:\s?(%|million))?(?![A-Za-z_])")
_LOOSE = re.compile(r"\d+\.\d+(?:e-?\d+)?|\d+e-?\d+|\d{1,3}(?:,\d{3})+|\d+")  # in outputs and code
_NO_CLAIM = [  # guesses, formulas, code, links, the numbers of a list, papers' years, chapters, sections and tables
    r"> \*\*Guess before you run\..*?(\n|$)", r"\$\$.*?\$\$", r"\$.*?\$", r"`[^`]*`", r"\]\(\S+\)", r"(?m)^\d\. ",
    r"et al\.?,? \(?\d{4}\)?", r"[A-Z]\w+,? \(?(19|20)\d\d\)", r"[Cc]hapters? \d+( (to|and) \d+)?",
    r"([Ss]ections?|[Tt]able|[Ff]ootnote) [\d.]+( and [\d.]+)?",
]  # fmt: skip


def numbers_in(text: str) -> list[tuple[float, int, str]]:
    """Return (value, decimals, unit) of each number of a text; the unit is %, million or nothing."""
    return [
        (float(whole.replace(",", "") + fraction), max(len(fraction) - 1, 0), unit)
        for whole, fraction, unit in NUMBER.findall(text)
    ]


def claims(chapter) -> Iterator[tuple[int, object, list[tuple[float, int, str]]]]:
    """Yield (place, cell, numbers) of each Markdown cell that states numbers; what follows ## Sources states none."""
    for place, cell in enumerate(chapter.cells):
        if cell.cell_type == "markdown":
            text, *sources = re.split(r"(?m)^## Sources", cell.source)
            for noise in _NO_CLAIM:
                text = re.sub(noise, " ", text, flags=re.DOTALL)
            if numbers_in(text):
                yield place, cell, numbers_in(text)
            if sources:
                return


def is_shown(number: tuple[float, int, str], value: float) -> bool:
    """Say if a number of the prose is this value, rounded as the prose has it."""
    stated, decimals, unit = number
    if decimals == 0 and not unit:
        return stated == value
    scales = {"": (1,), "%": (1, 100), "million": (1, 1e-6)}[unit]
    return any(abs(scale * value - stated) <= 0.500001 * 10**-decimals for scale in scales)


def places(chapter) -> dict[str, tuple[int | None, float]]:
    """Return {where: (which cell, value)} of all numbers that a chapter's prose may be bound to."""
    found, code = {}, ""
    for index, cell in enumerate(chapter.cells):
        if cell.cell_type == "code":
            code += f"{cell.source}\n"
            printed = "\n".join(
                output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs
            )
            for kind, text in (("out", printed), ("code", cell.source)):
                for count, number in enumerate(_LOOSE.findall(text)):
                    found[f"{cell.id} {kind} {count}"] = index, float(number.replace(",", ""))
    text = "\n".join(cell.source for cell in chapter.cells)
    for name in sorted({*re.findall(r'results\("(\w+)"\)', code), "cited"}):
        stored = json.loads((RESULTS / f"{name}.json").read_text())
        if name == "cited":
            stored = {source: numbers for source, numbers in stored.items() if source in text}
        found |= {" > ".join([name, *keys]): (None, value) for keys, value in _leaves(stored)}
    return found


def _leaves(stored, keys=()) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(stored, dict | list):
        for key, value in stored.items() if isinstance(stored, dict) else enumerate(stored):
            yield from _leaves(value, (*keys, str(key)))
    elif isinstance(stored, int | float) and not isinstance(stored, bool):
        yield keys, abs(stored)  # the prose writes "loses 0.7" for -0.7


def unbound(chapter) -> list[tuple[str, str]]:
    """Return (cell, what is wrong) for each number of the prose that does not stand where its cell says it does."""
    known, wrong = places(chapter), []
    for _, cell, numbers in claims(chapter):
        bound = cell.metadata.get("numbers", [])
        if len(bound) != len(numbers):
            wrong.append((cell.id, f"{len(numbers)} numbers {[n[0] for n in numbers]}, {len(bound)} places"))
            continue
        for number, where in zip(numbers, bound, strict=True):
            if where not in known:
                wrong.append((cell.id, f"{number[0]:g} is bound to {where}, which is not there"))
            elif not is_shown(number, known[where][1]):
                wrong.append((cell.id, f"{number[0]:g} is bound to {where}, which is {known[where][1]:g}"))
    return wrong


def bind(chapter) -> list[str]:
    """Bind each number that is not bound to the nearest place that shows it; return a line for each that was.

    A number keeps its place also where the text around it gained or lost others.
    Near is an output above the text, then one below it, then the code, then what is stored. Raises SystemExit for
    a number that no place shows.
    """
    known, lines = places(chapter), []
    for index, cell, numbers in claims(chapter):
        bound, old = [], cell.metadata.get("numbers", [])
        for number in numbers:
            # Of the old places the next that shows the number: those before it belonged to what was cut.
            kept = (at for at, where in enumerate(old) if where in known and is_shown(number, known[where][1]))
            place = next(kept, None)
            where, old = ("", old) if place is None else (old[place], old[place + 1 :])
            if not where:
                shown = [(_distance(index, at, place), at) for at, (place, value) in known.items()
                         if is_shown(number, value) and (" code " not in at or number[1:] == (0, ""))]  # fmt: skip
                if not shown:
                    raise SystemExit(f"No run shows the {number[0]:g} {number[2]} of {cell.id}: {cell.source[:80]!r}")
                where = min(shown)[1]
                lines.append(f"{cell.id}: {number[0]:g}{number[2]} -> {where}")
            bound.append(where)
        cell.metadata["numbers"] = bound
    for cell in chapter.cells:
        if "numbers" in cell.metadata and all(cell is not each for _, each, _ in claims(chapter)):
            del cell.metadata["numbers"]
    return lines


def _distance(here: int, where: str, cell: int | None) -> tuple:
    if cell is None:
        return 2, where.count(" > runs > "), where
    nearest = here - cell if cell < here else 2 * (cell - here)
    return (1 if " code " in where else 0), nearest, where
