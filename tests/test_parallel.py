"""Several processes: torchrun starts two, and what comes out is compared with what one process does, here."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from fcn.backbones import small
from fcn.skips import FCN
from fcn.training import (
    augmented,
    cross_entropy_and_iou,
    evaluate,
    fit,
    part,
    processes,
    soft_iou,
    stored,
    synchronized,
)
from fcn.training.fit import dropout

SLURM = Path(__file__).parents[1] / "book" / "assets" / "train.slurm"
WEIGHTS = torch.tensor([1.0, 5.0])
LOSSES = {
    "cross_entropy": F.cross_entropy,
    "weights of classes": nn.CrossEntropyLoss(weight=WEIGHTS),
    "weights and smoothing": partial(F.cross_entropy, weight=WEIGHTS, label_smoothing=0.1),
    "a sum": partial(F.cross_entropy, reduction="sum"),
    "soft_iou": soft_iou,
    "cross_entropy_and_iou": cross_entropy_and_iou,
}
BATCHES = {"a batch that two divides": 6, "one that two does not divide": 7, "an image each": 2}
LINES = {  # what is refused: the same line in each process
    "batch": "Expected a batch of 2 images or more, one for each process; got 1.",
    "part": "Expected 2 items or more, one for each process; got 1.",
    "synchronized": "Expected a model on GPUs: torch synchronizes BatchNorm there alone; got ['cpu']. On processors: "
    "backbone.eval(), or one process.",
    "unused": "Expected a loss on which every parameter that learns has a part, in several processes; got "
    "['unused.weight']. Take requires_grad off it: unused.weight.requires_grad_(False).",
}


def data(count=24, side=16):
    """Return pairs whose masks differ much in how many of their pixels are void; five masks are nothing else."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, side, side, generator=generator)
    masks = (images.sum(dim=1) > 1.5).to(torch.uint8)
    for index in range(count):
        masks[index, : index % side] = 255
    masks[:5] = 255
    return TensorDataset(images, masks)


def model(*more):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1), *more)


def frozen_statistics():
    torch.manual_seed(0)
    net = FCN(small(), 2, 8)
    net.backbone.eval()
    return net


class Unused(nn.Sequential):
    """A network with a layer that nothing asks."""

    def __init__(self):
        super().__init__(*model())
        self.unused = nn.Conv2d(1, 1, 1)

    def forward(self, images):
        return self[2](self[1](self[0](images)))


def trained(net, **options) -> dict:
    options = {"steps": 50, "lr": 0.03, "seed": 3, "batch": 6} | options
    losses = fit(net, options.pop("data", data()), **options)
    return {"losses": losses, "weights": torch.cat([each.flatten().float() for each in net.state_dict().values()])}


def studied(folder: Path) -> dict:
    """Return what is asked of one process and of two."""
    found = {}
    for name, loss in LOSSES.items():
        found[name] = trained(model(), loss=loss, lr=0.0005 if name == "a sum" else 0.03)
    for name, batch in BATCHES.items():
        found[name] = trained(model(), loss=cross_entropy_and_iou, batch=batch)
    found["frozen statistics"] = trained(frozen_statistics(), data=data(8, 64), batch=4, lr=0.003)
    found["workers, augmented"] = trained(model(), workers=1, transform=augmented)
    found["statistics of the batch"] = trained(model(nn.BatchNorm2d(2)))
    found["dropout"] = trained(model(nn.Dropout(0.3)))
    with dropout(3, 0, torch.device("cpu")):
        found["drawn"] = torch.rand(5)
    path = folder / "validated.safetensors"
    validate = partial(score, path=path)
    found["validated"] = trained(model(), steps=30, every=10, checkpoint=path, validate=validate)
    found["scores"] = torch.tensor(stored(path)["scores"])
    found["going on"] = trained(model(), steps=20, checkpoint=folder / "going on.safetensors")
    torch.manual_seed(1)
    found["counts"] = evaluate(nn.Conv2d(3, 2, 1), part(data(23)), batch=4).counts
    return found


