"""What is kept of a training, and how it goes on: against a training that was never stopped, and against kill -9."""

import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from test_training import data, model
from torch import nn
from torch.utils.data import TensorDataset

from fcn.backbones import small
from fcn.skips import FCN
from fcn.training import augmented, checkpoints, evaluate, fit, one_cycle, polynomial, resume, save

SCRIPT = """
import sys, time, torch
from torch import nn
from torch.utils.data import Dataset
from fcn.training import fit
torch.set_num_threads(1)

class Slow(Dataset):
    def __len__(self):
        return 24
    def __getitem__(self, index):
        time.sleep(0.0005)
        image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(index))
        return image, (image.sum(0) > 1.5).to(torch.uint8)

def darker(image, mask, *, generator):
    return image * torch.rand(1, generator=generator), mask

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), nn.Conv2d(8, 2, 1))
torch.optim.AdamW(net.parameters())  # the first optimizer of a process takes seconds to import
print("started", flush=True)
losses = fit(net, Slow(), steps=240, lr=0.05, seed=5, batch=5, transform=darker,
             checkpoint=sys.argv[1], every=3)
torch.save([losses, net.state_dict()], sys.argv[2])
"""


def started(folder, name: str) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, str(folder / f"{name}.safetensors"), str(folder / f"{name}.pt")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_killed_at_twenty_random_moments_training_ends_with_the_same_weights_bit_for_bit(tmp_path):
    with started(tmp_path, "whole") as process:
        process.wait()
    assert process.returncode == 0
    waits, steps = random.Random(time.time_ns()), []
    for _ in range(20):
        with started(tmp_path, "killed") as process:
            process.stdout.readline()
            time.sleep(waits.uniform(0.02, 0.25))
            process.kill()
        if (tmp_path / "killed.safetensors").exists():
            with safetensors.safe_open(tmp_path / "killed.safetensors", framework="pt") as file:
                steps.append(len(checkpoints.json.loads(file.metadata()["fcn"])["losses"]))
    assert len(set(steps)) > 3, f"it was killed at steps {steps}: too early or too late to prove anything"
    with started(tmp_path, "killed") as process:
        process.wait()
    assert process.returncode == 0
    (losses, weights), (expected_losses, expected) = (
        torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("killed", "whole")
    )
    assert losses == expected_losses
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 7])
@pytest.mark.parametrize("options", [{}, {"transform": augmented, "recipe": polynomial}])
def test_a_training_that_stopped_goes_on_at_the_same_step_of_the_same_epoch(tmp_path, monkeypatch, stop, options):
    asked = {"steps": 8, "lr": 0.05, "batch": 4, **options}  # three batches an epoch
    whole = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(1)
    expected = fit(whole, data(), seed=3, **asked)

    real, calls = checkpoints.save, []

    def dies_after(path, *arguments, **about):
        real(path, *arguments, **about)
        calls.append(path)
        if len(calls) == stop:
            raise KeyboardInterrupt

    path = tmp_path / "net.safetensors"
    net = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(1)
    monkeypatch.setattr(checkpoints, "save", dies_after)
    with pytest.raises(KeyboardInterrupt):
        fit(net, data(), seed=3, checkpoint=path, every=1, **asked)
    monkeypatch.undo()
    again = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(99)
    assert fit(again, data(), seed=3, checkpoint=path, every=1, **asked) == expected
    assert torch.equal(again[1].weight, whole[1].weight)
    # a training that has ended is not trained again
    assert fit(again, data(), seed=3, checkpoint=path, every=1, **asked) == expected


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(tmp_path):
    path = tmp_path / "net.safetensors"
    images, masks = data(12).tensors
    images[7] = torch.nan
    net = model()
    with pytest.raises(ValueError, match="nan at step"):
        fit(
            net,
            TensorDataset(images, masks),
            steps=9,
            lr=0.1,
            seed=3,
            batch=4,
            every=1,
            checkpoint=path,
        )
    if path.exists():
        assert all(tensor.isfinite().all() for tensor in safetensors.torch.load_file(path).values())


def test_weights_that_are_no_numbers_are_not_saved_over_good_ones(tmp_path):
    path, net = tmp_path / "net.safetensors", model()
    save(path, net, seed=3)
    before = path.read_bytes()
    with torch.no_grad():
        net.weight[0, 0] = torch.inf
    with pytest.raises(ValueError, match=r"finite weights in model\.weight; .*Not saved"):
        save(path, net)
    assert path.read_bytes() == before


