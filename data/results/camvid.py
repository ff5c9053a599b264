"""Measure what chapter 6 says of photographs, where CamVid is ($CAMVID, camvid/). Run: python data/results/camvid.py

Networks on CamVid's 367 training photographs, 480x360, scored on its 101 photographs of val; test is left alone. The
backbone is EfficientNet-Lite0, pretrained on ImageNet but for "from nothing".

The short lesson: photographs and masks brought to 320x240, the backbone frozen, its maps computed once, and of
FCN-32s, 16s, 8s and 4s only the linear heads trained, 400 steps of 16 (scored at 320x240).

The ten-minute lesson, RECIPE below: FCN-8s with 3x3 heads, all of it trained. It was chosen on val, after some 15
single runs of 700 steps, so its scores on val are a little kind. Then, named before any of these runs (November 29,
2026):

  LENGTHS    the recipe in half of the steps and in three times as many: what a longer training buys
  PARTNERS   in as many steps as take the recipe's time: the backbone frozen (its BatchNorm too), and the same network
             from nothing, of random weights
  STEPS      half as long, with one thing changed: cross-entropy alone; linear heads; FCN-4s; one rate for all; no
             other light; one scale; whole photographs, three a step, instead of six windows. (In the recipe's length,
             as first planned, these would have taken seven hours; changed before the first of them ran.)

Each on three seeds, which decide the first weights of the heads and the order and the windows of the photographs. The
comparisons are paired by seed. With three seeds the t-intervals are wide; what they leave open is left open.

Of each network are kept the counts of truth and answer, mean and boundary IoU; of LENGTHS and PARTNERS also val as
the training went on. Of LENGTHS besides: the score with flips, and with flips at the scales 1 and 1.5; that of a mean
over windows of 256x352 instead of whole photographs; how sure the network was against how often right, before and
after a temperature that is found on the even photographs of val and judged on the odd ones.

"pole against the rest" trains the linear heads of an FCN-8s as in the short lesson, for two classes, with
cross-entropy, with class weights, and with the soft IoU beside it: why it answers only the background, and the cure.

Killed and started again, the study goes on where it was; with --so-far it stores what there is, by the seeds that
there are, and ends nothing. Each process uses one thread, two run at a time; the minutes
are those of two threads alone on the machine, steps times the median of steps measured at the end.
"""

import statistics
import sys
import tempfile
import time
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from record import arrays, begun, interval, scored, store, studied, summed_up, written
from torch import Tensor, nn
from torch.utils.data import Dataset

from fcn import VOID
from fcn.answers import labels, predicted, probabilities
from fcn.backbones import lite0
from fcn.calibration import Reliability, temperature
from fcn.datasets import CamVid, in_memory, resized
from fcn.datasets.camvid import CLASSES, here
from fcn.metrics import Confusion
from fcn.skips import FCN
from fcn.training import cropped, cross_entropy_and_iou, evaluate, fit, frozen, one_cycle, save, stored

