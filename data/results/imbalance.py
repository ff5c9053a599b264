"""Measure what four losses buy and cost where one class is most of the picture. Run it with:
python data/results/imbalance.py

FCN-8s on fcn.backbones.small(wide=True), trained at once on Emoji scenes, where the background has about 3/4 of the
pixels as in PASCAL VOC, with
  cross-entropy     as everywhere in this book
  class weights     cross-entropy, each class weighted by the median of the classes' shares over its own share of the
                    training pixels (median frequency balancing: Eigen and Fergus 2015)
  focal             cross-entropy times (1 - p)^2 for the probability p of the true class (Lin et al. 2017)
  Dice              cross-entropy plus 1 - the mean over the batch's classes of the soft Dice coefficient (as
                    Milletari et al. 2016, who had two classes and no cross-entropy beside it)
Scores are those on 300 validation scenes. A seed decides the scenes, their order and the first weights. Killed and
started again, the study goes on where it was. Named before the first run (November 28): each of the three minus
cross-entropy, in mean IoU, mean accuracy, pixel accuracy and boundary IoU; the mean over the seeds of the difference
under the same seed with its 95 % t-interval, p also as Holm has it for the twelve.
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


def balanced(masks: Tensor) -> nn.Module:
    """Return cross-entropy that weights each class by the median share over its own."""
    shares = torch.bincount(masks[masks != VOID].long(), minlength=K).double()
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


LOSSES = {"cross-entropy": F.cross_entropy, "class weights": balanced, "focal": focal, "Dice": dice}


def trained(names: list[str], seed: str) -> dict[str, dict]:
    found = {}
    for name in names:
        torch.manual_seed(int(seed))
        net = FCN(small(wide=True), K, 8).to(memory_format=torch.channels_last)
        data = scenes(RECIPE["scenes to train on"], int(seed), "train")
        loss = balanced(data.tensors[1]) if name == "class weights" else LOSSES[name]
        fit(net, data, steps=RECIPE["steps"], lr=RECIPE["rate"], batch=RECIPE["batch"], seed=int(seed), loss=loss)
        images, truth = scenes(300, 7, "val").tensors
        found[name] = scored(truth, labels(net, images), K)
    return found


def compared(runs: dict) -> dict:
    found = {}
    for name in list(LOSSES)[1:]:
        for score in SCORES:
            ours, plain = ([runs[loss][seed][score] for seed in SEEDS] for loss in (name, "cross-entropy"))
            found[f"{name}, {score}"] = interval(ours, plain, 4)
    return holm(found)


def main() -> None:
    runs = studied(__file__, RECIPE, (((name,), seed) for seed in SEEDS for name in LOSSES), trained)
    means = {name: summed_up(list(several.values())) for name, several in runs.items()}
    results = {"means": means, "minus cross-entropy": compared(runs), "runs": runs}
    store(__file__, results, threads=1, workers=2, seeds=len(SEEDS), **RECIPE)


if __name__ == "__main__":
    main()
