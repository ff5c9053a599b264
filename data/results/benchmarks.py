"""Measure what chapter 5 says about speed and memory. Run it with: make bench

FCN-8s on VGG16 (fcn.skips), at 1x3x320x320, against the layout of the authors' network, which pads the image by 100
pixels and crops maps by 5, 9 and 31, and against torchvision's fcn_resnet50: forward, and forward and backward. The
ratios are those of times in one process, the networks alternating, medians of the rounds. Memory is the most that a
process of its own holds, over what it holds before it has a network. Then the small network: images trained a second
over scenes drawn a second.
"""

import itertools
import json
import resource
import statistics
import subprocess
import sys
import time

import torch
import torchvision
from record import store, times_faster
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from fcn.backbones import small, vgg16
from fcn.datasets import in_memory
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit

ROUNDS, SIDE, K = 7, 320, 21


class Padded(nn.Module):
    """The layout of the authors' FCN-8s: 100 pixels of padding, pooling that rounds up, fixed crops."""

    def __init__(self):
        super().__init__()
        features = torchvision.models.vgg16().features
        features[0].padding = (100, 100)
        for layer in features:
            if isinstance(layer, nn.MaxPool2d):
                layer.ceil_mode = True
        self.pool3, self.pool4, self.pool5 = features[:17], features[17:24], features[24:]
        self.fc = nn.Sequential(
            nn.Conv2d(512, 4096, 7), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Conv2d(4096, 4096, 1), nn.ReLU(inplace=True), nn.Dropout(),
        )  # fmt: skip
        self.score_fr, self.score_pool4, self.score_pool3 = (nn.Conv2d(c, K, 1) for c in (4096, 512, 256))
        self.upscore2, self.upscore_pool4 = (nn.ConvTranspose2d(K, K, 4, 2, bias=False) for _ in range(2))
        self.upscore8 = nn.ConvTranspose2d(K, K, 16, 8, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        pool3 = self.pool3(images)
        pool4 = self.pool4(pool3)
        scores = self.upscore2(self.score_fr(self.fc(self.pool5(pool4))))
        scores = scores + cropped(self.score_pool4(pool4), 5, scores)
        scores = self.upscore_pool4(scores)
        scores = scores + cropped(self.score_pool3(pool3), 9, scores)
        return cropped(self.upscore8(scores), 31, images)


def cropped(x: Tensor, first: int, like: Tensor) -> Tensor:
    height, width = like.shape[2:]
    return x[:, :, first : first + height, first : first + width]


class ResNet(nn.Module):
    """torchvision's fcn_resnet50: dilated, no skips."""

    def __init__(self):
        super().__init__()
        self.net = torchvision.models.segmentation.fcn_resnet50(
            weights=None, weights_backbone=None, num_classes=K, aux_loss=False
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)["out"]


NETWORKS = {"FCN-8s": lambda: FCN(vgg16(), K, 8), "padded": Padded, "fcn_resnet50": ResNet}


def forward(net: nn.Module, images: Tensor) -> None:
    with torch.inference_mode():
        net.eval()(images)


def both(net: nn.Module, images: Tensor) -> None:
    labels = torch.zeros(1, SIDE, SIDE, dtype=torch.long)
    # BatchNorm of a single image is not the question here, so evaluation mode for all
    cross_entropy(net.eval()(images), labels).backward()
    net.zero_grad()


def times() -> dict[str, dict]:
    """Return times relative to FCN-8s, of both kinds of work."""
    images = torch.rand(1, 3, SIDE, SIDE)
    nets = {name: make() for name, make in NETWORKS.items()}
    for net in nets.values():
        assert net.eval()(images).shape == (1, K, SIDE, SIDE)
    found = {}
    for name, work in [("forward", forward), ("forward and backward", both)]:
        seconds = {each: [] for each in nets}
        for number, (each, net) in itertools.product(range(ROUNDS + 1), nets.items()):
            start = time.perf_counter()
            work(net, images)
            if number:  # the first round warms up
                seconds[each].append(time.perf_counter() - start)
        ours = seconds["FCN-8s"]
        found[name] = {
            each: round(statistics.median(a / b for a, b in zip(several, ours, strict=True)), 2)
            for each, several in seconds.items()
        }
    return found


def held() -> int:
    """Return the most memory that this process has held so far, in the units of this system."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory(name: str) -> int:
    """Return what forward and backward take in this process beyond what it held before, in the units of held."""
    images, before = torch.rand(1, 3, SIDE, SIDE), held()
    both(NETWORKS[name](), images)
    return held() - before


def memories() -> dict[str, float]:
    """Return peak memory of forward and backward relative to FCN-8s, each in a process of its own."""
    found = {
        name: float(
            subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True).stdout
        )
        for name in NETWORKS
    }
    return {name: round(value / found["FCN-8s"], 2) for name, value in found.items()}


def loading() -> float:
    """Return scenes drawn a second on one thread over images that the small network trains a second on two."""
    drawn = EmojiScenes(320, seed=0, split="train", void=True)
    held, net = in_memory(drawn), FCN(small(wide=True), len(CLASSES), 8)

    def train():
        torch.set_num_threads(2)
        fit(net, held, steps=20, lr=1e-3, seed=0)

    def draw():
        torch.set_num_threads(1)
        in_memory(drawn)

    return times_faster(train, draw, ROUNDS, 2)


def main() -> None:
    torch.set_num_threads(2)
    memory_ratios = memories()  # first: a process starts with the peak of the one that started it
    weights = {name: sum(p.numel() for p in make().parameters()) for name, make in NETWORKS.items()}
    results = {
        "time over that of FCN-8s": times(),
        "peak memory over that of FCN-8s": memory_ratios,
        "weights": weights,
        "scenes drawn over images trained, a second": loading(),
    }
    store(__file__, results, threads=2, rounds=ROUNDS, pixels=f"1x3x{SIDE}x{SIDE}")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        torch.set_num_threads(2)
        print(memory(sys.argv[1]))
    else:
        main()
