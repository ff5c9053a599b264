"""Several processes that train one network, each on its part of every batch, on one machine or on many.

torchrun starts them:

    torchrun --nproc-per-node 2 train.py

and train.py trains as it would alone, below `with processes() as here:`; fit sees the others by itself. A batch stays
what one process would take, images, order and all that chance does to them, so the result is that of one process, but
for the last digits of sums, and for two kinds of layers. Dropout drops other things. And BatchNorm in training mode
takes its statistics from the images that it sees, those of one process: of a batch of 16 in 4 processes, from 4. In
evaluation mode (a pretrained backbone that is to keep its statistics) nothing differs; otherwise `synchronized` gives
it the whole batch, on GPUs.
"""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Dataset, Subset

from fcn.expect import positive, that

_LOST = ("gloo", "NCCL", "TCPStore", "Connection closed", "Connection reset")  # in what torch says of another's end


class Here(NamedTuple):
    """This process among those that train together: its number, from 0, how many there are, and where it computes.

    `first` says whether it is number 0, which alone writes files and talks.
    """

    number: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        return self.number == 0


@contextmanager
def processes(device: str | None = None, *, minutes: float = 10) -> Iterator[Here]:
    """Join the processes that torchrun started, and leave them at the end; give which one this is.

    Without torchrun it is the only one, and nothing happens. `device` is "cuda" or "cpu", by default GPUs where there
    are some; each process takes the GPU of its number on its machine. They talk through nccl on GPUs, through gloo on
    processors. A process that waits for another longer than `minutes` gives up; one whose connection breaks gives up
    at once. torchrun then ends all of them, with an exit code that is not 0; called again, fit goes on from its
    checkpoint, with as many processes as there are then.

    Raises ValueError for another device, for fewer GPUs than processes on a machine, and if torchrun's variables are
    not whole; ConnectionError (an OSError) if another process has ended or does not answer.

    >>> with processes("cpu") as here:
    ...     here
    Here(number=0, count=1, device=device(type='cpu'))
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    count = _told("WORLD_SIZE") if "WORLD_SIZE" in os.environ else 1
    if count == 1:
        yield Here(0, 1, torch.device(device))
        return
    here = Here(_told("RANK"), count, _own(device))
    backend = "gloo" if device == "cpu" else "cpu:gloo,cuda:nccl"
    try:
        dist.init_process_group(backend, timeout=timedelta(minutes=positive(minutes, "minutes")))
        yield here
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and not any(word in str(error) for word in _LOST):
            raise
        said = re.sub(r"\S*\[\S+:\d+\] ", "", " ".join(str(error).split()))  # without places in gloo's sources
        said = said.partition(". ")[0][:80]
        raise ConnectionError(
            f"Process {here.number} of {count} has lost another one, which ended or did not answer for {minutes:g} "
            f"minutes ({said}). Its own message says why; the same command goes on from the checkpoint."
        ) from None
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def place() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many train together.

    >>> place()
    (0, 1)
    """
    joined = dist.is_available() and dist.is_initialized()
    return (dist.get_rank(), dist.get_world_size()) if joined else (0, 1)


def anyone(says: bool) -> bool:
    """Return whether one of the processes says yes; each must ask.

    >>> anyone(False)
    False
    """
    if place()[1] == 1:
        return says
    count = torch.tensor(float(says))
    dist.all_reduce(count)
    return bool(count)


