"""What moves and what is folded: sliders without a kernel, answers to guesses."""

import pytest
from reading import CHAPTERS, THEMES, moving_figure, open_answers, scroll_through, visible_picture


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_moving_figure_moves_by_keyboard_and_by_mouse_without_a_kernel(open_page, name, theme):
    page = open_page(name, theme=theme)
    figure = moving_figure(page)
    handle = figure.locator(".noUi-handle")
    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    first = visible_picture(figure)
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


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_moving_figure_has_a_name_a_value_and_a_described_picture(open_page, name):
    page = open_page(name)
    figure = moving_figure(page)
    handle = figure.locator(".noUi-handle")
    assert handle.get_attribute("role") == "slider"
    assert handle.get_attribute("aria-label") == figure.locator(".widget-hslider .widget-label").inner_text()
    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    before = handle.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert handle.get_attribute("aria-valuetext") == figure.locator(".widget-readout").inner_text() != before
    assert all(len(image.get_attribute("alt")) >= 40 for image in figure.locator("img").all())


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_widgets_scripts_come_only_when_a_widget_is_near(open_page, name):
    page = open_page(name)
    page.wait_for_timeout(1000)
    assert not any("embed-amd" in response.url for response in page.responses)
    open_answers(page)
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


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_a_guess_is_about_is_folded_until_the_reader_opens_it_and_open_on_paper(open_page, name):
    page = open_page(name)
    guesses = page.locator("blockquote", has_text="Guess before you run").count()
    answers = page.locator("details.answer")
    assert answers.count() >= guesses > 0
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


CONTRAST = """(element) => {
    const shade = (color) => {
        const [r, g, b] = color.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const ink = shade(getComputedStyle(element.querySelector("p") ?? element).color);
    const paper = shade(getComputedStyle(element.closest("li")).backgroundColor);
    return Math.max(ink, paper) / Math.min(ink, paper);
}"""


@pytest.mark.parametrize(("way", "theme"), [("tap", "light"), ("keyboard", "dark")])
def test_a_guess_that_is_a_choice_opens_its_answer_and_keeps_what_was_chosen(open_page, way, theme):
    page = open_page("03_upsampling.html", width=390, theme=theme)
    choice = page.locator(".options").first
    said = page.locator(".answer-text").first
    assert not said.is_visible()  # what the text says of it would tell
    second = choice.locator("button").nth(1)
    if way == "tap":
        second.click()
    else:
        second.focus()
        page.keyboard.press("Space")
    page.wait_for_timeout(300)
    pressed = [button.get_attribute("aria-pressed") for button in choice.locator("button").all()]
    assert pressed == ["false", "true", *["false"] * (len(pressed) - 2)]
    guess = choice.locator("xpath=ancestor::blockquote")
    assert guess.locator("xpath=following-sibling::div[1]//details").get_attribute("open") is not None
    assert said.is_visible()
    assert second.evaluate(CONTRAST) >= 4.5
    box = second.bounding_box()
    assert min(box["width"], box["height"]) >= 24


def test_without_script_a_choice_is_a_list_that_can_be_read(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/03_upsampling.html")
    assert page.locator(".options button").count() == 0
    assert page.locator(".options li").first.is_visible()
    assert page.locator(".answer-text").first.is_visible()
    context.close()


@pytest.mark.parametrize("name", CHAPTERS)
def test_each_guess_is_followed_by_what_answers_it(open_page, name):
    page = open_page(name)
    answered = """(guess) => {
        for (let next = guess.nextElementSibling; next?.matches(".cell"); next = next.nextElementSibling)
            if (next.querySelector("details.answer")) return true;
        return false;
    }"""
    for guess in page.locator("blockquote", has_text="Guess before you run").all():
        assert guess.evaluate(answered), guess.inner_text()
