"""Measure what chapter 5 says about skips. Run it with: python data/results/skips.py

Networks of fcn.backbones.small(wide=True) on Emoji scenes. Each takes three rounds of equally many steps, each round
with its rate rising and falling once; a seed decides the scenes, their order and the first weights (those of all
staged ones alike, and those of all others). "staged" means that each round starts from the one before: 16s from 32s,
8s from 16s. "at once" is one network for all rounds.

  32s                   32s, 32s, 32s
  16s                   32s, 16s, 16s (staged)
  8s                    32s, 16s, 8s (staged)
  4s                    32s, 16s, 4s (staged; the maps at strides 8 and 4 are added in one round)
  16s, 8s, 4s at once   the same network for three rounds
  8s by maximum         at once, the larger of two scores instead of their sum
  8s by concatenation   at once, as in U-Net: maps joined and mixed by 3x3 convolutions, scored at the end

Killed and started again, the study goes on where it was. Five differences were named before its first run (November
24), the first five of COMPARISONS. Before its second run (November 28) it got these networks:

  8s by concatenation, 1x1           mixed by a 1x1 convolution, BatchNorm and ReLU. (Without the last two it would
                                     be the sum, since a sum of 1x1 scores is one 1x1 convolution on the joined maps.)
  8s by concatenation, few weights   mixed by 3x3 convolutions to as few channels as give the 1x1 network's number
                                     of weights
  32s, slowly 32s; 32s, slowly 16s   32s, 32s, then a round of 32s or 16s at a hundredth of the rate: the paper's own
  16s, slowly 16s; 16s, slowly 8s    control for longer training (section 4.2); and 32s, 16s, then 16s or 8s so
  dilated                            no map coarser than stride 8: the later pools do not stride, the convolutions
                                     after them are dilated, so a cell sees as much. In as many steps as take the time
                                     of 8s at once (measured before: see DILATED_STEPS).

and the other entries of COMPARISONS were named. What is in AFTERWARDS was asked when all that had been seen, with two
networks more: "dilated, equal steps", as many steps as the others in the time that it takes, and "8s at once, 364
steps", as few as dilated has; the last of them later still, of runs that were there.

A difference is the mean over the seeds of that between two networks under the same seed, with its 95 % t-interval;
"p (Holm)" accounts for how many are asked of one score. The interval "over scenes too" draws both seeds and scenes
anew, 2000 times: it says what other scenes would have shown.
"""

import shutil
import tempfile
import time
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from record import arrays, by_scene, holm, interval, resampled, scored, store, studied, summed_up
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

from fcn import VOID
from fcn.backbones import small
from fcn.datasets import in_memory
from fcn.predict import labels
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit, resume, save
from fcn.upsampling import Bilinear, bilinear

SEEDS = [str(seed) for seed in range(5)]
RECIPE = {"scenes to train on": 8000, "steps a round": 600, "rounds": 3, "batch": 16, "rate": 0.01}
K = len(CLASSES)
DILATED_STEPS = 364  # a round: a step took 1.65 times as long when the study was planned, measured as in step_times
TIMED = [
    "8s at once",
    "8s by concatenation",
    "8s by concatenation, 1x1",
    "8s by concatenation, few weights",
    "dilated",
]
STAGED = {  # the strides of the rounds; /100 is a round at a hundredth of the rate
    "32s": "32 32 32", "16s": "32 16 16", "8s": "32 16 8", "4s": "32 16 4",
    "32s, slowly 32s": "32 32 32/100", "32s, slowly 16s": "32 32 16/100",
    "16s, slowly 16s": "32 16 16/100", "16s, slowly 8s": "32 16 8/100",
}  # fmt: skip
COMPARISONS = {
    "16s minus 32s": ("16s", "32s"),
    "8s minus 16s": ("8s", "16s"),
    "4s at once minus 8s at once": ("4s at once", "8s at once"),
    "8s staged minus 8s at once": ("8s", "8s at once"),
    "8s by concatenation minus 8s at once": ("8s by concatenation", "8s at once"),
    # named before the second run
    "16s at once minus 32s": ("16s at once", "32s"),
    "8s at once minus 16s at once": ("8s at once", "16s at once"),
    "4s minus 8s": ("4s", "8s"),
    "1x1, BatchNorm and ReLU minus sum": ("8s by concatenation, 1x1", "8s at once"),
    "3x3, few weights minus 1x1": ("8s by concatenation, few weights", "8s by concatenation, 1x1"),
    "3x3 minus 3x3, few weights": ("8s by concatenation", "8s by concatenation, few weights"),
    "32s, slowly 16s minus 32s, slowly 32s": ("32s, slowly 16s", "32s, slowly 32s"),
    "16s, slowly 8s minus 16s, slowly 16s": ("16s, slowly 8s", "16s, slowly 16s"),
    "dilated minus 8s at once": ("dilated", "8s at once"),
}
AFTERWARDS = {
    "dilated minus 8s at once, 364 steps": ("dilated", "8s at once, 364 steps"),
    "dilated, equal steps minus 8s at once": ("dilated, equal steps", "8s at once"),
    "3x3 minus 1x1": ("8s by concatenation", "8s by concatenation, 1x1"),
}
SCORES = [(split, score) for split in ("val", "test") for score in ("mean IoU", "boundary IoU")]


