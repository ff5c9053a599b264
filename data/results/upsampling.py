"""Measure what chapter 3 says beyond what its page runs. Run it with: python data/results/upsampling.py

What a coarse grid can say, as the mean IoU of label maps of 100 Emoji scenes that were made small and large again:
  shares    each cell keeps the share of every class, interpolated bilinearly (fcn.upsampling.coarsened);
  nearest   each cell keeps the label at its middle, repeated: made small and large in the plainest way;
  fitted    each cell has logits, interpolated bilinearly as FCN's are, and fitted to the truth by cross-entropy:
            300 steps of Adam at 0.3 from zero, 10 scenes at a time. No network has to be behind them.
Scenes of 512 pixels for the first two, as the paper's pictures are about as wide; of 128 for all three. Beside the
mean IoU stands that of the bicycle.
bilinear: times faster than F.interpolate to train through, 32 maps of 18 x 4 x 4 enlarged 32 times, forward and
  backward on two threads, in one process, alternating; median of the rounds.
"""

import torch
import torch.nn.functional as F
from record import store, times_faster
from torch import Tensor

from fcn.datasets import in_memory
from fcn.metrics import Confusion
from fcn.predict import predicted
from fcn.scenes import CLASSES, EmojiScenes
from fcn.upsampling import bilinear, coarsened

SCENES, ROUNDS, STEPS = 100, 25, 300
K, BICYCLE = len(CLASSES), CLASSES.index("bicycle")


def nearest(masks: Tensor, factor: int) -> Tensor:
    small = masks[:, factor // 2 :: factor, factor // 2 :: factor]
    return small.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def fitted(masks: Tensor, factor: int) -> Tensor:
    answers = []
    for part in masks.split(10):
        logits = torch.zeros(len(part), K, *(side // factor for side in part.shape[1:]), requires_grad=True)
        optimizer = torch.optim.Adam([logits], lr=0.3)
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(bilinear(logits, factor), part.long(), ignore_index=255).backward()
            optimizer.step()
        answers.append(predicted(bilinear(logits.detach(), factor)))
    return torch.cat(answers)


def reached(size: int, ways: dict, factors: tuple[int, ...]) -> dict:
    """Return {way: {factor: [mean IoU, that of the bicycle]}} in % for label maps of this size."""
    void = size == 128  # at 512 as the paper's question has it: what the labels themselves lose
    solid, truth = (
        in_memory(EmojiScenes(SCENES, seed=7, split="val", size=size, void=rim)).tensors[1] for rim in (False, void)
    )
    found = {}
    for name, way in ways.items():
        known = solid if way is nearest else truth  # a label is an answer, void is none
        tables = {factor: Confusion(K).update(truth, way(known, factor)) for factor in factors}
        found[name] = {
            str(factor): [round(100 * value, 1) for value in (table.mean_iou(), table.iou()[BICYCLE].item())]
            for factor, table in tables.items()
        }
        print(size, name, found[name], flush=True)
    return found


def speed() -> float:
    scores = torch.randn(32, K, 4, 4, requires_grad=True)

    def through(enlarge) -> None:
        enlarge(scores).sum().backward()

    def library(x):
        return F.interpolate(x, scale_factor=32, mode="bilinear")

    assert torch.allclose(library(scores), bilinear(scores, 32), atol=1e-5)
    return times_faster(lambda: through(library), lambda: through(lambda x: bilinear(x, 32)), ROUNDS)


def main() -> None:
    torch.set_num_threads(2)
    faster = speed()
    shares = {"shares": lambda masks, factor: coarsened(masks, factor, K), "nearest": nearest}
    results = {
        "512 pixels": reached(512, shares, (128, 64, 32, 16, 8, 4)),
        "128 pixels": reached(128, shares | {"fitted": fitted}, (32, 16, 8, 4)),
        "bilinear, times faster than F.interpolate": faster,
    }
    print(store(__file__, results, threads=2, scenes=SCENES, rounds=ROUNDS, steps=STEPS))


if __name__ == "__main__":
    main()
