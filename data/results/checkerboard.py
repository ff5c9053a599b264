"""Measure what chapter 4 says about trained upsamplers. Run it with: python data/results/checkerboard.py

A network with maps at stride 8 (the first two stages of fcn.backbones.small), then three doublings, all made by one
of fcn.checkerboard.UPSAMPLERS. Each is trained from nothing with each seed, which decides the scenes, their order and
the first weights. Scores are those of the logits on 300 validation scenes; the phase scores leave out 8 pixels along
the border. Killed and started again, it goes on with the run it was at.

Three comparisons were named before the first run; each is the mean over the seeds of a difference between two
upsamplers under the same seed, with its 95 % t-interval:
  1. transposed k=3 leaves more of a pattern of period 2 than transposed k=4, whose stride divides its kernel;
  2. transposed k=4 leaves more of a pattern of period 2 than nearest + conv;
  3. transposed k=3 reaches a lower mean IoU than nearest + conv.
"""

from functools import cache

import torch
from record import interval, scored, store, stored_runs, summed_up
from torch import nn
from torch.utils.data import TensorDataset

from fcn.backbones import Normalize, small
from fcn.checkerboard import UPSAMPLERS, decoder, phase_score
from fcn.datasets import in_memory
from fcn.predict import asked, predicted
from fcn.scenes import CLASSES, EmojiScenes
from fcn.training import fit

SEEDS = range(8)
RECIPE = {"scenes to train on": 4000, "pixels a side": 64, "steps": 1500, "batch": 16, "rate": 0.01}
CHANNELS = (64, 32, 24, len(CLASSES))  # after the backbone, then after each doubling
K, BORDER = len(CLASSES), 8
COMPARISONS = {
    "phase score 2, transposed k=3 minus transposed k=4": ("phase score 2", "transposed k=3", "transposed k=4"),
    "phase score 2, transposed k=4 minus nearest + conv": ("phase score 2", "transposed k=4", "nearest + conv"),
    "mean IoU, transposed k=3 minus nearest + conv": ("mean IoU", "transposed k=3", "nearest + conv"),
}


@cache
def scenes(count: int, seed: int, split: str) -> TensorDataset:
    return in_memory(EmojiScenes(count, seed=seed, split=split, size=RECIPE["pixels a side"], void=True))


def network(upsampler: str) -> nn.Sequential:
    return nn.Sequential(Normalize(127, 128), *small().stages[:2], decoder(upsampler, CHANNELS))


def scores(net: nn.Module) -> dict[str, float]:
    images, truth = scenes(300, 7, "val").tensors
    with asked(net):
        logits = torch.cat([net(part) for part in images.split(50)])
    inside = logits[..., BORDER:-BORDER, BORDER:-BORDER]
    found = scored(truth, predicted(logits), K)
    return {
        **{f"phase score {period}": phase_score(inside, period)[0] for period in (2, 4, 8)},
        **{name: found[name] for name in ("mean IoU", "pixel accuracy", "boundary IoU")},
    }


def trained(upsampler: str, seed: int) -> dict[str, dict[str, float]]:
    """Return the scores of a network before and after training."""
    torch.manual_seed(seed)
    net = network(upsampler)
    fresh = scores(net)
    data = scenes(RECIPE["scenes to train on"], seed, "train")
    fit(net, data, steps=RECIPE["steps"], lr=RECIPE["rate"], batch=RECIPE["batch"], seed=seed)
    return {"untrained": fresh, "trained": scores(net)}


def compared(runs: dict) -> dict:
    """Return for each of COMPARISONS the paired mean difference over the seeds and its 95 % t-interval."""
    found = {}
    for name, (score, first, second) in COMPARISONS.items():
        differences = [
            runs[first][seed]["trained"][score] - runs[second][seed]["trained"][score] for seed in runs[first]
        ]
        found[name] = interval(differences, 5)
    return found


def main() -> None:
    torch.set_num_threads(2)
    runs, about = stored_runs(__file__, RECIPE), {"seeds": len(SEEDS), **RECIPE}
    for seed in map(str, SEEDS):
        for upsampler in UPSAMPLERS:
            if seed not in runs.setdefault(upsampler, {}):
                runs[upsampler][seed] = trained(upsampler, int(seed))
                store(__file__, {"runs": runs}, threads=2, **about)
                print(seed, upsampler, runs[upsampler][seed]["trained"], flush=True)
        scenes.cache_clear()
    floor = phase_score(torch.rand(48, 48), 2)[1]
    weights = {name: sum(p.numel() for p in network(name)[-1].parameters() if p.requires_grad) for name in UPSAMPLERS}
    means = {name: summed_up(list(several.values()), 5) for name, several in runs.items()}
    results = {
        **{when: {name: each[when] for name, each in means.items()} for when in ("untrained", "trained")},
        "comparisons": compared(runs), "floor of period 2": round(floor, 5),
        "weights of the three doublings": weights, "runs": runs,
    }  # fmt: skip
    print(store(__file__, results, threads=2, **about))


if __name__ == "__main__":
    main()