def test_what_is_saved_comes_back_with_what_was_said_of_it_in_half_precision_too(tmp_path):
    torch.manual_seed(0)
    net, other = FCN(small(), 5, 8), FCN(small(), 5, 8)
    nn.init.normal_(net.score_fr.weight)
    save(tmp_path / "whole.safetensors", net, seed=3, words=["a"])
    assert resume(tmp_path / "whole.safetensors", other) == {"seed": 3, "words": ["a"]}
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in other.state_dict().items())
    save(tmp_path / "half.safetensors", net.half())
    resume(tmp_path / "half.safetensors", other)
    assert other.score_fr.weight.dtype == torch.float32
    assert torch.equal(other.score_fr.weight, net.score_fr.weight.float())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: FCN(small(), 7, 16), r"score_fr\.weight is \(5, 192, 1, 1\): other classes\?; got \(7, 192, 1, 1\)"),
        (lambda: FCN(small(), 5, 8), r"only one of the two has; got \['score_pool3\.bias'\]"),
        (lambda: FCN(small(), 5, 32), r"only one of the two has; got \['score_pool4\.bias'\]"),
        (model, r"only one of the two has; got \['backbone"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_and_nothing_is_loaded(tmp_path, other, message):
    path = tmp_path / "net.safetensors"
    save(path, FCN(small(), 5, 16))
    net = other()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        resume(path, net)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, kept):
    path = tmp_path / "net.safetensors"
    save(path, model())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"net\.safetensors is damaged or no checkpoint"):
        resume(path, model())


def test_files_that_are_missing_or_say_nothing_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*gone\.safetensors"):
        resume(tmp_path / "gone.safetensors", model())
    nowhere = tmp_path / "nowhere" / "net.safetensors"
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        save(nowhere, model())
    broken = TensorDataset(torch.full((4, 3, 8, 8), torch.nan), torch.zeros(4, 8, 8).byte())
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):  # before the first step
        fit(model(), broken, steps=4, lr=0.1, seed=3, batch=4, checkpoint=nowhere)
    with pytest.raises(FileNotFoundError, match=r"is a folder: name a file"):
        save(tmp_path, model())
    safetensors.torch.save_file(model().state_dict(), tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match=r"not .*foreign\.safetensors, saying of itself; got None"):
        resume(tmp_path / "foreign.safetensors", model())


def test_the_state_of_another_optimizer_is_refused_and_nothing_is_loaded(tmp_path):
    path, net = tmp_path / "net.safetensors", model()
    fit(net, data(), steps=4, lr=0.1, seed=3, batch=4, checkpoint=path)
    other = model()
    for optimizer in (
        torch.optim.SGD(other.parameters(), 0.1, momentum=0.9),
        torch.optim.Adagrad(other.parameters()),
    ):
        with pytest.raises(ValueError, match=f"type of .*, AdamW; got '{type(optimizer).__name__}'"):
            resume(path, other, optimizer)
        assert torch.equal(other.weight, model().weight)


def test_a_checkpoint_of_other_settings_or_of_weights_alone_is_no_training_to_go_on_with(tmp_path):
    path = tmp_path / "net.safetensors"
    fit(model(), data(), steps=4, lr=0.1, seed=3, batch=4, checkpoint=path)
    with pytest.raises(ValueError, match=r"lr 0\.1, as in .*; got 0\.2"):
        fit(model(), data(), steps=4, lr=0.2, seed=3, batch=4, checkpoint=path)
    other = model()
    nn.init.ones_(other.weight)
    with pytest.raises(ValueError, match=r"4 steps or more, as .* has done; got 3"):
        fit(other, data(), steps=3, lr=0.1, seed=3, batch=4, checkpoint=path)
    for changed in ({"transform": augmented}, {"recipe": polynomial}, {"recipe": partial(one_cycle, backbone=1)}):
        with pytest.raises(ValueError, match=f"{next(iter(changed))} .*, as in .*; got"):
            fit(other, data(), steps=4, lr=0.1, seed=3, batch=4, checkpoint=path, **changed)
    assert (other.weight == 1).all()
    save(path, model())
    with pytest.raises(ValueError, match="got 'weights alone'"):
        fit(model(), data(), steps=4, lr=0.1, seed=3, batch=4, checkpoint=path)


# --- stages, longer trainings, the best weights ---------------------------------------------------------------------


