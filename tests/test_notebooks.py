"""book/notebooks.py: running twice changes nothing, and the address is written everywhere or nowhere."""

import shutil
import subprocess
import sys

import nbformat
import notebooks
import pytest
from notebooks import ROOT

CELLS = [
    "print(object())",
    "print('one')\nprint('two', flush=True)\nprint('three')",
    "1 / 0",
    "import ipywidgets",
]
WIDGET = "slider = ipywidgets.IntSlider()\nslider"


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in [*CELLS, WIDGET]]
    cells[2].metadata.tags = ["raises-exception"]
    path = tmp_path / "00_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_running_a_notebook_again_changes_no_byte(notebook):
    notebooks.run(notebook)
    first = notebook.read_bytes()
    assert b"0x0>" in first
    assert b'"00000000000000000000000000000000"' in first  # the widget's model
    notebooks.run(notebook)
    assert notebook.read_bytes() == first


def test_a_failing_cell_is_an_error_and_the_file_stays_as_it_was(notebook):
    content = nbformat.read(notebook, as_version=4)
    content.cells[2].metadata.tags = []
    nbformat.write(content, notebook)
    before = notebook.read_bytes()
    with pytest.raises(SystemExit, match="a cell failed, nothing was stored"):
        notebooks.run(notebook)
    assert notebook.read_bytes() == before


def copy_of_the_book(folder):
    """Copy what `make repository` touches, and return a function that calls it there."""
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("_*", "assets"))
    for name in ("_config.yml", "README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    script = folder / "book" / "notebooks.py"
    return lambda url: subprocess.run(
        [sys.executable, script, "repository", url], capture_output=True, text=True, check=False
    )


def test_one_command_sets_the_address_everywhere(tmp_path):
    repository = copy_of_the_book(tmp_path)
    assert repository(notebooks.address()).returncode == 0
    assert repository("https://github.com/someone/their-book").returncode == 0
    assert "cd their-book\n" in (tmp_path / "README.md").read_text()
    for file in [*tmp_path.glob("*.*"), *tmp_path.glob("book/*.ipynb")]:
        text = file.read_text()
        assert "github.com/someone/their-book" in text
        assert notebooks.STAND_IN not in text
        assert "stand-in" not in text or file.name == "README.md"
    assert repository(notebooks.address()).returncode == 0  # and back
    for path in tmp_path.glob("book/*.ipynb"):
        assert path.read_bytes() == (ROOT / "book" / path.name).read_bytes()


@pytest.mark.parametrize(
    "url",
    [
        "github.com/a/b",
        "https://github.com/a",
        "https://github.com/a/b.git",
        "https://x/a/b c",
        "https://github.com/a/..",
        "https://github.com/OWNER/NAME",
        "https://github.com/a/b/tree/main",
        "https://www.github.com/a/b",
        "https://github.com/some_one/b",
    ],
)
def test_an_address_that_is_none_changes_nothing(tmp_path, url):
    repository = copy_of_the_book(tmp_path)
    answer = repository(url)
    assert answer.returncode != 0
    assert answer.stderr.strip().count("\n") == 0
    assert "https://github.com/OWNER/NAME" in answer.stderr
    assert (tmp_path / "_config.yml").read_bytes() == (ROOT / "_config.yml").read_bytes()


def test_a_chapter_without_a_setup_cell_loses_none_of_its_own(tmp_path):
    repository = copy_of_the_book(tmp_path)
    draft = tmp_path / "book" / "98_draft.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("hard_work = 42")]), draft)
    before = draft.read_bytes()
    answer = repository("https://github.com/someone/their-book")
    assert answer.returncode != 0
    assert "98_draft.ipynb has 0 cells tagged 'setup'" in answer.stderr
    assert draft.read_bytes() == before
    assert notebooks.address() in (tmp_path / "_config.yml").read_text()


def test_an_edit_that_was_saved_while_the_chapter_ran_is_kept(notebook):
    content = nbformat.read(notebook, as_version=4)
    content.cells = [
        nbformat.v4.new_code_cell(f"import pathlib; pathlib.Path({str(notebook)!r}).write_text('edited')")
    ]
    nbformat.write(content, notebook)
    with pytest.raises(SystemExit, match="saved by somebody else"):
        notebooks.run(notebook)
    assert notebook.read_text() == "edited"


def test_a_file_is_stored_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "chapter.ipynb"
    path.write_bytes(b"before")

    def full_disk(self, data):
        self.open("wb").close()
        raise OSError("No space left on device")

    monkeypatch.setattr(notebooks.Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        notebooks.store(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stored_file_keeps_its_permissions_and_the_link_that_leads_to_it(tmp_path):
    path, link = tmp_path / "chapter.ipynb", tmp_path / "link.ipynb"
    path.write_bytes(b"before")
    path.chmod(0o640)
    link.symlink_to(path)
    notebooks.store(link, b"after")
    assert path.read_bytes() == b"after"
    assert oct(path.stat().st_mode & 0o777) == oct(0o640)
    assert link.readlink() == path


def test_two_processes_that_store_one_file_write_aside_under_two_names(tmp_path, monkeypatch):
    path, aside = tmp_path / "chapter.ipynb", []

    def noted(self, target, rename=notebooks.Path.replace):
        aside.append(self.name)
        return rename(self, target)

    monkeypatch.setattr(notebooks.Path, "replace", noted)
    for process in (1, 2):
        monkeypatch.setattr(notebooks.os, "getpid", lambda process=process: process)
        notebooks.store(path, b"%d" % process)
    assert len(set(aside)) == 2
    assert path.read_bytes() == b"2"
    assert list(tmp_path.iterdir()) == [path]


def test_a_chapter_is_found_by_its_number_with_or_without_the_zero():
    assert notebooks.chapters("2") == notebooks.chapters("02")
    assert len(notebooks.chapters("02")) == 1


@pytest.mark.parametrize("number", ["0", "*", "/etc"])
def test_what_is_no_number_of_a_chapter_is_refused(number):
    with pytest.raises(SystemExit, match="There is no chapter"):
        notebooks.chapters(number)


def test_a_chapter_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(SystemExit, match=r"no chapter '99'\. There are: .*02"):
        notebooks.chapters("99")


def test_what_a_cell_tagged_withheld_has_shown_is_not_stored(notebook):
    chapter = nbformat.read(notebook, as_version=4)
    chapter.cells.pop()  # a control that is shown
    chapter.cells[1].metadata.tags = ["withheld"]
    chapter.cells[1].source = f"import ipywidgets\n{chapter.cells[1].source}\nipywidgets.FileUpload()"
    nbformat.write(chapter, notebook)
    notebooks.run(notebook)
    stored = nbformat.read(notebook, as_version=4)
    assert stored.cells[0].outputs
    assert stored.cells[1].outputs == []
    assert "widgets" not in stored.metadata
    assert stored.metadata.ran == notebooks.digest(stored)
