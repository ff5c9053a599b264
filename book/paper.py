"""The book as one file, made of its built pages: `python book/paper.py pdf`, or `epub` for e-readers.

A PDF is printed by Chromium, an EPUB is made by pandoc. Answers stand open, figures are those for light paper, and a
figure that moves stands still on the picture that it opens on.
"""

import io
import re
import shutil
import sys
from html import escape
from pathlib import Path

import yaml
from bs4 import BeautifulSoup
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGES, OUT = ROOT / "_build" / "html", ROOT / "_build" / "paper"
CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
CHROMIUM += ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
DROPPED = (
    "script, style, .headerlink, .copybtn, .only-dark, summary, noscript, .stops-choice, .stop-1, .stop-2, .stop-4, "
    ".begin, .tag_setup, .fcn-figure, form, .minutes"
)
ABOUT = "Semantic segmentation with fully convolutional networks"
FOOT = (
    '<div style="font: 8px Inter, sans-serif; color: #5c6670; width: 100%; text-align: center">'
    '<span class="pageNumber"></span></div>'
)
PRINTED = """
    @page { size: A4; margin: 20mm 22mm 20mm; }
    html { --measure: 100%; --column: 100%; --wide: 100%; }
    body { font-size: 10.5pt; line-height: 1.5; background: none; }
    article > section > h1 { break-before: page; }
    .cover { break-after: page; padding-top: 40mm; }
    .cover h1 { font-size: 34pt; break-before: avoid; }
    .contents { list-style: none; padding: 0; }
    .contents li { margin: 0.3rem 0; }
    .bd-article div.highlight pre { font-size: 7.9pt; }
    .bd-article img { width: auto; max-width: min(100%, 125mm); max-height: 180mm; }
    .bd-article :is(.panels, .stops) img { width: 100%; max-width: 100%; }
    .bd-article .tag_hide-input { border-left: 3px solid var(--line); padding-left: 1rem; }
"""


def chromium() -> str | None:
    """Return where this machine has a Chromium, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def config() -> dict:
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def names() -> list[str]:
    """Return the pages in the order of the book: the title page, the chapters, what stands behind them."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]


def articles() -> list:
    """Return the text of each page, its ids and links such that all can stand in one document."""
    found = []
    for name in names():
        path = PAGES / f"{name}.html"
        if not path.is_file():
            raise SystemExit("The pages are not built yet: make book")
        article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")
        for each in article.select(DROPPED):
            each.extract()
        for answer in article.select("details"):
            answer.name, answer.attrs = "div", {"class": "answer"}
        for each in article.select("[id]"):
            each["id"] = f"{name}--{each['id']}"
        for link in article.select("a[href]"):
            link["href"] = within(link["href"], name)
        for image in article.select("img"):
            image.attrs.pop("loading", None)
        article.find("section")["id"] = name
        found.append(article)
    return found


def within(address: str, name: str) -> str:
    """Return a link of a page as one within the whole document, or as it is if it leads out of the book."""
    match = re.fullmatch(r"(?:(\w+)\.html)?(?:#(.+))?", address)
    if not match or (match[1] and match[1] not in names()):
        return address
    page, anchor = match[1] or name, match[2]
    return f"#{page}--{anchor}" if anchor else f"#{page}"


def document(body: str, head: str = "") -> str:
    title = escape(config()["title"])
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>{head}'
        f"</head><body>{body}</body></html>"
    )


