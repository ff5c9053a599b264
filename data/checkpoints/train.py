"""Train the networks that lie here: FCN-32s, from it FCN-16s, from it FCN-8s. Run: python data/checkpoints/train.py

On fcn.backbones.small(wide=True) and Emoji scenes, in 15 minutes or less on two cores. So that the networks rely less
on the colours and the shading of a drawing style, half of what each scene shows, backgrounds included, gets other
colours and another light. Killed and started again, it goes on where it was. The files are float16; what they say of
themselves stands in their metadata, and is returned by fcn.training.resume.
"""

import argparse
import json
import math
import platform
import time
from datetime import date
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from fcn import VOID
from fcn.backbones import small
from fcn.datasets import in_memory
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import evaluate, fit, save
from fcn.training.batches import chance

HERE = Path(__file__).resolve().parent
STEPS = {32: 2500, 16: 2500, 8: 6500}
RECIPE = {"seed": 0, "scenes to train on": 16000, "batch": 16, "rate": 0.01}


class Recolored(Dataset):
    """Scenes in which half of what is shown has other colors and light, each drawn from `seed` and its number."""

    def __init__(self, scenes: Dataset, seed: int):
        self.scenes, self.seed = scenes, seed

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.scenes[index]
        return recolored(image, mask, generator=chance(self.seed, index)), mask


def recolored(image: Tensor, mask: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return an image (3, H, W) uint8 in which half of what the mask (H, W) shows has other colours and light."""
    values = image.float()
    for label in mask.unique().tolist():
        another, turned, share = torch.rand(3, generator=generator).tolist()
        if label == VOID or another < 0.5:
            continue
        there = F.avg_pool2d((mask == label).float()[None], 3, 1, 1)  # soft at its rim
        changed = torch.einsum("ij,jhw->ihw", hue(generator), values) if turned < 0.7 else values
        changed = changed * (0.5 + smooth(generator))
        tint = 0.6 * share * smooth(generator).clamp(0, 1)
        changed = (1 - tint) * changed + tint * 255 * torch.rand(3, 1, 1, generator=generator)
        values = values + there * (changed - values)
    return values.clamp(0, 255).to(torch.uint8)


def hue(generator: torch.Generator) -> Tensor:
    """Return a colour matrix (3, 3): any turn about the grey axis, less or more saturation."""
    turn, saturation = torch.rand(2, generator=generator).tolist()
    cos = 1.3 * saturation * math.cos(2 * math.pi * turn)
    sin = 1.3 * saturation * math.sin(2 * math.pi * turn) / math.sqrt(3)
    equal, next_, last = (1 + 2 * cos) / 3, (1 - cos) / 3 - sin, (1 - cos) / 3 + sin
    return torch.tensor([[equal, next_, last], [last, equal, next_], [next_, last, equal]])


def smooth(generator: torch.Generator) -> Tensor:
    """Return a map (1, 128, 128) that changes slowly, of values about 0 to 1."""
    return F.interpolate(torch.rand(1, 1, 3, 3, generator=generator), 128, mode="bicubic", align_corners=True)[0]


def described(net: FCN, val: Dataset, test: Dataset, minutes: float) -> dict:
    """Return what a network's file says of it."""
    scores = {
        name: {"mean IoU": round(found.mean_iou(), 4), "pixel accuracy": round(found.pixel_accuracy(), 4)}
        for name, found in (("val", evaluate(net, val)), ("test", evaluate(net, test)))
    }
    return {
        "command": "python data/checkpoints/train.py", "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, threads: 2, torch {torch.__version__}",
        "minutes since the start": round(minutes, 1),
        "steps": {key: value for key, value in STEPS.items() if key >= net.stride}, **RECIPE, **scores,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the networks of data/checkpoints.")
    parser.add_argument("--into", type=Path, default=HERE, help="where to write them")
    parser.add_argument("--part", type=float, default=1.0, help="a share of the steps and scenes, to try it out")
    asked = parser.parse_args()
    torch.set_num_threads(2)
    start = time.perf_counter()
    count = max(RECIPE["batch"], round(asked.part * RECIPE["scenes to train on"]))
    data = in_memory(Recolored(EmojiScenes(count, seed=0, split="train", void=True), seed=0))
    val, test = (in_memory(EmojiScenes(300, seed=7, split=split, void=True)) for split in ("val", "test"))
    torch.manual_seed(RECIPE["seed"])
    net = FCN(small(wide=True), len(CLASSES), 32)
    for stride, steps in STEPS.items():
        while net.stride > stride:
            net = FCN.from_coarser(net)
        fit(
            net, data, steps=max(1, round(asked.part * steps)), lr=RECIPE["rate"], batch=RECIPE["batch"], seed=stride,
            progress=True, every=500, checkpoint=asked.into / f"fcn{stride}s.progress",
        )  # fmt: skip
        net.half().float()  # scored as it is stored
        about = described(net, val, test, (time.perf_counter() - start) / 60)
        print(stride, json.dumps(about))
        save(asked.into / f"fcn{stride}s.safetensors", net.half(), **about)
        net.float()
    for stride in STEPS:
        (asked.into / f"fcn{stride}s.progress").unlink()


if __name__ == "__main__":
    main()
