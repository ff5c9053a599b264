"""What moves and what is folded: sliders without a kernel, answers to guesses."""

import re

import pytest
from notebooks import ROOT
from reading import CHAPTERS, THEMES, WITH_FIGURE, moving_figure, open_answers, scroll_through, seen
from test_every_page import FOUND

WITH_SLIDER = [name for name in WITH_FIGURE if name != "01_segmentation.html"]  # the first has a figure to paint in


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", WITH_SLIDER)
def test_a_figure_answers_to_keyboard_and_mouse_without_a_kernel(open_page, name, theme):
    page = open_page(name, theme=theme)
    figure = moving_figure(page)
    handle = figure.locator("input[type=range]").first
    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    first = seen(figure)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    second = seen(figure)
    assert second != first
    box = handle.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 5, steps=8)
    page.mouse.up()
    page.wait_for_timeout(200)
    assert seen(figure) not in (first, second)
    assert page.troubles == []


def painted(figure):
    """Return the scores of the figure to paint in: {name: score}."""
    cells = [row.locator("th, td").all_inner_texts() for row in figure.locator("tr").all()]
    return {name: float(score) for name, score, _ in cells}


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_an_answer_can_be_painted_with_keys_mouse_and_finger_and_its_scores_follow(open_page, width, theme):
    page = open_page("01_segmentation.html", width=width, theme=theme, has_touch=True)
    figure = moving_figure(page)
    board = figure.locator(".fcn-grid").first
    assert painted(figure)["pixel accuracy"] == pytest.approx((64 - 16 - 6) / 64, abs=0.005)  # all background
    board.focus()
    for key in ["ArrowDown", *["ArrowRight"] * 6, "Space"]:  # the top of the bottle
        page.keyboard.press(key)
    assert painted(figure)["IoU of bottle"] == pytest.approx(1 / 6, abs=0.005)
    said = figure.locator("[aria-live]").first.inner_text()
    assert said == "Row 2, column 7: bottle, in truth bottle. Pixel accuracy 0.67, mean IoU 0.28"
    figure.locator("label", has_text="dog").click()
    box = board.bounding_box()
    cell = box["width"] / 8
    page.mouse.move(box["x"] + 1.5 * cell, box["y"] + 3.5 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 4.5 * cell, box["y"] + 3.5 * cell, steps=1)  # quickly, and without a hole
    page.mouse.up()
    assert painted(figure)["IoU of dog"] == pytest.approx(4 / 16, abs=0.005)
    page.touchscreen.tap(box["x"] + 1.5 * cell, box["y"] + 4.5 * cell)
    assert painted(figure)["IoU of dog"] == pytest.approx(5 / 16, abs=0.005)
    figure.get_by_role("button", name="Undo").click()
    assert painted(figure)["IoU of dog"] == pytest.approx(4 / 16, abs=0.005)
    figure.get_by_role("button", name="The truth").click()
    assert set(painted(figure).values()) == {1.0}
    figure.get_by_role("button", name="Move it right").click()
    assert painted(figure)["IoU of bottle"] == 0  # it is one pixel thin
    assert painted(figure)["IoU of dog"] == pytest.approx(12 / 20, abs=0.005)
    figure.locator("label", has_text="32 × 32").click()
    assert "IoU of bicycle" in painted(figure)
    assert figure.get_by_role("button", name="Undo").is_disabled()
    figure.locator("label", has_text="8 × 8").click()  # what was painted is still there
    assert painted(figure)["IoU of dog"] == pytest.approx(12 / 20, abs=0.005)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.troubles == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_numbers_and_settings_of_a_transposed_convolution_can_be_changed_and_copied(open_page, width, theme):
    page = open_page("03_upsampling.html", width=width, theme=theme)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    figure = moving_figure(page)
    kernel, _, _, padding, *_ = figure.locator("input[type=range]").all()
    brush = figure.locator("canvas").nth(1)
    before = brush.evaluate("canvas => canvas.toDataURL()")
    kernel.focus()
    for key in ("Home", "End", *["ArrowLeft"] * 4):
        page.keyboard.press(key)
    assert kernel.input_value() == "3"
    assert brush.evaluate("canvas => canvas.toDataURL()") == before  # it was not forgotten
    box = figure.locator("canvas").nth(0).bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.keyboard.press("7")
    figure.get_by_role("button", name="Lower the chosen number of the input").click()
    padding.focus()
    page.keyboard.press("ArrowRight")
    said = figure.locator("p[aria-live]").inner_text()
    place = [int(word) - 1 for word in re.findall(r"(?:Row|column) (\d+)", said)]
    figure.get_by_role("button", name="Copy as PyTorch").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "[0,6,1]" in copied
    assert "padding=1" in copied
    names = {}
    exec(copied.replace("\nlayer(", "\nresult = layer("), names)  # what the reader will run
    assert names["result"][0, 0, place[0], place[1]].item() == float(said.rpartition(" = ")[2].replace("−", "-"))
    figure.get_by_role("button", name="Reset").click()
    assert padding.input_value() == "0"
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.troubles == []


