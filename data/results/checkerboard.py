"""Measure what chapter 4 says about trained upsamplers. Run it with: python data/results/checkerboard.py

A network with maps at stride 8 (the first two stages of fcn.backbones.small), then three doublings, all made in one
way of fcn.checkerboard.DOUBLING. Each way is trained from nothing with each seed, which decides the scenes, their
order and the first weights. Scores are those of the logits on 300 validation scenes; the phase scores leave out 8
pixels along the border. Killed and started again, it goes on with the run it was at.

Three comparisons were named before the first run; each is the mean over the seeds of a difference between two ways
under the same seed, with its 95 % t-interval:
  1. transposed k=3 leaves more of a pattern of period 2 than transposed k=4, whose stride divides its kernel;
  2. transposed k=4 leaves more of a pattern of period 2 than nearest + conv;
  3. transposed k=3 reaches a lower mean IoU than nearest + conv.
"""

import statistics
from functools import cache

import torch
from record import interval, store, stored_runs
from torch import nn
from torch.utils.data import TensorDataset

from fcn.backbones import normalize, small
from fcn.checkerboard import DOUBLING, decoder, phase_score
from fcn.metrics import Confusion, boundary_iou, predicted
from fcn.scenes import CLASSES, EmojiScenes
from fcn.training import fit

SEEDS = range(8)
RECIPE = {"scenes to train on": 4000, "pixels a side": 64, "steps": 1500, "batch": 16, "rate": 0.01}
CHANNELS = (64, 32, 24, len(CLASSES))  # after the backbone, then after each doubling
K, BORDER, WIDTH = len(CLASSES), 8, 3
COMPARISONS = {
    "phase score 2, transposed k=3 minus transposed k=4": ("phase score 2", "transposed k=3", "transposed k=4"),
    "phase score 2, transposed k=4 minus nearest + conv": ("phase score 2", "transposed k=4", "nearest + conv"),
    "mean IoU, transposed k=3 minus nearest + conv": ("mean IoU", "transposed k=3", "nearest + conv"),
}


@cache
def scenes(count: int, seed: int, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = EmojiScenes(count, seed=seed, split=split, size=RECIPE["pixels a side"], void=True)
    images, masks = zip(*(drawn[index] for index in range(count)), strict=True)
    return normalize(torch.stack(images)), torch.stack(masks)


def network(way: str) -> nn.Sequential:
    return nn.Sequential(*small().stages[:2], decoder(way, CHANNELS))


def scores(net: nn.Module) -> dict[str, float]:
    images, truth = scenes(300, 7, "val")
    net.eval()
    with torch.inference_mode():
        logits = torch.cat([net(part) for part in images.split(50)])
    answer = predicted(logits)
    inside = logits[..., BORDER:-BORDER, BORDER:-BORDER]
    table = Confusion(K).update(truth, answer)
    return {
        **{f"phase score {period}": phase_score(inside, period)[0] for period in (2, 4, 8)},
        "mean IoU": table.mean_iou(),
        "pixel accuracy": table.pixel_accuracy(),
        "boundary IoU": boundary_iou(truth, answer, K, width=WIDTH).nanmean().item(),
    }


def trained(way: str, seed: int) -> dict[str, dict[str, float]]:
    """Return the scores of a network before and after training."""
    torch.manual_seed(seed)
    net = network(way)
    fresh = scores(net)
    data = TensorDataset(*scenes(RECIPE["scenes to train on"], seed, "train"))
    generator = torch.Generator().manual_seed(seed)
    fit(net, data, steps=RECIPE["steps"], lr=RECIPE["rate"], batch=RECIPE["batch"], generator=generator)
    return {"untrained": fresh, "trained": scores(net)}


def summed_up(runs: dict) -> dict:
    """Return mean and standard deviation of each score of each way over the seeds."""
    return {
        when: {
            way: {
                score: {
                    "mean": round(statistics.mean(run[when][score] for run in several.values()), 5),
                    "sd": round(statistics.stdev(run[when][score] for run in several.values()), 5),
                }
                for score in several["0"][when]
            }
            for way, several in runs.items()
        }
        for when in ("untrained", "trained")
    }


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
        for way in DOUBLING:
            if seed not in runs.setdefault(way, {}):
                runs[way][seed] = trained(way, int(seed))
                store(__file__, {"runs": runs}, threads=2, **about)
                print(seed, way, runs[way][seed]["trained"], flush=True)
        scenes.cache_clear()
    floor = phase_score(torch.rand(48, 48), 2)[1]
    weights = {way: sum(p.numel() for p in network(way)[-1].parameters() if p.requires_grad) for way in DOUBLING}
    results = {
        **summed_up(runs), "comparisons": compared(runs), "floor of period 2": round(floor, 5),
        "weights of the three doublings": weights, "runs": runs,
    }  # fmt: skip
    print(store(__file__, results, threads=2, **about))


if __name__ == "__main__":
    main()
