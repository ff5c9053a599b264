"""Measure what chapter 4 says about trained upsamplers. Run it with: python data/results/checkerboard.py

A network with maps at stride 8 (the first two stages of fcn.backbones.small), then three doublings, all made by one
upsampler. Each is trained from nothing with each seed, which decides the scenes, their order and the first weights.
Scores are those of the logits on 300 validation scenes; the phase scores leave out an eighth of the map along each
border. Killed and started again, it goes on where it was.

The upsamplers are those of fcn.checkerboard.UPSAMPLERS, and six that are built like some of them, started otherwise:
  transposed k=2, k=3, k=4 from a tent   fcn.upsampling.tent_: clean, smooth, weights of the same root mean square
  nearest + conv from a tent             its 3x3 kernels are tents; so it starts as k=4 from a tent does, in its ties
  transposed k=4 from nearest + conv     the kernels that a random nearest + conv makes: clean, larger, not tied
  transposed k=4, evened                 random, then the sums of its four places in a tile are made the same, and the
                                         root mean square what it was: clean, neighbours nearly unrelated

A difference is the mean over the seeds of that between two networks under the same seed, with its 95 % t-interval;
"p (Holm)" accounts for how many are asked in one family. Three were named before the first run of this study
(November 23), whose networks were trained anew for the second, with weights of other random numbers:
  1. transposed k=3 leaves more of a pattern of period 2 than transposed k=4, whose stride divides its kernel;
  2. transposed k=4 leaves more of a pattern of period 2 than nearest + conv;
  3. transposed k=3 reaches a lower mean IoU than nearest + conv.
A pilot of four seeds by a reader of the first edition suggests that the start is worth about 2 points of mean IoU and
the view about 3. So these are named before the second run (November 28), each for mean IoU and for boundary IoU:
  start    4. to 7. from a tent minus at random: k=2, k=3, k=4, nearest + conv;
  clean    8. k=4 from nearest + conv minus k=4 at random: a clean start without a tent;
  view     9., 10. under the same start, the tent: k=3 minus k=2, k=4 minus k=3;
  ties    11. k=4 from nearest + conv minus nearest + conv, 12. both from a tent: untied weights, the same view;
  tiles   13. k=3 minus k=2 at random in tiles of period 2: whether divisibility alone decides;
          14. k=3 from a tent minus k=3 at random in tiles of period 2: whether a clean start stays clean.
(The first run had given an answer to 13, in an interval that included zero.) "View" is the number of cells at stride
8 that a pixel of the logits sees through the three doublings.
The start of 8 turned out to be smooth too, its neighbouring weights being copies of each other. So these two were
named before the third run (November 29), again for both scores, with a start that is clean alone:
  clean   15. k=4, evened minus k=4 at random; smooth  16. k=4 from a tent minus k=4, evened.
If 15 shows a gain like 6, what helps about the start is its cleanness; if 16 does, its smoothness.
"""

from functools import lru_cache

import torch
from record import holm, interval, scored, store, studied, summed_up
from torch import nn
from torch.utils.data import TensorDataset

from fcn.answers import asked, predicted
from fcn.backbones import Normalize, small
from fcn.checkerboard import UPSAMPLERS, decoder, phase_score
from fcn.datasets import in_memory
from fcn.scenes import CLASSES, EmojiScenes
from fcn.training import fit
from fcn.upsampling import ResizeConv, as_transposed, tent_

SEEDS = [str(seed) for seed in range(8)]
RECIPE = {"scenes to train on": 4000, "pixels a side": 64, "steps": 1500, "batch": 16, "rate": 0.01}
CHANNELS = (64, 32, 24, len(CLASSES))  # after the backbone, then after each doubling
K, KERNELS = len(CLASSES), (2, 3, 4)


def tied_tent(channels: int, out: int) -> ResizeConv:
    """Nearest + conv whose kernels are tents: enlarged by nearest, they are those of k=4 from a tent."""
    layer, tent = ResizeConv(channels, out, 2), tent_(nn.ConvTranspose2d(channels, out, 3, stride=2))
    layer[1].weight.data.copy_(tent.weight.data.transpose(0, 1))
    return layer


