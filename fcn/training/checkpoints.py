"""Keep a network and a training: one safetensors file, whole or not there, that says what it holds."""

import copy
import json
import os
import re
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save as serialized
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fcn.answers import modes_kept
from fcn.expect import that
from fcn.files import target, write_whole
from fcn.training.parallel import alike, anyone, first_ones, from_first, level, place


def save(path: str | Path, model: nn.Module, optimizer: Optimizer | None = None, **about) -> None:
    """Write a model's weights, and an optimizer's state if there is one, to one safetensors file.

    `about` is anything that JSON can hold (numbers of NumPy, tensors and paths become plain ones); it is stored with
    them. The file is written aside and then renamed: killed at any moment, the old one or the new one stands there,
    whole. What wraps the model (torch.compile, DataParallel) leaves no trace in the names. Raises ValueError, and
    leaves the old file alone, if a weight is no longer finite, if two have one name without the wrapping, or if the
    optimizer's state is more than tensors a parameter; OSError, naming the file, if it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/net.safetensors", nn.Conv2d(3, 2, 1), seed=3)
    ...     resume(f"{folder}/net.safetensors", nn.Conv2d(3, 2, 1))
    {'seed': 3}
    """
    path = target(path)
    tensors = {f"model.{_plain(name)}": tensor for name, tensor in model.state_dict().items()}
    fits = len(tensors) == len(model.state_dict())
    that(fits, "weights with names that differ by more than `module.`", sorted(model.state_dict())[:4])
    for name, tensor in tensors.items():
        finite, advice = bool(tensor.isfinite().all()), f"Not saved, {path} stays as it was. Try a smaller rate."
        that(finite, f"finite weights in {name}", tensor, advice)
    metadata = {"fcn": json.dumps(about, default=_as_json)}
    if optimizer is not None:
        state, groups = optimizer.state_dict().values()
        metadata["optimizer"] = json.dumps(_identity(optimizer, model) | {"groups": groups}, default=_as_json)
        for index, values in state.items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in values.items() if value is not None}
    fits = all(isinstance(tensor, Tensor) for tensor in tensors.values())
    that(fits, "an optimizer whose state is tensors alone", type(optimizer).__name__)
    # safetensors takes no views and no shared memory
    copies = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    write_whole(path, serialized(copies, metadata))


def resume(path: str | Path, model: nn.Module, optimizer: Optimizer | None = None) -> dict:
    """Load what save wrote into a model, and into an optimizer if one is given; return what was stored about them.

    Weights stored in another precision become the model's. Raises FileNotFoundError if there is no such file,
    ValueError, and changes nothing, for a damaged file, for one that save did not write, for a network with other
    layers or classes, and if the optimizer's state is asked for and missing or another optimizer's.

    >>> from fcn import data_path
    >>> from fcn.backbones import small
    >>> from fcn.skips import FCN
    >>> resume(data_path("checkpoints/fcn8s.safetensors"), FCN(small(wide=True), 18, 8))["seed"]
    0
    """
    path = _there(path)
    about, stored, tensors = _read(path)
    weights = _weights_for(model, path, tensors)
    if optimizer is not None:
        _check_optimizer(path, stored, _identity(optimizer, model))
        state = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": stored["groups"]})
    model.load_state_dict(weights)
    return about


def stored(path: str | Path) -> dict:
    """Return what a file of save says about itself, `about` there. Raises as resume does.

    >>> from fcn import data_path
    >>> stored(data_path("checkpoints/fcn8s.safetensors"))["rate"]
    0.01
    """
    return _read(_there(path))[0]


class Keeper:
    """What a training leaves in its checkpoint after each `every` steps and at the end, and how it goes on from it.

    `path` is the file, or None for a training that leaves nothing; `settings` are what must stay the same. Of what
    `validate` says, the weights of the highest are kept in NAME.best.
    Of several processes only the first writes, and the others go on from what it read; each asks validate, and the
    first one's score is kept. Raises ValueError for validate without a path, and where the settings of the processes
    differ; OSError if the path's folder is missing or cannot be written to.
    """

    def __init__(self, path, settings: dict, *, steps: int, every: int, validate: Callable | None, stop=None):
        that(validate is None or path is not None, "a checkpoint beside which validate's best weights are kept", path)
        self.writes = path is not None and place()[0] == 0
        self.path, self.settings, self.steps, self.every = path and Path(path), settings, steps, every
        self.validate, self.stop, self.scores = validate, stop, []
        alike(settings | {"steps": steps, "every": every})
        if self.writes:
            self.path = target(path)
            write_whole(self.path, None)  # tells before the first step whether it can be done

    def go_on(self, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler) -> list[float]:
        """Load what the checkpoint holds, if it is there, and return the losses of the steps done.

        Raises ValueError for a checkpoint of another training, or one that has done more steps.
        """
        optimizer.zero_grad()
        optimizer.step()  # without gradients nothing changes, but torch wants the schedule to come after
        with first_ones(self.path) as path:
            losses = [] if path is None else self._loaded(path, model, optimizer, schedule)
        if self._due(losses) and self.validate is not None and len(losses) not in (step for step, _ in self.scores):
            self._score(model, optimizer, losses)  # killed in between, or validate failed
        return losses

    def _loaded(self, path: Path, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler) -> list[float]:
        about, _, _ = _read(path)
        self._check(about)
        for _ in about["losses"]:
            schedule.step()
        rates = copy.deepcopy(optimizer.state_dict()["param_groups"])  # those of this training, maybe a longer one
        resume(path, model, optimizer)
        optimizer.load_state_dict({"state": optimizer.state_dict()["state"], "param_groups": rates})
        self.scores = about["scores"]
        return about["losses"]

    def keep(self, model: nn.Module, optimizer: Optimizer, losses: list[float]) -> bool:
        """Store the training if it is time to; return whether it is to stop."""
        stopped = self.stop is not None and anyone(bool(self.stop()))
        if self.path is not None and (stopped or self._due(losses)):
            level(model)
            self._save(model, optimizer, losses)
            if self.validate is not None and self._due(losses):
                self._score(model, optimizer, losses)
        return stopped

    def _due(self, losses: list[float]) -> bool:
        return bool(losses) and (len(losses) % self.every == 0 or len(losses) == self.steps)

    def _save(self, model: nn.Module, optimizer: Optimizer, losses: list[float]) -> None:
        if self.writes:
            save(self.path, model, optimizer, settings=self.settings, losses=losses, scores=self.scores)
        from_first(bytes)  # nobody goes on, or ends, before it is written

    def _score(self, model: nn.Module, optimizer: Optimizer, losses: list[float]) -> None:
        """Ask validate, keep the weights if they are the best so far, and store the score."""
        with modes_kept(model):
            score = self.validate(model)
        fits, advice = hasattr(score, "__float__"), "Of evaluate's counts: evaluate(model, data).mean_iou()."
        that(fits, "a number from validate", score, advice)
        score = float(score)
        best = max((best for _, best in self.scores if best == best), default=-float("inf"))  # NaN is no best
        if self.writes and score > best:
            save(self.path.with_name(f"{self.path.name}.best"), model, score=score, step=len(losses))
        self.scores.append((len(losses), score))
        self._save(model, optimizer, losses)

    def _check(self, about: dict) -> None:
        stored = about.get("settings")
        that(stored, f"a training to go on with in {self.path}", "weights alone", "Name another checkpoint.")
        advice = "Go on as it began, or name another checkpoint."
        for name, value in self.settings.items():
            that(stored.get(name) == value, f"{name} {stored.get(name)!r}, as in {self.path}", value, advice)
        done = len(about["losses"])
        that(done <= self.steps, f"{done} steps or more, as {self.path} has done", self.steps)


