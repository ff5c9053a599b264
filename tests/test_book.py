"""What every chapter promises, whatever it is about. Stored outputs are compared by nbval: see the Makefile."""

import configparser
import json
import re
import statistics

import notebooks
import pytest
import yaml
from notebooks import ROOT, chapters

LONGEST_LINE = 76  # characters that fit into the column of a page
NUMBER = re.compile(r"(?<![\w.,/])(?<![A-Za-z]-)(\d{1,3}(?:,\d{3})++|\d++)(\.\d++)?+(?:\s?(%|million))?(?![A-Za-z_])")


def pictures(cell) -> list[str]:
    """Return the image types among a cell's outputs."""
    return [mime for output in cell.outputs for mime in output.get("data", {}) if mime.startswith("image/")]


def numbers_in(text: str) -> list[tuple[float, int, str]]:
    """Return (value, decimals, unit) of each number of a text; the unit is %, million or nothing."""
    return [
        (float(whole.replace(",", "") + fraction), max(len(fraction) - 1, 0), unit)
        for whole, fraction, unit in NUMBER.findall(text)
    ]


def prose_numbers(chapter) -> list[tuple[float, int, str]]:
    """Return the numbers that a chapter states, less guesses, code, formulas, papers' years, chapters' numbers."""
    text = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    text = text.split("## Sources")[0] + "\n"
    for noise in [
        r"> \*\*Guess before you run\..*?\n", r"\$\$.*?\$\$", r"\$.*?\$", r"`[^`]*`", r"\]\(\S+\)", r"(?m)^\d\. ",
        r"et al\.?,? \(?\d{4}\)?", r"[Cc]hapters? \d+", r"[Ss]ections? [\d.]+",
    ]:  # fmt: skip
        text = re.sub(noise, " ", text, flags=re.DOTALL)
    return numbers_in(text)


def evidence(chapter) -> tuple[list[float], list[float]]:
    """Return the numbers that a chapter shows, and those in its code.

    Shown are its text outputs, the stored results that it opens, and what cited.json has of the sources it names.
    """
    code = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "code")
    opened = set(re.findall(r'results\("(\w+)"\)', code)) - {"cited"}
    shown = [(ROOT / "data" / "results" / f"{name}.json").read_text() for name in opened]
    cited = json.loads((ROOT / "data" / "results" / "cited.json").read_text())
    text = "\n".join(cell.source for cell in chapter.cells)
    shown += [json.dumps(numbers) for source, numbers in cited.items() if source in text]
    for output in (output for cell in chapter.cells for output in cell.get("outputs", [])):
        shown += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    loose = re.compile(r"\d+\.\d+(?:e-?\d+)?|\d+e-?\d+|\d{1,3}(?:,\d{3})+|\d+")
    return tuple(
        [float(found.replace(",", "")) for found in loose.findall(text)] for text in ("\n".join(shown), code)
    )


def is_shown(value: float, decimals: int, unit: str, shown: list[float], code: list[float]) -> bool:
    """Say if a number of the prose is one that was shown, rounded as the prose has it, or a whole one of the code."""
    if decimals == 0 and not unit:
        return value in shown or value in code
    scales = {"": (1,), "%": (1, 100), "million": (1, 1e-6)}[unit]
    return any(abs(scale * number - value) <= 0.500001 * 10**-decimals for number in shown for scale in scales)


def test_every_chapter_is_in_the_table_of_contents_and_every_page_of_it_exists():
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    listed = [entry["file"] for entry in toc["chapters"]]
    assert [path.stem for path in chapters()] == [name for name in listed if name[0].isdigit()]
    for name in [toc["root"], *listed]:
        assert any((ROOT / "book" / f"{name}{suffix}").is_file() for suffix in (".md", ".ipynb")), name


def test_every_chapter_starts_with_the_setup_cell_for_the_configured_address(code_cells):
    assert "setup" in code_cells[0].metadata.tags
    assert code_cells[0].source == notebooks.setup_source(notebooks.address())


def test_the_address_stands_in_the_readme_and_the_citation_as_in_the_configuration():
    for file in notebooks.ADDRESS_LINES:
        assert notebooks.address() in file.read_text()


