"""Measure what chapter 5 says about skips. Run it with: python data/results/skips.py

Networks of fcn.backbones.small(wide=True) on Emoji scenes. Each of the ways below takes three rounds of equally many
steps, each round with its rate rising and falling once; a seed decides the scenes, their order and the first weights.
"staged" means that each round starts from the one before: 16s from 32s, 8s from 16s. "at once" is one network for all
rounds.

  32s                   32s, 32s, 32s
  16s                   32s, 16s, 16s (staged)
  8s                    32s, 16s, 8s (staged)
  4s                    32s, 16s, 4s (staged; the maps at strides 8 and 4 are added in one round)
  16s, 8s, 4s at once   the same network for three rounds
  8s by maximum         at once, the larger of two scores instead of their sum
  8s by concatenation   at once, as in U-Net: maps joined and mixed by 3x3 convolutions, scored at the end

Scores are those of 300 validation scenes and of 300 of the unseen style. Killed and started again, the study goes on
with the way it was at. Five differences were named before the first run; each is given as the mean over the seeds of
the difference between two ways under the same seed, with its 95 % t-interval.
"""

import json
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import torch
from record import interval, store, stored_runs
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from fcn.backbones import normalize, small
from fcn.metrics import Confusion, boundary_iou, predicted
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit, resume, save
from fcn.upsampling import bilinear

SEEDS, WORKERS = range(5), 2
RECIPE = {"scenes to train on": 8000, "steps a round": 600, "rounds": 3, "batch": 16, "rate": 0.01}
K, WIDTH = len(CLASSES), 3
STAGED = {"32s": (32, 32, 32), "16s": (32, 16, 16), "8s": (32, 16, 8), "4s": (32, 16, 4)}
COMPARISONS = {
    "16s minus 32s": ("16s", "32s"),
    "8s minus 16s": ("8s", "16s"),
    "4s at once minus 8s at once": ("4s at once", "8s at once"),
    "8s staged minus 8s at once": ("8s", "8s at once"),
    "8s by concatenation minus 8s at once": ("8s by concatenation", "8s at once"),
}


