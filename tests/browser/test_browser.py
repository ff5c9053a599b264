"""The built pages as a reader meets them: in a browser, without a network, by mouse, keyboard and screen reader."""

import gzip

import pytest
from notebooks import ROOT, chapters

PAGES = ["index.html", "search.html", "genindex.html", *(f"{path.stem}.html" for path in chapters())]
WIDGET_PAGES = [
    "01_segmentation.html",
    "02_one_by_one.html",
    "03_upsampling.html",
    "04_checkerboard.html",
    "05_skips.html",
]
THEMES = ["light", "dark"]


def scroll_through(page):
    """Scroll to the end, so that everything that waits to be near has come."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for y in range(0, height, 600):
        page.evaluate(f"scrollTo(0, {y})")
        page.wait_for_timeout(30)
    page.wait_for_timeout(700)


def moving_figure(page):
    """Scroll to the first figure that moves, and wait until its slider is there."""
    page.locator(".cell_output:has(script[type*='widget-view'])").first.scroll_into_view_if_needed()
    page.wait_for_selector(".fcn-frames .noUi-handle", timeout=20_000)
    page.wait_for_timeout(300)
    return page.locator(".fcn-frames").first


def visible_picture(figure) -> str:
    """Return the address of the one picture of a moving figure that can be seen."""
    shown = [image.get_attribute("src") for image in figure.locator("img").all() if image.is_visible()]
    assert len(shown) == 1
    return shown[0]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES)
def test_no_request_leaves_the_host_the_console_is_clean_and_nothing_scrolls_sideways(open_page, name, theme, width):
    page = open_page(name, width, theme)
    scroll_through(page)
    assert page.troubles == []
    assert [response.url for response in page.responses if response.status >= 400] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


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
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barriers_that_axe_knows(open_page, name, theme):
    page = open_page(name, theme=theme)
    scroll_through(page)
    if name in WIDGET_PAGES:
        moving_figure(page)
    page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(violation["id"], [node["html"][:120] for node in violation["nodes"]]) for violation in found] == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("menu", ["primary", "secondary"])
def test_the_menus_of_a_phone_cover_the_text_under_them(open_page, menu, theme):
    page = open_page("02_one_by_one.html", width=390, theme=theme)
    page.locator(f".{menu}-toggle:visible").first.click()
    page.wait_for_timeout(500)
    background = "getComputedStyle(document.querySelector('dialog[open]')).backgroundColor"
    assert page.evaluate(background) == page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("theme", THEMES)
def test_figures_show_the_picture_of_the_theme(open_page, theme):
    page = open_page("index.html", theme=theme)
    shown = [image for image in page.locator("article img").all() if image.is_visible()]
    assert [image.get_attribute("src").endswith("hero-dark.jpeg") for image in shown] == [theme == "dark"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", WIDGET_PAGES)
def test_a_moving_figure_moves_by_keyboard_and_by_mouse_without_a_kernel(open_page, name, theme):
    page = open_page(name, theme=theme)
    figure = moving_figure(page)
    handle = figure.locator(".noUi-handle")
    first = visible_picture(figure)
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    second = visible_picture(figure)
    assert second != first
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 5, steps=8)
    page.mouse.up()
    page.wait_for_timeout(200)
    last = visible_picture(figure)
    assert last not in {first, second}
    loaded = (
        "([...document.querySelectorAll('.fcn-frames img')].filter(i => i.offsetParent).map(i => i.naturalWidth))"
    )
    page.wait_for_function(f"{loaded}[0] > 0")
    assert page.troubles == []


@pytest.mark.parametrize("name", WIDGET_PAGES)
def test_a_moving_figure_has_a_name_a_value_and_a_described_picture(open_page, name):
    page = open_page(name)
    figure = moving_figure(page)
    handle = figure.locator(".noUi-handle")
    assert handle.get_attribute("role") == "slider"
    assert handle.get_attribute("aria-label") == figure.locator(".widget-hslider .widget-label").inner_text()
    before = handle.get_attribute("aria-valuetext")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert handle.get_attribute("aria-valuetext") == figure.locator(".widget-readout").inner_text() != before
    assert all(image.get_attribute("alt") for image in figure.locator("img").all())


@pytest.mark.parametrize("name", WIDGET_PAGES)
def test_the_widgets_scripts_come_only_when_a_widget_is_near(open_page, name):
    page = open_page(name)
    page.wait_for_timeout(1000)
    assert not any("embed-amd" in response.url for response in page.responses)
    still = page.locator(".widget-still.only-light").first
    still.scroll_into_view_if_needed()
    page.wait_for_selector(".fcn-frames .noUi-handle", timeout=20_000)
    assert not still.is_visible()
    assert any("embed-amd" in response.url for response in page.responses)


def test_a_page_without_a_widget_never_loads_the_widgets_scripts(open_page):
    page = open_page("index.html")
    scroll_through(page)
    assert not any("/widgets/" in response.url for response in page.responses)


def test_without_scripts_a_moving_figure_still_shows_its_first_picture(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/02_one_by_one.html")
    assert page.locator(".widget-still.only-light").first.is_visible()
    context.close()


@pytest.mark.parametrize("name", WIDGET_PAGES)
def test_a_chapters_page_weighs_600_kb_at_most_without_its_pictures(open_page, name):
    page = open_page(name)
    page.wait_for_timeout(500)
    weight = {}
    for response in page.responses:
        kind = response.headers.get("content-type", "")
        if not kind.startswith("image/") and response.status == 200:
            body = response.body()
            weight[response.url] = len(body if "font" in kind else gzip.compress(body))
    assert sum(weight.values()) <= 600_000, sorted(weight.items(), key=lambda item: -item[1])[:8]
