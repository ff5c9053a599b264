"""Keep a network and a training: one safetensors file, whole or not there, that says what it holds."""

import contextlib
import copy
import glob
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import safetensors
from safetensors.torch import save as serialized
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fcn.expect import that


def save(path: str | Path, model: nn.Module, optimizer: Optimizer | None = None, **about) -> None:
    """Write a model's weights, and an optimizer's state if there is one, to one safetensors file.

    `about` is anything that JSON can hold (numbers of NumPy, tensors and paths become plain ones); it is stored with
    them. The file is written aside and then renamed: killed at any moment, the old one or the new one stands there,
    whole. What wraps the model (torch.compile, DataParallel) leaves no trace in the names. Raises ValueError, and
    leaves the old file alone, if a weight is no longer finite or if the optimizer's state is more than tensors a
    parameter; OSError, naming the file, if it cannot be written.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/net.safetensors", nn.Conv2d(3, 2, 1), seed=3)
    ...     resume(f"{folder}/net.safetensors", nn.Conv2d(3, 2, 1))
    {'seed': 3}
    """
    path = _target(path)
    tensors = {f"model.{_plain(name)}": tensor for name, tensor in model.state_dict().items()}
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
    _write_whole(path, serialized(copies, metadata))


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
    path = _target(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path}.")
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


class Keeper:
    """What a training leaves in its checkpoint after each `every` steps and at the end, and how it goes on from it.

    `path` is the file, or None for a training that leaves nothing; `settings` are what must stay the same. Of what
    `validate` says, the weights of the highest are kept in NAME.best. Raises ValueError for validate without a path,
    OSError if the path's folder is missing or cannot be written to.
    """

    def __init__(self, path, settings: dict, *, steps: int, every: int, validate: Callable | None):
        that(validate is None or path is not None, "a checkpoint beside which validate's best weights are kept", path)
        self.path, self.settings, self.steps, self.every = path and _target(path), settings, steps, every
        self.validate, self.scores = validate, []
        if path is not None:
            _write_whole(self.path, None)  # tells before the first step whether it can be done

    def go_on(self, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler) -> list[float]:
        """Load what the checkpoint holds, if it is there, and return the losses of the steps done.

        Raises ValueError for a checkpoint of another training, or one that has done more steps.
        """
        optimizer.zero_grad()
        optimizer.step()  # without gradients nothing changes, but torch wants the schedule to come after
        if self.path is None or not self.path.is_file():
            return []
        about, _, _ = _read(self.path)
        self._check(about)
        for _ in about["losses"]:
            schedule.step()
        rates = copy.deepcopy(optimizer.state_dict()["param_groups"])  # those of this training, maybe a longer one
        resume(self.path, model, optimizer)
        optimizer.load_state_dict({"state": optimizer.state_dict()["state"], "param_groups": rates})
        self.scores = about["scores"]
        return about["losses"]

    def keep(self, model: nn.Module, optimizer: Optimizer, losses: list[float]) -> None:
        """Store the training if it is time to."""
        if self.path is None or (len(losses) % self.every and len(losses) != self.steps):
            return
        if self.validate is not None:
            score = float(self.validate(model))
            if score > max((best for _, best in self.scores), default=-float("inf")):
                save(self.path.with_name(f"{self.path.name}.best"), model, score=score, step=len(losses))
            self.scores.append((len(losses), score))
        save(self.path, model, optimizer, settings=self.settings, losses=losses, scores=self.scores)

    def _check(self, about: dict) -> None:
        stored = about.get("settings")
        that(stored, f"a training to go on with in {self.path}", "weights alone", "Name another checkpoint.")
        advice = "Go on as it began, or name another checkpoint."
        for name, value in self.settings.items():
            that(stored.get(name) == value, f"{name} {stored.get(name)!r}, as in {self.path}", value, advice)
        done = len(about["losses"])
        that(done <= self.steps, f"{done} steps or more, as {self.path} has done", self.steps)


def described(function) -> str | None:
    """Return a function's name, with the arguments that partial fixed.

    >>> described(partial(sorted, reverse=True))
    'sorted(reverse=True)'
    """
    if isinstance(function, partial):
        fixed = ", ".join(
            [*map(repr, function.args), *(f"{name}={value!r}" for name, value in function.keywords.items())]
        )
        return f"{described(function.func)}({fixed})"
    return None if function is None else getattr(function, "__qualname__", type(function).__name__)


def _plain(name: str) -> str:
    """Return a weight's name without what torch.compile, DataParallel and DistributedDataParallel put before it."""
    return name.replace("_orig_mod.", "").removeprefix("module.")


def _target(path: str | Path) -> Path:
    """Return the file that a path means, behind links; raise FileNotFoundError if not even its folder is there."""
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir() or path.is_dir():
        wrong = f"{path} is a folder: name a file in it." if path.is_dir() else f"There is no folder {path.parent}."
        raise FileNotFoundError(wrong)
    return path


def _write_whole(path: Path, data: bytes | None) -> None:
    """Write a file whole or not at all: under a name of its own first, then renamed. None only tries the first."""
    aside = None
    _sweep(path)
    try:
        handle, aside = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            if data is not None:
                file.write(data)
        if data is not None:
            os.chmod(aside, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            os.replace(aside, path)
            aside = None
    except OSError as error:
        raise type(error)(
            error.errno, f"{path} could not be written ({error.strerror}); what stood there still does"
        ) from None
    finally:
        if aside is not None:
            with contextlib.suppress(OSError):
                os.unlink(aside)


def _sweep(path: Path) -> None:
    """Remove what a writer of this file left behind when it was killed; no writer takes a minute."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 60:
                left.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _read(path: Path) -> tuple[dict, dict, dict[str, Tensor]]:
    """Return what a checkpoint says of itself and of its optimizer, and its tensors, not tied to the file."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            about, stored = (json.loads(metadata.get(name, "null")) for name in ("fcn", "optimizer"))
            # clones: Windows replaces no file that memory is mapped to
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (safetensors.SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or no checkpoint ({error}): delete it, or fetch it anew.") from None
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