def test_stages_of_one_training_can_be_killed_between_each_other(tmp_path):
    """Each stage has chance of its own: one that was done before leaves nothing behind that the next one needs."""

    def staged(folder):
        nets = [nn.Sequential(nn.Dropout(0.5), model()) for _ in range(2)]
        for number, net in enumerate(nets):
            path = folder / f"{number}.safetensors"
            fit(net, data(), steps=5, lr=0.1, seed=number, batch=4, transform=augmented, checkpoint=path)
        return nets[1][1].weight

    tmp_path.joinpath("a").mkdir()
    first = staged(tmp_path / "a")
    (tmp_path / "a" / "1.safetensors").unlink()
    assert torch.equal(staged(tmp_path / "a"), first)


@pytest.mark.parametrize("recipe", [one_cycle, polynomial])
def test_a_training_is_extended_at_the_rates_of_the_longer_one(tmp_path, recipe):
    path, optimizers, rates = tmp_path / "net.safetensors", [], []

    def noted(net, lr, steps):
        optimizers.append(recipe(net, lr, steps))
        return optimizers[-1]

    def loss(logits, masks):
        rates.append(optimizers[-1][0].param_groups[0]["lr"])
        return F.cross_entropy(logits, masks)

    asked = {"lr": 0.1, "seed": 3, "batch": 4, "recipe": noted, "loss": loss}
    first = fit(model(), data(), steps=4, checkpoint=path, **asked)
    losses = fit(model(), data(), steps=10, checkpoint=path, **asked)
    assert losses[:4] == first
    assert len(losses) == 10
    fit(model(), data(), steps=10, **asked)
    assert rates[4:10] == rates[10:][4:]


def test_the_weights_that_validate_likes_best_are_kept_beside_the_checkpoint(tmp_path):
    path, seen = tmp_path / "net.safetensors", []

    def validate(net):
        seen.append(({name: value.clone() for name, value in net.state_dict().items()}, [3, 9, 1, 7][len(seen)]))
        return seen[-1][1]

    fit(model(), data(), steps=8, lr=0.1, seed=3, batch=4, checkpoint=path, every=2, validate=validate)
    best = model()
    assert resume(tmp_path / "net.safetensors.best", best) == {"score": 9.0, "step": 4}
    assert torch.equal(best.weight, seen[1][0]["weight"])
    assert resume(path, model())["scores"] == [[2, 3.0], [4, 9.0], [6, 1.0], [8, 7.0]]


def test_the_best_weights_survive_a_kill(tmp_path):
    path = tmp_path / "net.safetensors"
    asked = {"lr": 0.1, "seed": 3, "batch": 4, "checkpoint": path, "every": 2}
    fit(model(), data(), steps=4, validate=lambda net: 9, **asked)
    fit(model(), data(), steps=8, validate=lambda net: 5, **asked)
    assert resume(tmp_path / "net.safetensors.best", model())["step"] == 2


def test_validating_by_evaluate_changes_nothing(tmp_path):
    nets = [nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(3), model()) for _ in range(2)]
    fit(nets[0], data(), steps=6, lr=0.1, seed=3, batch=4)
    fit(
        nets[1], data(), steps=6, lr=0.1, seed=3, batch=4, checkpoint=tmp_path / "n.safetensors", every=2,
        validate=lambda net: evaluate(net, data()).mean_iou(),
    )  # fmt: skip
    assert torch.equal(nets[0][2].weight, nets[1][2].weight)


# --- other optimizers, wrapped networks -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RAdam, torch.optim.Adamax])
def test_a_state_is_only_taken_by_an_optimizer_of_its_kind(tmp_path, kind):
    path, net = tmp_path / "net.safetensors", model()
    fit(net, data(), steps=2, lr=0.1, seed=3, batch=4, checkpoint=path)
    optimizer = kind(net.parameters())
    with pytest.raises(ValueError, match=f"type of .*, AdamW; got '{kind.__name__}'"):
        resume(path, net, optimizer)
    assert not optimizer.state


