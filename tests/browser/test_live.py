"""The page that segments live: what it says is what PyTorch says, and it answers to whatever a reader has."""

import gzip
import io
import re
import time

import numpy as np
import pytest
import torch
from notebooks import ROOT
from PIL import Image
from reading import THEMES
from test_every_page import FOUND

from fcn import VOID
from fcn.answers import predicted
from fcn.backbones import small
from fcn.metrics import Confusion
from fcn.palette import colors
from fcn.predict import load
from fcn.scenes import CLASSES
from fcn.skips import FCN
from fcn.training import resume

STRIDES = (32, 16, 8)
PIXELS = """(canvas) => [canvas.height, canvas.width,
    [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]]"""
PICTURES = ".fcn-live-page canvas"


def alive(open_page, part="scene", width=1280, address="live.html", **settings):
    """Open the page, start a part of it, and wait until it has answered."""
    page = open_page(address, width=width, **settings)
    if part == "street":
        page.locator("label", has_text="Streets").click()
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(f".fcn-{part}", timeout=60_000)
    at_rest(page)
    return page


def at_rest(page):
    """Wait until what is drawn stays what it is."""
    drawn, same = "", 0
    while same < 2:
        page.wait_for_timeout(150)
        now = page.evaluate(
            f"[...document.querySelectorAll('{PICTURES}')].map((canvas) => canvas.toDataURL()).join()"
        )
        drawn, same = now, same + 1 if now == drawn and len(now) > 20_000 else 0


def pixels(page, name) -> np.ndarray:
    """Return what is drawn in the picture of this title: (H, W, 3)."""
    figure = page.locator(".fcn-live-page figure", has=page.get_by_text(name, exact=True))
    height, width, values = figure.locator("canvas").evaluate(PIXELS)
    return np.array(values, dtype=np.uint8).reshape(height, width, 4)[..., :3]


def labelled(picture: np.ndarray, classes) -> torch.Tensor:
    """Return the label map (H, W) that was drawn in the colors of the book."""
    table = colors(classes).astype(int)
    far = np.abs(picture[:, :, None].astype(int) - table[None, None, [*range(len(classes)), VOID]]).sum(-1)
    assert far.min(axis=2).max() == 0, "every pixel has the color of a class"
    label = far.argmin(axis=2)
    return torch.from_numpy(np.where(label == len(classes), VOID, label).astype(np.uint8))


def as_image(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())[None]


@pytest.fixture(scope="module")
def networks():
    nets = {}
    for stride in STRIDES:
        nets[f"FCN-{stride}s"] = FCN(small(wide=True), len(CLASSES), stride).eval()
        resume(ROOT / "data" / "checkpoints" / f"fcn{stride}s.safetensors", nets[f"FCN-{stride}s"])
    return nets


def test_the_answers_of_twenty_scenes_and_their_scores_are_those_of_pytorch(open_page, networks, record_property):
    began = time.monotonic()
    page = alive(open_page)
    first, same, scored = time.monotonic() - began, dict.fromkeys(networks, 0), 0
    for _ in range(20):
        page.get_by_role("button", name="Another scene").click()
        at_rest(page)
        image, truth = as_image(pixels(page, "What they get")), labelled(pixels(page, "Truth"), CLASSES)
        told = page.locator(".fcn-scene > p", has_text="Mean IoU").inner_text().removeprefix("Mean IoU: ").split(", ")
        for name, net in networks.items():
            with torch.no_grad():
                answer = predicted(net(image))[0]
            same[name] += (labelled(pixels(page, name), CLASSES) == answer).sum().item()
            is_ = Confusion(len(CLASSES)).update(truth[None], answer[None]).mean_iou()
            scored += abs(float(dict(each.split(" ") for each in told)[name]) - is_) < 0.011
    assert min(same.values()) >= 0.999 * 20 * 128 * 128, same
    assert scored >= 0.95 * 20 * len(networks)  # a pixel that differs may move the last digit
    assert page.troubles == []
    speed = page.locator(".fcn-scene .fcn-hint").first.inner_text()
    record_property("live", f"first masks after {first:.1f} s with its start; {speed}")


def test_the_answers_about_streets_are_those_of_pytorch(open_page):
    page, segmenter = alive(open_page, "street"), load("camvid-fcn8s")
    page.locator("label", has_text="over the photograph").click()
    for name in ("junction", "porch"):
        page.locator("label", has_text=name).click()
        at_rest(page)
        answer = segmenter(as_image(pixels(page, "The photograph"))[0])
        assert (labelled(pixels(page, "The answer"), segmenter.classes) == answer).float().mean() >= 0.999
    assert page.troubles == []


