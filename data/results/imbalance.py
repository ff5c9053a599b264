"""Measure what four losses buy and cost where one class is most of the picture. Run it with:
python data/results/imbalance.py

FCN-8s on fcn.backbones.small(wide=True), trained at once on Emoji scenes, where the background has about 3/4 of the
pixels as in PASCAL VOC, with
  cross-entropy     as everywhere in this book
  class weights     cross-entropy, each class weighted by the median of the classes' frequencies over its own, where a
                    frequency is the share in the pixels of the training scenes that have the class (median
                    frequency balancing: Eigen and Fergus 2015)
  harsh weights     the same with the share in all pixels, where the background counts far less
  focal             cross-entropy times (1 - p)^2 for the probability p of the true class (Lin et al. 2017)
  Dice              cross-entropy plus 1 - the mean over the batch's classes of the soft Dice coefficient (as
                    Milletari et al. 2016, who had two classes and no cross-entropy beside it)
Scores are those on 300 validation scenes. A seed decides the scenes, their order and the first weights. Killed and
started again, the study goes on where it was. Named before the first run (November 28): harsh weights, focal and Dice
minus cross-entropy, in mean IoU, mean accuracy, pixel accuracy and boundary IoU; the mean over the seeds of the
difference under the same seed with its 95 % t-interval. The harsh weights were taken for Eigen and Fergus's then. So
their own were added in a second run, named before it, too; p also as Holm has it for the sixteen.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from record import holm, interval, scored, store, studied, summed_up
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from fcn import VOID
from fcn.backbones import small
from fcn.datasets import in_memory
from fcn.predict import labels
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit

SEEDS = [str(seed) for seed in range(5)]
RECIPE = {"scenes to train on": 4000, "steps": 1200, "batch": 16, "rate": 0.01}
K = len(CLASSES)
SCORES = ("mean IoU", "mean accuracy", "pixel accuracy", "boundary IoU")


@lru_cache(maxsize=2)
def scenes(count: int, seed: int, split: str) -> TensorDataset:
    return in_memory(EmojiScenes(count, seed=seed, split=split, void=True))


def balanced(masks: Tensor, harsh: bool) -> nn.Module:
    """Return cross-entropy that weights each class by the median frequency over its own."""
    counts = torch.stack([torch.bincount(mask[mask != VOID].long(), minlength=K) for mask in masks]).double()
    of = torch.ones_like(counts) if harsh else counts > 0  # the pictures whose pixels are the whole
    shares = counts.sum(0) / (counts.sum(1, keepdim=True) * of).sum(0)
    return nn.CrossEntropyLoss(weight=(shares.median() / shares).float())


def focal(logits: Tensor, masks: Tensor) -> Tensor:
    each = F.cross_entropy(logits, masks, reduction="none")  # -log p, 0 where void
    return ((1 - torch.exp(-each)) ** 2 * each).sum() / (masks >= 0).sum()


def dice(logits: Tensor, masks: Tensor) -> Tensor:
    known = (masks >= 0)[:, None]
    truth = F.one_hot(masks.clamp(min=0), K).permute(0, 3, 1, 2) * known
    given = logits.softmax(dim=1) * known
    both, either = ((part).sum(dim=(0, 2, 3)) for part in (truth * given, truth + given))
    there = truth.sum(dim=(0, 2, 3)) > 0  # a class that is not in the batch has no coefficient
    return 1 - (2 * both / either)[there].mean() + F.cross_entropy(logits, masks)


WEIGHTS = {"class weights": False, "harsh weights": True}
LOSSES = {"cross-entropy": F.cross_entropy, "focal": focal, "Dice": dice}
NAMES = ["cross-entropy", *WEIGHTS, "focal", "Dice"]


def trained(names: list[str], seed: str) -> dict[str, dict]:
    found = {}
    for name in names:
        torch.manual_seed(int(seed))
        net = FCN(small(wide=True), K, 8).to(memory_format=torch.channels_last)
        data = scenes(RECIPE["scenes to train on"], int(seed), "train")
        loss = LOSSES.get(name) or balanced(data.tensors[1], WEIGHTS[name])
        fit(net, data, steps=RECIPE["steps"], lr=RECIPE["rate"], batch=RECIPE["batch"], seed=int(seed), loss=loss)
        images, truth = scenes(300, 7, "val").tensors
        found[name] = scored(truth, labels(net, images), K)
    return found


def compared(runs: dict) -> dict:
    found = {}
    for name in NAMES[1:]:
        for score in SCORES:
            ours, plain = ([runs[loss][seed][score] for seed in SEEDS] for loss in (name, "cross-entropy"))
            found[f"{name}, {score}"] = interval(ours, plain, 5)
    return holm(found)


def main() -> None:
    runs = studied(__file__, RECIPE, (((name,), seed) for seed in SEEDS for name in NAMES), trained)
    runs = {name: runs[name] for name in NAMES}
    means = {name: summed_up(list(several.values())) for name, several in runs.items()}
    results = {"means": means, "minus cross-entropy": compared(runs), "runs": runs}
    store(__file__, results, threads=1, workers=2, seeds=len(SEEDS), **RECIPE)


if __name__ == "__main__":
    main()