def test_a_state_is_only_taken_by_parameters_in_its_order(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    optimizer = torch.optim.AdamW(net.parameters())
    save(tmp_path / "n.safetensors", net, optimizer)
    with pytest.raises(ValueError, match=r"parameters of .*, \['0\.weight', .*; got .*'1\.bias'"):
        resume(tmp_path / "n.safetensors", net, torch.optim.AdamW(list(net.parameters())[::-1]))
    resume(tmp_path / "n.safetensors", net, torch.optim.AdamW(net.parameters()))


def test_an_optimizer_with_more_than_tensors_a_parameter_is_refused(tmp_path):
    net = model()
    optimizer = torch.optim.LBFGS(net.parameters())

    def closure():
        loss = net(torch.rand(1, 3, 4, 4)).square().sum()
        optimizer.zero_grad()
        loss.backward()
        return loss

    optimizer.step(closure)
    with pytest.raises(ValueError, match="tensors alone; got 'LBFGS'"):
        save(tmp_path / "n.safetensors", net, optimizer)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrap", [partial(torch.compile, backend="eager"), nn.DataParallel], ids=["compile", "ddp"])
def test_what_wraps_a_network_leaves_no_trace_in_its_checkpoint(tmp_path, wrap):
    net, path = model(), tmp_path / "net.safetensors"
    save(path, wrap(net))
    assert set(safetensors.torch.load_file(path)) == {"model.weight", "model.bias"}
    other = wrap(nn.Conv2d(3, 2, 1))
    resume(path, other)
    assert torch.equal(next(other.parameters()), net.weight)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
def test_names_that_a_wrapper_left_in_an_old_file_are_understood(tmp_path, prefix):
    net, path = model(), tmp_path / "net.safetensors"
    tensors = {f"model.{prefix}{name}": value for name, value in net.state_dict().items()}
    safetensors.torch.save_file(tensors, path, {"fcn": "{}"})
    other = nn.Conv2d(3, 2, 1)
    resume(path, other)
    assert torch.equal(other.weight, net.weight)


# --- files ----------------------------------------------------------------------------------------------------------


def test_what_is_said_of_a_network_may_be_numbers_of_numpy_tensors_and_paths(tmp_path):
    about = {"score": np.float32(0.5), "best": torch.tensor([1, 2]), "file": Path("a/b"), "groups": [1]}
    save(tmp_path / "n.safetensors", model(), torch.optim.AdamW(model().parameters(), torch.tensor(0.1)), **about)
    found = resume(tmp_path / "n.safetensors", model())
    assert found == {"score": 0.5, "best": [1, 2], "file": "a/b", "groups": [1]}
    with pytest.raises(ValueError, match="JSON can hold; got <object"):
        save(tmp_path / "n.safetensors", model(), strange=object())
    assert resume(tmp_path / "n.safetensors", model()) == found


@pytest.mark.parametrize("text", ["[]", "5", "true", "null", '"words"', "no json"])
def test_a_file_that_says_something_else_is_refused(tmp_path, text):
    path = tmp_path / "n.safetensors"
    safetensors.torch.save_file({"model.weight": torch.zeros(1)}, path, {"fcn": text})
    with pytest.raises(ValueError, match=r"(not .*n\.safetensors, saying of itself; got|n\.safetensors is damaged)"):
        resume(path, model())


def test_two_writers_of_one_checkpoint_never_leave_half_of_one(tmp_path):
    path, net = tmp_path / "net.safetensors", nn.Conv2d(3, 200, 3)
    save(path, net)
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(save, path, net, writer=i % 2) for i in range(60)]
        readers = [pool.submit(resume, path, nn.Conv2d(3, 200, 3)) for _ in range(60)]
        for done in writers + readers:
            done.result()
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


def test_what_a_killed_writer_left_behind_is_swept_away_and_what_another_is_writing_is_not(tmp_path):
    path, old, young = (
        tmp_path / name for name in ("net.safetensors", ".net.safetensors.a.fcn-part", ".net.safetensors.b.fcn-part")
    )
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 100, time.time() - 100))
    save(path, model())
    assert not old.exists()
    assert young.exists()


def test_a_link_to_a_checkpoint_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "net.safetensors"
    link.symlink_to(tmp_path / "disk" / "real.safetensors")
    save(link, model(), seed=1)
    save(link, model(), seed=2)
    assert link.is_symlink()
    assert resume(tmp_path / "disk" / "real.safetensors", model()) == {"seed": 2}


def test_a_checkpoint_keeps_its_permissions_and_a_new_one_has_the_usual_ones(tmp_path):
    path, usual = tmp_path / "net.safetensors", tmp_path / "usual"
    usual.write_bytes(b"")
    save(path, model())
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    save(path, model())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def limited():
    """Let this process write no file of more than 400 bytes, as on a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))


FULL = """
import sys, torch
from torch import nn
from fcn.training import save
try:
    save(sys.argv[1], nn.Conv2d(3, 100, 3))
