"""Figures that answer without a kernel: what is stored for the page, and what is refused. See also browser/."""

import base64
import re

import numpy as np
import pytest
import torch
import traitlets

from fcn import data_path
from fcn.backbones import small
from fcn.datasets import in_memory
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import resume
from fcn.upsampling import bilinear
from fcn.widgets import Ask, Grow, Paint, Score, See, Skips


@pytest.mark.parametrize("wrong", [{"kernel": 8}, {"stride": 1}, {"depth": 4}, {"brush": "fur"}, {"input": "odd"}])
def test_a_figure_refuses_a_setting_that_it_has_not(wrong):
    with pytest.raises(traitlets.TraitError):
        Paint(**wrong)


def test_the_still_of_a_figure_has_a_picture_for_each_theme_and_describes_it():
    still = Paint(kernel=3, stride=2).still
    assert len(set(re.findall(r'base64,([^"]+)', still))) == 2
    assert re.findall(r'alt="([^"]*)"', still)[0].startswith("Along a row the pixels are painted 1, 1, 2, 1, 2")


def test_a_figure_says_what_it_is_in_a_word_and_carries_its_script_whole():
    figure = Paint(kernel=4, stride=2)
    assert repr(figure) == "<Paint>"
    state = figure.get_state()
    assert state["_esm"].rstrip().endswith("export default { render };")
    assert "const slider" in state["_esm"]
    assert ".fcn-live" in state["_css"]


@pytest.mark.parametrize(
    "masks", [{}, {"large": np.zeros((65, 65), int)}, {"flat": np.zeros((3, 9), int)}, {"wrong": np.full((8, 8), 2)}]
)
def test_a_label_map_that_nobody_could_paint_is_refused(masks):
    with pytest.raises(ValueError, match="Expected"):
        Score(masks, ["background", "cat"])


def test_the_thinnest_thing_is_the_one_with_the_least_inside():
    mask = np.zeros((12, 12), int)
    mask[1:7, 1:7], mask[1:, 9] = 2, 1
    (picture,) = Score({"a pole": mask}, ["background", "pole", "house"]).pictures
    assert picture["thin"] == 1


@pytest.mark.parametrize(("x", "brush"), [(np.ones((6, 2)), np.ones((3, 3))), (np.ones((2, 2)), np.ones((2, 3)))])
def test_maps_too_large_to_be_followed_stamp_by_stamp_are_refused(x, brush):
    with pytest.raises(ValueError, match="up to 5 pixels a side and a square brush"):
        Grow(x, brush)


@pytest.fixture
def asked():
    chance = np.random.default_rng(0)
    weight, bias = chance.normal(size=(7, 12)), chance.normal(size=(7, 1, 1))
    maps = [chance.random((12, 2, 3)), chance.random((12, 4, 5))]
    answers = [(features, np.tensordot(weight, features, 1) + bias) for features in maps]
    image = chance.integers(256, size=(3, 128, 160), dtype=np.uint8)
    return image, answers, [f"class {k}" for k in range(7)], weight


def test_each_square_has_the_best_names_that_softmax_gives_and_a_sum_that_is_its_score(asked):
    for (_, scores), size in zip(asked[1], Ask(*asked).sizes, strict=True):
        probable = torch.tensor(scores).flatten(1).softmax(0)
        best = probable.topk(5, dim=0)
        assert size["labels"] == best.indices.T.tolist()
        assert np.allclose(size["probabilities"], best.values.T, atol=1e-3)
        for square, told in enumerate(size["sums"]):
            total = sum(value * weight for _, value, weight in told["terms"]) + told["rest"]
            assert total == pytest.approx(scores.reshape(7, -1)[size["labels"][square][0], square], abs=0.01)
        for label, stored in size["lit"].items():
            shares = [int(digit, 16) / 15 for digit in stored]
            assert np.allclose(shares, probable[int(label)], atol=0.04)


def test_the_channels_that_are_named_are_those_that_make_most_of_the_score(asked):
    _, answers, _, weight = asked
    features, _ = answers[1]
    told = Ask(*asked).sizes[1]
    for square, label in enumerate(np.array(told["labels"])[:, 0]):
        parts = abs(features.reshape(12, -1)[:, square] * weight[label])
        assert [channel for channel, _, _ in told["sums"][square]["terms"]] == np.argsort(-parts)[:3].tolist()


