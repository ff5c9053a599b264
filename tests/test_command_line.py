"""fcn check, train, evaluate, predict, export, as a reader types them, and as hostile ones do."""

import csv
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from notebooks import ROOT
from PIL import Image

from fcn.__main__ import main
from fcn.backbones import small
from fcn.datasets import write_shards
from fcn.doctor import examined
from fcn.scenes import EmojiScenes
from fcn.skips import FCN
from fcn.training import save

QUICK = ["--backbone", "small", "--epochs", "1"]
NETWORK = {"backbone": "small", "classes": ["background", "object"], "stride": 8, "hidden": 0}


def folder(root: Path, count: int = 10) -> Path:
    """Write drawn scenes with masks of 0 and 255, as labelling tools for one kind of thing do."""
    (root / "images").mkdir(parents=True), (root / "masks").mkdir()
    for number, (image, mask) in enumerate(EmojiScenes(count, seed=0, split="train", size=64)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(root / "images" / f"{number}.jpg")
        Image.fromarray(255 * (mask > 0).to(torch.uint8).numpy()).save(root / "masks" / f"{number}.png")
    return root


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder that holds pictures/ and a network."""
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "pictures")
    save("net.safetensors", FCN(small(), 2, 8), network=NETWORK)
    return tmp_path


def asked(*words: str) -> int:
    """Return the exit code of a command."""
    try:
        return main([*map(str, words)])
    except SystemExit as end:
        return end.code


def test_from_photographs_to_masks_in_three_commands(here, capsys):
    assert asked("check", "pictures") == 0
    assert "255 is not void here" in " ".join(capsys.readouterr().out.split())
    assert asked("train", "pictures", *QUICK) == 0
    about = json.loads(Path("runs/pictures/run.json").read_text())
    said = capsys.readouterr().out
    assert f"mean IoU                {100 * about['scores']['val']['mean_iou']:6.1f}" in said
    assert asked("evaluate", "runs/pictures/model.safetensors", "pictures") == 0
    again = capsys.readouterr().out
    assert "val, which it was not trained on (the other 8 are left out; --split all): 2 photographs" in again
    assert f"mean IoU                {100 * about['scores']['val']['mean_iou']:6.1f}" in again
    assert asked("predict", "runs/pictures/model.safetensors", "pictures/images", "--overlay") == 0
    rows = list(csv.DictReader(Path("predictions/counts.csv").read_text().splitlines()))
    with Image.open("predictions/3.png") as mask:
        assert mask.size == (64, 64)
        assert int(rows[3]["object"]) == (np.array(mask) == 1).sum()
    assert Path("predictions/3.overlay.jpg").is_file()


def test_a_network_is_exported_and_the_command_says_how_well_it_agrees(here, capsys):
    assert asked("export", "net.safetensors", "--to", "net.onnx") == 0
    said = capsys.readouterr().out
    assert "its labels in 100.00 %" in said
    assert "ONNX" in said
    assert asked("export", "net.safetensors", "--to", "hub") == 0
    assert json.loads(Path("hub/config.json").read_text())["classes"] == NETWORK["classes"]
    capsys.readouterr()
    assert asked("export", "net.safetensors", "--to", "net.onnx") == 1
    assert "net.onnx" in capsys.readouterr().err


def test_the_doctor_speaks_to_programs_and_mends(here, capsys):
    Path("pictures/masks/3.png").write_text("no picture")
    assert asked("check", "pictures", "--json") == 1
    assert not json.loads(capsys.readouterr().out)["ok"]
    capsys.readouterr()
    assert asked("check", "pictures", "--fix", "clean") == 0
    assert "clean: 9 pairs" in capsys.readouterr().out
    assert asked("check", "clean") == 0
    assert len(list(Path("clean/images").iterdir())) == 9


def hostile(name: str) -> list[str]:
    """Return a command of which nothing can come, after preparing for it."""
    match name:
        case "pickle":

            class Harm:
                def __reduce__(self):
                    return Path.touch, (Path("harm"),)

            Path("bad.safetensors").write_bytes(pickle.dumps(Harm()))
        case "torn":
            whole = Path("net.safetensors").read_bytes()
            Path("bad.safetensors").write_bytes(whole[: len(whole) // 2])
        case "text":
            Path("pictures/images/4.jpg").write_text("no picture")
        case "taken":
            Path("taken").write_text("")
        case "begun":
            asked("train", "pictures", *QUICK, "--out", "run")
        case "broken":
            Path("broken").mkdir()
            Path("broken/checkpoint.safetensors").write_bytes(b"")
        case "other":
            asked("train", "pictures", *QUICK, "--out", "run", "--classes", "ground,thing")
    return []  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said", "before"),
    [
        (["check", "nowhere"], 1, "nowhere", ""),
        (["train", "empty"], 1, "empty cannot be used as it is", ""),
        (["check", "net.safetensors"], 1, "net.safetensors", ""),
        (["check", "pictures", "--fix", "taken"], 1, "taken", "taken"),
        (["check", "pictures", "--void", "many"], 2, "neither auto nor none", ""),
        (["train"], 2, "Expected FOLDER, or --data with --root; got neither", ""),
        (["train", "pictures", "--data", "voc"], 2, "got pictures and voc", ""),
        (["train", "--data", "voc"], 2, "--root DIR", ""),
        (["train", "--data", "camvid", "--root", "empty"], 1, "empty/train", ""),
        (["train", "pictures", "--stride", "5"], 2, "invalid choice: 5", ""),
        (["train", "pictures", "--epochs", "2", "--minutes", "3"], 2, "not allowed with argument", ""),
        (["train", "pictures", *QUICK, "--val", "1.5"], 2, "a number from 0.01 on and below 1; got '1.5'", ""),
        (["train", "pictures", "--epochs", "0"], 2, "a whole number from 1 on; got '0'", ""),
        (["train", "pictures", "--longest", "10"], 2, "from 64 on, or 0", ""),
        (["train", "pictures", *QUICK, "--device", "gpu"], 1, "a device that is here", ""),
        (["export", "net.safetensors", "--to", "net.tflite"], 2, "NAME.onnx, NAME.pt2 or a folder", ""),
        (["predict", "pictures", "pictures/images"], 1, "no file pictures/model.safetensors", ""),
        (["predict", "broken", "pictures/images"], 1, "broken was broken off", "broken"),
        (["predict", "run/checkpoint.safetensors", "pictures/images"], 1, "a checkpoint, for --resume", "begun"),
        (["predict", "net.safetensors", "pictures/images", "--out", "pictures/masks"], 1, "are there already", ""),
        (["train", "pictures", *QUICK, "--out", "taken/run"], 1, "taken/run cannot be written to", "taken"),
        (["train", "pictures", *QUICK], 1, "cannot be used as it is", "text"),
        (["train", "pictures", *QUICK, "--out", "run"], 1, "--resume goes on", "begun"),
        (["train", "pictures", *QUICK, "--out", "run", "--resume"], 1, "Expected classes ['ground'", "other"),
        (["train", "pictures", *QUICK, "--out", "run", "--resume"], 1, "no training to go on with in run", ""),
        (["train", "pictures", *QUICK, "--device", "tpu9"], 1, "a device that is here", ""),
        (["evaluate", "camvid-fcn8s", "pictures"], 1, "for the 2 classes of pictures; got camvid-fcn8s", ""),
        (["evaluate", "net.safetensors", "pictures", "--split", "test"], 1, "a part test in pictures", ""),
        (["predict", "bad.safetensors", "pictures/images"], 1, "bad.safetensors is damaged", "pickle"),
        (["predict", "bad.safetensors", "pictures/images"], 1, "bad.safetensors is damaged", "torn"),
        (["predict", "nothing", "pictures/images"], 1, "no network of this book's of that name", ""),
        (["predict", "net.safetensors"], 2, "required: PHOTO", ""),
        (["predict", "net.safetensors", "nowhere/*.jpg"], 1, "nowhere", ""),
        (["predict", "net.safetensors", "pictures/images", "--out", "taken"], 1, "taken", "taken"),
        (["predict", "net.safetensors", "pictures/images"], 1, "9 of 10 photographs were done", "text"),
        (["export", "net.safetensors", "--to", "nowhere/net.onnx"], 1, "nowhere", ""),
        (["export", "net.safetensors", "--to", "net.pt2", "--int8", "pictures"], 2, "NAME.onnx with --int8", ""),
        (["paint", "pictures"], 2, "invalid choice: 'paint'", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_done_ends_with_one_line_a_code_and_nothing_lost(here, capsys, words, code, said, before):
    Path("empty").mkdir()
    hostile(before)
    there = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert asked(*words) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert len(printed.err.strip().splitlines()) == 1 or code == 2
    assert not Path("harm").exists()
    assert all(path.read_bytes() == content for path, content in there.items())


def test_ctrl_c_ends_a_training_with_a_network_and_resume_goes_on(here):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fcn", "train", "pictures", "--backbone", "small", "--epochs", "400"]
    training = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    for line in training.stdout:
        if line.startswith("step "):
            break
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=120)
    assert training.returncode == 130
    assert "--resume goes on" in out
    assert err.startswith("Stopping after this step")
    assert "Traceback" not in err
    done = json.loads(Path("runs/pictures/run.json").read_text())["steps done"]
    assert Path("runs/pictures/model.safetensors").is_file()
    assert 0 < done < 400
    assert asked("train", "pictures", "--backbone", "small", "--epochs", "400", "--resume", "--minutes", "1") == 2


def test_two_processes_train_one_network_and_one_of_them_speaks(here):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "fcn"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    train = [*command, "train", "pictures", *QUICK, "--device", "cpu"]
    done = subprocess.run(train, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mean IoU      ") == 1
    about = json.loads(Path("runs/pictures/run.json").read_text())
    assert about["steps done"] == about["steps"] == 4
    assert asked("evaluate", "runs/pictures/model.safetensors", "pictures") == 0


def test_shards_are_trained_on_as_a_folder_is(here, capsys):
    write_shards(examined("pictures").data("all"), "shards")
    assert asked("train", "shards", *QUICK) == 0
    assert asked("evaluate", "runs/shards", "shards") == 0
    assert "val, which it was not trained on (the other 8" in capsys.readouterr().out


def test_help_comes_at_once(capsys):
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import sys, fcn.__main__; sys.exit('torch' in sys.modules)"], check=True)
    assert time.perf_counter() - begin < 30  # it imports nothing that is slow: that is what the line above proves
    for verb in ("check", "train", "evaluate", "predict", "export", "fetch"):
        assert asked(verb, "--help") == 0
        assert verb in capsys.readouterr().out


def test_all_verbs_work_from_the_wheel_with_the_repository_away(tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*pip, str(ROOT)], check=True)
    folder(empty / "pictures")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    model = "runs/pictures/model.safetensors"
    for words in (
        ["check", "pictures"], ["train", "pictures", *QUICK], ["evaluate", model, "pictures"],
        ["predict", model, "pictures/images"], ["export", model, "--to", "net.onnx"],
    ):  # fmt: skip
        program = [sys.executable, "-c", "import sys, fcn; from fcn.__main__ import main; print(fcn.__file__); "
                   "sys.exit(main(sys.argv[1:]))", *words]  # fmt: skip
        done = subprocess.run(program, cwd=empty, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(site))
    assert (empty / "net.onnx").is_file()
    assert len(list((empty / "predictions").glob("*.png"))) == 10