except OSError as error:
    print(error)
"""


def test_on_a_full_disk_the_old_checkpoint_stays_and_the_file_is_named(tmp_path):
    path = tmp_path / "net.safetensors"
    save(path, model(), seed=1)
    done = subprocess.run(
        [sys.executable, "-c", FULL, path], preexec_fn=limited, capture_output=True, text=True, check=True
    )
    assert "net.safetensors could not be written" in done.stdout
    assert resume(path, model()) == {"seed": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to: Linux's /proc")
def test_a_folder_that_cannot_be_written_to_is_noticed_before_the_first_step():
    broken = TensorDataset(torch.full((4, 3, 8, 8), torch.nan), torch.randint(2, (4, 8, 8)))
    with pytest.raises(OSError, match=r"net\.safetensors could not be written"):
        fit(model(), broken, steps=4, lr=0.1, seed=3, batch=4, checkpoint="/proc/net.safetensors")


def test_a_loaded_checkpoint_is_not_tied_to_its_file(tmp_path):
    """Windows replaces no file that memory is mapped to."""
    path, net = tmp_path / "net.safetensors", model()
    fit(net, data(), steps=2, lr=0.1, seed=3, batch=4, checkpoint=path)
    optimizer = torch.optim.AdamW(net.parameters())
    resume(path, net, optimizer)
    if Path("/proc/self/maps").exists():
        assert "net.safetensors" not in Path("/proc/self/maps").read_text()


def test_a_validation_that_fails_loses_no_step(tmp_path):
    options = {"lr": 0.01, "seed": 0, "batch": 2, "every": 2, "checkpoint": tmp_path / "net"}
    with pytest.raises(ValueError, match="number from validate"):
        fit(model(), data(), steps=4, validate=lambda net: evaluate(net, data()), **options)
    about = resume(tmp_path / "net", model())
    assert len(about["losses"]) == 2
    fit(model(), data(), steps=4, validate=lambda net: 0.5, **options)
    assert [step for step, _ in resume(tmp_path / "net", model())["scores"]] == [2, 4]


def test_a_score_that_is_no_number_hides_no_later_one(tmp_path):
    scores = iter([float("nan"), 0.5])
    options = {"lr": 0.01, "seed": 0, "batch": 2, "every": 2, "checkpoint": tmp_path / "net"}
    fit(model(), data(), steps=4, validate=lambda net: next(scores), **options)
    assert resume(tmp_path / "net.best", model())["score"] == 0.5


def test_another_loss_or_transform_is_another_training(tmp_path):
    def weighted(last):
        return nn.CrossEntropyLoss(weight=torch.tensor([1.0, last]))

    options = {"lr": 0.01, "seed": 0, "batch": 2, "checkpoint": tmp_path / "net"}
    fit(model(), data(), steps=2, loss=weighted(1), **options)
    fit(model(), data(), steps=3, loss=weighted(1), **options)
    with pytest.raises(ValueError, match="loss"):
        fit(model(), data(), steps=4, loss=weighted(100), **options)


def test_what_partial_fixed_is_described_without_addresses():
    class Darker:
        def __call__(self, image, mask, *, generator):
            return image, mask

    def darker(image, mask, *, generator):
        return image // 2, mask

    one, other = (checkpoints.described(partial(augmented, first=Darker(), second=darker)) for _ in range(2))
    assert one == other
    assert "Darker" in one
    assert "darker" in one


def test_a_file_of_the_reader_s_own_beside_a_checkpoint_stays(tmp_path):
    own = tmp_path / "net.my-download.part"
    own.write_bytes(b"mine")
    os.utime(own, (time.time() - 100, time.time() - 100))
    save(tmp_path / "net", model())
    assert own.exists()


def test_two_weights_of_one_plain_name_are_not_saved_as_one(tmp_path):
    net = nn.Module()
    net.bias, net.module = nn.Parameter(torch.zeros(2)), nn.Conv2d(2, 2, 1)
    with pytest.raises(ValueError, match="bias"):
        save(tmp_path / "net", net)
    assert not (tmp_path / "net").exists()


def test_a_loss_with_weights_of_any_precision_is_described():
    one, other = (nn.CrossEntropyLoss(weight=torch.tensor([1, last], dtype=torch.bfloat16)) for last in (1, 2))
    assert checkpoints.described(one) != checkpoints.described(other)
