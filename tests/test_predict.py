"""A trained network from its file, and the command line that scores it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from fcn import data_path
from fcn.__main__ import main
from fcn.backbones import lite0
from fcn.datasets import CamVid, camvid
from fcn.metrics import Confusion
from fcn.predict import load
from fcn.skips import FCN
from fcn.training import evaluate, save

SCENES = Path(__file__).resolve().parents[2] / "shared" / "camvid"
NETWORK = {"backbone": "lite0", "classes": list(camvid.CLASSES), "stride": 16, "hidden": 8}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return the file of a small network that says which one it is."""
    torch.manual_seed(3)
    net = FCN(lite0(pretrained=False), 11, stride=16, hidden=8)
    for layer in (net.score_fr[-1], net.score_pool4[-1]):
        nn.init.normal_(layer.weight)
    path = tmp_path_factory.mktemp("networks") / "ours.safetensors"
    save(path, net, network=NETWORK)
    return path, net.eval()


@pytest.fixture
def streets(tmp_path):
    """Return a folder like CamVid's with two photographs of the split val."""
    random = np.random.default_rng(0)
    for number in range(2):
        photograph, mask = (tmp_path / folder / f"{number}.png" for folder in ("val", "valannot"))
        photograph.parent.mkdir(exist_ok=True), mask.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(256, size=(64, 96, 3), dtype=np.uint8)).save(photograph)
        Image.fromarray(random.integers(12, size=(64, 96), dtype=np.uint8)).save(mask)
    return tmp_path


def test_what_is_loaded_answers_as_the_network_that_was_saved(file):
    path, net = file
    trained = load(path)
    photograph = torch.randint(256, (3, 50, 75), dtype=torch.uint8)
    with torch.no_grad():
        expected = net(photograph[None])[0].argmax(0)
    assert torch.equal(trained(photograph).long(), expected)
    as_array = trained(photograph.permute(1, 2, 0).numpy())
    assert isinstance(as_array, np.ndarray)
    assert np.array_equal(as_array, expected.numpy())
    assert trained.classes == camvid.CLASSES


@pytest.mark.parametrize(
    "wrong", [torch.zeros(3, 4, 4), torch.zeros(1, 3, 4, 4, dtype=torch.uint8), np.zeros((4, 4), np.uint8)]
)
def test_what_is_no_photograph_is_refused_in_one_line(file, wrong):
    with pytest.raises(ValueError, match="Expected a photograph") as error:
        load(file[0])(wrong)
    assert len(str(error.value).splitlines()) == 1


def test_an_unknown_name_is_told():
    with pytest.raises(FileNotFoundError, match="no file camvid-fcn9s"):
        load("camvid-fcn9s")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (None, "says which network it holds"),
        ({"backbone": "lite0", "classes": ["a", "b"]}, "says which network it holds"),
        (NETWORK | {"backbone": "lite9"}, "'lite0', 'small'"),
        (NETWORK | {"classes": 3}, "different names as classes"),
        (NETWORK | {"classes": ["a", "a"]}, "different names as classes"),
        (NETWORK | {"hidden": 10**8}, r"the hidden channels of .* from 0 to 4096"),
        (NETWORK | {"stride": 5}, "the stride"),
    ],
)
def test_a_file_that_does_not_say_enough_of_its_network_is_refused(tmp_path, network, message):
    save(tmp_path / "odd.safetensors", nn.Conv2d(1, 1, 1), **({"network": network} if network else {}))
    with pytest.raises(ValueError, match=message) as error:
        load(tmp_path / "odd.safetensors")
    assert len(str(error.value).splitlines()) == 1


def test_a_mirrored_array_is_a_photograph_too(file):
    photograph = np.random.default_rng(0).integers(256, size=(40, 50, 3), dtype=np.uint8)
    trained = load(file[0])
    assert np.array_equal(trained(photograph[:, ::-1]), trained(photograph[:, ::-1].copy()))