@pytest.mark.parametrize("wrong", ["no answer", "another weight", "a map that is larger than the photograph"])
def test_answers_that_do_not_fit_are_refused(asked, wrong):
    image, answers, names, weight = asked
    if wrong == "another weight":
        weight = weight[:, :5]
    elif wrong == "no answer":
        answers = []
    else:
        image = image[:, :, :100]
    with pytest.raises(ValueError, match="Expected"):
        Ask(image, answers, names, weight)


@pytest.mark.parametrize(
    "wrong",
    [{"networks": {}}, {"truth": np.zeros((2, 32, 16), int)}, {"networks": {"8s": [np.zeros((2, 3, 4, 4))]}},
     {"networks": {"8s": [np.zeros((2, 2, 4, 4)), np.zeros((2, 2, 4, 4))]}}],
)  # fmt: skip
def test_score_maps_that_do_not_fit_to_the_scenes_are_refused(wrong):
    given = {"images": np.zeros((2, 3, 32, 32), np.uint8), "truth": np.zeros((2, 32, 32), int),
             "networks": {"32s": [np.zeros((2, 2, 4, 4))]}, "classes": ["background", "cat"]}  # fmt: skip
    Skips(**given)
    with pytest.raises(ValueError, match="Expected"):
        Skips(**given | wrong)


def test_of_the_books_networks_the_stored_maps_answer_all_but_a_pixel_of_a_thousand_alike():
    images, _ = in_memory(EmojiScenes(12, seed=7, split="val", void=True)).tensors
    net = FCN(small(wide=True), len(CLASSES), 8).eval()
    resume(data_path("checkpoints/fcn8s.safetensors"), net)
    with torch.no_grad():
        _, pool3, pool4, last = net.backbone(images)
        maps = [net.score_fr(last), net.score_pool4(pool4), net.score_pool3(pool3)]
        whole = net(images).argmax(1)
    stored = Skips(images, torch.zeros(12, 128, 128, dtype=torch.uint8), {"8s": maps}, CLASSES).networks[0]["scores"]
    total = None
    for level, side in enumerate((4, 8, 16)):
        parts = []
        for scene in stored:
            raw = np.frombuffer(base64.b64decode(scene[level]["data"]), f"<i{scene[level]['bits'] // 8}")
            steps = np.array(scene[level]["steps"])[:, None, None]
            parts.append(torch.tensor(raw.reshape(-1, side, side) * steps))
        part = torch.stack(parts)
        total = part if total is None else bilinear(total, 2) + part
    assert (bilinear(total, 8).argmax(1) != whole).float().mean() < 0.001


def test_a_field_is_kept_with_its_place_against_the_cell_and_the_square_that_holds_nine_tenths():
    field = np.zeros((32, 32))
    field[12:26, 10:24] = 1
    field[17:19, 17:19] = 4000
    (depth,) = See(np.zeros((1, 3, 32, 32), np.uint8), {8: field}, {8: 3.5}).depths
    middle = 3.5 + 8 * 2
    assert (depth["top"] + middle, depth["left"] + middle, depth["high"], depth["wide"]) == (12, 10, 14, 14)
    assert depth["most"] == 6  # 17 to 23 around 20, the edge in the middle of the cell
    values = np.frombuffer(base64.b64decode(depth["values"]), np.uint8).reshape(14, 14)
    assert values[5, 7] == 255
    assert values[0, 0] == round(255 / 4000**0.5)


@pytest.mark.parametrize(
    ("field", "centers"),
    [(np.zeros((8, 8)), {4: 1.5}), (np.eye(8) - 1, {4: 1.5}), (np.eye(4), {4: 1.5}), (np.eye(8), {8: 3.5})],
)
def test_a_field_that_does_not_fit_is_refused(field, centers):
    with pytest.raises(ValueError, match="Expected"):
        See(np.zeros((1, 3, 8, 8), np.uint8), {4: field}, centers)
