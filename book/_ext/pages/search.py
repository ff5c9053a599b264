"""What the search looks through: the sections of all pages, each with its heading, terms, text and code."""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup

HIDDEN = {"search", "404", "glossary"}


def write_index(out: Path) -> None:
    """Write _static/search-index.js, which gives book/assets/search.js the sections of the pages.

    The glossary is not among them: its words, the Korean ones too, count as terms of the section that explains them.
    """
    pages = sorted(path for path in out.glob("*.html") if path.stem not in HIDDEN)
    explained = explanations(out / "glossary.html")
    entries = [entry for path in pages for entry in sections(path)]
    for entry in entries:
        entry["terms"] = " ".join([entry["terms"], *explained.get(entry["href"], [])])
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    (out / "_static/search-index.js").write_text(f"window.bookSections = {text};\n", encoding="utf-8")


def explanations(glossary: Path) -> dict[str, list[str]]:
    """Return, for the address of each section that the glossary links to, the words that are explained there."""
    found = {}
    page = BeautifulSoup(glossary.read_text(encoding="utf-8") if glossary.exists() else "", "html.parser")
    for term in page.select("dt[id]"):
        line = term.find_next("dd")
        found.setdefault(line.a["href"], []).append(
            " ".join(plain(each) for each in [term, *line.select("[lang=ko]")])
        )
    return found


def sections(path: Path) -> list[dict[str, str]]:
    article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")
    page = plain(article.h1)
    found = []
    for section in article.find_all("section"):
        heading, *rest = section.find_all(recursive=False)
        rest = [part for part in rest if part.name not in {"section", "blockquote"}]  # no guesses
        cells = [part for part in rest if "cell" in part.get("class", [])]
        prose = [part for part in rest if part not in cells]
        tables = [table for cell in cells for table in cell.find_all("table")]
        found.append(
            {
                "href": f"{path.name}#{section['id']}" if heading.name != "h1" else path.name,
                "page": page,
                "title": plain(heading),
                "terms": " ".join(plain(term) for part in prose for term in part.find_all(["em", "strong"])),
                "text": " ".join(plain(part) for part in [*prose, *tables]),
                "code": " ".join(plain(code) for cell in cells for code in cell.select(".cell_input pre")),
            }
        )
    return found


def plain(tag) -> str:
    """Return what can be read of an element, on one line."""
    for formula in tag.select("annotation, .katex-html"):  # a formula is there three times
        formula.extract()
    return re.sub(r"\s+", " ", tag.get_text(" ").replace("#", "")).strip()
