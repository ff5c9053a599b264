"""The built pages as a reader meets them: in a browser, without a network, by mouse, keyboard and screen reader."""

import gzip
from fnmatch import fnmatch

import pytest
from notebooks import ROOT, chapters

PAGES = ["index.html", "search.html", *(f"{path.stem}.html" for path in chapters())]
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
    page.evaluate("document.querySelectorAll('details.answer').forEach((answer) => (answer.open = true))")
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
def test_the_title_shows_the_answer_that_the_reader_chooses_in_the_theme(open_page, theme):
    page = open_page("index.html", theme=theme)

    def shown():
        pictures = [image for image in page.locator(".stops img").all() if image.is_visible()]
        return [image.get_attribute("src").split("/")[-1].removesuffix(".webp") for image in pictures]

    dark = "-dark" if theme == "dark" else ""
    assert shown() == [f"hero-0{dark}", f"hero-3{dark}"]  # it opens at its best
    for key, number in (("ArrowLeft", 2), ("ArrowLeft", 1), ("ArrowLeft", 4)):
        page.locator(".stops-choice input:checked").press(key)
        assert shown() == [f"hero-0{dark}", f"hero-{number}{dark}"]
    page.get_by_text("FCN-8s", exact=True).click()
    assert shown()[1] == f"hero-3{dark}"


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
    page.evaluate("document.querySelectorAll('details.answer').forEach((answer) => (answer.open = true))")
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


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_weighs_350_kib_at_most_without_its_pictures_asks_25_times_at_most_and_hardly_moves(
    open_page, name, width
):
    page = open_page(name, width)
    page.wait_for_timeout(800)
    weight = {}
    for response in page.responses:
        kind = response.headers.get("content-type", "")
        if not kind.startswith("image/") and response.status == 200:
            body = response.body()
            packed = "font" in kind or response.url.endswith("woff2")
            weight[response.url] = len(body if packed else gzip.compress(body))
    assert sum(weight.values()) <= 350 * 1024, sorted(weight.items(), key=lambda item: -item[1])[:8]
    assert len(page.responses) <= 25
    shifts = [page.evaluate("layoutShift")]
    while min(shifts) > 0.02 and len(shifts) < 3:  # where the machine is busy, a font may come late
        page = open_page(name, width)
        page.wait_for_timeout(800)
        shifts.append(page.evaluate("layoutShift"))
    assert min(shifts) <= 0.02, shifts


@pytest.mark.parametrize("theme", THEMES)
def test_the_first_paint_has_the_colours_of_the_readers_machine(open_page, theme):
    page = open_page("01_segmentation.html", theme=theme)
    assert page.evaluate("themeAtFirstElement") == theme


def test_what_a_reader_does_not_see_is_not_fetched(open_page):
    page = open_page("index.html")
    page.wait_for_timeout(500)
    assert not any("-dark." in response.url for response in page.responses)


@pytest.mark.parametrize("name", WIDGET_PAGES)
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


@pytest.mark.parametrize("name", WIDGET_PAGES)
def test_what_a_guess_is_about_is_folded_until_the_reader_opens_it_and_open_on_paper(open_page, name):
    page = open_page(name)
    guesses = page.locator("blockquote", has_text="Guess before you run").count()
    answers = page.locator("details.answer")
    assert answers.count() >= guesses - 1 > 0  # one guess may be answered by the text
    assert page.locator("details.answer[open]").count() == 0
    first = answers.first
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert first.evaluate("answer => answer.open")
    opened = page.locator("details.answer[open]").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.answer:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(200)
    assert page.locator("details.answer[open]").count() == opened


def test_answers_to_one_guess_open_together(open_page):
    page = open_page("05_skips.html")
    guess = page.locator("blockquote", has_text="Skips or dilation").first
    answers = guess.locator("xpath=following-sibling::div[position() < 3]//details")
    assert answers.count() == 2
    answers.first.locator("summary").click()
    page.wait_for_timeout(300)
    assert answers.evaluate_all("answers => answers.every((answer) => answer.open)")


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