SEEDS = ["0", "1", "2"]
K = len(CLASSES)
RECIPE = {
    "steps": 1000, "batch": 6, "rate": 3e-3, "backbone's share": 0.2, "window": [256, 352], "scales": [0.75, 1.6],
    "light": 0.3, "stride": 8, "hidden": 128,
}  # fmt: skip
HEADS = {f"heads, {stride}s": stride for stride in (32, 16, 8, 4)}
LENGTHS = {"recipe": {}, "half as long": {"steps": 500}, "three times as long": {"steps": 3000}}
PARTNERS = {
    "backbone frozen": {"frozen": True, "steps": 2500},
    "from nothing": {"pretrained": False, "backbone's share": 1.0},
}
STEPS = {
    "cross-entropy alone": {"loss": F.cross_entropy},
    "linear heads": {"hidden": 0},
    "FCN-4s": {"stride": 4},
    "one rate for all": {"backbone's share": 1.0},
    "no other light": {"light": 0.0},
    "one scale": {"scales": [1.0, 1.0]},
    "whole photographs": {"window": [360, 480], "scales": [1.0, 1.0], "batch": 3},
}
RUNS = LENGTHS | PARTNERS | {name: LENGTHS["half as long"] | changed for name, changed in STEPS.items()}
COMPARISONS = {
    "three times as long minus recipe": ("three times as long", "recipe"),
    "recipe minus half as long": ("recipe", "half as long"),
    "recipe minus backbone frozen": ("recipe", "backbone frozen"),
    "recipe minus from nothing": ("recipe", "from nothing"),
    **{f"{name} minus half as long": (name, "half as long") for name in STEPS},
}
SMALL = (240, 320)
HEAD_STEPS, HEAD_BATCH, HEAD_RATE = 400, 16, 0.01
SUMMED = ["counts", "reliability before", "reliability after"]
LOOKS, FOLDER = 5, "fcn-book-camvid"  # at val while a network is trained; where networks lie meanwhile
RARE = CLASSES.index("pole")
MEASURED = {"recipe": 0.60, "backbone frozen": 0.28}  # as the plan was made; the second by its ratio to the first


photographs = lru_cache(lambda split: CamVid(here(), split, cached=True))
small = lru_cache(lambda split: in_memory(photographs(split), size=SMALL))


def network(setting: dict) -> FCN:
    net = FCN(lite0(setting.get("pretrained", True)), K, setting["stride"], hidden=setting["hidden"])
    if setting.get("frozen"):
        net.backbone.requires_grad_(False).eval()
    return net.to(memory_format=torch.channels_last)


def arguments(setting: dict, seed: int) -> dict:
    """Return what a setting says to fit."""
    recipe = one_cycle if setting.get("frozen") else partial(one_cycle, backbone=setting["backbone's share"])
    window = partial(cropped, size=setting["window"], scale=setting["scales"], light=setting["light"])
    return {"lr": setting["rate"], "batch": setting["batch"], "seed": seed, "recipe": recipe, "transform": window}


def trained(name: str, seed: int, folder: Path, *, progress: bool = False) -> tuple[nn.Module, list[list[float]]]:
    """Return a network of RUNS, trained, and [step, mean IoU on val] on the way."""
    setting, path = RECIPE | RUNS[name], folder / f"{name.replace(' ', '-')}-{seed}.safetensors"
    torch.manual_seed(seed)
    net, kept = network(setting), path.with_suffix(".progress")
    fit(
        net, photographs("train"), steps=setting["steps"], loss=setting.get("loss", cross_entropy_and_iou),
        validate=None if name in STEPS else lambda net: evaluate(net, photographs("val"), batch=1).mean_iou(),
        checkpoint=kept, every=setting["steps"] // LOOKS, progress=progress, **arguments(setting, seed),
    )  # fmt: skip
    save(path, net)
    return net, stored(kept)["scores"]


def run(names: list[str], seed: str, folder: Path) -> dict[str, dict]:
    """Return {name: scores} of one seed."""
    found = {}
    for name in names:
        if name in HEADS:
            found[name] = heads(HEADS[name], int(seed))
        elif name == "pole against the rest":
            found[name] = rare(int(seed))
        else:
            net, curve = trained(name, int(seed), folder)
            found[name] = looked_at(net, closely=name in LENGTHS) | {"curve": curve}
    return found


def looked_at(net: nn.Module, closely: bool) -> dict:
    """Return what is asked of a trained network, on val; `closely` all that the docstring names."""
    ways = {
        "flips": partial(probabilities, net, flips=True),
        "flips, scales 1 and 1.5": partial(probabilities, net, flips=True, scales=(1, 1.5)),
        "windows": partial(by_windows, net),
    }
    tables, answers, truths, kept = {name: Confusion(K) for name in ways if closely}, [], [], []
    for image, mask in photographs("val"):
        with torch.no_grad():
            kept.append(net.eval()(image[None]).half())
        answers.append(predicted(kept[-1].float())), truths.append(mask[None])
        for name, table in tables.items():
            table.update(mask[None], predicted(ways[name](image[None])))
    answers, truths = torch.cat(answers), torch.cat(truths)
    found = scored(truths, answers, K) | {f"mean IoU, {name}": table.mean_iou() for name, table in tables.items()}
    found["counts"] = Confusion(K).update(truths, answers).counts.numpy()
    return found | (calibrated(torch.cat(kept), truths) if closely else {})