class Maximum(FCN):
    """An FCN that takes the larger of two scores instead of their sum."""

    def fuse(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return torch.maximum(coarse, fine)


class Concatenation(nn.Module):
    """As in U-Net: the coarser map is enlarged, joined to the finer one, and mixed with it by a convolution.

    `widths` are the channels after mixing at stride 16 and at stride 8; by default those of the finer maps.
    """

    def __init__(self, backbone: nn.Module, classes: int, kernel: int = 3, widths: tuple[int, int] | None = None):
        super().__init__()
        _, eighth, sixteenth, last = backbone.channels
        wide, narrow = widths or (sixteenth, eighth)
        self.backbone = backbone
        self.mix16, self.mix8 = mixed(last + sixteenth, wide, kernel), mixed(wide + eighth, narrow, kernel)
        self.score = nn.Conv2d(narrow, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        _, eighth, sixteenth, last = self.backbone(images)
        x = self.mix16(torch.cat([bilinear(last, 2), sixteenth], dim=1))
        x = self.mix8(torch.cat([bilinear(x, 2), eighth], dim=1))
        return bilinear(self.score(x), 8)


def mixed(channels: int, out: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class Dilated(nn.Module):
    """A backbone without the strides of its last two pools, and one score at stride 8.

    With the same weights its last map holds, in every fourth cell, what the backbone's last map holds (away from the
    borders; test it with a map of 512 pixels a side).
    """

    center = 7.5  # a cell at stride 8 averages over places 3.5 and 11.5; the second pool is symmetric

    def __init__(self, backbone: nn.Module, classes: int):
        super().__init__()
        self.backbone = backbone
        for dilation, stage in ((2, backbone.stages[2]), (4, backbone.stages[3])):
            before, after = (0, 1) if dilation == 2 else (1, 1)
            pool = nn.MaxPool2d(2, stride=1, dilation=dilation // 2)
            stage[0] = nn.Sequential(nn.ReplicationPad2d((before, after, before, after)), pool)
            for convolution in stage[1:]:
                if isinstance(convolution, nn.Conv2d):
                    convolution.dilation = convolution.padding = (dilation, dilation)
        self.score, self.enlarge = nn.Conv2d(backbone.channels[-1], classes, 1), Bilinear(8, self.center)

    def forward(self, images: Tensor) -> Tensor:
        return self.enlarge(self.score(self.backbone(images)[-1]))


AT_ONCE = {
    "16s at once": lambda: FCN(small(wide=True), K, 16),
    "8s at once": lambda: FCN(small(wide=True), K, 8),
    "4s at once": lambda: FCN(small(wide=True), K, 4),
    "8s by maximum": lambda: Maximum(small(wide=True), K, 8),
    "8s by concatenation": lambda: Concatenation(small(wide=True), K),
    "8s by concatenation, 1x1": lambda: Concatenation(small(wide=True), K, kernel=1),
    "8s by concatenation, few weights": lambda: Concatenation(small(wide=True), K, widths=(14, 24)),
    "dilated": lambda: Dilated(small(wide=True), K),
    "dilated, equal steps": lambda: Dilated(small(wide=True), K),
    "8s at once, 364 steps": lambda: FCN(small(wide=True), K, 8),
}


@lru_cache(maxsize=3)
def scenes(count: int, seed: int, split: str) -> TensorDataset:
    return in_memory(EmojiScenes(count, seed=seed, split=split, void=True))


def scores(net: nn.Module) -> dict:
    """Return the scores on validation scenes and on scenes of the unseen style, and what each scene gave to them."""
    found = {}
    for split in ("val", "test"):
        images, truth = scenes(300, 7, split).tensors
        answer = labels(net, images)
        found |= {split: scored(truth, answer, K), f"scenes of {split}": by_scene(truth, answer, K)}
    return found


def round_of(net: nn.Module, seed: int, number: int, steps: int, slower: int = 1) -> nn.Module:
    """Train for one round; the seed and the round's number decide the order of the scenes."""
    net.to(memory_format=torch.channels_last)  # the same numbers but for rounding, in less time
    data = scenes(RECIPE["scenes to train on"], seed, "train")
    fit(net, data, steps=steps, lr=RECIPE["rate"] / slower, batch=RECIPE["batch"], seed=100 * seed + number)
    return net


def staged(rounds: list[str], seed: int, folder: Path) -> nn.Module:
    """Return a network after these rounds, going on from what other networks have left in the folder."""
    path = folder / f"{seed}-{'-'.join(rounds).replace('/', 'over')}.safetensors"
    stride, _, slower = rounds[-1].partition("/")
    net = FCN(small(wide=True), K, int(stride))
    if path.exists():
        resume(path, net)
        return net
    if len(rounds) > 1:
        net = staged(rounds[:-1], seed, folder)
        while net.stride > int(stride):
            net = FCN.from_coarser(net)
    save(path, round_of(net, seed, len(rounds), RECIPE["steps a round"], int(slower or 1)))
    return net


def trained(name: str, seed: int, folder: Path) -> nn.Module:
    torch.manual_seed(seed)
    if name in STAGED:
        return staged(STAGED[name].split(), seed, folder)
    few = name in ("dilated", "8s at once, 364 steps")
    net, steps = AT_ONCE[name](), DILATED_STEPS if few else RECIPE["steps a round"]
    for number in range(1, RECIPE["rounds"] + 1):
        round_of(net, seed, number, steps)
    return net


def run(names: list[str], seed: str, folder: Path) -> dict[str, dict]:
    """Return {network: scores} of one seed."""
    return {name: scores(trained(name, int(seed), folder)) for name in names}


def step_times(rounds: int = 25) -> dict[str, float]:
    """Return the time of a training step over that of 8s at once: medians of steps that take turns, on one thread."""
    nets = {name: AT_ONCE[name]().to(memory_format=torch.channels_last) for name in TIMED}
    images, masks = scenes(16, 0, "train").tensors
    images, masks = images.to(memory_format=torch.channels_last), masks.long()
    took = {name: [] for name in nets}
    for _ in range(rounds):
        for name, net in nets.items():
            start = time.perf_counter()
            cross_entropy(net(images), masks, ignore_index=VOID).backward()
            took[name].append(time.perf_counter() - start)
    ratios = {name: np.divide(each, took["8s at once"]) for name, each in took.items()}
    return {name: round(float(np.median(each)), 2) for name, each in ratios.items()}


def compared(runs: dict, comparisons: dict) -> dict:
    """Return for each of these comparisons and each score the paired mean difference and its intervals."""
    kept, found = arrays(__file__), {}
    for split, score in SCORES:
        pairs = {name: [[runs[network][seed][split][score] for seed in SEEDS] for network in pair]
                 for name, pair in comparisons.items()}  # fmt: skip
        each = holm({name: interval(*pair, 4) for name, pair in pairs.items()})
        for name, (first, second) in pairs.items():
            each[name]["seeds in favour"] = sum(a > b for a, b in zip(first, second, strict=True))
            if score == "mean IoU":
                counts = (np.stack([kept[f"{network}/{seed}/scenes of {split}"] for seed in SEEDS])
                          for network in comparisons[name])  # fmt: skip
                each[name]["over scenes too"] = resampled(*counts)
            found.setdefault(name, {})[f"{split}, {score}"] = each[name]
    return found


def main() -> None:
    about = {"seeds": len(SEEDS), "interval in %": 95, "steps of dilated, a round": DILATED_STEPS}
    recipe = "-".join(map(str, RECIPE.values()))
    folder = Path(tempfile.gettempdir(), f"fcn-book-skips-{recipe}")  # rounds that several networks share
    folder.mkdir(exist_ok=True)
    jobs = ((names, seed) for seed in SEEDS for names in [tuple(STAGED), *((name,) for name in AT_ONCE)])
    runs = studied(__file__, RECIPE, jobs, partial(run, folder=folder), **about)
    weights = {name: sum(p.numel() for p in make().parameters()) for name, make in AT_ONCE.items()}
    means = {name: summed_up(list(several.values())) for name, several in runs.items()}
    by_split = {split: {name: each[split] for name, each in means.items()} for split in ("val", "test")}
    results = {
        **by_split,
        "comparisons": compared(runs, COMPARISONS),
        "afterwards": compared(runs, AFTERWARDS),
        "weights": weights,
        "time of a step over that of 8s at once": step_times(),
        "runs": runs,
    }
    store(__file__, results, threads=1, workers=2, **RECIPE, **about)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