class Maximum(FCN):
    """An FCN that takes the larger of two scores instead of their sum."""

    def fuse(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return torch.maximum(coarse, fine)


class Concatenation(nn.Module):
    """As in U-Net: the coarser map is enlarged, joined to the finer one, and mixed with it by a 3x3 convolution."""

    def __init__(self, backbone: nn.Module, classes: int):
        super().__init__()
        _, eighth, sixteenth, last = backbone.channels
        self.backbone = backbone
        self.mix16, self.mix8 = mixed(last + sixteenth, sixteenth), mixed(sixteenth + eighth, eighth)
        self.score = nn.Conv2d(eighth, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        _, eighth, sixteenth, last = self.backbone(images)
        x = self.mix16(torch.cat([bilinear(last, 2), sixteenth], dim=1))
        x = self.mix8(torch.cat([bilinear(x, 2), eighth], dim=1))
        return bilinear(self.score(x), 8)


def mixed(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


AT_ONCE = {
    "16s at once": lambda: FCN(small(wide=True), K, 16),
    "8s at once": lambda: FCN(small(wide=True), K, 8),
    "4s at once": lambda: FCN(small(wide=True), K, 4),
    "8s by maximum": lambda: Maximum(small(wide=True), K, 8),
    "8s by concatenation": lambda: Concatenation(small(wide=True), K),
}


@lru_cache(maxsize=3)
def scenes(count: int, seed: int, split: str) -> tuple[Tensor, Tensor]:
    drawn = EmojiScenes(count, seed=seed, split=split, void=True)
    images, masks = zip(*(drawn[index] for index in range(count)), strict=True)
    return normalize(torch.stack(images)), torch.stack(masks)


def scores(net: nn.Module) -> dict[str, dict]:
    """Return the scores on validation scenes and on scenes of the unseen style."""
    found = {}
    for split in ("val", "test"):
        images, truth = scenes(300, 7, split)
        with torch.inference_mode():
            answer = torch.cat([predicted(net.eval()(part)) for part in images.split(50)])
        table = Confusion(K).update(truth, answer)
        found[split] = {
            "mean IoU": table.mean_iou(),
            "pixel accuracy": table.pixel_accuracy(),
            "mean accuracy": table.mean_accuracy(),
            "frequency-weighted IoU": table.frequency_weighted_iou(),
            "boundary IoU": boundary_iou(truth, answer, K, width=WIDTH).nanmean().item(),
            "IoU": [round(value, 4) for value in table.iou().tolist()],
        }
    return found


def round_of(net: nn.Module, seed: int, number: int) -> nn.Module:
    """Train for one round; the seed and the round's number decide the order of the scenes."""
    data = TensorDataset(*scenes(RECIPE["scenes to train on"], seed, "train"))
    generator = torch.Generator().manual_seed(100 * seed + number)
    fit(net, data, steps=RECIPE["steps a round"], lr=RECIPE["rate"], batch=RECIPE["batch"], generator=generator)
    return net


def staged(strides: tuple[int, ...], seed: int, folder: Path) -> nn.Module:
    """Return a network after rounds of these strides, going on from what other ways have left in the folder."""
    path = folder / f"{seed}-{'-'.join(map(str, strides))}.safetensors"
    net = FCN(small(wide=True), K, strides[-1])
    if path.exists():
        resume(path, net)
        return net
    if len(strides) > 1:
        net = staged(strides[:-1], seed, folder)
        while net.stride > strides[-1]:
            net = FCN.from_coarser(net)
    save(path, round_of(net, seed, len(strides)))
    return net


def trained(way: str, seed: int, folder: Path) -> nn.Module:
    torch.manual_seed(seed)
    if way in STAGED:
        return staged(STAGED[way], seed, folder)
    net = AT_ONCE[way]()
    for number in range(1, RECIPE["rounds"] + 1):
        round_of(net, seed, number)
    return net


def run(ways: list[str], seed: int, folder: Path) -> dict[str, dict]:
    """Return {way: scores} of one seed, computed on one thread."""
    torch.set_num_threads(1)
    return {way: scores(trained(way, seed, folder)) for way in ways}


def summed_up(runs: dict) -> dict:
    """Return mean and standard deviation over the seeds, of each score of each way on each split."""
    found = {}
    for split in ("val", "test"):
        for way, several in runs.items():
            values = found.setdefault(split, {}).setdefault(way, {})
            for score in several["0"][split]:
                each = torch.tensor([run[split][score] for run in several.values()], dtype=torch.float64)
                for name, value in [("mean", each.mean(0)), ("sd", each.std(0))]:
                    rounded = (1e4 * value).round() / 1e4
                    values.setdefault(score, {})[name] = (
                        [round(v, 4) for v in rounded.tolist()] if value.ndim else (round(rounded.item(), 4))
                    )
    return found


def compared(runs: dict) -> dict:
    """Return for each of COMPARISONS and each score the paired mean difference and its 95 % t-interval."""
    found = {}
    for name, (first, second) in COMPARISONS.items():
        for split, score in [("val", "mean IoU"), ("val", "boundary IoU"), ("test", "mean IoU")]:
            differences = [runs[first][s][split][score] - runs[second][s][split][score] for s in runs[first]]
            in_favour = sum(difference > 0 for difference in differences)
            found.setdefault(name, {})[f"{split}, {score}"] = {
                **interval(differences, 4),
                "seeds in favour": in_favour,
            }
    return found


def main() -> None:
    runs = stored_runs(__file__, RECIPE)
    about = {"seeds": len(SEEDS), "interval in %": 95, "workers": WORKERS, **RECIPE}
    named = "-".join(map(str, RECIPE.values()))
    folder = Path(tempfile.gettempdir(), f"fcn-book-skips-{named}")  # rounds that several ways share
    folder.mkdir(exist_ok=True)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        waiting = {}
        for seed in SEEDS:
            for ways in ([*STAGED], *([way] for way in AT_ONCE)):  # staged ways share rounds: one after the other
                left = [way for way in ways if str(seed) not in runs.setdefault(way, {})]
                if left:
                    waiting[pool.submit(run, left, seed, folder)] = str(seed)
        for done in as_completed(waiting):
            for way, found in done.result().items():
                runs[way][waiting[done]] = found
                print(waiting[done], way, *(f"{split} {found[split]['mean IoU']:.3f}" for split in found), flush=True)
            store(__file__, {"runs": runs}, threads=1, **about)
    runs = {way: dict(sorted(several.items())) for way, several in runs.items()}
    weights = {way: sum(p.numel() for p in make().parameters()) for way, make in AT_ONCE.items()}
    results = {**summed_up(runs), "comparisons": compared(runs), "weights": weights, "runs": runs}
    store(__file__, results, threads=1, **about)
    shutil.rmtree(folder)
    print(json.dumps(results["comparisons"], indent=1))


if __name__ == "__main__":
    main()