@torch.no_grad()
def evened(channels: int, out: int) -> nn.ConvTranspose2d:
    """Return a random kernel of 4 whose four places in a tile have weights of one sum, in each pair of channels."""
    layer = UPSAMPLERS["transposed k=4"](channels, out)
    places = layer.weight.unflatten(-1, (2, 2)).unflatten(-3, (2, 2))  # in, out, 2, s, 2, s
    sums = places.sum((2, 4), keepdim=True)
    clean = (places - (sums - sums.mean((3, 5), keepdim=True)) / 4).reshape_as(layer.weight)
    layer.weight.copy_(clean * (layer.weight.square().mean() / clean.square().mean()).sqrt())
    return layer


def from_tent(upsampler: str):
    return lambda channels, out: tent_(UPSAMPLERS[upsampler](channels, out))


STARTS = {
    **{f"transposed k={k} from a tent": from_tent(f"transposed k={k}") for k in KERNELS},
    "nearest + conv from a tent": tied_tent,
    "transposed k=4 from nearest + conv": lambda c, out: as_transposed(ResizeConv(c, out, 2), c),
    "transposed k=4, evened": evened,
}
NETWORKS = UPSAMPLERS | STARTS
PAIRS = {
    "start": [(f"{name} from a tent", name) for name in (*(f"transposed k={k}" for k in KERNELS), "nearest + conv")],
    "clean": [("transposed k=4 from nearest + conv", "transposed k=4")],
    "view": [(f"transposed k={k + 1} from a tent", f"transposed k={k} from a tent") for k in (2, 3)],
    "ties": [
        ("transposed k=4 from nearest + conv", "nearest + conv"),
        ("transposed k=4 from a tent", "nearest + conv from a tent"),
    ],
}
FIRST = [
    ("phase score 2", "transposed k=3", "transposed k=4"),
    ("phase score 2", "transposed k=4", "nearest + conv"),
    ("mean IoU", "transposed k=3", "nearest + conv"),
]
SECOND = [
    *((score, *pair) for score in ("mean IoU", "boundary IoU") for pairs in PAIRS.values() for pair in pairs),
    ("phase score 2", "transposed k=3", "transposed k=2"),
    ("phase score 2", "transposed k=3 from a tent", "transposed k=3"),
]
THIRD = [
    *((score, "transposed k=4, evened", "transposed k=4") for score in ("mean IoU", "boundary IoU")),
    *((score, "transposed k=4 from a tent", "transposed k=4, evened") for score in ("mean IoU", "boundary IoU")),
]
OTHERS = [  # looked at after both runs, so their intervals say less than the named ones
    ("mean IoU", "nearest + conv", "transposed k=4"),
    ("mean IoU", "bilinear + conv", "transposed k=4"),
    ("mean IoU", "transposed k=3 from a tent", "nearest + conv"),
    ("mean IoU", "transposed k=4 from a tent", "transposed k=4 from nearest + conv"),
    ("mean IoU", "conv + learned bilinear", "conv + fixed bilinear"),
    ("mean IoU", "transposed k=4 from a tent", "conv + fixed bilinear"),
    ("mean IoU", "transposed k=4 from a tent", "conv + learned bilinear"),
    ("mean IoU", "sub-pixel, ICNR", "sub-pixel"),
]


@lru_cache(maxsize=2)
def scenes(count: int, seed: int, split: str) -> TensorDataset:
    return in_memory(EmojiScenes(count, seed=seed, split=split, size=RECIPE["pixels a side"], void=True))


def network(upsampler: str) -> nn.Sequential:
    net = nn.Sequential(Normalize(127, 128), *small().stages[:2], decoder(NETWORKS[upsampler], CHANNELS))
    return net.to(memory_format=torch.channels_last)  # the same numbers but for rounding, in less time


