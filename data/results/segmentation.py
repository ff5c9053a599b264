"""Measure what chapter 1 and the README of data/ say. Run it with: python data/results/segmentation.py

pixel accuracy, mean IoU and so on: scores on 300 validation scenes, mean and standard deviation over the seeds, of
  answers that see no shapes, and of a small FCN-32s that does; the last also on 300 scenes of the unseen style.
confusion: how much faster Confusion counts 8 maps of 512 x 512, 21 classes, 5 % void, than a masked bincount on one
  thread.
scenes: scenes drawn a second on one thread, over images trained a second on two.
Speeds are ratios within one process, alternating, medians of the rounds.
"""

import statistics
import time

import torch
import torch.nn.functional as F
from record import store
from torch import nn

from fcn.metrics import Confusion, predicted
from fcn.scenes import CLASSES, EmojiScenes

SEEDS, SCENES, ROUNDS = (0, 1, 2), 4000, 15
K = len(CLASSES)


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def stacked(count: int, seed: int, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    scenes = EmojiScenes(count, seed=seed, split=split, void=True)
    images, masks = zip(*(scenes[index] for index in range(count)), strict=True)
    return torch.stack(images), torch.stack(masks)


def measures(truth, prediction) -> dict:
    scores = Confusion(K).update(truth, prediction)
    return {
        "pixel accuracy": scores.pixel_accuracy(),
        "mean accuracy": scores.mean_accuracy(),
        "mean IoU": scores.mean_iou(),
        "frequency-weighted IoU": scores.frequency_weighted_iou(),
    }


def summed_up(runs: dict[str, list[dict]]) -> dict:
    """Return, for each measure and each way to answer, mean and standard deviation over the seeds."""
    return {
        measure: {
            name: {
                "mean": round(statistics.mean(run[measure] for run in several), 4),
                "sd": round(statistics.stdev(run[measure] for run in several), 4),
            }
            for name, several in runs.items()
        }
        for measure in runs["all background"][0]
    }


def block(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


class SmallFCN32s(nn.Module):
    """Five halvings, a score for each class, and the scores enlarged 32 times: (N, 3, H, W) uint8 -> logits."""

    def __init__(self, widths=(16, 32, 64, 96, 128)):
        super().__init__()
        pairs = zip((3, *widths), widths, strict=False)
        self.features = nn.Sequential(*(nn.Sequential(block(a, b, 2), block(b, b, 1)) for a, b in pairs))
        self.score_fr = nn.Conv2d(widths[-1], K, 1)

    def forward(self, images):
        scores = self.score_fr(self.features(images.float() / 127.5 - 1))
        return F.interpolate(scores, scale_factor=32, mode="bilinear")


def train(net, images, masks, epochs: int, rate: float, batch: int = 32) -> None:
    steps = epochs * (len(images) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch)[: len(images) // batch]:
            loss = F.cross_entropy(net(images[chosen]), masks[chosen].long(), ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


class Colours(nn.Module):
    """Logistic regression: a class from one pixel's red, green and blue."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, K)

    def forward(self, images):
        return self.linear(images.permute(0, 2, 3, 1) / 255 - 0.5).permute(0, 3, 1, 2)


def answers(net, images) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([predicted(net.eval()(part)) for part in images.split(50)])


def table(images, masks) -> torch.Tensor:
    """Return the class most often seen at each of 4096 colours: the most that colour alone can do."""
    known = masks != 255
    counts = torch.bincount(colour(images)[known] * K + masks[known].long(), minlength=4096 * K)
    return counts.view(4096, K).argmax(dim=1).to(torch.uint8)


def colour(images) -> torch.Tensor:
    return (images.long() // 16 * torch.tensor([256, 16, 1])[:, None, None]).sum(dim=1)


def baselines() -> dict:
    images, truth = stacked(300, 7, "val")
    unseen, unseen_truth = stacked(300, 7, "test")
    names = (
        "all background", "logistic regression on colour", "table of 4096 colours", "small FCN-32s",
        "the same, unseen style",
    )  # fmt: skip
    runs = {name: [] for name in names}
    for seed in SEEDS:
        torch.manual_seed(seed)
        train_images, train_masks = stacked(SCENES, seed, "train")
        colours, net = Colours(), SmallFCN32s()
        train(colours, train_images[:1000], train_masks[:1000], epochs=2, rate=0.05, batch=8)
        train(net, train_images, train_masks, epochs=14, rate=6e-3)
        by_table = table(train_images, train_masks)[colour(images)]
        for name, labels, prediction in [
            ("all background", truth, torch.zeros_like(truth)),
            ("logistic regression on colour", truth, answers(colours, images)),
            ("table of 4096 colours", truth, by_table),
            ("small FCN-32s", truth, answers(net, images)),
            ("the same, unseen style", unseen_truth, answers(net, unseen)),
        ]:
            runs[name].append(measures(labels, prediction))
            print(seed, name, runs[name][-1], flush=True)
    return summed_up(runs)


def confusion() -> dict:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(21, (8, 512, 512), generator=generator)
    label[torch.rand(label.shape, generator=generator) < 0.05] = 255
    prediction = torch.randint(21, label.shape, generator=generator)

    def masked(label, prediction):
        known = (label >= 0) & (label < 21)
        return torch.bincount(21 * label[known].long() + prediction[known], minlength=21**2).view(21, 21)

    found = {}
    for dtype in (torch.uint8, torch.int64):
        maps = label.to(dtype), prediction.to(dtype)
        ours, theirs = lambda m=maps: Confusion(21).update(*m), lambda m=maps: masked(*m)
        assert torch.equal(ours().counts, theirs())
        ratios = [seconds(theirs) / seconds(ours) for _ in range(ROUNDS)]
        found[f"{str(dtype)[6:]} maps, times faster"] = round(statistics.median(ratios), 1)
    return found


def scenes() -> dict:
    images, masks = stacked(320, 0, "train")
    net, drawn = SmallFCN32s(), EmojiScenes(320, seed=0, split="train", void=True)
    ratios = []
    for _ in range(5):
        torch.set_num_threads(2)
        training = seconds(lambda: train(net, images, masks, epochs=1, rate=1e-3))
        torch.set_num_threads(1)
        ratios.append(training / seconds(lambda: [drawn[index] for index in range(320)]))
    return {"scenes drawn on one thread over images trained on two": round(statistics.median(ratios), 2)}


def main() -> None:
    torch.set_num_threads(2)
    results = {**baselines(), "scenes": scenes(), "confusion": confusion()}
    print(
        store(__file__, results, threads=2, **{"seeds": len(SEEDS), "scenes to train on": SCENES, "rounds": ROUNDS})
    )


if __name__ == "__main__":
    main()