def described(function) -> str | None:
    """Return a function's name, with the arguments that partial fixed; a module's with a checksum of its tensors.

    Two functions of one name, and two objects of one type that are no modules, are described alike.

    >>> described(partial(sorted, reverse=True)), described(nn.CrossEntropyLoss())
    ('sorted(reverse=True)', 'CrossEntropyLoss()')
    """
    if isinstance(function, partial):
        values = [(f"{name}=", value) for name, value in function.keywords.items()]
        fixed = [
            start + (described(value) if callable(value) else re.sub(r" at 0x\w+", "", repr(value)))
            for start, value in [*(("", value) for value in function.args), *values]
        ]
        return f"{described(function.func)}({', '.join(fixed)})"
    if isinstance(function, nn.Module):
        # as bytes: NumPy has no bfloat16
        parts = [t.detach().cpu().contiguous().flatten().view(torch.uint8) for t in function.state_dict().values()]
        tensors = [part.numpy().tobytes() for part in parts]
        return repr(function) + (f", tensors {zlib.crc32(b''.join(tensors)):08x}" if tensors else "")
    return None if function is None else getattr(function, "__qualname__", type(function).__name__)


def _there(path: str | Path) -> Path:
    path = target(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path}.")
    return path


def _plain(name: str) -> str:
    """Return a weight's name without what torch.compile, DataParallel and DistributedDataParallel put before it."""
    return name.replace("_orig_mod.", "").removeprefix("module.")


def _read(path: Path) -> tuple[dict, dict, dict[str, Tensor]]:
    """Return what a checkpoint says of itself and of its optimizer, and its tensors, not tied to the file."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            about, stored = (json.loads(metadata.get(name, "null")) for name in ("fcn", "optimizer"))
            # clones: Windows replaces no file that memory is mapped to
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (safetensors.SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is damaged or no checkpoint ({error}): name the .safetensors file of a network, or "
            "fetch or make that anew."
        ) from None
    that(isinstance(about, dict), f"a file that fcn.training.save wrote, not {path}, saying of itself", about)
    return about, stored or {}, tensors


def _identity(optimizer: Optimizer, model: nn.Module) -> dict:
    """Return what an optimizer is and which parameters it holds, in its order."""
    names = {id(parameter): _plain(name) for name, parameter in model.named_parameters()}
    held = [names.get(id(p), "?") for group in optimizer.param_groups for p in group["params"]]
    return {"type": type(optimizer).__name__, "parameters": held}


def _check_optimizer(path: Path, stored: dict, expected: dict) -> None:
    that(stored, f"an optimizer's state in {path}", "weights alone", "Resume it without optimizer.")
    for name, value in expected.items():
        there, here = str(stored[name])[:80], str(value)[:60]
        that(stored[name] == value, f"an optimizer with the {name} of {path}, {there}", here)


def _weights_for(model: nn.Module, path: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a file's weights under the names of the model; raise ValueError if they are of another network."""
    expected = {_plain(name): (name, tensor) for name, tensor in model.state_dict().items()}
    weights = {_plain(name.removeprefix("model.")): t for name, t in tensors.items() if name.startswith("model.")}
    other = sorted(weights.keys() ^ expected.keys())[:1]
    that(not other, f"the network of {path}, whose weights have the same names; only one of the two has", other)
    for name, (_, tensor) in expected.items():
        there, here = tuple(weights[name].shape), tuple(tensor.shape)
        that(there == here, f"the network of {path}, where {name} is {there}: other classes?", here)
    return {own: weights[name] for name, (own, _) in expected.items()}


def _as_json(value):
    """Return what JSON can hold for a number of NumPy, a tensor or a path; raise ValueError otherwise."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return that(False, "what JSON can hold", value)
