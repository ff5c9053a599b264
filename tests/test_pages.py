"""The built pages as files: nothing foreign in them, nothing missing, every picture described. See also browser/."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import notebooks
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from notebooks import ROOT
from PIL import Image

sys.path.append(str(ROOT / "book" / "_ext"))
from pages.address import STAND_IN, of_pages
from pages.asides import spans
from pages.terms import entries
from sphinx.errors import ExtensionError

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


def test_every_picture_is_described_by_what_can_be_seen_and_by_no_file_name(pages):
    """A panel of a described figure may be described by its title alone, which then is not read out twice."""
    for path in sorted(pages.glob("*.html")):
        for image in soup(path)("img"):
            group, panel = image.find_parent(role="group"), image.find_parent(class_="panel")
            title = panel.select_one(".panel-title") if panel else None
            if image.find_parent(class_="chapter"):
                assert image["alt"] == ""  # an ornament: the title beside it says all
            elif image["alt"] == "":
                assert title, (path.name, image["src"])
                assert len(group["aria-label"]) >= 40
            else:
                assert not re.search(r"\.(png|jpe?g|svg|webp)\b|_images|[0-9a-f]{16}", image["alt"]), image["alt"]
                assert not title or image["alt"] != title.text, (path.name, image["alt"])
                assert group or len(image["alt"]) >= 40, (path.name, image["alt"])


def test_panels_of_one_figure_have_titles_in_type_and_are_described_as_a_whole(pages):
    chapter = soup(pages / "02_one_by_one.html")
    whole = chapter.find(role="group", attrs={"aria-label": re.compile("^Four photographs")})
    titles = [title.text for title in whole.select(".panel > .panel-title")]
    assert len(titles) == len(set(titles)) == 4
    assert len(whole("img")) == 8  # each in light and dark
    for panel in whole.select(".panel"):
        for image in panel("img"):
            with Image.open(pages / image["src"]) as picture:
                assert picture.width == picture.height  # the title is cut off


def test_colours_that_a_figure_does_not_name_are_named_below_it_in_their_order(pages):
    legends = [[item.text for item in legend("li")] for legend in soup(pages / "05_skips.html").select(".legend")]
    assert ["right", "missed", "spilled", "mixed up", "void"] in legends
    for legend in soup(pages / "05_skips.html").select(".legend li"):
        assert re.fullmatch("--swatch: #[0-9a-f]{6}", legend["style"])


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
        if path.stem not in {"search", "404"}:
            said = {tag["property"]: tag["content"] for tag in head.select("meta[property]")}
            assert said["og:title"] == head.title.text
            assert said["og:description"] in described
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


def soup(path):
    return BeautifulSoup(path.read_text(), "html.parser")


def test_a_term_is_linked_to_the_glossary_where_it_enters_and_once_a_chapter(pages):
    lines = {term["id"]: term.find_next("dd").text for term in soup(pages / "glossary.html").select("dt[id]")}
    assert len(lines) >= 60
    for path in sorted(pages.glob("0*.html")):
        article = soup(path).find("article")
        links = article.select("a.term")
        terms = [link["href"].removeprefix("glossary.html#") for link in links]
        assert len(terms) == len(set(terms)) >= 8, path.name
        for link, term in zip(links, terms, strict=True):
            assert link["title"].replace("`", "").replace("'", "’") in " ".join(lines[term].split())
            assert not link.find_parents(["h1", "h2", "h3", "code", "pre"])
            assert not link.find_parents("section", id="sources")
    chapter = soup(pages / "05_skips.html").find("article")
    introduced = chapter.find("a", class_="term", href="glossary.html#term-skip-connection")
    assert introduced.parent.name == "em"  # not its first mention, but the one that says what it is


def test_the_glossary_says_which_of_its_words_are_korean_and_where_each_term_is_explained(pages, parsed):
    glossary = soup(pages / "glossary.html")
    terms = [term.text.lower() for term in glossary.select("dt[id]")]
    assert terms == sorted(terms)
    assert all(re.search("[가-힣]", word.text) for word in glossary.select("[lang=ko]"))
    assert len(glossary.select("[lang=ko]")) >= 50
    assert all(re.match(r"0\d_\w+\.html#", line.a["href"]) for line in glossary.select("article dd"))


def test_the_bibliography_has_every_source_that_a_chapter_links_and_says_which_chapters_do(pages):
    entries = soup(pages / "bibliography.html").select("article section section > p")
    said = {link["href"]: entry.text for entry in entries for link in entry.select("a.external")}
    used = {}
    for path in sorted(pages.glob("0*.html")):
        for link in soup(path).select("#sources a.external[href^=http]"):
            used.setdefault(link["href"], set()).add(path.name[1])
    assert used.keys() <= said.keys()
    for address, numbers in used.items():
        named = re.search(r"Chapters? ([\d, and]+)\.$", said[address])
        assert numbers <= set(re.findall(r"\d", named[1])), address


def test_the_title_page_shows_of_each_chapter_a_picture_for_each_theme_and_its_minutes(pages):
    items = soup(pages / "index.html").select("ol > li.chapter")
    assert [item.a["href"] for item in items] == [path.name for path in sorted(pages.glob("0*.html"))]
    for item in items:
        assert [("only-light" in image["class"], "only-dark" in image["class"]) for image in item("img")] == [
            (True, False),
            (False, True),
        ]
        assert re.fullmatch(r"\d+ minutes to read, \d+ to run", item.select_one(".minutes").text)


def test_the_way_on_says_what_comes(pages):
    names = sorted(path.name for path in pages.glob("0*.html"))
    for name, following in zip(names, [*names[1:], "live.html"], strict=True):
        after = soup(pages / name).select_one("a.right-next")
        lead = soup(pages / following).select_one("article h1 + p").text
        assert after["href"] == following
        assert " ".join(lead.split()).startswith(after.select_one(".prev-next-lead").text)
        before = soup(pages / following).select_one("a.left-prev")
        assert before["href"] == name
        assert before.select_one(".prev-next-lead").text


def test_a_whole_sentence_in_brackets_is_an_aside_and_nothing_is_lost(pages):
    aside = next(each for each in soup(pages / "02_one_by_one.html").select(".aside") if "brightness" in each.text)
    assert aside.text.startswith("(The brightness is a root")
    assert aside.text.endswith("cuts the larger squares.)")
    for path in sorted(pages.glob("0*.html")):
        asides = soup(path).select(".aside")
        assert len(asides) >= 4
        assert all(re.fullmatch(r"(?s)\([A-Z].*[.?!]\)", each.text) for each in asides)


def test_every_page_allows_scripts_and_files_of_its_own_host_alone(pages):
    for path in pages.glob("*.html"):
        head = soup(path).head
        meta = head.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
        policy = dict(rule.split(" ", 1) for rule in meta["content"].split("; "))
        assert policy["default-src"] == "'none'"
        allowed = {source for rule in policy.values() for source in rule.split()}
        hashes = {source for source in allowed if source.startswith("'sha256-")}
        named = {"'none'", "'self'", "'unsafe-inline'", "data:"}
        named |= {"'wasm-unsafe-eval'"} if path.name == "live.html" else set()
        assert allowed - hashes == named
        assert "'unsafe-inline'" not in policy["script-src"]
        assert policy["base-uri"] == policy["form-action"] == policy["connect-src"] == "'self'"
        scripts = [script.string for script in head("script") if not script.get("src")]
        digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
        assert hashes == {f"'sha256-{digest}'" for digest in digests}
        first = next(tag for tag in head.find_all(True) if tag.name in {"script", "link", "style"})
        assert meta in first.find_all_previous("meta")


@pytest.fixture(scope="session")
def addressed(tmp_path_factory):
    """Return the pages as they are built once `make repository` has set an address."""
    folder = tmp_path_factory.mktemp("addressed")
    shutil.copytree(ROOT / "book", folder / "book")
    for name in ("node_modules", "fcn", "data"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("_config.yml", "README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in (
        [sys.executable, "book/notebooks.py", "repository", "https://github.com/Someone/their-book"],
        ["jupyter-book", "build", "book/", "-W", "--keep-going", "-q"],
    ):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "_build" / "html"


def test_without_an_address_no_page_links_or_speaks_of_colab_or_its_source(pages):
    if notebooks.address() != notebooks.STAND_IN:
        pytest.skip("this copy has an address of its own")
    for path in pages.glob("*.html"):
        page = soup(path)
        assert page.select("a.header-link, link[rel=canonical], meta[property='og:url']") == []
        for cell in page.select(".tag_setup"):
            cell.extract()
        words = page.find("article").get_text(" ")
        assert not re.search(r"colab", words.replace("Setup, needed in Colab only", ""), re.I), path.name
    assert not (pages / "sitemap.xml").exists()
    assert (pages / "robots.txt").read_text() == "User-agent: *\nAllow: /\n"


def test_with_an_address_the_links_to_colab_and_source_a_canonical_address_and_a_site_map_appear(addressed):
    base = "https://someone.github.io/their-book/"
    places = set()
    for path in addressed.glob("*.html"):
        page = soup(path)
        links = {link.text: link["href"] for link in page.select("a.header-link")}
        assert links["Source"] == "https://github.com/Someone/their-book"
        assert links.get("Colab") == (
            f"https://colab.research.google.com/github/Someone/their-book/blob/main/book/{path.stem}.ipynb"
            if path.stem[0] == "0"
            else None
        )
        canonical = [link["href"] for link in page.select("link[rel=canonical]")]
        if path.stem in {"search", "404"}:
            assert canonical == []
            assert page.select_one("meta[name=robots]")["content"] == "noindex"
        else:
            assert canonical == [base + ("" if path.stem == "index" else path.name)]
            assert page.select_one("meta[property='og:image']")["content"] == f"{base}_static/social.jpg"
            places |= set(canonical)
    assert (addressed / "_static" / "social.jpg").is_file()
    assert set(re.findall("<loc>(.*?)</loc>", (addressed / "sitemap.xml").read_text())) == places
    assert f"Sitemap: {base}sitemap.xml" in (addressed / "robots.txt").read_text()
    assert "Colab" in soup(addressed / "index.html").find("article").text
    void = soup(addressed / "404.html")  # it is shown at any depth
    places = [tag[name] for name in ("href", "src") for tag in void.select(f"[{name}]") if tag.name != "a"]
    assert all(place.startswith(("/their-book/", "https://")) for place in places)
    assert void.select_one(".begin a")["href"] == "/their-book/index.html"


def test_the_stand_in_is_one_that_the_pages_know():
    assert re.match(STAND_IN, notebooks.STAND_IN)
    assert not re.match(STAND_IN, "https://github.com/someone/a_book")
    assert of_pages("https://github.com/Some/Book") == "https://some.github.io/Book/"
    assert of_pages("https://github.com/Some/some.github.io") == "https://some.github.io/"
    assert of_pages("https://example.org/a/b") == ""


def test_brackets_belong_together_before_their_sentence_is_an_aside():
    assert spans("One. (Two (of 2015.) three.) Four (five).") == ({5}, {27})
    assert spans("One. (Two, which never ends. (Three.) Four.") == ({29}, {36})
    assert spans("One (two). (Three)") == (set(), set())


def test_a_glossary_with_a_fault_is_refused_with_its_place(tmp_path):
    source = tmp_path / "glossary.md"
    for fault in ("term without a line", "term\n: no link.", "term\n: [2](a.ipynb#b).\n\nterm!\n: [2](a.ipynb#b)."):
        source.write_text(f"# Glossary\n\nWords.\n\n{fault}\n")
        with pytest.raises(ExtensionError, match=r"glossary\.md: "):
            entries(source)
    source.write_text("# Glossary\n\nWords.\n\nterm, name\n: *용어.* Use *it* well. [Chapter 2](a.ipynb#b).\n")
    assert entries(source) == {"term": {"id": "term-term", "names": ["term", "name"], "text": "Use it well."}}