def score(net, path) -> float:
    with open(f"{path}.{os.environ.get('RANK', 0)}.asked", "a") as file:
        file.write("asked ")
    return evaluate(net, part(data(9))).mean_iou()


def said(call) -> str:
    try:
        call()
    except ValueError as error:
        return str(error)
    return "nothing"


def refused() -> dict[str, str]:
    return {
        "batch": said(lambda: fit(model(), data(), steps=2, lr=0.1, seed=0, batch=1)),
        "part": said(lambda: part(data(1))),
        "synchronized": said(lambda: synchronized(nn.BatchNorm2d(2))),
        "unused": said(lambda: fit(Unused(), data(), steps=2, lr=0.1, seed=0, batch=6)),
    }


class Slow(TensorDataset):
    def __getitem__(self, index):
        time.sleep(0.002)
        return super().__getitem__(index)


def long(folder: Path, steps: int) -> list[float]:
    examples = Slow(*data().tensors)
    return fit(
        model(), examples, steps=steps, lr=0.03, seed=3, batch=6, checkpoint=folder / "long.safetensors", every=5
    )


def main(what: str, folder: Path) -> None:
    """Do in one of several processes what a test asks for."""
    torch.set_num_threads(1)
    with processes("cpu", minutes=0.05 if what == "unlike" else 1) as here:
        print(f"process {here.number} is {os.getpid()}", flush=True)
        if what == "all":
            torch.save(studied(folder) | {"refused": refused()}, folder / f"{here.count}.{here.number}.pt")
        if what == "long":
            long(folder, 10_000)
        if what == "unlike":
            line = said(lambda: fit(model(), data(24 - here.number), steps=2, lr=0.1, seed=0, batch=6))
            print(line, file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)  # it is there, but it answers no more


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except (OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def environment(**more) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
    return inherited | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::UserWarning"} | more


@contextmanager
def torchrun(what: str, folder: Path) -> Iterator[subprocess.Popen]:
    """Start two processes; torchrun ends them when it is told to, and is, if a test fails meanwhile."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    with open(folder / "log", "w") as log:
        job = subprocess.Popen([*command, __file__, what, folder], env=environment(), stdout=log, stderr=log)
        try:
            yield job
        finally:
            job.terminate()
            job.wait()


def pair(what: str, folder: Path) -> list[subprocess.Popen]:
    """Start two processes without torchrun, which would end the second one itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    command = [sys.executable, __file__, what, folder]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return [subprocess.Popen(command, env=environment(**told, RANK=str(number)), **pipes) for number in range(2)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return what one process finds, and what each of two does."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    begun = trained(model(), steps=10, checkpoint=two / "going on.safetensors")
    with torchrun("all", two) as running:
        alone = studied(one)
        running.wait(timeout=240)
    assert running.returncode == 0, (two / "log").read_text()
    both = [torch.load(two / f"2.{number}.pt", weights_only=True) for number in range(2)]
    return {"one": alone, "two": both, "folders": (one, two), "begun": begun}


def close(ours: dict, theirs: dict, tolerance=1e-4) -> bool:
    pairs = [torch.tensor(each["losses"], dtype=torch.float64) for each in (ours, theirs)]
    weights = [each["weights"] for each in (ours, theirs)]
    return all(torch.allclose(*each, rtol=0, atol=tolerance, equal_nan=True) for each in (pairs, weights))


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if name != "a sum"] + [*BATCHES, "frozen statistics", "workers, augmented"]
)
def test_two_processes_train_as_one_does_to_a_ten_thousandth(name, found):
    one, two = found["one"][name], found["two"][0][name]
    assert len(one["losses"]) == 50
    assert one["losses"][-1] < one["losses"][0]
    assert close(one, two)


def test_a_sum_over_pixels_is_the_sum_over_all_processes(found):
    one, two = found["one"]["a sum"], found["two"][0]["a sum"]
    assert one["losses"][0] > 100
    torch.testing.assert_close(two["losses"], one["losses"], rtol=1e-5, atol=0)
    torch.testing.assert_close(two["weights"], one["weights"], rtol=0, atol=1e-4)


