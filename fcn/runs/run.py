"""Train on photographs and masks and leave a folder. K classes, H height, W width."""

import copy
import math
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from fcn.answers import labels
from fcn.backbones import lite0, small, vgg16
from fcn.expect import one_of, positive, that, whole
from fcn.palette import colors
from fcn.runs.card import card, scores_of
from fcn.runs.folder import ABOUT, CARD, CHECKPOINT, CURVE, FIRST, HISTORY, LAST, MODEL, Folder, origin
from fcn.runs.sized import Sized, window_of
from fcn.skips import FCN
from fcn.training import cropped, cross_entropy_and_iou, evaluate, fit, one_cycle, resume, save, soft_iou, stored
from fcn.training import part as own_part
from fcn.training.parallel import first_ones, from_first, place

BACKBONES = {"lite0": lite0, "small": small, "vgg16": partial(vgg16, pretrained=True)}
LOSSES = {"cross-entropy": F.cross_entropy, "iou": soft_iou, "both": cross_entropy_and_iou}
BATCHES, STEPS = (2, 6), 150  # fewer windows a step, if there would be fewer steps than that
MINUTES, LOOKS, LOOKED_AT, SHOWN = (
    10,
    10,
    48,
    4,
)  # looks at val in a training, its photographs on the way, in a picture
HIDDEN, SHARE = 128, 0.2  # channels of the heads; the rate of a pretrained backbone, as a share of the heads'


def train(
    data: Mapping[str, Dataset], out: str | Path, *, backbone: str = "lite0", stride: int = 8,
    epochs: int | None = None, minutes: float | None = None, lr: float = 3e-3, loss: str = "both",
    batch: int | None = None, longest: int = 640, seed: int = 0, device: str = "auto", amp: bool = False,
    again: bool = False,
    about: Mapping | None = None, say: Callable = print, stop: Callable | None = None,
) -> dict:  # fmt: skip
    """Train an FCN on data["train"], choose the best weights on data["val"], and leave a folder; return its run.json.

    The data sets give (image (3, H, W) uint8, mask (H, W) uint8, 255 for void) of any sizes and have `classes`.
    Photographs whose longer side has more than `longest` pixels are made smaller first, also when the network is used
    (0: never). It trains for `epochs`, or about so many `minutes` (10, if neither is said), on windows of the
    photographs, `batch` a step (six; two or more, where there would be few steps). `backbone` is a name of BACKBONES,
    `loss` one of LOSSES; `lr` is the heads' rate, the backbone's a fifth of it. `device` is "auto", "cpu", "cuda" or
    another of torch's.

    The folder holds model.safetensors (fcn.predict.load), run.json, history.csv, README.md (a model card), pictures,
    and checkpoint.safetensors, from which the same call with `again` goes on, wherever it was stopped; with more
    epochs or minutes it trains on. `about` joins run.json, `say` is told of each look at val, stop() ends the
    training after a step if it is true.
    Started by torchrun, below `with fcn.training.processes()`, each process takes its part of every batch and of val,
    and the first one writes.
    Raises ValueError, FileNotFoundError or OSError, before the first step where that can be known, as Folder and fit
    do.

    >>> train({}, "run", backbone="resnet")
    Traceback (most recent call last):
    ValueError: Expected the backbone to be one of 'lite0', 'small', 'vgg16'; got 'resnet'.
    """
    one_of(backbone, "the backbone", tuple(BACKBONES)), one_of(loss, "the loss", tuple(LOSSES))
    that(epochs is None or minutes is None, "epochs or minutes, not both", (epochs, minutes))
    same = data["train"].classes == data["val"].classes
    that(same, "the same classes to train on and to decide by", data["val"].classes)
    with Folder(out, resume=again) as folder:
        device = device_of(device)
        parts = {name: Sized(each, longest) for name, each in data.items()}
        with torch.random.fork_rng([]):
            torch.manual_seed(whole(seed, "the seed", 0))
            net = FCN(BACKBONES[backbone](), len(data["train"].classes), stride, hidden=HIDDEN)
        net = net.to(device, memory_format=torch.channels_last)
        setting = {"backbone": backbone, "stride": stride, "lr": positive(lr, "the rate"), "loss": loss, "seed": seed,
                   "longest": longest, "amp": amp, "classes": list(data["train"].classes)}  # fmt: skip
        training = _Training(folder, net, parts, setting, say)
        training.plan(epochs, minutes, batch, dict(about or {}))
        training.run(stop)
        return training.end()


