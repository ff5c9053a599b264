"""Measure what chapter 3 says about scores in the wrong place. Run it with: python data/results/alignment.py

Five pairs of 3x3 convolutions, one of each with a stride of 2 and a padding of 1, look at odd places: cell i of a
map at stride s is centered on pixel s i, and not on the middle of its block, s i + (s - 1) / 2. FCN-32s and FCN-8s on
this backbone are trained twice, the scores
  off     enlarged as if each cell stood for its block: 15.5 pixels too far to the lower right at stride 32;
  right   enlarged from where the cells look.
Scores are those on 300 validation scenes. Killed and started again, the study goes on where it was. Named before the
first run (November 28), each for mean IoU and for boundary IoU, the mean over the seeds of a difference under the
same seed with its 95 % t-interval, p also as Holm has it for the four:
  FCN-32s right minus off, FCN-8s right minus off.
"off, then right" is the network that was trained off, and drawn at the right places afterwards: how far training has
made up for the wrong place.
"""

from functools import lru_cache
from itertools import pairwise

import torch
from record import holm, interval, scored, store, studied, summed_up
from torch import nn
from torch.utils.data import TensorDataset

from fcn.backbones import Normalize
from fcn.datasets import in_memory
from fcn.predict import labels
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit

SEEDS = [str(seed) for seed in range(5)]
RECIPE = {"scenes to train on": 4000, "steps": 1200, "batch": 16, "rate": 0.01}
K, STRIDES, CHANNELS = len(CLASSES), (4, 8, 16, 32), (48, 96, 128, 192)
PLACES = {"off": tuple((stride - 1) / 2 for stride in STRIDES), "right": (0, 0, 0, 0)}
NETWORKS = {f"FCN-{stride}s {place}": (stride, place) for stride in (32, 8) for place in PLACES}


class Strided(nn.Module):
    """Images (N, 3, H, W) -> four feature maps, by convolutions with a stride instead of pooling; 32 divides H, W."""

    strides, channels = STRIDES, CHANNELS

    def __init__(self, centers: tuple[float, ...]):
        super().__init__()
        self.centers, self.normalize = centers, Normalize(127, 128)
        first = nn.Sequential(layer(3, 24, 2), layer(24, CHANNELS[0], 2), layer(CHANNELS[0], CHANNELS[0], 1))
        later = [nn.Sequential(layer(fewer, more, 2), layer(more, more, 1))
                 for fewer, more in pairwise(CHANNELS)]  # fmt: skip
        self.stages = nn.ModuleList([first, *later])

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.normalize(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


def layer(channels: int, out: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


@lru_cache(maxsize=2)
def scenes(count: int, seed: int, split: str) -> TensorDataset:
    return in_memory(EmojiScenes(count, seed=seed, split=split, void=True))


def scores(net: nn.Module) -> dict[str, float]:
    images, truth = scenes(300, 7, "val").tensors
    found = scored(truth, labels(net, images), K)
    return {name: found[name] for name in ("mean IoU", "boundary IoU", "pixel accuracy")}


def trained(names: list[str], seed: str) -> dict[str, dict]:
    found = {}
    for name in names:
        stride, place = NETWORKS[name]
        torch.manual_seed(int(seed))
        net = FCN(Strided(PLACES[place]), K, stride).to(memory_format=torch.channels_last)
        data = scenes(RECIPE["scenes to train on"], int(seed), "train")
        fit(net, data, steps=RECIPE["steps"], lr=RECIPE["rate"], batch=RECIPE["batch"], seed=int(seed))
        found[name] = scores(net)
        if place == "off":
            moved = FCN(Strided(PLACES["right"]), K, stride)
            moved.load_state_dict(net.state_dict())
            found[name]["off, then right"] = scores(moved)
    return found


def compared(runs: dict) -> dict:
    found = {}
    for score in ("mean IoU", "boundary IoU"):
        for stride in (32, 8):
            right, off = (
                [runs[f"FCN-{stride}s {place}"][seed][score] for seed in SEEDS] for place in ("right", "off")
            )
            found[f"{score}, FCN-{stride}s"] = interval(right, off, 4)
    return holm(found)


def main() -> None:
    runs = studied(__file__, RECIPE, (((name,), seed) for seed in SEEDS for name in NETWORKS), trained)
    means = {name: summed_up(list(several.values())) for name, several in runs.items()}
    results = {"means": means, "right minus off": compared(runs), "runs": runs}
    store(__file__, results, threads=1, workers=2, seeds=len(SEEDS), **RECIPE)


if __name__ == "__main__":
    main()
