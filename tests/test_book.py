"""What every chapter promises, whatever it is about. Stored outputs are compared by nbval: see the Makefile."""

import configparser
import re
import statistics

import evidence
import nbformat
import notebooks
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebooks import ROOT, chapters
from PIL import Image

LONGEST_LINE = 76  # characters that fit into the column of a page


def pictures(cell) -> list[str]:
    """Return the image types among a cell's outputs."""
    return [mime for output in cell.outputs for mime in output.get("data", {}) if mime.startswith("image/")]


def test_every_chapter_is_in_the_table_of_contents_and_every_page_of_it_exists():
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    assert [path.stem for path in chapters()] == [name for name in listed if name[0].isdigit()]
    for name in [toc["root"], *listed]:
        assert any((ROOT / "book" / f"{name}{suffix}").is_file() for suffix in (".md", ".ipynb")), name


@pytest.mark.parametrize("page", ["README.md", "book/index.md"])
def test_every_chapter_is_named_on_the_front_pages_by_its_title_and_in_order(page):
    titles = [nbformat.read(path, as_version=4).cells[0].source.split("\n")[0].strip("# ") for path in chapters()]
    links = re.findall(r"\[([^\]]+)\]\((?:book/)?(\d\d_\w+)\.ipynb\)", (ROOT / page).read_text())
    assert [file for _, file in links] == [path.stem for path in chapters()]
    assert [re.sub(r"^\d+ ", "", title) for title, _ in links] == titles


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


def test_no_picture_is_stored_that_may_not_be_passed_on(code_cells):
    for cell in code_cells:
        if "withheld" in cell.metadata.get("tags", []):
            assert cell.outputs == []
            assert "nbval-ignore-output" in cell.metadata.tags


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
                about = output.metadata[mime]
                alone = mime == "image/jpeg" and about.get("title") == ""  # a photograph has no paper to be dark
                assert alone or about["dark"] != output.data[mime]


def test_a_chapter_is_stored_as_make_run_would_store_it(chapter):
    assert notebooks.normalized(chapter.copy()) == chapter


def test_the_title_pictures_are_those_of_the_stored_run():
    found = {}
    for path in chapters():
        found |= notebooks.hero(notebooks.nbformat.read(path, as_version=4))
    assets = ROOT / "book" / "assets"
    assert set(found) == {path.name for kind in ("hero*", "social*") for path in assets.glob(kind)}
    assert len(found) == 9  # the photograph and three answers, light and dark, and what links show
    with Image.open(assets / "social.jpg") as social:
        assert social.size == (1200, 630)
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


def test_each_number_of_the_prose_is_the_one_that_its_run_showed(chapter):
    assert evidence.unbound(chapter) == []


def test_the_figures_of_a_chapter_carry_the_scripts_that_they_have_now(chapter):
    for model, scripts in notebooks.figures(chapter):
        for name, text in scripts.items():
            assert model["state"][name] == text, "a script was changed since: make bind CHAPTER=NN"


def test_a_chapter_is_stored_as_its_run_left_it_to_the_last_pixel(chapter):
    assert chapter.metadata.ran == notebooks.digest(chapter), "edited after its run: make run CHAPTER=NN"


def small_chapter(prose="It is 0.97 here and 0.39 there.", printed="here 0.97\nthere 0.39"):
    code = new_code_cell("f()", outputs=[new_output("stream", text=printed)])
    code.id, text = "first", new_markdown_cell(prose)
    chapter = new_notebook(cells=[code, text])
    evidence.bind(chapter)
    return chapter, code, text


def test_numbers_are_bound_to_the_places_that_show_them():
    chapter, _, text = small_chapter()
    assert text.metadata["numbers"] == ["first out 0", "first out 1"]
    assert evidence.unbound(chapter) == []


@pytest.mark.parametrize(
    "edited",
    ["It is 0.39 here and 0.97 there.", "It is 0.39 here and 0.39 there.", "It is 0.97 here.", "0.97, 0.39 and 0.97"],
)
def test_two_numbers_that_change_places_are_found_and_one_that_takes_another_s_place(edited):
    chapter, _, text = small_chapter()
    text.source = edited
    assert evidence.unbound(chapter)


def test_a_number_edited_in_an_output_and_in_the_prose_is_found():
    chapter, code, text = small_chapter()
    ran = notebooks.digest(chapter)
    code.outputs[0]["text"], text.source = "here 0.98\nthere 0.39", "It is 0.98 here and 0.39 there."
    assert evidence.unbound(chapter) == []
    assert notebooks.digest(chapter) != ran


def test_a_number_that_no_run_shows_cannot_be_bound():
    with pytest.raises(SystemExit, match=r"0\.5"):
        small_chapter(prose="It is 0.5.")


def test_binding_anew_keeps_what_was_bound_by_hand():
    chapter, _, text = small_chapter(prose="It is 1.", printed="1 1")
    text.metadata["numbers"] = ["first out 1"]
    assert evidence.bind(chapter) == []
    assert text.metadata["numbers"] == ["first out 1"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("97 % of it", 0.9666), ("0.39 apart", 0.39), ("5408-pixel", 5408), ("8,192,000", 8192000),
     ("8.2 million", 8192000), ("0.967", 0.9666), ("0.13", 0.125), ("36", 36)],
)  # fmt: skip
def test_a_number_that_a_run_showed_is_recognised(text, value):
    assert evidence.is_shown(evidence.numbers_in(text)[0], value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("98 % of it", 0.9666), ("0.40 apart", 0.39), ("5409-pixel", 5408), ("1", 0.9666), ("8.1 million", 8192000),
     ("0.966", 0.9666), ("0.36", 36), ("36 %", 36.6)],
)  # fmt: skip
def test_a_number_that_no_run_showed_is_found(text, value):
    assert not evidence.is_shown(evidence.numbers_in(text)[0], value)


def test_names_hold_no_numbers():
    assert evidence.numbers_in("FCN-32s, VGG16, EfficientNet-Lite0 and a 3x3 kernel") == []