class _Training:
    """One training in its folder."""

    def __init__(self, folder: Folder, net: FCN, data: dict[str, Sized], setting: dict, say: Callable):
        self.folder, self.net, self.data, self.setting, self.say = folder, net, data, setting, say
        share = SHARE if setting["backbone"] != "small" else 1.0
        self.fitting = {
            "lr": setting["lr"], "seed": setting["seed"], "amp": setting["amp"],
            "recipe": partial(one_cycle, backbone=share), "loss": LOSSES[setting["loss"]],
            "transform": partial(cropped, size=window_of(data["train"])),
        }  # fmt: skip
        self.network = network_of(net, setting)

    def plan(self, epochs: int | None, minutes: float | None, batch: int | None, about: dict) -> None:
        """Decide on the batch and the number of steps, and write run.json."""
        images, begun = len(self.data["train"]), self._begun()
        (low, high), epochs = BATCHES, None if epochs is None else whole(epochs, "epochs", 1)
        most = high if epochs is None else epochs * images // STEPS
        chosen = whole(batch, "the batch", 1, images) if batch else min(images, max(low, min(high, most), place()[1]))
        self.batch = begun.get("batch", chosen)
        self.fitting["batch"], self.epoch = self.batch, images // self.batch
        if epochs is not None:
            steps = epochs * self.epoch
        elif begun and minutes is None:
            steps = begun["steps"]
        else:
            steps = self._in(positive(MINUTES if minutes is None else minutes, "minutes"))
            steps = int(from_first(str(steps).encode))  # each process has measured its own
        self.steps = max(steps, begun.get("steps", 0))
        often = min(math.ceil(self.steps / LOOKS), max(self.epoch, math.ceil(self.steps / 50)))
        self.every = begun.get("every", min(self.steps, max(10, often)))
        parts = {name: len(each) for name, each in self.data.items()}
        self.about = {"arguments": self.setting, "steps": self.steps, "batch": self.batch, "every": self.every,
                      "photographs": parts, **origin(), **about}  # fmt: skip
        self.folder.write(ABOUT, self.about)
        epochs = self.steps / self.epoch
        self.say(f"{self.steps} steps of {self.batch} windows ({epochs:.1f} epochs); a look at val each {self.every}")

    def _begun(self) -> dict:
        """Return what run.json says of the training to go on with, if there is one, and if it is this one."""
        begun = self.folder.about() if self.folder.resumed else {}
        for name, value in self.setting.items() if begun else ():
            there = begun.get("arguments", {}).get(name)
            that(there == value, f"{name} {there}, as the training in {self.folder.path} began", value)
        before, now = begun.get("photographs"), {name: len(each) for name, each in self.data.items()}
        advice = "Bring back the photographs that it began with, or begin anew: --out names another folder."
        that(not begun or before == now, f"as many photographs as when it began, {before}", now, advice)
        return begun

    def _in(self, minutes: float) -> int:
        """Return how many steps fit into so many minutes on this machine, looks at val included."""
        stamps = []

        def stamped(logits: Tensor, masks: Tensor) -> Tensor:
            stamps.append(time.perf_counter())
            return self.fitting["loss"](logits, masks)

        trial = copy.deepcopy(self.net)
        fit(trial, self.data["train"], steps=8, **self.fitting | {"loss": stamped})
        step = statistics.median(later - earlier for earlier, later in pairwise(stamps[1:]))
        begin = time.perf_counter()
        evaluate(trial, Subset(self.data["val"], [0]), batch=1)
        look = (time.perf_counter() - begin) * min(LOOKED_AT, len(self.data["val"]))
        return max(1, round((60 * minutes - LOOKS * look) / step), round(0.3 * 60 * minutes / step))

    def run(self, stop: Callable | None) -> None:
        self.looked, checkpoint = time.perf_counter(), self.folder[CHECKPOINT]
        if not self.folder.resumed or not checkpoint.is_file():
            self.folder.write(HISTORY, "step,epoch,loss,val_mean_iou\n")
        self.losses = fit(
            self.net, self.data["train"], steps=self.steps, checkpoint=checkpoint, every=self.every, stop=stop,
            validate=self.look, **self.fitting,
        )  # fmt: skip

    def look(self, net: nn.Module) -> float:
        """Score val, or its first photographs, on the way; tell, and draw a picture the first time."""
        shown = min(LOOKED_AT, len(self.data["val"]))
        score = evaluate(net, own_part(Subset(self.data["val"], range(shown))), batch=4).mean_iou()
        if place()[0]:
            return score
        kept = stored(self.folder[CHECKPOINT])
        step, now = len(kept["losses"]), time.perf_counter()
        self._history(kept["losses"], [*kept["scores"], (step, score)])
        left = (now - self.looked) / self.every * (self.steps - step)
        self.looked = now
        mean = statistics.fmean(kept["losses"][kept["scores"][-1][0] if kept["scores"] else 0 :])
        end = f", about {max(1, round(left / 60))} min left" if left > 30 else ""
        what = "val" if shown == len(self.data["val"]) else f"{shown} of val"
        self.say(f"step {step} of {self.steps}: loss {mean:.3f}, mean IoU on {what} {100 * score:.1f} %{end}")
        if not self.folder[FIRST].exists():
            self._draw(FIRST, net, f"after {step} steps")
        return score

    def _history(self, losses: list[float], scores: list) -> None:
        rows, before = [], 0
        for step, score in scores:
            mean = statistics.fmean(losses[before:step])
            rows.append({"step": step, "epoch": round(step / self.epoch, 2), "loss": round(mean, 5),
                         "val_mean_iou": round(score, 5)})  # fmt: skip
            before = step
        self.folder.write(HISTORY, rows)

    def _draw(self, name: str, net: nn.Module, title: str) -> None:
        from fcn.viz import examples  # it draws: seconds, where there is nothing to draw

        apart = max(1, len(self.data["val"]) // SHOWN)
        pairs = [self.data["val"][index] for index in range(0, len(self.data["val"]), apart)][:SHOWN]
        rows = [(image, mask, labels(net, image)) for image, mask in pairs]
        self.folder.write(name, examples(rows, self.setting["classes"], title=title).encoded())

    def end(self) -> dict:
        """Write what a training that ended, or was stopped, leaves; return run.json."""
        done = len(self.losses)
        with first_ones(self.folder[f"{CHECKPOINT}.best"]) as best:
            if best is not None:
                resume(best, self.net)
        counts = {
            name: evaluate(self.net, own_part(self.data[name]), batch=4) for name in self.data if name != "train"
        }
        self.about |= {
            "steps done": done,
            "never answered": _never(counts["val"].counts, self.setting["classes"]),
            "scores": {name: scores_of(each, self.setting["classes"]) for name, each in counts.items()},
        }
        if place()[0]:
            return self.about
        plain = self.net.to(memory_format=torch.contiguous_format)
        save(self.folder[MODEL], plain, network=self.network, **self.about)
        self._draw(LAST, self.net, "answer")
        self._curve()
        self.folder.write(ABOUT, self.about)
        self.folder.write(CARD, card(self.about, self.network))
        return self.about

    def _curve(self) -> None:
        from fcn.viz import curves

        scores = stored(self.folder[CHECKPOINT])["scores"]
        if len(scores) > 1:
            line = {"mean IoU on val": {step: 100 * score for step, score in scores}}
            alt = "Mean IoU on val over the steps"
            self.folder.write(CURVE, curves(line, "step", "mean IoU on val, %", alt=alt).encoded())


def _never(counts: Tensor, classes: list[str]) -> list[str]:
    """Return the classes that masks have and that are never answered."""
    there, said = counts.sum(dim=1).tolist(), counts.sum(dim=0).tolist()
    return [name for name, pixels, answers in zip(classes, there, said, strict=True) if pixels and not answers]


def network_of(net: FCN, setting: Mapping) -> dict:
    """Return what a file must say of a network, so that fcn.predict.load can build and use it.

    >>> network_of(FCN(small(), 2), {"backbone": "small", "classes": ["background", "cat"], "longest": 640})["stride"]
    8
    """
    classes, scale = setting["classes"], net.backbone.normalize
    return {
        "backbone": setting["backbone"], "classes": classes, "stride": net.stride, "hidden": net.hidden,
        "longest": setting["longest"], "palette": colors(classes)[: len(classes)].tolist(),
        "normalization": {"mean": scale.mean.flatten().tolist(), "std": scale.std.flatten().tolist()},
    }  # fmt: skip


def device_of(name: str) -> torch.device:
    """Return a device by its name, "auto" for a GPU if there is one. Raises ValueError for one that is not here.

    >>> device_of("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise ValueError(f"Expected a device that is here, such as 'auto' or 'cpu'; got {name!r}.") from None
    return device
