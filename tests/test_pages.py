"""The built pages as files: nothing foreign in them, nothing missing, every picture described. See also browser/."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

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
