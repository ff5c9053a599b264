"""Measure what chapter 5 says about skips. Run it with: python data/results/skips.py

Networks of fcn.backbones.small(wide=True) on Emoji scenes. Each of those below takes three rounds of equally many
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
with the network it was at. Five differences were named before the first run; each is given as the mean over the seeds
of the difference between two networks under the same seed, with its 95 % t-interval.
"""

import json
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import torch
from record import interval, scored, store, stored_runs, summed_up
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from fcn.backbones import small
from fcn.datasets import in_memory
from fcn.predict import labels
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit, resume, save
from fcn.upsampling import bilinear

SEEDS, WORKERS = range(5), 2
RECIPE = {"scenes to train on": 8000, "steps a round": 600, "rounds": 3, "batch": 16, "rate": 0.01}
K = len(CLASSES)
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
def scenes(count: int, seed: int, split: str) -> TensorDataset:
    return in_memory(EmojiScenes(count, seed=seed, split=split, void=True))


def scores(net: nn.Module) -> dict[str, dict]:
    """Return the scores on validation scenes and on scenes of the unseen style."""
    held = {split: scenes(300, 7, split).tensors for split in ("val", "test")}
    return {split: scored(truth, labels(net, images), K) for split, (images, truth) in held.items()}


def round_of(net: nn.Module, seed: int, number: int) -> nn.Module:
    """Train for one round; the seed and the round's number decide the order of the scenes."""
    data = scenes(RECIPE["scenes to train on"], seed, "train")
    fit(
        net, data, steps=RECIPE["steps a round"], lr=RECIPE["rate"], batch=RECIPE["batch"], seed=100 * seed + number
    )  # fmt: skip
    return net


def staged(strides: tuple[int, ...], seed: int, folder: Path) -> nn.Module:
    """Return a network after rounds of these strides, going on from what other networks have left in the folder."""
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


def trained(name: str, seed: int, folder: Path) -> nn.Module:
    torch.manual_seed(seed)
    if name in STAGED:
        return staged(STAGED[name], seed, folder)
    net = AT_ONCE[name]()
    for number in range(1, RECIPE["rounds"] + 1):
        round_of(net, seed, number)
    return net


def run(names: list[str], seed: int, folder: Path) -> dict[str, dict]:
    """Return {network: scores} of one seed, computed on one thread."""
    torch.set_num_threads(1)
    return {name: scores(trained(name, seed, folder)) for name in names}


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
    recipe = "-".join(map(str, RECIPE.values()))
    folder = Path(tempfile.gettempdir(), f"fcn-book-skips-{recipe}")  # rounds that several networks share
    folder.mkdir(exist_ok=True)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        waiting = {}
        for seed in SEEDS:
            for names in ([*STAGED], *([name] for name in AT_ONCE)):  # staged ones share rounds: in turn
                left = [name for name in names if str(seed) not in runs.setdefault(name, {})]
                if left:
                    waiting[pool.submit(run, left, seed, folder)] = str(seed)
        for done in as_completed(waiting):
            seed = waiting[done]
            for name, found in done.result().items():
                runs[name][seed] = found
                print(seed, name, *(f"{split} {found[split]['mean IoU']:.3f}" for split in found), flush=True)
            store(__file__, {"runs": runs}, threads=1, **about)
    runs = {name: dict(sorted(several.items())) for name, several in runs.items()}
    weights = {name: sum(p.numel() for p in make().parameters()) for name, make in AT_ONCE.items()}
    means = {name: summed_up(list(several.values())) for name, several in runs.items()}
    by_split = {split: {name: each[split] for name, each in means.items()} for split in ("val", "test")}
    results = {**by_split, "comparisons": compared(runs), "weights": weights, "runs": runs}
    store(__file__, results, threads=1, **about)
    shutil.rmtree(folder)
    print(json.dumps(results["comparisons"], indent=1))


if __name__ == "__main__":
    main()
