"""How large and how fast a network is in each form. H height, W width."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from torch import Tensor

from fcn.expect import that, whole
from fcn.export.check import agreement, middles, onnx_answers, torch_answers
from fcn.export.graph import as_float32

_MEGA = 1_000_000


@dataclass(frozen=True)
class Row:
    """A form of a network: its `megabytes`, its `time` for a photograph, PyTorch's being 1, and how far they agree.

    `difference` is the largest of their logits, `labels` the share of equal labels.
    """

    form: str
    megabytes: float
    time: float
    difference: float
    labels: float


def measured(
    trained, photographs: Sequence[Tensor], files: Mapping[str, str | Path], *, rounds: int = 5
) -> list[Row]:
    """Return a row for PyTorch and for each ONNX file {form: path}: sizes, speed, agreement on photographs.

    `photographs` are (3, H, W) uint8, of which the middle 1024x1024 pixels are used. Times are ratios: in each of
    `rounds` every form answers in turn for each photograph, one at a time, with as many threads as PyTorch has, and
    the median of its times over PyTorch's is given; a first answer for each photograph is not timed.
    PyTorch's megabytes are those of its weights as float32.
    Raises ValueError for no or other photographs, FileNotFoundError if a file or onnxruntime is missing.

    >>> from types import SimpleNamespace
    >>> import torch
    >>> from fcn.backbones import small
    >>> from fcn.skips import FCN
    >>> photograph = torch.zeros(3, 64, 64, dtype=torch.uint8)
    >>> measured(SimpleNamespace(net=FCN(small(), 2)), [photograph], {})[0].time
    1.0
    """
    that(len(photographs) > 0, "one photograph or more to measure with", len(photographs))
    whole(rounds, "the rounds", 1)
    images = [photograph[None].contiguous() for photograph in middles(photographs)]
    net = as_float32(trained.net)
    forms = {"PyTorch": torch_answers(net)} | {form: onnx_answers(path) for form, path in files.items()}
    weights = sum(weight.numel() * weight.element_size() for weight in net.state_dict().values())
    megabytes = [weights / _MEGA, *(Path(path).stat().st_size / _MEGA for path in files.values())]
    found = [agreement(forms["PyTorch"], form, images) for form in forms.values()]  # also warms each up
    times = _ratios(list(forms.values()), images, rounds)
    return [
        Row(form, size, ratio, each.difference, each.labels)
        for form, size, ratio, each in zip(forms, megabytes, times, found, strict=True)
    ]


def _ratios(forms: list, images: list[Tensor], rounds: int) -> list[float]:
    """Return the median over rounds and images of each form's time over that of the first."""
    ratios = [[] for _ in forms]
    for _ in range(rounds):
        for image in images:
            seconds = []
            for form in forms:
                begin = time.perf_counter()
                form(image)
                seconds.append(time.perf_counter() - begin)
            for each, second in zip(ratios, seconds, strict=True):
                each.append(second / seconds[0])
    return [median(each) for each in ratios]
