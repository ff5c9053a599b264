"""Measure what chapter 1 and the README of data/ say. Run it with: python data/results/segmentation.py

pixel accuracy, mean IoU and so on: scores on 300 validation scenes, mean and standard deviation over the seeds, of
  answers that see no shapes, and of a small FCN-32s that does; the last also on 300 scenes of the unseen style.
confusion: how much faster Confusion counts 8 maps of 512 x 512, 21 classes, 5 % void, than a masked bincount on one
  thread.
scenes: scenes drawn a second on one thread, over images trained a second on two.
Speeds are ratios within one process, alternating, medians of the rounds.
"""

import torch
from record import scored, store, summed_up, times_faster
from torch import Tensor, nn

from fcn import VOID
from fcn.backbones import Normalize, small
from fcn.datasets import in_memory
from fcn.metrics import Confusion
from fcn.predict import labels
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit

SEEDS, SCENES, ROUNDS = (0, 1, 2), 4000, 15
K = len(CLASSES)


def by_color() -> nn.Sequential:
    """Return logistic regression: a class from one pixel's red, green and blue."""
    return nn.Sequential(Normalize(127, 128), nn.Conv2d(3, K, 1))


def boxes(images: Tensor) -> Tensor:
    """Return which of 4096 colors each pixel has: (N, 3, H, W) -> (N, H, W) int64."""
    return (images.long() // 16 * torch.tensor([256, 16, 1])[:, None, None]).sum(dim=1)


def table(images: Tensor, masks: Tensor) -> Tensor:
    """Return the class most often seen at each of 4096 colors: the most that color alone can do."""
    known = masks != VOID
    counts = torch.bincount(boxes(images)[known] * K + masks[known].long(), minlength=4096 * K)
    return counts.view(4096, K).argmax(dim=1).to(torch.uint8)


def baselines() -> dict:
    held = {split: in_memory(EmojiScenes(300, seed=7, split=split, void=True)).tensors for split in ("val", "test")}
    (images, truth), (unseen, unseen_truth) = held["val"], held["test"]
    runs = []
    for seed in SEEDS:
        train = in_memory(EmojiScenes(SCENES, seed=seed, split="train", void=True))
        torch.manual_seed(seed)
        colors, net = by_color(), FCN(small(), K, 32)
        fit(colors, train, steps=250, lr=0.05, seed=seed, batch=8)
        fit(net, train, steps=2000, lr=0.01, seed=seed)
        answers = {
            "all background": (truth, torch.zeros_like(truth)),
            "logistic regression on colour": (truth, labels(colors, images)),
            "table of 4096 colours": (truth, table(*train.tensors)[boxes(images)]),
            "small FCN-32s": (truth, labels(net, images)),
            "the same, unseen style": (unseen_truth, labels(net, unseen)),
        }
        runs.append({name: scored(*pair, K) for name, pair in answers.items()})
        print(seed, {name: round(scores["mean IoU"], 3) for name, scores in runs[-1].items()}, flush=True)
    measures = [measure for measure in runs[0]["all background"] if measure not in ("IoU", "boundary IoU")]
    means = summed_up(runs)
    return {measure: {name: means[name][measure] for name in means} for measure in measures}


def confusion() -> dict:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(21, (8, 512, 512), generator=generator)
    label[torch.rand(label.shape, generator=generator) < 0.05] = VOID
    prediction = torch.randint(21, label.shape, generator=generator)

    def masked(label, prediction):
        known = (label >= 0) & (label < 21)
        return torch.bincount(21 * label[known].long() + prediction[known], minlength=21**2).view(21, 21)

    found = {}
    for dtype in (torch.uint8, torch.int64):
        maps = label.to(dtype), prediction.to(dtype)
        assert torch.equal(Confusion(21).update(*maps).counts, masked(*maps))
        faster = times_faster(lambda m=maps: masked(*m), lambda m=maps: Confusion(21).update(*m), ROUNDS)
        found[f"{str(dtype)[6:]} maps, times faster"] = faster
    return found


def scenes() -> dict:
    drawn = EmojiScenes(320, seed=0, split="train", void=True)
    held, net = in_memory(drawn), FCN(small(), K, 32)

    def train():
        torch.set_num_threads(2)
        fit(net, held, steps=20, lr=1e-3, seed=0)

    def draw():
        torch.set_num_threads(1)
        in_memory(drawn)

    return {"scenes drawn on one thread over images trained on two": times_faster(train, draw, 5, 2)}


def main() -> None:
    torch.set_num_threads(2)
    results = {**baselines(), "scenes": scenes(), "confusion": confusion()}
    print(
        store(__file__, results, threads=2, **{"seeds": len(SEEDS), "scenes to train on": SCENES, "rounds": ROUNDS})
    )


if __name__ == "__main__":
    main()