def test_a_chapter_has_its_frame(chapter):
    text = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    assert re.match(r"# .+\n\n\S", text), "a title and a lead come first"
    assert "**What you will see.**" in text
    assert "**What you need.**" in text
    assert "> **Guess before you run.**" in text
    assert re.findall(r"(?m)^## (.+)$", text)[-3:] == ["Summary", "Try it", "Sources"]
    summary = text.split("## Summary")[1].split("## Try it")[0]
    assert len(re.findall(r"(?m)^\d\. ", summary)) == 5


def test_every_code_cell_was_run_in_order_so_that_nbval_compares_it(code_cells):
    assert [cell.execution_count for cell in code_cells] == list(range(1, len(code_cells) + 1))


def test_cells_are_short_enough_to_read(code_cells):
    lines = [[line for line in cell.source.splitlines() if line.strip()] for cell in code_cells]
    assert max(map(len, lines)) <= 15
    assert statistics.median(map(len, lines)) <= 5
    assert [line for cell in lines for line in cell if len(line) > LONGEST_LINE] == []


def test_nothing_was_printed_to_stderr(code_cells):
    printed = [output for cell in code_cells for output in cell.outputs if output.get("name") == "stderr"]
    assert printed == []


def test_every_figure_has_a_description_and_a_dark_twin(code_cells):
    for cell in code_cells:
        widget = any("application/vnd.jupyter.widget-view+json" in out.get("data", {}) for out in cell.outputs)
        if pictures(cell) or widget:
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) >= 40, (
                f"cell {cell.execution_count}: describe the figure in mystnb.image.alt, got {alt!r}"
            )
            assert not re.search(r"\.(png|jpe?g|svg)\b|0x", alt), f"{alt!r} is a file name"
        for output in cell.outputs:
            for mime in [mime for mime in output.get("data", {}) if mime.startswith("image/")]:
                assert output.metadata[mime]["alt"]
                assert output.metadata[mime]["dark"] != output.data[mime]


def test_a_chapter_is_stored_as_make_run_would_store_it(chapter):
    assert notebooks.normalized(chapter.copy()) == chapter


def test_the_title_picture_is_the_one_of_the_stored_run():
    found = {}
    for path in chapters():
        found |= notebooks.hero(notebooks.nbformat.read(path, as_version=4))
    assert set(found) == {"hero.jpeg", "hero-dark.jpeg"}
    for name, data in found.items():
        assert (ROOT / "book" / "assets" / name).read_bytes() == data


def test_the_sanitiser_hides_addresses_but_no_numbers():
    config = configparser.RawConfigParser()
    config.read(ROOT / "tests" / "nbval_sanitize.cfg")
    rules = [(config[name]["regex"], config[name]["replace"]) for name in config.sections()]

    def sanitised(text):
        for regex, replace in rules:
            text = re.sub(regex, replace, text)
        return text

    assert sanitised("<A at 0x7f00deadbeef>") == sanitised("<A at 0x7f00cafe0000>")
    for one, other in [
        ("FCN-32s", "FCN-8s"),
        ("0.39", "0.40"),
        ("98%", "97%"),
        ("3.2s", "4.2s"),
        ("True", "False"),
    ]:
        assert sanitised(one) != sanitised(other)


def test_each_number_of_the_prose_stands_in_an_output_in_the_code_or_in_a_stored_result(chapter):
    found = evidence(chapter)
    assert [number for number in prose_numbers(chapter) if not is_shown(*number, *found)] == []


@pytest.mark.parametrize(
    "text",
    ["97 % of it", "0.39 apart", "(0.39-0.97)", "5408-pixel", "8,192,000", "8.2 million", "0.967", "0.13", "36"],
)
def test_a_number_that_a_run_showed_is_recognised(text):
    numbers = numbers_in(text)
    assert numbers
    assert all(is_shown(*number, [0.9666, 0.39, 5408, 8192000, 0.125], [36]) for number in numbers)


@pytest.mark.parametrize(
    "text", ["98 % of it", "0.40 apart", "(0.39-0.98)", "5409-pixel", "1", "8.1 million", "0.966", "0.36", "36 %"]
)
def test_a_number_that_no_run_showed_is_found(text):
    assert not all(is_shown(*number, [0.9666, 0.39, 5408, 8192000, 0.125], [36, 0.36]) for number in numbers_in(text))


def test_names_hold_no_numbers():
    assert numbers_in("FCN-32s, VGG16, EfficientNet-Lite0 and a 3x3 kernel") == []
