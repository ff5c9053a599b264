"""A training that leaves a folder: fcn.runs."""

import csv
import json
import os
import random
import signal
import time
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fcn.predict import load
from fcn.runs import Folder, Sized, divided, part, train, within
from fcn.scenes import EmojiScenes
from fcn.training import evaluate, stored

QUICK = {"backbone": "small", "say": lambda line: None}


class Things:
    """Drawn scenes of two classes: a thing or background."""

    classes = ("background", "thing")

    def __init__(self, count: int, seed: int = 0, size: int = 64):
        self.scenes = EmojiScenes(count, seed=seed, split="train", size=size)

    def __len__(self):
        return len(self.scenes)

    def __getitem__(self, index):
        image, mask = self.scenes[index]
        return image, (mask > 0).to(torch.uint8)


def history(out) -> list[dict]:
    return list(csv.DictReader((out / "history.csv").read_text().splitlines()))


def data(count: int = 8) -> dict:
    return {"train": Things(count), "val": Things(4, seed=1)}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the folder of a short training, its run.json, and what it said."""
    out, lines = tmp_path_factory.mktemp("runs") / "things", []
    about = train(data(), out, epochs=6, backbone="small", say=lines.append)
    return out, about, lines


def test_a_training_leaves_the_network_its_scores_its_history_a_card_and_pictures(done):
    out, about, lines = done
    assert json.loads((out / "run.json").read_text()) == about
    assert {"mean_iou", "pixel_accuracy", "iou"} <= about["scores"]["val"].keys()
    rows = history(out)
    assert [int(row["step"]) for row in rows] == [10, 20, 24]
    assert len(lines) == 1 + len(rows)
    card = (out / "README.md").read_text()
    assert card.startswith("---\n")
    assert f"{100 * about['scores']['val']['iou']['thing']:.1f}" in card
    for name in ("first-look.png", "predictions.png", "curve.png"):
        with Image.open(out / name) as picture:
            assert min(picture.size) > 200
    assert not list(out.glob(".*"))


def test_the_file_says_all_that_prediction_needs(done):
    out, about, _ = done
    trained = load(out / "model.safetensors")
    assert trained.classes == ("background", "thing")
    network = trained.about["network"]
    assert len(network["palette"]) == 2
    assert network["normalization"] == {"mean": [127.0] * 3, "std": [128.0] * 3}
    found = evaluate(trained.net, Things(4, seed=1))
    assert found.mean_iou() == pytest.approx(about["scores"]["val"]["mean_iou"], abs=1e-5)


def test_the_best_weights_on_val_are_those_that_are_kept(done):
    out, about, _ = done
    best = max(float(row["val_mean_iou"]) for row in history(out))
    assert about["scores"]["val"]["mean_iou"] == pytest.approx(best, abs=1e-5)


def test_a_training_that_was_stopped_goes_on_to_the_same_end(done, tmp_path):
    out = tmp_path / "stopped"
    asked = []
    about = train(data(), out, epochs=6, stop=lambda: asked.append(1) or len(asked) == 7, **QUICK)
    assert about["steps done"] == 7
    assert (out / "model.safetensors").is_file()
    about = train(data(), out, again=True, **QUICK)
    assert about["steps done"] == about["steps"] == 24
    assert stored(out / "checkpoint.safetensors")["losses"] == stored(done[0] / "checkpoint.safetensors")["losses"]
    assert about["scores"] == done[1]["scores"]


def test_a_training_that_has_ended_can_be_made_longer(tmp_path):
    train(data(), tmp_path / "run", epochs=1, **QUICK)
    about = train(data(), tmp_path / "run", epochs=3, again=True, **QUICK)
    assert about["steps done"] == 12


def _trained(out, done):
    torch.set_num_threads(1)
    train(data(), out, epochs=60, again=(out / "run.json").is_file(), **QUICK)
    done.set()


def test_killed_twenty_times_a_training_loses_at_most_the_steps_since_its_last_checkpoint(tmp_path):
    spawn = get_context("forkserver")
    spawn.set_forkserver_preload(["fcn.runs", "fcn.scenes"])
    out, done, chance, kills, before = tmp_path / "killed", spawn.Event(), random.Random(0), 0, 0
    checkpoint = out / "checkpoint.safetensors"
    while not done.is_set():
        process = spawn.Process(target=_trained, args=(out, done))
        process.start()
        if kills < 20:
            time.sleep(chance.uniform(0.3, 1.2))
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join(120)
        steps = len(stored(checkpoint)["losses"]) if checkpoint.is_file() else 0
        assert steps >= before
        before = steps
    about = json.loads((out / "run.json").read_text())
    assert kills == 20
    assert about["steps done"] == about["steps"] == 120
    whole = tmp_path / "whole"
    train(data(), whole, epochs=60, **QUICK)
    assert stored(checkpoint)["losses"] == stored(whole / "checkpoint.safetensors")["losses"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stride": 16}, "Expected stride 8, as the training in .* began; got 16"),
        ({"seed": 1}, "Expected seed 0, as"),
        ({"loss": "iou"}, "Expected loss both, as"),
    ],
)
def test_a_training_goes_on_as_it_began_or_not_at_all(done, changed, message):
    with pytest.raises(ValueError, match=message):
        train(data(), done[0], again=True, **QUICK | changed)


def test_other_classes_are_refused_on_resuming(done):
    others = data()
    for each in others.values():
        each.classes = ("background", "dog")
    with pytest.raises(ValueError, match=r"Expected classes \['background', 'thing'\], as the training"):
        train(others, done[0], again=True, **QUICK)


def test_a_folder_with_something_in_it_is_left_alone(done, tmp_path):
    with pytest.raises(FileExistsError, match="--resume goes on"):
        train(data(), done[0], epochs=1, **QUICK)
    with pytest.raises(FileNotFoundError, match="no training to go on with"):
        train(data(), tmp_path / "none", again=True, **QUICK)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be written to"):
        train(data(), tmp_path / "file" / "run", epochs=1, **QUICK)


def test_two_trainings_do_not_write_into_one_folder(tmp_path):
    train(data(), tmp_path / "run", epochs=1, **QUICK)
    with Folder(tmp_path / "run", resume=True), pytest.raises(ValueError, match="Another training writes to"):
        train(data(), tmp_path / "run", again=True, **QUICK)


def test_a_training_that_fails_leaves_no_lock_behind(tmp_path):
    few = {"train": part(Things(8), [0, 1]), "val": Things(2)}
    few["val"].classes = ("background", "dog")
    with pytest.raises(ValueError, match="the same classes"):
        train(few, tmp_path / "run", epochs=1, **QUICK)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"backbone": "resnet"}, "'lite0', 'small', 'vgg16'"),
        ({"loss": "dice"}, "'cross-entropy', 'iou', 'both'"),
        ({"epochs": 0}, "Expected epochs as a whole number, 1 or more"),
        ({"minutes": -1}, "Expected minutes as a number above 0"),
        ({"epochs": 1, "minutes": 1}, "epochs or minutes, not both"),
        ({"device": "tpu9"}, "a device that is here"),
        ({"lr": 0}, "the rate as a number above 0"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_line(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message) as error:
        train(data(), tmp_path / "run", **QUICK | wrong)
    assert len(str(error.value).splitlines()) == 1


def test_minutes_become_about_as_many_steps_as_fit(tmp_path):
    begin = time.perf_counter()
    about = train(data(), tmp_path / "run", minutes=0.1, **QUICK)
    took = time.perf_counter() - begin
    assert about["steps done"] >= 5
    assert took < 60  # a machine that others use, and pictures to draw


@given(length=st.integers(2, 300), share=st.floats(0.01, 0.99), seed=st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_each_photograph_is_trained_on_or_decided_by(length, share, seed):
    one, other = divided(length, share, seed)
    assert sorted([*one, *other]) == list(range(length))
    assert one
    assert other
    assert abs(len(other) - share * length) <= 1 or min(len(one), len(other)) == 1


def test_large_photographs_are_made_smaller_and_masks_keep_their_labels():
    class Large:
        classes = ("a", "b", "c")

        def __len__(self):
            return 1

        def __getitem__(self, index):
            mask = torch.zeros(300, 400, dtype=torch.uint8)
            mask[:, 200:] = 2
            return torch.zeros(3, 300, 400, dtype=torch.uint8), mask

    image, mask = Sized(Large(), 100)[0]
    assert image.shape == (3, 75, 100)
    assert mask.unique().tolist() == [0, 2]
    assert within((300, 400), 0) == (300, 400)
    image[:] = 9
    assert Sized(Large(), 100)[0][0].max() == 0


def test_each_photograph_is_read_once():
    class Counted(Things):
        read = 0

        def __getitem__(self, index):
            Counted.read += 1
            return super().__getitem__(index)

    sized = Sized(Counted(3), 640)
    first = [np.asarray(image) for image, _ in (sized[index] for index in range(3))]
    again = [np.asarray(image) for image, _ in (sized[index] for index in range(3))]
    assert Counted.read == 3
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