def pdf() -> Path:
    """Print the book with Chromium, and return where it lies. Raises SystemExit where there is no Chromium."""
    from playwright.sync_api import sync_playwright

    if not chromium():
        raise SystemExit("A PDF needs Chromium: apt-get install chromium (Debian, Ubuntu).")
    front, *rest = articles()
    picture = front.select_one(".stops").decode()
    lines = [f'<li><a href="#{article.section["id"]}">{article.h1.decode_contents()}</a></li>' for article in rest]
    cover = f'<div class="cover"><h1>{config()["title"]}</h1><p>{ABOUT}</p>{picture}</div>'
    contents = f'<section><h1>Contents</h1><ol class="contents">{"".join(lines)}</ol></section>'
    body = f'<article class="bd-article">{cover}{contents}</article>' + "".join(article.decode() for article in rest)
    style = f'<link rel="stylesheet" href="{(PAGES / "_static/page.css").as_uri()}"><style>{PRINTED}</style>'
    OUT.mkdir(parents=True, exist_ok=True)
    source, target = OUT / "book.html", OUT / "book.pdf"
    body = re.sub(r'(<img [^>]*src=")', rf"\1{PAGES.as_uri()}/", body)
    source.write_text(document(body, style), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page()
        page.goto(source.as_uri())
        page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => 0)))")
        page.pdf(path=target, prefer_css_page_size=True, print_background=True, outline=True, tagged=True,
                 display_header_footer=True, header_template="<span></span>", footer_template=FOOT)  # fmt: skip
        browser.close()
    return target


def epub() -> Path:
    """Make an EPUB 3 with pandoc, and return where it lies."""
    import pypandoc

    OUT.mkdir(parents=True, exist_ok=True)
    body = "".join(for_pandoc(article).decode_contents() for article in articles())
    about = config()
    options = {
        "title": about["title"],
        "subtitle": ABOUT,
        "author": about["author"],
        "lang": "en",
        "rights": "Text and figures: CC BY 4.0. Code: MIT.",
    }
    arguments = [f"--metadata={name}={value}" for name, value in options.items()]
    arguments += ["--mathml", "--toc-depth=2", "--split-level=1", f"--css={ROOT / 'book' / 'assets' / 'paper.css'}"]
    arguments += [f"--epub-cover-image={ROOT / 'book' / 'assets' / 'social.jpg'}"]
    target = OUT / "book.epub"
    form = "html+tex_math_single_backslash"
    pypandoc.convert_text(document(body), "epub3", form, outputfile=str(target), extra_args=arguments)
    return target


def for_pandoc(article):
    """Return the text of a page as pandoc reads it: formulas as TeX, ids where it keeps them, pictures as files."""
    for formula in article.select(".katex"):
        tex, display = formula.annotation.text, formula.find_parent(class_="katex-display")
        (display or formula).replace_with(f"\\[{tex}\\]" if display else f"\\({tex}\\)")
    for term in article.select("dt[id]"):
        term.insert(0, BeautifulSoup(f'<span id="{term.attrs.pop("id")}"></span>', "html.parser"))
    for image in article.select("img"):
        image["src"] = for_readers(PAGES / image["src"]).as_posix()
    for section in article.select("section"):  # it splits the book at headings that are in none
        section.find(["h1", "h2", "h3", "h4", "h5", "h6"])["id"] = section["id"]
        section.unwrap()
    return article


def for_readers(path: Path) -> Path:
    """Return a picture of the pages as a file that older e-readers know: WebP as PNG, or as JPEG if far smaller."""
    target = OUT / "pictures" / path.with_suffix(".png").name
    if path.suffix != ".webp":
        return path
    if not target.exists() and not target.with_suffix(".jpeg").exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            stored = {}
            for form, how in (("png", {"optimize": True}), ("jpeg", {"quality": 85})):
                stored[form] = io.BytesIO()
                picture.convert("RGB").save(stored[form], form, **how)
        large = len(stored["png"].getvalue()) > 3 * len(stored["jpeg"].getvalue())
        form = "jpeg" if large else "png"
        target.with_suffix(f".{form}").write_bytes(stored[form].getvalue())
    return target if target.exists() else target.with_suffix(".jpeg")


if __name__ == "__main__":
    made = {"pdf": pdf, "epub": epub}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if not made:
        raise SystemExit("Say which: python book/paper.py pdf, or epub")
    print(made().relative_to(ROOT))