def tiles(maps: torch.Tensor) -> dict[str, float]:
    """Return the phase scores of maps (N, C, H, W) without their borders, for each period that began below them."""
    border = maps.shape[-1] // 8
    inside, doublings = maps[..., border:-border, border:-border], {16: 1, 32: 2, 64: 3}[maps.shape[-1]]
    return {f"phase score {2**n}": phase_score(inside, 2**n)[0] for n in range(1, doublings + 1)}


def scores(net: nn.Module) -> dict:
    """Return the scores of the logits, and under "inside" the phase scores of what the first two doublings make."""
    images, truth = scenes(300, 7, "val").tensors
    *front, doublings = net
    with asked(net):
        maps = [torch.cat([nn.Sequential(*front, *doublings[:end])(part) for part in images.split(50)])
                for end in (1, 4, 7)]  # a doubling, BatchNorm, ReLU, and so on  # fmt: skip
    found = scored(truth, predicted(maps[-1]), K)
    kept = {name: found[name] for name in ("mean IoU", "pixel accuracy", "boundary IoU")}
    inside = {str(part.shape[-1]): tiles(part) for part in maps[:-1]}  # by the sides of the maps
    return {**tiles(maps[-1]), **kept, "inside": inside}


def trained(names: list[str], seed: str) -> dict[str, dict]:
    """Return the scores of networks before and after training."""
    found = {}
    for name in names:
        torch.manual_seed(int(seed))
        net = network(name)
        fresh, data = scores(net), scenes(RECIPE["scenes to train on"], int(seed), "train")
        fit(net, data, steps=RECIPE["steps"], lr=RECIPE["rate"], batch=RECIPE["batch"], seed=int(seed))
        found[name] = {"untrained": fresh, "trained": scores(net)}
    return found


def compared(runs: dict, comparisons: list[tuple[str, str, str]]) -> dict:
    """Return for each comparison the paired mean difference over the seeds, its 95 % t-interval and its p."""
    found = {}
    for score, first, second in comparisons:
        pair = [[runs[name][seed]["trained"][score] for seed in SEEDS] for name in (first, second)]
        found[f"{score}, {first} minus {second}"] = interval(*pair, 5)
    return holm(found)


@torch.no_grad()
def view(upsampler: str) -> float:
    """Return how many cells at stride 8 a pixel of the logits sees through three doublings, on average.

    All that lies between is linear here, and no weight is zero: as many as the pixels that one cell reaches, over 64.
    """
    doublings = [as_transposed(NETWORKS[upsampler](2, 2), 2) for _ in range(3)]
    lit = torch.zeros(1, 2, 9, 9)
    lit[:, :, 4, 4] = 1
    for layer in doublings:
        layer.weight.abs_(), layer.bias.zero_()
        lit = layer(lit)
    return round((lit[0, 0] > 0).sum().item() / 64, 2)


def main() -> None:
    named = {network for pairs in PAIRS.values() for pair in pairs for network in pair}
    first = sorted(NETWORKS, key=lambda name: name not in named)  # what the named comparisons ask about
    jobs = [((name,), seed) for part in (first[: len(named)], first[len(named) :]) for seed in SEEDS for name in part]
    runs = studied(__file__, RECIPE, jobs, trained)
    weights = {name: sum(p.numel() for p in network(name)[-1].parameters() if p.requires_grad) for name in NETWORKS}
    means = {name: summed_up(list(several.values()), 5) for name, several in runs.items()}
    results = {
        **{when: {name: each[when] for name, each in means.items()} for when in ("untrained", "trained")},
        "comparisons": compared(runs, FIRST), "comparisons of the second run": compared(runs, SECOND),
        "comparisons of the third run": compared(runs, THIRD),
        "comparisons that were not named": compared(runs, OTHERS),
        "floor of period 2": round(phase_score(torch.rand(48, 48), 2)[1], 5),
        "weights of the three doublings": weights, "view": {name: view(name) for name in NETWORKS}, "runs": runs,
    }  # fmt: skip
    store(__file__, results, threads=1, workers=2, seeds=len(SEEDS), **RECIPE)


if __name__ == "__main__":
    main()
