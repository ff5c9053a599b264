"""The pages as a reader meets them: themes, menus, focus, paper, no script."""

import io

import numpy as np
import pytest
from PIL import Image
from reading import CHAPTERS, THEMES, moving_figure, open_answers, scroll_through, served

FEW = ["index.html", "02_one_by_one.html", "search.html", "404.html"]  # one of each kind


@pytest.mark.parametrize("theme", THEMES)
def test_a_table_stands_on_the_pages_paper_and_its_heads_can_be_read(open_page, theme):
    page = open_page("05_skips.html", theme=theme)
    papers, inks = page.evaluate(
        """() => {
            const rgb = (color) => color.match(/[0-9.]+/g).slice(0, 3).map(Number);
            const brightness = (color) => rgb(color).reduce((a, b) => a + b) / 765;
            const table = document.querySelector(".fcn-table");
            const papers = [];
            for (let node = table; node; node = node.parentElement)
                papers.push(getComputedStyle(node).backgroundColor);
            const solid = papers.filter((color) => color !== "rgba(0, 0, 0, 0)");
            const heads = [...table.querySelectorAll("th")].map((head) => getComputedStyle(head).color);
            return [solid.map(brightness), heads.map(brightness)];
        }"""
    )
    assert papers[0] == papers[-1]  # the nearest that is painted is the page's
    assert min(abs(ink - papers[0]) for ink in inks) > 0.35


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("menu", ["primary", "secondary"])
def test_the_menus_of_a_phone_cover_the_text_under_them(open_page, menu, theme):
    page = open_page("02_one_by_one.html", width=390, theme=theme)
    page.locator(f".{menu}-toggle:visible").first.click()
    page.wait_for_timeout(500)
    background = "getComputedStyle(document.querySelector('dialog[open]')).backgroundColor"
    assert page.evaluate(background) == page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("theme", THEMES)
def test_the_title_shows_the_answer_that_the_reader_chooses_in_the_theme(open_page, theme):
    page = open_page("index.html", theme=theme)

    def shown():
        pictures = [image for image in page.locator(".stops img").all() if image.is_visible()]
        return [image.get_attribute("src").split("/")[-1].removesuffix(".webp") for image in pictures]

    dark = "-dark" if theme == "dark" else ""
    assert shown() == [f"hero-0{dark}", f"hero-3{dark}"]  # it opens at its best
    for key, number in (("ArrowLeft", 2), ("ArrowLeft", 1), ("ArrowLeft", 3)):
        page.locator(".stops-choice input:checked").press(key)
        assert shown() == [f"hero-0{dark}", f"hero-{number}{dark}"]
    page.get_by_text("+ stride 8", exact=True).click()
    assert shown()[1] == f"hero-3{dark}"


@pytest.mark.parametrize("theme", THEMES)
def test_the_first_paint_has_the_colours_of_the_readers_machine(open_page, theme):
    page = open_page("01_segmentation.html", theme=theme)
    assert page.evaluate("themeAtFirstElement") == theme


def test_what_a_reader_does_not_see_is_not_fetched(open_page):
    page = open_page("index.html")
    page.wait_for_timeout(500)
    assert not any("-dark." in response.url for response in page.responses)


@pytest.mark.parametrize("name", CHAPTERS)
def test_without_scripts_each_figure_stands_once(browser, address, name):
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}/{name}")
    shown = page.locator("article img:visible")
    assert shown.count() == page.locator("article img.only-light").count() > 0
    assert page.locator("article img.only-dark:visible").count() == 0
    context.close()


def test_a_page_that_is_read_in_the_dark_is_printed_light(open_page):
    page = open_page("05_skips.html", theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator("article img.only-dark:visible").count() == 0
    assert page.locator("nav:visible, .bd-sidebar:visible").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_on_a_phone_a_chosen_entry_closes_the_contents_and_the_focus_returns(open_page):
    page = open_page("05_skips.html", width=390)
    page.locator(".secondary-toggle:visible").first.click()
    page.locator("dialog[open] a", has_text="Who gains").click()
    page.wait_for_timeout(600)
    assert page.locator("dialog[open]").count() == 0
    assert page.url.endswith("#who-gains")
    page.locator(".secondary-toggle:visible").first.click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert "secondary-toggle" in page.evaluate("document.activeElement.className")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 390])