FIRST = [  # what one types, and where it is explained: a page's number and the section's anchor, or one of several
    ("stride", "03#why-maps-shrink 03#a-cell-s-right-place 05#"),
    ("confusion matrix", "01#four-scores-from-one-table"),
    ("mean IoU", "01#four-scores-from-one-table"),
    ("1x1", "02#"),
    ("1×1", "02#"),
    ("deconvolution", "03#the-transposed-convolution-paints"),
    ("align_corners", "03#a-cell-s-right-place"),
    ("receptive field", "05#how-far-each-depth-sees"),
    ("void", "01#void-neither-the-one-nor-the-other"),
    ("255", "01#void-neither-the-one-nor-the-other"),
    ("unpooling", "03#seven-ways-to-enlarge-a-map"),
    ("skip connection", "05#"),
    ("FCN-8s", "05#adding-the-maps-up"),
    ("palette", "01#a-mask-is-a-table-of-whole-numbers"),
    ("colab", "index.html#how-to-read"),
    ("bilinear kernel", "03#bilinear-interpolation-is-a-transposed-convolution"),
    ("VGG16", "02# 05#what-it-costs"),
    ("pixel shuffle", "03#seven-ways-to-enlarge-a-map 04#"),
    ("exercise", "01#try-it 02#try-it 03#try-it 04#try-it 05#try-it"),
    ("padding", "02#what-padding-changes"),
    ("focal loss", "01#can-the-loss-be-cured"),
    ("Dice", "01#can-the-loss-be-cured"),
    ("class weights", "01#can-the-loss-be-cured"),
    ("instance panoptic", "01#classes-things-or-both"),
    ("boundary IoU", "01#what-the-table-does-not-see"),
    ("patch classifier", "02#sliding-a-window-without-the-work"),
    ("flatten", "02#"),
    ("zero insertion", "03#seven-ways-to-enlarge-a-map"),
    ("phase score", "04#a-score-for-tiles"),
    ("probe", "05#what-each-depth-knows"),
    ("dilation", "05#stages-joins-dilation"),
    ("batchnorm", "05#stages-joins-dilation"),
    ("u-net", "05#"),
    ("bootstrap", "05#the-study"),
    ("ICNR", "04#"),
    ("tent", "03#bilinear-interpolation-is-a-transposed-convolution 04#one-thing-at-a-time"),
    ("upsampling", "03#"),
    ("gradient backwards", "04#the-pattern-runs-backwards-too"),
    ("spectrum", "04#the-same-number-from-the-spectrum"),
    ("receptive feild", "05#how-far-each-depth-sees"),  # mistyped
]


def test_the_search_shows_first_where_a_thing_is_explained(open_page):
    page = open_page("search.html")
    wrong = {}
    for query, places in FIRST:
        page.fill(".search-page input[name=q]", query)
        page.wait_for_timeout(20)
        first = page.evaluate("document.querySelector('#search-results a')?.getAttribute('href') ?? 'nothing'")
        address, _, anchor = first.partition("#")
        place = f"{address.partition('?')[0]}#{anchor}"
        patterns = [wanted.replace("#", "*#") + "*" * wanted.endswith("#") for wanted in places.split()]
        if not any(fnmatch(place, pattern) for pattern in patterns):
            wrong[query] = first
    assert wrong == {}


def test_a_result_leads_to_its_section_with_the_words_marked(open_page):
    page = open_page("search.html?q=unpooling")
    page.locator("#search-results a").first.click()
    page.wait_for_timeout(800)
    assert page.url.endswith("#seven-ways-to-enlarge-a-map")
    marked = page.locator(".highlighted")
    assert marked.count() > 0
    assert "unpooling" in marked.first.inner_text().lower()


def test_the_field_of_the_shortcut_leads_to_the_search(open_page):
    page = open_page("02_one_by_one.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("palette")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results a")
    assert "search.html?q=palette" in page.url
