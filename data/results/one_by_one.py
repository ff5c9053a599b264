"""Measure what chapter 2 says about sliding a classifier. Run it with: python data/results/one_by_one.py

The patch classifier slides over 254x254 pixels, 34x34 every 4; AlexNet over 500x500, 224x224 every 32. Every ratio
compares the same scores, computed in one process on one thread, alternating; medians of the rounds.
"""

import statistics

import torch
from record import seconds, store
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import alexnet

from fcn.one_by_one import as_conv, convolutionize, patch_classifier, slide

ROUNDS = 7


def operations(function) -> int:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def connected(convolutional: nn.Module, images: torch.Tensor) -> float:
    """Return the share of multiplications in the layers that were fully connected: those after the feature maps."""
    layers = list(convolutional)
    last = max(place for place, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d | nn.Sequential))
    features = nn.Sequential(*layers[: last + 1])
    return 1 - operations(lambda: features(images)) / operations(lambda: convolutional(images))


def compare(classifier, convolutional, images, size, stride) -> dict:
    """Compare one patch at a time, patches in batches, and one pass of the convolutional net."""
    cut = images.unfold(2, size, stride).unfold(3, size, stride).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, size, size)
    calls = {
        "one patch at a time": lambda: slide(classifier, images, size, stride),
        "patches in batches of 64": lambda: slide(classifier, images, size, stride, batch=64),
        "the same, cut before": lambda: [classifier(part) for part in cut.split(64)],
        "convolutional": lambda: convolutional(images),
    }
    times = [{name: seconds(call) for name, call in calls.items()} for _ in range(ROUNDS + 1)][1:]  # first warms up
    ratios = {
        f"{name}, times slower": round(statistics.median(t[name] / t["convolutional"] for t in times), 1)
        for name in list(calls)[:-1]
    }
    work = operations(calls["one patch at a time"]) / operations(calls["convolutional"])
    slid, scores = calls["patches in batches of 64"](), calls["convolutional"]()
    return {
        "patches": scores.shape[2] * scores.shape[3],
        **ratios,
        "multiplications, times more": round(work, 1),
        "of these fully connected, % of the convolutional net's": round(100 * connected(convolutional, images)),
        "pixels read, times over": round(scores.shape[2] * scores.shape[3] * size**2 / images[0, 0].numel(), 1),
        "largest difference over spread of the scores": float(f"{(slid - scores).abs().max() / scores.std():.1e}"),
    }


@torch.inference_mode()
def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.rand(1, 3, 254, 254)
    patch_net = patch_classifier(10)
    whole = nn.Sequential(*patch_net[:6], as_conv(patch_net[7], (6, 6)), patch_net[8], as_conv(patch_net[9]))
    alex = alexnet().eval()
    results = {
        "patch classifier": compare(patch_net, whole, images, 34, 4),
        "AlexNet": compare(alex, convolutionize(alex), torch.rand(1, 3, 500, 500), 224, 32),
    }
    print(store(__file__, results, threads=1, rounds=ROUNDS))


if __name__ == "__main__":
    main()