def test_the_truth_of_a_scene_is_where_its_sprites_cover_it(open_page):
    page = alive(open_page, address="live.html#night-000;noto-bus,64,64,100,0,0;noto-cow,64,64,40,0,0")
    truth = labelled(pixels(page, "Truth"), CLASSES)
    named = {CLASSES[label] for label in truth.unique().tolist() if label != VOID}
    assert named == {"background", "bus", "cow"}
    assert truth[64, 64] == CLASSES.index("cow"), "what was put last lies on top"
    rows, columns = (truth == CLASSES.index("bus")).nonzero(as_tuple=True)
    assert 96 <= max(np.ptp(rows.numpy()), np.ptp(columns.numpy())) <= 100  # 100 pixels, but for its soft rim


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_a_scene_answers_to_keys_mouse_and_finger_and_its_address_brings_it_back(open_page, width, theme):
    page = alive(open_page, width=width, theme=theme, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    stage = page.locator(".fcn-stage > figure canvas")

    def things():
        return [each.split(",") for each in page.evaluate("location.hash").split(";")[1:]]

    stage.focus()
    page.keyboard.press("ArrowRight")
    for key, place, change in (("ArrowRight", 1, 1), ("ArrowUp", 2, -1), ("+", 3, 4), ("]", 4, 5)):
        before = int(things()[-1][place])
        page.keyboard.press(key)
        assert int(things()[-1][place]) == before + change, key
    at_rest(page)
    before, box = pixels(page, "FCN-8s"), stage.bounding_box()
    left, top = (
        box["x"] + int(things()[0][1]) / 128 * box["width"],
        box["y"] + int(things()[0][2]) / 128 * box["height"],
    )
    finger = page.context.new_cdp_session(page)
    for kind, moved in (("touchStart", 0), ("touchMove", 20), ("touchMove", 40), ("touchEnd", 40)):
        points = [] if kind == "touchEnd" else [{"x": left - 10 + moved / 2, "y": top - 10}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(60)
    at_rest(page)
    assert int(things()[0][1]) > 44, "the dog went to the right"
    assert (pixels(page, "FCN-8s") != before).any()
    stage.focus()
    page.keyboard.press("Delete")
    assert len(things()) == 2
    at_rest(page)
    kept = pixels(page, "FCN-8s")
    again = alive(open_page, address=page.url.split("/")[-1])
    assert (pixels(again, "FCN-8s") == kept).all()
    assert page.troubles == again.troubles == []


@pytest.mark.parametrize(
    "nonsense", ["%", "nowhere;noto-dog,1,1,1,1,0", "night-000;noto-dog,abc", "night-000;<img src=x>"]
)
def test_an_address_that_says_nonsense_brings_the_first_scene(open_page, nonsense):
    page = alive(open_page, address=f"live.html#{nonsense}")
    assert page.locator(".fcn-selected label").all_inner_texts()[:3] == ["dog", "bicycle", "cat"]
    assert page.troubles == []


def test_each_part_starts_by_itself_while_the_other_loads_and_stays_where_it_belongs(open_page):
    page = open_page("live.html")
    page.get_by_role("button", name="Start: Emoji").click()
    page.locator("label", has_text="Streets").click()
    page.get_by_role("button", name="Start: Streets").click()
    page.wait_for_selector(".fcn-street", timeout=60_000)
    page.locator("label", has_text="Emoji").click()
    page.wait_for_selector(".fcn-scene", timeout=60_000)
    assert page.locator(".fcn-street").count() == 0
    assert sum(response.url.endswith(".wasm") for response in page.responses) == 1
    assert page.troubles == []


def test_a_picture_that_does_not_come_is_said_and_comes_later(open_page):
    page = alive(open_page)
    page.context.route("**/fluent/**", lambda route: route.abort())
    page.locator("label", has_text="that they never saw").click()
    page.locator(".fcn-scene [role=status]", has_text="did not come").wait_for(timeout=10_000)
    page.context.unroute("**/fluent/**")
    page.locator(".fcn-stage > figure canvas").press("ArrowLeft")
    at_rest(page)
    assert page.locator(".fcn-scene [role=status]").inner_text() == ""


def test_a_picture_of_ones_own_is_segmented_and_leaves_the_machine_for_nowhere(open_page, networks):
    page = alive(open_page)
    asked = len(page.responses)
    picture = Image.fromarray(np.random.default_rng(0).integers(256, size=(90, 200, 3), dtype=np.uint8))
    picture.save(stored := io.BytesIO(), "PNG")
    own = page.locator("input[type=file]")
    own.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": stored.getvalue()})
    at_rest(page)
    with torch.no_grad():
        answer = predicted(networks["FCN-8s"](as_image(pixels(page, "What they get"))))[0]
    assert (labelled(pixels(page, "FCN-8s"), CLASSES) == answer).float().mean() >= 0.999
    own.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.wait_for_timeout(300)
    assert "no picture that this browser can open" in page.locator(".fcn-scene [role=status]").inner_text()
    assert len(page.responses) == asked
    assert page.troubles == []


@pytest.mark.parametrize("part", ["scene", "street"])
def test_axe_finds_nothing_in_a_part_that_is_alive(open_page, part):
    for theme in THEMES:
        page = alive(open_page, part, theme=theme)
        page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
        assert page.evaluate(FOUND) == []
        small_ = """[...document.querySelectorAll('.fcn-live-page :is(button, label, input[type=checkbox], a)')]
            .filter((each) => each.offsetParent && !each.matches('.fcn-slider label'))
            .map((each) => [each.textContent, each.getBoundingClientRect()])
            .filter(([, box]) => Math.min(box.width, box.height) < 24).map(([text]) => text)"""
        assert page.evaluate(small_) == []


def test_nothing_large_comes_before_the_click_and_the_button_says_how_much_will(open_page):
    page = open_page("live.html")
    button = page.get_by_role("button", name="Start")
    button.wait_for(timeout=20_000)
    assert sum(len(gzip.compress(response.body())) for response in page.responses) < 600_000
    come = len(page.responses)
    said = int(button.inner_text().split("(")[1].split(" ")[0])
    button.click()
    page.wait_for_selector(".fcn-scene", timeout=60_000)
    heavy = [response for response in page.responses[come:] if "/_static/live/" in response.url]
    size = sum(
        len(response.body()) for response in heavy if response.url.endswith((".wasm", ".onnx", ".safetensors"))
    )
    assert said == round(size / 1e6)


def test_from_a_file_a_sentence_and_a_picture_stand_there(browser, pages):
    page = browser.new_page()
    page.goto((pages / "live.html").as_uri())
    page.wait_for_selector(".fcn-live-page", timeout=20_000)
    assert "make serve" in page.locator(".fcn-live-page [role=note]").inner_text()
    assert page.locator(".live-still img").first.evaluate("(image) => image.naturalWidth > 0")
    page.close()


def test_what_chapter_five_says_of_a_dog_that_gets_smaller(open_page):
    page = alive(open_page)
    for name in ("cat", "bicycle"):
        page.locator(".fcn-selected label", has_text=name).click()
        page.get_by_role("button", name="Remove").click()
    size, told = page.locator(".fcn-selected input[type=range]").first, {}
    for wanted in (74, 36, 22):
        while int(size.input_value()) > wanted:
            size.press("ArrowLeft")
        at_rest(page)
        said = page.locator(".fcn-five canvas").evaluate_all("(all) => all.map((each) => each.ariaLabel)")
        told[wanted] = [re.fullmatch(r"FCN-\d+s: (.+)\. mean IoU (.+)", each).groups() for each in said[:3]]
    assert all("dog" in names for names, _ in told[74])
    assert ["dog" in names for names, _ in told[36]] == [False, True, True]
    assert told[36][0][0] == "cat"
    assert told[22][0][0] == "background alone"
    assert float(told[22][0][1]) > float(told[36][0][1])
    assert "dog" in told[22][2][0]
    assert float(told[22][2][1]) < float(told[22][0][1])
    assert page.troubles == []


def test_a_pixel_that_is_asked_for_is_said_once_it_has_rested_and_the_ends_of_its_row_are_a_key_away(open_page):
    page = alive(open_page)
    answer = page.locator(".fcn-five canvas").first
    answer.scroll_into_view_if_needed()
    page.wait_for_timeout(1200)
    page.evaluate("""() => {
        globalThis.heard = [];
        for (const live of document.querySelectorAll(".fcn-scene [aria-live=polite]"))
            new MutationObserver(() => heard.push(live.textContent)).observe(live, {childList: true, subtree: true});
    }""")
    box = answer.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"], steps=12)
    assert page.evaluate("heard") == []
    page.wait_for_timeout(1300)
    assert [each.startswith("Row ") for each in page.evaluate("heard")].count(True) == 1
    page.mouse.move(5, 5)
    caption = page.locator(".fcn-asked caption")
    for key, place in (
        ("Control+End", "Row 128, column 128"),
        ("Home", "Row 128, column 1."),
        ("Control+Home", "Row 1,"),
    ):
        answer.press(key)
        assert caption.inner_text().startswith(place)
    assert page.troubles == []
