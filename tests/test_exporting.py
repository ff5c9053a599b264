"""A trained network for elsewhere: ONNX, torch.export, int8, a folder for the Hub."""

import copy
import json
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from fcn.backbones import small
from fcn.datasets import CamVid
from fcn.export import check, graph, measured, to_int8, to_onnx, to_program
from fcn.export.hub import Shared, to_folder
from fcn.predict import load
from fcn.skips import FCN
from fcn.training import save

ROOT = Path(__file__).resolve().parents[1]
SCENES = ROOT.parent / "shared" / "camvid"
SIZES = [(1, 1, 1), (1, 1, 70), (1, 32, 32), (2, 31, 33), (3, 64, 5), (1, 97, 131)]
NETWORK = {"backbone": "small", "classes": ["sky", "고양이", "road"], "stride": 8, "hidden": 4, "learned": True}
ABOUT = {"command": "train.py --of somebody", "machine": "the attic"}


class Toy(nn.Module):
    """A network that is exported in a moment."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.score = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, image):
        return self.score(image.to(self.score.weight.dtype) / 255)


@pytest.fixture
def toy():
    return SimpleNamespace(net=Toy().eval(), classes=NETWORK["classes"], about={"network": NETWORK} | ABOUT)


def weighted(net):
    """Give the score layers, which start at zero, weights to answer with."""
    torch.manual_seed(1)
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d) and "score" in name:
            nn.init.normal_(layer.weight, std=0.3)
    return net.eval()


def stored(path, net, network):
    save(path, net, network=network, **ABOUT)
    return load(path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    torch.manual_seed(0)  # learned enlarging, which the network of street scenes lacks
    return stored(
        tmp_path_factory.mktemp("tiny") / "net.safetensors",
        weighted(FCN(small(), 3, 8, hidden=4, learned=True)),
        NETWORK,
    )


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "net.onnx"
    return path, to_onnx(tiny, path, source="drawn at random")


@pytest.fixture(scope="module")
def program(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "net.pt2"
    return path, to_program(tiny, path, source="drawn at random")


def images(n, height, width):
    chance = torch.Generator().manual_seed(height)
    return torch.randint(256, (n, 3, height, width), generator=chance, dtype=torch.uint8)


def answered(path, batch):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits", "labels"], {"image": batch.numpy()})


def one_line(error):
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_onnx_file_answers_for_every_size_as_the_network_does(tiny, exported, size):
    batch = images(*size)
    with torch.no_grad():
        expected = tiny.net(batch)
    logits, labels = answered(exported[0], batch)
    assert logits.dtype == np.float32
    assert np.abs(logits - expected.numpy()).max() <= 1e-4
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, expected.argmax(1).numpy())


def test_a_program_of_torch_export_answers_for_every_size_as_the_network_does(tiny, program):
    loaded = torch.export.load(program[0]).module()
    for size in SIZES:
        batch = images(*size)
        with torch.no_grad():
            (logits, labels), expected = loaded(batch), tiny.net(batch)
        assert (logits - expected).abs().max() <= 1e-4
        assert torch.equal(labels, expected.argmax(1).to(torch.uint8))


def test_one_onnx_file_holds_the_weights_and_says_what_it_is(exported):
    path, _ = exported
    assert [other.name for other in path.parent.iterdir()] == ["net.onnx"]
    model = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert not any(weight.external_data for weight in model.graph.initializer)
    assert {weight.data_type for weight in model.graph.initializer} <= {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.INT64,
    }
    assert [(each.domain, each.version) for each in model.opset_import] == [("", graph.OPSET)]
    says = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(says["classes"]) == NETWORK["classes"]
    assert json.loads(says["colors"])[2].startswith("#")
    assert (says["opset"], says["source"], says["longest"]) == (str(graph.OPSET), "drawn at random", "0")
    shapes = {
        part.name: [side.dim_param or side.dim_value for side in part.type.tensor_type.shape.dim]
        for part in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"image": ["N", 3, "H", "W"], "logits": ["N", 3, "H", "W"], "labels": ["N", "H", "W"]}


def test_an_exported_file_tells_nothing_of_the_machine_that_made_it(exported, program):
    with zipfile.ZipFile(program[0]) as archive:
        parts = [exported[0].read_bytes(), *(archive.read(name) for name in archive.namelist())]
    for secret in (str(ROOT), "site-packages", "skips.py", *ABOUT.values()):
        assert not any(secret.encode() in part for part in parts), secret


def test_a_program_says_its_classes_too(program):
    extra = {"fcn.json": ""}
    torch.export.load(program[0], extra_files=extra)
    assert json.loads(extra["fcn.json"])["classes"] == NETWORK["classes"]


def test_the_check_asks_about_five_sizes_or_more_odd_ones_and_the_smallest_among_them(exported):
    found = exported[1]
    assert len(found.sizes) >= 5
    assert (1, 1, 1) in found.sizes
    assert sum(height % 2 and width % 2 for _, height, width in found.sizes) >= 5
    assert any(n > 1 for n, _, _ in found.sizes)
    assert sum(n * height * width for n, height, width in found.sizes) >= 10_000  # else 99.99 % were 100 %
    assert found.holds
    assert found.difference <= 1e-4


def test_what_the_check_asks_about_is_like_a_photograph_neighbors_are_alike():
    picture = check.picture(120, 160, torch.Generator().manual_seed(3)).float()
    assert picture.std() > 25
    assert (picture[:, 1:] - picture[:, :-1]).abs().mean() < picture.std() / 4


@pytest.mark.parametrize("to", [to_onnx, to_program])
def test_a_file_that_answers_otherwise_is_not_written_and_one_line_says_what_differed(toy, tmp_path, monkeypatch, to):
    def other(net):
        return check.torch_answers(_louder(net))

    monkeypatch.setattr(graph, "torch_answers", other)
    with pytest.raises(
        ValueError, match=r"logits to 1e-04 and 99.99 % of the labels; got .* is not written"
    ) as error:
        to(toy, tmp_path / "net.file")
    one_line(error)
    assert list(tmp_path.iterdir()) == []


def _louder(net):
    net = copy.deepcopy(net)
    with torch.no_grad():
        net.score.bias[0] += 2e-4
    return net


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (lambda x: (x.float()[:, :2], x[:, 0]), "Expected labels|got torch.float32"),
        (lambda x: (x.float(), x[:, 0].long()), "Expected labels torch.uint8"),
        (lambda x: 1 / 0, "Expected an answer for 1 image.s. of 4x6 pixels; got division by zero"),
    ],
)
def test_an_answer_of_another_shape_or_type_or_none_is_told_with_the_size(theirs, message):
    ours = lambda x: (x.float(), x[:, 0])  # noqa: E731
    with pytest.raises(ValueError, match=message) as error:
        check.agreement(ours, theirs, [torch.zeros(1, 3, 4, 6, dtype=torch.uint8)])
    one_line(error)


def test_scores_that_are_no_numbers_never_agree():
    def ours(x):
        return x.float(), x[:, 0]

    def theirs(x):
        return torch.where(x == 0, torch.nan, x.float()), x[:, 0]

    zeros, ones = (torch.full((1, 3, 4, 4), value, dtype=torch.uint8) for value in (0, 1))
    assert not check.agreement(ours, theirs, [zeros, ones]).holds
    assert not check.agreement(ours, theirs, [ones, zeros]).holds


@pytest.mark.parametrize("to", [to_onnx, to_program])
def test_what_is_there_is_not_overwritten_unless_it_is_forced(toy, tmp_path, to):
    path = tmp_path / "with space 고양이.file"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="already: name another, or force it") as error:
        to(toy, path)
    one_line(error)
    assert path.read_bytes() == b"mine"


def test_forced_it_is_replaced(toy, tmp_path):
    path = tmp_path / "net.pt2"
    path.write_bytes(b"mine")
    to_program(toy, path, force=True)
    assert path.read_bytes()[:2] == b"PK"
    assert [other.name for other in tmp_path.iterdir()] == ["net.pt2"]


def test_a_link_that_leads_to_itself_is_told(toy, tmp_path):
    (tmp_path / "net.onnx").symlink_to(tmp_path / "net.onnx")
    with pytest.raises(FileNotFoundError, match="leads to itself") as error:
        to_onnx(toy, tmp_path / "net.onnx")
    one_line(error)


@pytest.mark.parametrize("to", [to_onnx, to_program])
def test_a_folder_that_is_not_there_is_told_before_the_work_begins(tmp_path, to):
    with pytest.raises(FileNotFoundError, match="no folder") as error:
        to(None, tmp_path / "none" / "net.file")
    one_line(error)


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_a_library_that_is_missing_is_named_with_the_command_that_installs_it(toy, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        FileNotFoundError, match=f"{missing} is missing.*pip install onnx onnxscript onnxruntime"
    ) as error:
        to_onnx(toy, tmp_path / "net.onnx")
    one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_the_exporter_says_nothing_and_a_real_warning_is_not_lost(toy, tmp_path, capfd, caplog, monkeypatch):
    caplog.set_level(logging.WARNING)
    wrapped = graph.Answering.forward

    def warned(self, image):
        logging.getLogger("torch.onnx").warning("this matters")
        return wrapped(self, image)

    monkeypatch.setattr(graph.Answering, "forward", warned)
    to_onnx(toy, tmp_path / "net.onnx")
    assert {record.message for record in caplog.records} == {"this matters"}
    assert capfd.readouterr().out == ""


def test_an_older_pytorch_still_exports_onnx_for_every_size(toy, tmp_path, monkeypatch):
    every = {"image": {side: torch.export.Dim.DYNAMIC for side in (0, 2, 3)}}
    with monkeypatch.context() as hidden:
        hidden.setitem(sys.modules, "torch.fx.experimental.dynamic_spec", None)
        assert graph._every_size() == every
    monkeypatch.setattr(graph, "_every_size", lambda: every)
    assert (1, 1, 1) in to_onnx(toy, tmp_path / "net.onnx").sizes


def test_half_precision_is_exported_as_float32_and_the_network_is_left_as_it_is(toy, tmp_path):
    half = copy.copy(toy)
    half.net = copy.deepcopy(toy.net).half().train()
    assert to_program(half, tmp_path / "net.pt2").holds
    assert half.net.score.weight.dtype == torch.float16
    assert half.net.training
    with torch.no_grad():
        logits, _ = torch.export.load(tmp_path / "net.pt2").module()(images(1, 40, 50))
    assert logits.dtype == torch.float32


def test_an_unwritable_folder_is_told_and_nothing_is_left(toy, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fcn.files.os.replace", full)
    with pytest.raises(OSError, match=r"net.pt2 could not be written .No space left on device.") as error:
        to_program(toy, tmp_path / "net.pt2")
    one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_the_network_of_street_scenes_exports_and_answers_odd_sizes(tmp_path):
    trained = load("camvid-fcn8s")
    found = to_onnx(trained, tmp_path / "net.onnx", source="camvid-fcn8s")
    assert found.difference <= 1e-4
    assert found.labels >= 0.9999
    for size in [(1, 1, 1), (1, 91, 123), (2, 33, 31)]:
        batch = images(*size)
        logits, labels = answered(tmp_path / "net.onnx", batch)
        with torch.no_grad():
            expected = trained.net(batch).numpy()
        assert np.abs(logits - expected).max() <= 1e-4
        assert (labels == expected.argmax(1)).mean() >= 0.9999
    if SCENES.is_dir():
        streets = CamVid(SCENES, "train")
        some = [streets[index][0][:, 60:300, 80:400] for index in range(0, 320, 80)]
        kept = to_int8(tmp_path / "net.onnx", tmp_path / "small.onnx", some)
        assert kept.kept, kept
        assert (tmp_path / "small.onnx").stat().st_size < (tmp_path / "net.onnx").stat().st_size / 3


def photographs(count=4):
    chance = torch.Generator().manual_seed(5)
    return [check.picture(70 + index, 90, chance) for index in range(count)]


def test_in_eight_bits_the_file_has_the_same_inputs_and_outputs_and_says_the_same(exported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # onnxruntime's tools leave things where they are called
    found = to_int8(exported[0], tmp_path / "small.onnx", photographs(), data=_labelled(exported[0]), lost=0.9)
    assert found.kept
    assert found.before == 1.0  # the masks are its own answers
    assert 0 <= found.after <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["small.onnx"]
    before, after = onnx.load(exported[0]), onnx.load(tmp_path / "small.onnx")
    assert before.metadata_props == after.metadata_props
    assert before.graph.input == after.graph.input
    assert before.graph.output == after.graph.output
    assert [each.domain for each in after.opset_import] == [""]
    assert not [node.op_type for node in after.graph.node if node.domain not in ("", "ai.onnx")]
    assert (tmp_path / "small.onnx").stat().st_size < exported[0].stat().st_size / 2
    with pytest.raises(ValueError, match="8 bits already") as error:
        to_int8(tmp_path / "small.onnx", tmp_path / "smaller.onnx", photographs(1))
    one_line(error)
    logits, labels = answered(tmp_path / "small.onnx", images(1, 1, 1))
    assert logits.shape == (1, 3, 1, 1)
    assert labels.shape == (1, 1, 1)


def _labelled(path):
    return [(photograph, torch.from_numpy(answered(path, photograph[None])[1][0])) for photograph in photographs(2)]


def test_eight_bits_that_lose_the_score_are_not_kept_and_what_stood_there_still_does(exported, tmp_path, monkeypatch):
    monkeypatch.setattr("fcn.export.int8._quantized", lambda model, _: _shuffled(model))
    path = tmp_path / "small.onnx"
    path.write_bytes(b"mine")
    scored = to_int8(exported[0], path, photographs(), data=_labelled(exported[0]), force=True)
    assert (scored.kept, scored.before) == (False, 1.0)
    assert scored.after < 0.9
    without = to_int8(exported[0], path, photographs(), force=True)
    assert (without.kept, without.before, without.photographs) == (False, None, 2)
    assert without.labels < 0.9
    assert path.read_bytes() == b"mine"


def _shuffled(model):
    other = onnx.ModelProto.FromString(model.SerializeToString())
    for weight in other.graph.initializer:
        if "score" in weight.name:
            values = onnx.numpy_helper.to_array(weight)
            weight.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(values[::-1]), weight.name))
    return other.SerializeToString()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "one photograph or more"),
        ([torch.zeros(3, 4, 4)], "photograph 0"),
        ([torch.zeros(1, 3, 4, 4, dtype=torch.uint8)], "photograph 0"),
    ],
)
def test_photographs_that_are_none_are_told(exported, tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message) as error:
        to_int8(exported[0], tmp_path / "small.onnx", wrong)
    one_line(error)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "an empty one"),
        ([(photographs(1)[0], torch.full((70, 90), 255, dtype=torch.uint8))], "void alone"),
        ([(photographs(1)[0], torch.full((70, 90), 3, dtype=torch.uint8))], r"label in 0\.\.2 or 255"),
    ],
)
def test_masks_that_cannot_be_scored_with_are_told(exported, tmp_path, data, message):
    with pytest.raises(ValueError, match=message) as error:
        to_int8(exported[0], tmp_path / "small.onnx", photographs(1), data=data)
    one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_of_a_large_photograph_the_middle_is_used():
    photograph = torch.arange(2000).remainder(256).to(torch.uint8).expand(3, 5, 2000)
    (cut,) = check.middles([photograph])
    assert torch.equal(cut, photograph[:, :, 488:1512])


def test_a_file_that_is_no_network_or_another_one_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file") as error:
        to_int8(tmp_path / "none.onnx", tmp_path / "small.onnx", photographs(1))
    one_line(error)
    (tmp_path / "torn.onnx").write_bytes(b"\x08\x0a torn")
    with pytest.raises(ValueError, match=r"torn\.onnx") as error:
        to_int8(tmp_path / "torn.onnx", tmp_path / "small.onnx", photographs(1))
    one_line(error)
    with pytest.raises(ValueError, match="to_onnx") as error:
        to_int8(ROOT / "data" / "checkpoints" / "fcn32s.onnx", tmp_path / "small.onnx", photographs(1))
    one_line(error)


def test_sizes_and_times_come_as_rows_pytorch_the_first(tiny, exported):
    rows = measured(tiny, photographs(2), {"ONNX": exported[0]}, rounds=2)
    assert [row.form for row in rows] == ["PyTorch", "ONNX"]
    assert (rows[0].time, rows[0].difference, rows[0].labels) == (1.0, 0.0, 1.0)
    assert rows[0].megabytes == pytest.approx(sum(w.nbytes for w in tiny.net.state_dict().values()) / 1e6)
    assert rows[1].megabytes == pytest.approx(exported[0].stat().st_size / 1e6)
    assert 0 < rows[1].time < 50
    assert rows[1].difference <= 1e-4


def test_a_time_is_the_median_of_ratios(monkeypatch):
    from fcn.export import speed

    clock = iter([0, 10, 10, 30, 30, 40, 40, 70, 70, 71, 71, 81])  # seconds: 10 20, 10 30, 1 10
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    assert speed._ratios([lambda image: None] * 2, ["image"], 3) == [1, 3]


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_a_folder_for_the_hub_gives_the_same_answers_bit_for_bit(tiny, tmp_path, offline):
    Shared(tiny, license="mit").save_pretrained(tmp_path / "streets")
    back = Shared.from_pretrained(tmp_path / "streets")
    photograph = images(1, 45, 67)[0]
    with torch.no_grad():
        assert torch.equal(back.net(photograph[None]), tiny.net(photograph[None]))
    assert torch.equal(back(photograph), tiny(photograph))
    assert (back.classes, back.license) == (tiny.classes, "mit")
    assert load(tmp_path / "streets" / "model.safetensors").classes == tiny.classes


def test_a_folder_for_the_hub_says_what_the_network_is_and_nothing_of_who_trained_it(tiny, tmp_path, offline):
    folder = to_folder(tiny, tmp_path / "streets", license="cc-by-nc-4.0")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config.items() >= (NETWORK | {"license": "cc-by-nc-4.0"}).items()
    assert len(config["palette"]) == 3
    from huggingface_hub import ModelCard

    card = ModelCard.load(folder / "README.md")
    assert (card.data.pipeline_tag, card.data.license, card.data.library_name) == (
        "image-segmentation", "cc-by-nc-4.0", "fcn",
    )  # fmt: skip
    assert {"semantic-segmentation", "fcn"} <= set(card.data.tags)
    assert card.text.count("고양이") == 1
    assert all(color in card.text for color in config["palette"])
    assert not any(b"attic" in path.read_bytes() for path in folder.iterdir())


def test_names_of_classes_do_not_break_the_model_card(toy, tmp_path, offline):
    toy.classes = ["a|b", "c\nd", "<script>"]
    card = (to_folder(toy, tmp_path / "streets") / "README.md").read_text(encoding="utf-8")
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[1] for row in rows[1:]] == ["a\\|b", "c d", "&lt;script&gt;"]


def test_what_is_pushed_are_the_three_files(toy, monkeypatch):
    sent = {}

    class Hub:
        def __init__(self, token=None):
            pass

        def create_repo(self, repo_id, **_):
            return SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, folder_path, **how):
            sent.update(how, files=sorted(path.name for path in Path(folder_path).iterdir()))

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Hub)
    Shared(toy).push_to_hub("someone/streets")
    assert (sent["repo_id"], sent["files"]) == ("someone/streets", ["README.md", "config.json", "model.safetensors"])


def test_without_a_license_none_is_claimed(tiny, tmp_path, offline):
    folder = to_folder(tiny, tmp_path / "streets")
    assert "license" not in (folder / "README.md").read_text(encoding="utf-8")
    assert Shared.from_pretrained(folder).license is None


def test_a_folder_with_something_in_it_is_left_alone_unless_it_is_forced(tiny, tmp_path, offline):
    folder = tmp_path / "streets"
    folder.mkdir()
    to_folder(tiny, folder)
    (folder / "README.md").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty") as error:
        to_folder(tiny, folder)
    one_line(error)
    assert (folder / "README.md").read_text() == "mine"
    to_folder(tiny, folder, force=True)
    assert "pipeline_tag" in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["streets"]
    with pytest.raises(FileExistsError, match="is a file") as error:
        to_folder(tiny, folder / "notes.txt")
    one_line(error)


def test_what_fails_half_way_leaves_no_folder(tiny, tmp_path, offline, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fcn.export.hub.write_whole", full)
    with pytest.raises(OSError, match=r"streets could not be written .No space left") as error:
        to_folder(tiny, tmp_path / "streets")
    one_line(error)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def streets(tiny, tmp_path):
    return to_folder(tiny, tmp_path / "streets")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expected JSON in .*config.json"),
        ("[1]", "an object in .*config.json"),
        ("{}", "backbone 'small' in .*config.json, as in model.safetensors; got None"),
        (json.dumps(NETWORK | {"classes": ["a", "b", "c"]}), "classes .* another network's"),
        (json.dumps(NETWORK | {"stride": "eight"}), "stride 8 in .*; got 'eight'"),
    ],
)
def test_a_config_that_says_nonsense_is_told_in_one_line(streets, offline, text, message):
    (streets / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        Shared.from_pretrained(streets)
    one_line(error)


def test_weights_of_another_network_are_told_in_one_line(streets, offline, tmp_path):
    net, other = FCN(small(), 2, 16), {"classes": ["a", "b"], "stride": 16, "hidden": 0, "learned": False}
    save(streets / "model.safetensors", net, network=NETWORK | other)
    with pytest.raises(ValueError, match="another network's") as error:
        Shared.from_pretrained(streets)
    one_line(error)
    save(streets / "model.safetensors", net, network=NETWORK)
    with pytest.raises(ValueError, match=r"the network of .*model\.safetensors") as error:
        Shared.from_pretrained(streets)
    one_line(error)
    (streets / "model.safetensors").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ValueError, match="damaged or no checkpoint") as error:
        Shared.from_pretrained(streets)
    one_line(error)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_told(streets, offline, file):
    (streets / file).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {file} in") as error:
        Shared.from_pretrained(streets)
    one_line(error)


@pytest.mark.parametrize("name", ["/nowhere/at all", "someone/streets", "streets"])
def test_a_name_that_is_no_folder_and_not_to_be_had_is_told(offline, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"There is no folder {name}") as error:
        Shared.from_pretrained(name, cache_dir=tmp_path)
    one_line(error)


def test_what_the_hub_has_given_once_is_opened_from_its_cache(streets, offline, tmp_path):
    cached = tmp_path / "cache" / "models--someone--streets"
    (cached / "refs").mkdir(parents=True), (cached / "snapshots").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    os.rename(streets, cached / "snapshots" / ("0" * 40))
    assert Shared.from_pretrained("someone/streets", cache_dir=tmp_path / "cache").classes == tuple(
        NETWORK["classes"]
    )


def test_what_is_shared_is_what_the_exports_take(streets, offline):
    shared = Shared.from_pretrained(streets)
    assert graph.about(shared, "")["classes"] == NETWORK["classes"]
    assert graph.traced(SimpleNamespace(net=Toy(), classes=shared.classes)).module() is not None


def test_the_room_is_entered_without_the_libraries_that_take_long():
    heavy = ("onnx", "onnxscript", "onnxruntime", "huggingface_hub", "timm", "torchvision")
    code = f"import sys, fcn.export; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
