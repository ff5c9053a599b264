"""The built pages as files: nothing foreign in them, nothing missing, every picture described. See also browser/."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from PIL import Image

LOADING = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "srcset"),
    ("video", "src"),
}


class Page(HTMLParser):
    """Collect a page's tags, its ids and the addresses that a browser fetches or a reader follows."""

    def __init__(self, text: str):
        super().__init__()
        self.fetched, self.followed, self.ids, self.images = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "img":
            self.images.append(attributes)
        for name, value in attributes.items():
            if (tag, name) in LOADING:
                self.fetched.append(value)
            elif (tag, name) == ("a", "href"):
                self.followed.append(value)


@pytest.fixture(scope="session")
def parsed(pages):
    """Return each page's path -> Page."""
    return {path: Page(path.read_text()) for path in sorted(pages.glob("*.html"))}


def test_no_page_and_no_style_sheet_names_a_foreign_address_to_fetch_from(pages, parsed):
    foreign = [(path.name, url) for path, page in parsed.items() for url in page.fetched if urlsplit(url).netloc]
    for sheet in pages.glob("_static/**/*.css"):
        urls = re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", sheet.read_text())
        foreign += [(sheet.name, url) for url in urls if urlsplit(url).netloc]
    assert foreign == []


def test_no_page_holds_the_address_of_a_content_network(parsed):
    networks = re.compile(r"cdn\.jsdelivr|cdnjs\.cloudflare|unpkg\.com|googleapis\.com|gstatic\.com")
    assert [path.name for path in parsed if networks.search(path.read_text())] == []


def test_everything_that_a_page_fetches_or_links_to_is_there(parsed):
    missing = []
    for path, page in parsed.items():
        for url in page.fetched + page.followed:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            ids = parsed[target].ids if target in parsed else {parts.fragment}
            if not target.exists() or (parts.fragment and parts.fragment not in ids):
                missing.append((path.name, url))
    assert missing == []


def test_every_picture_is_described_and_by_no_file_name(parsed):
    for path, page in parsed.items():
        for image in page.images:
            alt = image.get("alt", "")
            assert alt, f"{path.name}: {image['src']} has no description"
            assert not re.search(r"\.(png|jpe?g|svg|webp)\b|_images|[0-9a-f]{16}", alt), f"{path.name}: {alt!r}"


def test_panels_of_one_figure_are_described_one_by_one_and_as_a_whole(pages):
    groups = re.findall(
        r'(?s)<div class="panels in-2"([^>]*)>(.*?)</div>\s*</div>', (pages / "02_one_by_one.html").read_text()
    )
    for whole, (opened, panels) in zip(("Four photographs", "The four photographs in dim"), groups, strict=True):
        assert f'role="group" aria-label="{whole}' in opened
        alts = [image["alt"] for image in Page(panels).images]
        assert len(alts) == 8
        assert len(set(alts)) == 4  # each in light and dark


def test_every_figure_of_a_chapter_has_a_picture_for_each_theme(parsed):
    for path, page in parsed.items():
        themes = [image.get("class", "") for image in page.images if "_images" in image["src"]]
        assert sum("only-light" in theme for theme in themes) == sum("only-dark" in theme for theme in themes)
        assert all("only-" in theme for theme in themes), path.name


def test_formulas_are_rendered_before_they_reach_the_reader(pages, parsed):
    assert 'class="katex-display"' in (pages / "02_one_by_one.html").read_text()
    scripts = [url.lower() for page in parsed.values() for url in page.fetched]
    assert [url for url in scripts if re.search("mathjax|katex.*js", url)] == []


def test_each_mention_of_another_chapter_is_a_link_to_it(pages):
    for path in sorted(pages.glob("0*.html")):
        article = BeautifulSoup(path.read_text(), "html.parser").find("article")
        for link in article.find_all("a", string=re.compile(r"^(?:chapter )?\d$", re.I)):
            assert link["href"].startswith(f"0{link.text[-1]}_"), (path.name, link)
        for away in [*article.find_all(["a", "code", "pre", "h1"]), *article.select(".cell_output")]:
            away.extract()
        left = re.findall(r"chapters? (\d)", article.get_text(" "), re.I)
        assert set(left) <= {path.name[1]}, path.name  # only of itself


def test_each_page_says_what_it_is_once(pages):
    described = set()
    for path in sorted(pages.glob("*.html")):
        head = BeautifulSoup(path.read_text(), "html.parser").head
        assert len(head.find_all("meta", attrs={"name": "viewport"})) == 1
        described.add(head.find("meta", attrs={"name": "description"})["content"])
        assert head.title.text.endswith("Every pixel a class")
        assert len(head.find_all("link", rel="stylesheet")) == 1
        sources = [script["src"] for script in head.find_all("script", src=True)]
        assert all(script.has_attr("defer") for script in head.find_all("script", src=True))
        assert len(sources) == (4 if path.name == "search.html" else 1)
    assert len(described) == len(list(pages.glob("*.html")))


def test_every_picture_is_webp_and_says_how_large_it_is(pages, parsed):
    for path, page in parsed.items():
        for image in page.images:
            assert image["src"].endswith(".webp"), (path.name, image["src"])
            with Image.open(path.parent / image["src"]) as picture:
                ratio = int(image["width"]) / int(image["height"])
                assert ratio == pytest.approx(picture.width / picture.height, rel=0.02)


def test_the_icon_font_holds_the_icons_that_the_styles_name_and_no_more(pages):
    named = set(re.findall(r'"\\(f[0-9a-f]{3})"', (pages / "_static/page.css").read_text()))
    font = TTFont(pages / "_static/vendor/fontawesome/webfonts/fa-solid-900.woff2")
    assert {f"{code:x}" for code in font.getBestCmap()} <= named
    assert {"f0c9", "f002", "f042"} <= {f"{code:x}" for code in font.getBestCmap()}  # bars, search, colours