def test_what_has_the_focus_can_be_seen(open_page, theme, width):
    page = open_page("03_upsampling.html", width, theme)
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        what, style, size = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
                return [e.outerHTML.slice(0, 90), s.outlineStyle, parseFloat(s.outlineWidth)]; }"""
        )
        assert (style, size >= 2) == ("solid", True), what
        seen.add(what)
    assert len(seen) >= 10  # it goes on


def test_the_book_can_be_read_below_any_address(open_page, pages, tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "path").symlink_to(pages)
    with served(tmp_path) as host:
        for name in FEW:
            page = open_page(f"some/path/{name}", host=host)
            scroll_through(page)
            assert page.troubles == []
            assert [response.url for response in page.responses if response.status >= 400] == []
        moving_figure(open_page("some/path/02_one_by_one.html", host=host))


def test_the_book_can_be_read_from_a_folder_without_any_host(open_page, pages):
    for name in FEW:
        page = open_page(name, host=f"file://{pages}")
        scroll_through(page)
        assert page.troubles == []
    page = open_page("search.html?q=palette", host=f"file://{pages}")
    page.wait_for_selector("#search-results a")


def test_nothing_moves_by_itself_for_who_asks_for_less_motion(open_page):
    page = open_page("03_upsampling.html", reduced_motion="reduce")
    moving = """[...document.querySelectorAll("*")].filter((element) => {
        const style = getComputedStyle(element);
        return [style.transitionDuration, style.animationDuration].some((time) => parseFloat(time) > 0.01);
    }).map((element) => element.outerHTML.slice(0, 90))"""
    assert page.evaluate(moving) == []
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


@pytest.mark.parametrize("name", ["01_segmentation.html", "index.html"])
def test_by_keyboard_one_comes_through_a_page_and_out_of_it(open_page, name):
    page = open_page(name)
    focusable = page.evaluate(
        """[...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")].filter(
        (element) => element.checkVisibility() && element.tabIndex >= 0).length"""
    )
    met = []
    for _ in range(focusable + 10):
        page.keyboard.press("Tab")
        met.append(page.evaluate("document.activeElement === document.body ? '' : document.activeElement.outerHTML"))
        if met[-1] == "":
            break
    assert met[-1] == ""  # out of the page
    assert len(set(met)) > 0.75 * min(focusable, 60)  # of radio buttons one has the focus


def test_text_keeps_a_measure_that_can_be_read_and_code_fits_its_column(open_page):
    page = open_page("03_upsampling.html", 1440)
    lines = page.evaluate(
        """[...document.querySelectorAll("article section > p")].flatMap((p) => {
            const text = document.createRange(), found = {};
            for (const node of p.childNodes) {
                if (node.nodeType !== Node.TEXT_NODE) return [];
                for (let i = 0; i < node.length; i++) {
                    text.setStart(node, i); text.setEnd(node, i + 1);
                    const top = Math.round(text.getBoundingClientRect().top);
                    found[top] = (found[top] ?? 0) + 1;
                }
            }
            return Object.values(found).slice(0, -1);
        })"""
    )
    assert 65 <= sorted(lines)[len(lines) // 2] <= 78
    code = "[...document.querySelectorAll('.cell_input pre')]"
    assert page.evaluate(f"{code}.filter((each) => each.scrollWidth > each.clientWidth + 1).length") == 0


@pytest.mark.parametrize("width", [1440, 1280, 820, 390])
def test_an_aside_covers_nothing(open_page, width):
    page = open_page("05_skips.html", width)
    open_answers(page)
    scroll_through(page)
    covered = page.evaluate(
        """() => {
            const box = (element) => element.getBoundingClientRect();
            const meets = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
            const all = (selector) => [...document.querySelectorAll(selector)];
            const others = all("article :is(img, pre, table, h2, h3, blockquote), .bd-sidebar-secondary, .aside");
            return all(".aside").filter((aside) =>
                others.some((other) => other !== aside && other.checkVisibility() && meets(box(aside), box(other)))
            ).map((aside) => aside.textContent.slice(0, 60));
        }"""
    )
    assert covered == []


@pytest.mark.parametrize("deficiency", ["protanopia", "deuteranopia", "tritanopia", "achromatopsia"])
def test_what_is_marked_by_colour_is_marked_for_every_eye(open_page, deficiency):
    """A link is underlined, and a chosen answer differs in brightness; so both are seen without colours."""
    page = open_page("02_one_by_one.html")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": deficiency})
    links = page.evaluate(
        """[...document.querySelectorAll("article p a")].map((a) => getComputedStyle(a).textDecorationLine)"""
    )
    assert set(links) == {"underline"}
    choice = page.locator(".options").first
    choice.locator("button").first.click()
    shades = [
        np.asarray(Image.open(io.BytesIO(button.screenshot())).convert("L")).mean()
        for button in choice.locator("li").all()[:2]
    ]
    assert shades[1] - shades[0] > 60