def test_a_batch_of_nothing_but_void_changes_no_weight_in_two_processes_either(found):
    losses = found["two"][0]["an image each"]["losses"]
    assert sum(loss != loss for loss in losses) == sum(
        loss != loss for loss in found["one"]["an image each"]["losses"]
    )
    assert sum(loss != loss for loss in losses) > 0


def test_both_processes_end_with_the_same_network_and_the_same_losses(found):
    first, second = found["two"]
    for name, value in first.items():
        if isinstance(value, dict) and "losses" in value:
            assert close(value, second[name], tolerance=0), name


def test_batch_normalization_sees_the_images_of_one_process_so_it_differs(found):
    one, two = found["one"]["statistics of the batch"], found["two"][0]["statistics of the batch"]
    assert not close(one, two, tolerance=1e-3)
    assert abs(one["losses"][-1] - two["losses"][-1]) < 0.1


def test_dropout_drops_other_things_and_not_the_same_in_both_processes(found):
    one, two = found["one"]["dropout"], found["two"][0]["dropout"]
    assert not close(one, two, tolerance=1e-3)
    assert two["losses"][-1] < 0.9 * two["losses"][0]
    alone, first, second = (each["drawn"] for each in (found["one"], *found["two"]))
    assert torch.equal(first, alone)
    assert not torch.equal(second, first)


def test_counts_over_parts_of_the_data_are_those_over_all_of_them(found):
    for each in found["two"]:
        assert torch.equal(each["counts"], found["one"]["counts"])
    assert found["one"]["counts"].sum() > 1000


def test_each_process_is_asked_to_validate_and_one_score_is_stored(found):
    _, folder = found["folders"]
    for number in range(2):
        assert (folder / f"validated.safetensors.{number}.asked").read_text() == "asked asked asked "
    torch.testing.assert_close(found["two"][0]["scores"], found["one"]["scores"], rtol=0, atol=1e-4)
    assert (folder / "validated.safetensors.best").is_file()


def test_one_process_begins_two_go_on_and_one_ends_as_if_one_had_done_it_all(found):
    one, two = found["folders"]
    assert found["two"][0]["going on"]["losses"][:10] == found["begun"]["losses"]
    path = two / "going on.safetensors"
    ended = trained(model(), steps=30, checkpoint=path)
    # the rates are those of a training of 10, then 20, then 30 steps, so one process is told the same
    path = one / "again.safetensors"
    for steps in (10, 20, 30):
        alone = trained(model(), steps=steps, checkpoint=path)
    assert close(ended, alone)


@pytest.mark.parametrize("what", LINES)
def test_what_two_processes_cannot_do_is_refused_in_one_line(what, found):
    assert [each["refused"][what] for each in found["two"]] == [LINES[what]] * 2


def test_a_killed_process_ends_the_job_with_a_message_and_the_checkpoint_goes_on(tmp_path):
    path = tmp_path / "long.safetensors"
    with torchrun("long", tmp_path) as job:
        wait_for(path.is_file, seconds=120)
        time.sleep(0.5)
        log_lines = (tmp_path / "log").read_text().splitlines()
        (second,) = [line.split()[-1] for line in log_lines if line.startswith("process 1 is")]
        os.kill(int(second), signal.SIGKILL)
        job.wait(timeout=60)
    log = (tmp_path / "log").read_text()
    assert job.returncode not in (0, None)
    assert f"Signal 9 (SIGKILL) received by PID {second}" in log
    done = stored(path)["losses"]
    assert len(done) >= 5
    assert len(done) % 5 == 0
    steps = len(done) + 10
    assert not list(tmp_path.glob(".long*")), "a part of a checkpoint was left"
    after = fit_on(tmp_path, path, steps)
    assert after[: len(done)] == done
    assert len(after) == steps


def fit_on(folder: Path, path: Path, steps: int) -> list[float]:
    return fit(model(), data(), steps=steps, lr=0.03, seed=3, batch=6, checkpoint=path, every=5)


def wait_for(true, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)


