"""What several tests share: the chapters, and the folder of built pages."""

from pathlib import Path

import nbformat
import pytest
from notebooks import ROOT, chapters


@pytest.fixture(params=chapters(), ids=lambda path: path.stem)
def chapter(request):
    """Return each chapter's notebook in turn."""
    return nbformat.read(request.param, as_version=4)


@pytest.fixture
def code_cells(chapter):
    """Return the code cells of each chapter in turn."""
    return [cell for cell in chapter.cells if cell.cell_type == "code"]


@pytest.fixture(scope="session")
def pages() -> Path:
    """Return the folder of the built pages."""
    folder = ROOT / "_build" / "html"
    assert (folder / "index.html").is_file(), "Build the pages first: make book"
    return folder