def own(items: Sequence) -> Sequence:
    """Return this process's part of something in a row; the parts differ by one at most.

    >>> own([3, 1, 2])
    [3, 1, 2]
    """
    number, count = place()
    return items[len(items) * number // count : len(items) * (number + 1) // count]


class Part(Subset):
    """The items of a data set that this process scores. See part."""


def part(data: Dataset) -> Dataset:
    """Return this process's part of a data set: evaluate(model, part(data)) scores all of it, in all processes.

    Each process must ask, and gets the counts of all. Alone, it is the data set itself. Raises ValueError for fewer
    items than processes.

    >>> part([7, 8, 9])
    [7, 8, 9]
    """
    count = place()[1]
    if count == 1:
        return data
    that(len(data) >= count, f"{count} items or more, one for each process", len(data))
    return Part(data, own(range(len(data))))


def synchronized(model: nn.Module) -> nn.Module:
    """Return a model whose BatchNorm layers take their statistics from the whole batch, of all processes.

    Call it before fit. Weights and names stay. Alone, the model stays as it is. Raises ValueError for a model on
    processors, for which torch has no such layer.

    >>> synchronized(nn.BatchNorm2d(3))
    BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """
    if place()[1] == 1:
        return model
    devices = {parameter.device.type for parameter in model.parameters()}
    advice = "On processors: backbone.eval(), or one process."
    that(devices == {"cuda"}, "a model on GPUs: torch synchronizes BatchNorm there alone", sorted(devices), advice)
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


@contextmanager
def together(model: nn.Module) -> Iterator[nn.Module]:
    """Give a model whose gradients are the means over all processes; at the end all have the first one's buffers.

    All begin with the first one's weights. Alone, it is the model itself.

    >>> with together(nn.Conv2d(3, 2, 1)) as model:
    ...     model
    Conv2d(3, 2, kernel_size=(1, 1), stride=(1, 1))
    """
    if place()[1] == 1 or isinstance(model, DistributedDataParallel):
        yield model
        return
    device = next(model.parameters()).device
    yield DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
    level(model)


def level(model: nn.Module) -> None:
    """Give every process the first one's buffers, such as BatchNorm's statistics, which each has of its own images.

    >>> level(nn.BatchNorm2d(3))
    """
    if place()[1] > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)


def total(data: Dataset, *counts: Tensor) -> tuple[Tensor, ...]:
    """Return counts over all parts of a data set, given those over this process's; of no Part, what they were.

    >>> total([], torch.tensor(2))
    (tensor(2),)
    """
    for each in counts if isinstance(data, Part) else ():
        dist.all_reduce(each)
    return counts


def alike(said: dict) -> None:
    """Raise ValueError, naming it, where this process says something else than the first one.

    >>> alike({"seed": 0})
    """
    number, count = place()
    first = json.loads(from_first(lambda: json.dumps(said).encode()))
    for name, value in said.items():
        expected = f"{name} {first[name]!r} in process {number} of {count}, as in the first one"
        that(first[name] == value, expected, value, "Give all the same arguments and the same data.")


def from_first(say: Callable[[], bytes]) -> bytes:
    """Return in each process what the first one says; only it is asked.

    >>> from_first(lambda: b"0.5")
    b'0.5'
    """
    number, count = place()
    said = say() if number == 0 else b""
    if count == 1:
        return said
    length = torch.tensor([len(said)])
    dist.broadcast(length, 0)
    content = torch.empty(int(length), dtype=torch.uint8)
    if number == 0 and said:
        content.copy_(torch.frombuffer(bytearray(said), dtype=torch.uint8))
    dist.broadcast(content, 0)
    return content.numpy().tobytes()


@contextmanager
def first_ones(path: Path | None) -> Iterator[Path | None]:
    """Give the first process's file, or None where there is none: to the others a copy, once the first has read it.

    So all machines go on from one checkpoint, and the others read nothing that the first could not.

    >>> with first_ones(None) as path:
    ...     path is None
    True
    """
    there = path if path is not None and path.is_file() else None
    if place()[0] == 0:
        yield there
        from_first(lambda: b"" if there is None else there.read_bytes())
        return
    content = from_first(bytes)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "checkpoint.safetensors")
        copy.write_bytes(content)
        yield copy if content else None


def _told(name: str) -> int:
    value = os.environ.get(name, "")
    that(value.isdecimal(), f"a whole number in ${name}, as torchrun sets it", value, "Start it by torchrun.")
    return int(value)


def _own(device: str) -> torch.device:
    """Return the device of this process, one of several."""
    that(device in ("cuda", "cpu"), 'the device "cuda" or "cpu" for several processes', device)
    if device == "cpu":
        return torch.device("cpu")
    local, there = _told("LOCAL_RANK"), torch.cuda.device_count()
    advice = f"torchrun --nproc-per-node {there}" if there else 'Or the device "cpu".'
    that(local < there, f"a GPU for each process of a machine, {local + 1} or more", there, advice)
    torch.cuda.set_device(local)
    return torch.device("cuda", local)