def test_other_data_in_a_process_are_named_there_and_one_that_does_not_answer_is_given_up(tmp_path):
    first, second = pair("unlike", tmp_path)
    try:
        error = first.communicate(timeout=120)[1]
    finally:
        second.kill()
        other = second.communicate()[1]
    line = (
        "Expected images 24 in process 1 of 2, as in the first one; got 23. Give all the same arguments and the same "
    )
    assert other == f"{line}data.\n"
    assert first.returncode == 1
    assert (
        "ConnectionError: Process 0 of 2 has lost another one, which ended or did not answer for 0.05 minutes"
        in error
    )
    assert error.count("\n") == 1


def test_without_torchrun_nothing_happens(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes("cpu") as here:
        assert (here.number, here.count, here.first, here.device.type) == (0, 1, True, "cpu")
        assert not torch.distributed.is_initialized()
        net, examples = nn.BatchNorm2d(3), data(3)
        assert synchronized(net) is net
        assert part(examples) is examples


@pytest.mark.parametrize(
    ("variables", "device", "message"),
    [
        ({"WORLD_SIZE": "two"}, "cpu", r"a whole number in \$WORLD_SIZE, as torchrun sets it; got 'two'"),
        ({"WORLD_SIZE": "2"}, "cpu", r"a whole number in \$RANK, as torchrun sets it; got ''. Start it by torchrun"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "mps", 'the device "cuda" or "cpu" for several processes; got \'mps\''),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "cuda", r"a whole number in \$LOCAL_RANK"),
        (
            {"WORLD_SIZE": "9", "RANK": "8", "LOCAL_RANK": "8"},
            "cuda",
            "a GPU for each process of a machine, 9 or more",
        ),
    ],
)
def test_what_torchrun_did_not_start_whole_is_refused_in_one_line(variables, device, message, monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message), processes(device):
        pass


@pytest.fixture
def cluster(tmp_path):
    """Return how to run the example for Slurm where its commands are stand-ins that write down what they are told."""
    for name, does in (
        ("srun", 'shift; exec "$@"'),
        ("scontrol", '[ "$1" = show ] && printf "one\\ntwo\\n" || true'),
        ("torchrun", '[ -z "$HANGS" ] || { touch "$HANGS"; sleep 30 & wait; }'),
    ):
        (tmp_path / name).write_text(f'#!/bin/bash\necho {name} "$@" >> "$TOLD"\n{does}\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").write_text("")
    told = {
        "SLURM_JOB_ID": "12345",
        "SLURM_JOB_NODELIST": "[one-two]",
        "SLURM_NNODES": "2",
        "SLURM_GPUS_ON_NODE": "4",
    }
    ours = {"ENVIRONMENT": str(tmp_path), "RUN": str(tmp_path / "a run"), "PICTURES": str(tmp_path / "my pictures")}
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TOLD": str(tmp_path / "told"), "HANGS": ""}
    command = ["bash", SLURM]
    return lambda **more: subprocess.Popen(command, env=environment(**told, **ours, **paths | more))


def test_the_slurm_example_begins_and_goes_on_where_it_was(cluster, tmp_path):
    assert subprocess.run(["bash", "-n", SLURM], check=False).returncode == 0
    assert cluster().wait(30) == 0
    line = (tmp_path / "told").read_text().splitlines()[-1]
    assert line == (
        "torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint one:22345 --rdzv-id 12345-0 "
        f"-m fcn train {tmp_path}/my pictures --out {tmp_path}/a run --device cuda"
    )
    (tmp_path / "a run").mkdir()
    (tmp_path / "a run" / "run.json").touch()
    assert cluster(SLURM_RESTART_COUNT="1").wait(30) == 0
    again = (tmp_path / "told").read_text().splitlines()[-1]
    assert again == f"{line.replace('12345-0', '12345-1')} --resume"


def test_the_slurm_example_asks_for_the_same_again_when_its_time_is_over(cluster, tmp_path):
    job = cluster(HANGS=str(tmp_path / "hangs"))
    wait_for((tmp_path / "hangs").exists, seconds=30)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(30) == 0
    assert (tmp_path / "told").read_text().splitlines()[-1] == "scontrol requeue 12345"