def test_the_pixel_under_the_mouse_says_what_it_gathers(open_page):
    page = open_page("03_upsampling.html")
    figure = moving_figure(page)
    box = figure.locator("canvas").nth(3).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 14, box["y"] + box["height"] / 14)
    assert figure.locator("p[aria-live]").inner_text() == "Row 1, column 1 gathers 1 · 1 = 1"


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_square_of_the_photograph_tells_its_names_by_mouse_keys_and_slider(open_page, width, theme):
    page = open_page("02_one_by_one.html", width=width, theme=theme)
    figure = moving_figure(page)
    told, canvas = figure.locator("p[aria-live]"), figure.locator("canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 4.5 / 20, box["y"] + box["height"] * 4.5 / 13)  # the cat
    assert re.match(r"Row 5 of 13, column 5 of 20: \w.*, \d+ %", told.inner_text())
    best = figure.locator("tbody tr").first.inner_text()
    assert re.search("cat|tabby", best)
    canvas.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("Row 5 of 13, column 17 of 20")
    assert figure.locator("tbody tr").first.inner_text() != best
    figure.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    assert told.inner_text().startswith("Row 5 of 7, column 7 of 7")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.troubles == []


def test_a_figure_answers_to_a_finger(open_page):
    page = open_page("04_checkerboard.html", width=390, has_touch=True)
    figure = moving_figure(page)
    before = seen(figure)
    handle = figure.locator("input[type=range]").first
    box = handle.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2)
    page.wait_for_timeout(200)
    assert handle.input_value() != "3"
    figure.locator("label", has_text="random").tap()
    page.wait_for_timeout(200)
    assert figure.locator("input[value=random]").is_checked()
    assert seen(figure) != before


@pytest.mark.parametrize("name", WITH_FIGURE)
def test_each_control_of_a_figure_has_a_name_a_value_and_room_for_a_finger(open_page, name):
    page = open_page(name, width=390)
    figure = moving_figure(page)
    for handle in figure.locator("input[type=range]").all():
        named = figure.locator(f"label[for={handle.get_attribute('id')}]")
        assert named.inner_text()
        assert (
            handle.get_attribute("aria-valuetext") == handle.locator("xpath=following-sibling::output").inner_text()
        )
        assert handle.bounding_box()["height"] >= 24
        thumb = "(input) => parseFloat(getComputedStyle(input, '::-webkit-slider-thumb').width)"
        assert handle.evaluate(thumb) >= 24
    for control in figure.locator("button, fieldset label").all():
        assert min(control.bounding_box()[side] for side in ("width", "height")) >= 24
    for image in figure.locator("canvas").all():
        assert len(image.get_attribute("aria-label")) >= 10


@pytest.mark.parametrize("name", WITH_FIGURE)
def test_the_scripts_of_figures_come_only_when_one_is_near(open_page, name):
    page = open_page(name)
    page.wait_for_timeout(1000)
    assert not any("/figures/" in response.url for response in page.responses)
    open_answers(page)
    still = page.locator(".widget-still.only-light").first
    assert still.is_visible()
    moving_figure(page)
    assert not still.is_visible()
    scripts = {response.url: len(response.body()) for response in page.responses if "/figures/" in response.url}
    assert 3 <= len(scripts) <= 9  # what all share, a script and a state each
    assert sum(scripts.values()) <= 500_000  # unpacked


def test_a_page_without_a_figure_never_loads_their_scripts(open_page):
    page = open_page("index.html")
    scroll_through(page)
    assert not any("/figures/" in response.url for response in page.responses)


def test_without_scripts_a_figure_still_shows_a_picture(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/02_one_by_one.html")
    assert page.locator(".widget-still.only-light").first.is_visible()
    context.close()


@pytest.mark.parametrize("name", WITH_SLIDER)
def test_from_a_file_a_figure_answers_too(browser, pages, name):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto((pages / name).as_uri())
    figure = moving_figure(page)
    figure.locator("input[type=range]").first.focus()
    looks = []
    for key in ("Home", "End"):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        # a photograph from a file may be drawn, and not be read back
        looks.append([canvas.screenshot() for canvas in figure.locator("canvas").all()])
    assert looks[0] != looks[1]
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


@pytest.mark.parametrize("name", WITH_FIGURE)
def test_axe_finds_nothing_in_two_states_of_each_figure(open_page, name):
    page = open_page(name, theme="dark" if name[1] in "24" else "light")
    scroll_through(page)
    page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    for place in page.locator(".fcn-figure").all():
        place.scroll_into_view_if_needed()
        figure = place.locator(".fcn-live")
        figure.wait_for(timeout=20_000)
        first = seen(figure)
        assert page.evaluate(FOUND) == []
        for handle in figure.locator("input[type=range]").all():
            if handle.is_enabled():  # moving one may leave another nothing to choose
                handle.press("ArrowLeft")
        for options in figure.locator("fieldset").all():
            options.locator("label").last.click()
        page.wait_for_timeout(300)
        assert seen(figure) != first
        assert page.evaluate(FOUND) == []