def by_windows(net: nn.Module, image: Tensor) -> Tensor:
    """Return probabilities of a photograph (1, 3, H, W), a mean over four windows that overlap."""
    tall, wide = RECIPE["window"]
    height, width = image.shape[2:]
    total, times = torch.zeros(1, K, height, width), torch.zeros(height, width)
    for top in (0, height - tall):
        for left in (0, width - wide):
            part = (..., slice(top, top + tall), slice(left, left + wide))
            total[part] += probabilities(net, image[part])
            times[part] += 1
    return total / times


def calibrated(logits: Tensor, truths: Tensor) -> dict:
    """Return how sure and how right on the odd photographs, at a temperature of 1 and at that of the even ones."""
    sample = (slice(0, None, 2), ..., slice(0, None, 4), slice(0, None, 4))
    warmth = temperature(logits[sample].float(), truths[sample[0], ::4, ::4])
    found = {"temperature": warmth}
    for name, value in (("before", 1.0), ("after", warmth)):
        counts = Reliability()
        for each, truth in zip(logits[1::2], truths[1::2], strict=True):
            counts.update(truth[None], each[None].float().div(value).softmax(dim=1))
        found[f"calibration error {name}"] = counts.expected_error()
        found[f"reliability {name}"] = torch.stack([counts.pixels, counts.sure, counts.right]).numpy()
    return found


def heads(stride: int, seed: int) -> dict:
    """Return the scores of linear heads on frozen features."""
    net = FCN(lite0(), K, stride)
    features, after = frozen(net, small("train"))
    fit(after, features, steps=HEAD_STEPS, lr=HEAD_RATE, batch=HEAD_BATCH, seed=seed)
    images, truth = small("val").tensors
    return scored(truth, labels(net, images, batch=8), K)


class Against(Dataset):
    """Features or photographs whose masks say only: this class or not."""

    def __init__(self, data: Dataset, label: int):
        self.data, self.label = data, label

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.data[index]
        return image, (mask == self.label).to(torch.uint8).masked_fill(mask == VOID, VOID)


def rare(seed: int) -> dict:
    """Return what comes of "pole against the rest" by the loss, and the share of poles in the truth."""
    truth = torch.stack([mask for _, mask in Against(small("val"), RARE)])
    known = truth != VOID
    share = (truth[known] == 1).float().mean().item()
    weights = torch.tensor([share, 1 - share])
    found = {"share of the truth": share}
    for name, loss in (
        ("cross-entropy", F.cross_entropy),
        ("weighted", nn.CrossEntropyLoss(weight=weights)),
        ("with the soft IoU", cross_entropy_and_iou),
    ):
        net = FCN(lite0(), 2, 8)
        features, after = frozen(net, Against(small("train"), RARE))
        fit(after, features, steps=HEAD_STEPS, lr=HEAD_RATE, batch=HEAD_BATCH, seed=seed, loss=loss)
        answer = labels(net, small("val").tensors[0], batch=8)
        table = Confusion(2).update(truth, answer)
        found[name] = {
            "IoU": table.iou()[1].item(), "pixel accuracy": table.pixel_accuracy(),
            "share of the answer": (answer[known] == 1).float().mean().item(),
        }  # fmt: skip
    return found


def shares() -> dict[str, float]:
    """Return how much of the training photographs each class fills, in % of what is known."""
    counts = sum(torch.bincount(mask.flatten(), minlength=256)[:K] for _, mask in photographs("train"))
    return dict(zip(CLASSES, (100 * counts / counts.sum()).double().round(decimals=2).tolist(), strict=True))