def test_the_command_line_prints_the_scores_that_the_definition_gives(file, streets, capsys):
    path, net = file
    assert main(["evaluate", str(path), "--data", "camvid", "--root", str(streets)]) == 0
    table = torch.zeros(11, 11)
    for image, mask in CamVid(streets, "val"):
        with torch.no_grad():
            answer = net(image[None])[0].argmax(0)
        for truth, said in zip(mask[mask != 255].tolist(), answer[mask != 255].tolist(), strict=True):
            table[truth, said] += 1
    right = table.diagonal()
    iou = right / (table.sum(0) + table.sum(1) - right)
    printed = dict(
        line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:] if " " in line.strip()
    )
    printed = {name.strip(): float(value) for name, value in printed.items()}
    assert printed["pixel accuracy"] == pytest.approx(100 * (right.sum() / table.sum()).item(), abs=0.051)
    assert printed["mean accuracy"] == pytest.approx(100 * (right / table.sum(1)).mean().item(), abs=0.051)
    assert printed["mean IoU"] == pytest.approx(100 * iou.mean().item(), abs=0.051)
    assert [printed[name] for name in camvid.CLASSES] == pytest.approx((100 * iou).tolist(), abs=0.051)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["evaluate", "camvid-fcn8s", "--data", "camvid", "--root", "/nowhere"], 1, "no folder /nowhere/val"),
        (["evaluate", "camvid-fcn8s", "--data", "kitti", "--root", "."], 2, "invalid choice: 'kitti'"),
        ([], 2, "required: VERB"),
    ],
)  # fmt: skip
def test_wrong_words_end_with_one_line_and_no_traceback(words, code, said):
    done = subprocess.run([sys.executable, "-m", "fcn", *words], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= (1 if code == 1 else 5)


def test_flips_and_scales_are_averaged_where_they_are_asked_for(file, streets, capsys):
    path, net = file
    words = ["evaluate", str(path), "--data", "camvid", "--root", str(streets)]
    assert main([*words, "--flips", "--scales", "1", "1.5"]) == 0
    (printed,) = (line.split()[-1] for line in capsys.readouterr().out.splitlines() if line.startswith("mean IoU"))
    table = Confusion(11)
    for image, mask in CamVid(streets, "val"):
        large = F.interpolate(image[None].float(), (96, 144), mode="bilinear").round().to(torch.uint8)
        with torch.no_grad():
            each = [net(side).softmax(1) for side in (image[None], image[None].flip(3), large, large.flip(3))]
        each = [F.interpolate(part, (64, 96), mode="bilinear") for part in each]
        mean = each[0] + each[1].flip(3) + each[2] + each[3].flip(3)
        table.update(mask[None], mean.argmax(1).to(torch.uint8))
    assert float(printed) == pytest.approx(100 * table.mean_iou(), abs=0.15)


def test_masks_of_void_alone_have_no_score(file, streets, capsys):
    for path in (streets / "valannot").iterdir():
        Image.fromarray(np.full((64, 96), 11, dtype=np.uint8)).save(path)
    assert main(["evaluate", str(file[0]), "--data", "camvid", "--root", str(streets)]) == 1
    assert capsys.readouterr().err.strip().endswith("got void alone.")


def test_the_same_classes_in_another_order_are_refused(streets, tmp_path, capsys):
    save(tmp_path / "turned.safetensors", FCN(lite0(pretrained=False), 11, stride=32),
         network=NETWORK | {"classes": [*reversed(camvid.CLASSES)], "stride": 32, "hidden": 0})  # fmt: skip
    turned = str(tmp_path / "turned.safetensors")
    assert main(["evaluate", turned, "--data", "camvid", "--root", str(streets)]) == 1
    assert "11 classes of camvid in their order" in capsys.readouterr().err


def test_a_network_for_other_classes_is_refused(file, streets, tmp_path, capsys):
    save(tmp_path / "other.safetensors", FCN(lite0(pretrained=False), 2, stride=32),
         network={"backbone": "lite0", "classes": ["background", "pet"], "stride": 32, "hidden": 0})  # fmt: skip
    words = ["evaluate", str(tmp_path / "other.safetensors"), "--data", "camvid", "--root", str(streets)]
    assert main(words) == 1
    assert "11 classes of camvid; got" in capsys.readouterr().err


def test_what_cannot_be_fetched_is_told_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(camvid, "LISTING", "http://localhost:9/list")
    assert main(["fetch", "--data", "camvid", "--root", str(tmp_path / "camvid")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "By hand: git clone" in line


def test_the_books_network_for_streets_sees_the_road_the_sky_and_the_cars_of_a_highway():
    trained = load("camvid-fcn8s")
    assert trained.classes == camvid.CLASSES
    with Image.open(data_path("photographs/highway.jpg")) as photograph:
        answer = trained(np.array(photograph))
    road, sky, car = (answer == trained.classes.index(name) for name in ("road", "sky", "car"))
    assert road[400:].mean() > 0.9
    assert sky[:150].mean() > 0.9
    assert 0.005 < car.mean() < 0.1
    assert car[:150].sum() == 0


def test_the_books_network_for_streets_has_fewer_than_four_million_weights_in_less_than_ten_megabytes():
    trained = load("camvid-fcn8s")
    assert sum(weight.numel() for weight in trained.net.parameters()) < 4e6
    assert data_path("checkpoints/camvid-fcn8s.safetensors").stat().st_size < 10e6


@pytest.mark.skipif(not SCENES.is_dir(), reason="CamVid is not here (CamVid(root, download=True))")
def test_the_books_network_for_streets_scores_what_it_says_of_itself():
    trained = load("camvid-fcn8s")
    counts = evaluate(trained.net, CamVid(SCENES, "val"), batch=1)
    assert counts.mean_iou() == pytest.approx(trained.about["val"]["mean IoU"], abs=0.002)
    assert counts.pixel_accuracy() == pytest.approx(trained.about["val"]["pixel accuracy"], abs=0.002)