def smooth_masks() -> dict[str, float]:
    """Return what becomes of val's masks if they are brought to 320x240 as photographs are: in %, against nearest."""
    table, invented, changed, total = Confusion(K), 0, 0, 0
    for image, mask in photographs("val"):
        right = resized(image, mask, SMALL)[1]
        stored = mask.where(mask != VOID, torch.tensor(K, dtype=torch.uint8))  # 11, as the files have it
        wrong = F.interpolate(stored[None, None].float(), SMALL, mode="bilinear", antialias=True)[0, 0].round()
        wrong = wrong.clamp(0, K - 1).to(torch.uint8)
        there = F.one_hot(right.clamp(max=K).long(), K + 1).movedim(-1, 0)[None].float()
        near = F.max_pool2d(there, 5, 1, 2)[0].gather(0, wrong[None].long())[0] > 0
        known = right != VOID
        invented, changed = invented + (~near & known).sum().item(), changed + ((wrong != right) & known).sum().item()
        total += known.sum().item()
        table.update(right, wrong)
    return {
        "labels of no pixel within two": round(100 * invented / total, 2),
        "labels changed": round(100 * changed / total, 2),
        "mean IoU": round(100 * table.mean_iou(), 2),
    }


def step_times(steps: int = 15) -> dict[str, float]:
    """Return the seconds of a training step on two threads, the median, of the recipe and of some partners."""
    torch.set_num_threads(2)
    found = {}
    for name in ("recipe", "backbone frozen", "FCN-4s", "linear heads", "whole photographs"):
        setting, times = RECIPE | RUNS[name], []

        def stamped(logits: Tensor, masks: Tensor, times: list = times) -> Tensor:
            times.append(time.perf_counter())
            return cross_entropy_and_iou(logits, masks)

        fit(network(setting), photographs("train"), steps=steps, loss=stamped, **arguments(setting, 0))
        found[name] = round(statistics.median(np.diff(times)), 3)
    return found


def main() -> None:
    if here() is None:
        raise SystemExit("There is no CamVid here: make camvid brings it, or $CAMVID names its folder.")
    about = {"seeds": len(SEEDS), "interval in %": 95, "steps of the heads": HEAD_STEPS}
    so_far = "--so-far" in sys.argv
    folder = Path(tempfile.gettempdir(), FOLDER)
    folder.mkdir(exist_ok=True)
    first = ["three times as long", *HEADS, "pole against the rest", *LENGTHS, *PARTNERS]  # the longest first
    jobs = (((name,), seed) for names in (first, STEPS) for seed in SEEDS for name in dict.fromkeys(names))
    runs = begun(__file__) if so_far else studied(__file__, RECIPE, jobs, partial(run, folder=folder), **about)
    kept = arrays(__file__)
    results = {
        "means": {
            name: summed_up([{key: each[key] for key in each if key != "curve"} for each in runs[name].values()])
            for name in runs
        },
        "summed over the seeds": {
            name: {part: sum(kept[f"{name}/{seed}/{part}"] for seed in runs[name]).tolist() for part in SUMMED}
            for name in LENGTHS
        },
        "share of the pixels in %": shares(),
        "comparisons": {name: compared(*(runs.get(part, {}) for part in pair)) for name, pair in COMPARISONS.items()},
        "masks resized smoothly": smooth_masks(),
        "seconds a step, two threads": MEASURED if so_far else step_times(),
        "runs": runs,
    }
    keep = partial(written, __file__, "json") if so_far else partial(store, __file__)
    keep(results, threads=1, workers=2, unfinished=so_far, **RECIPE, **about)


def compared(one: dict, other: dict) -> dict | None:
    """Return the interval of a difference, paired by seed; None where two seeds or more are not there yet."""
    pairs = [[each[seed]["mean IoU"] for seed in sorted({*one} & {*other})] for each in (one, other)]
    return interval(*pairs, 4) if len(pairs[0]) > 1 else None


if __name__ == "__main__":
    main()
