"""How many labelled photographs it takes, and which library's network. Run: python data/results/own_pictures.py

For chapter 7, where CamVid is ($CAMVID, camvid/). The task is that of a reader with pictures of one kind: 11 classes
of streets, 480x360, of which so and so many photographs are labelled. What is trained is what `fcn train` trains, an
FCN-8s with 3x3 heads on EfficientNet-Lite0, pretrained on ImageNet, with its defaults. Scored on all 101 photographs
of val, at their size; of val see chapter 6: it is seven seconds of a street that train knows, so the scores are kind,
and more so the more of train is used.

Named before any of these runs (November 30, 2026):

  NUMBERS    5, 10, 20, 40, 80, 160 and all 367 photographs of train, drawn by chance, each set in the next larger
             one; 300 steps of four windows for each
  NETWORKS   of 40 photographs, as above, in as many steps of as many windows, with the same rates, loss and
             pretrained backbone: torchvision's FCN (its classes FCN and FCNHead, on the backbone's map at stride 32),
             and the U-Net of segmentation_models.pytorch (its defaults, with Lite0 as its encoder)

Three seeds each, which decide the photographs, the first weights of the heads, and the order and the windows. Beside
mean IoU are kept the IoU of each class and the boundary IoU, and of NETWORKS the parameters.

Killed and started again, the study goes on where it was. Each process uses one thread, two run at a time.
"""

from functools import lru_cache, partial

import torch
from record import scored, store, studied, summed_up
from torch import Tensor, nn
from torch.utils.data import Subset

from fcn.answers import labels
from fcn.backbones import lite0, lite0_classifier
from fcn.datasets import CamVid
from fcn.datasets.camvid import CLASSES, here
from fcn.skips import FCN
from fcn.training import cropped, cross_entropy_and_iou, fit, one_cycle
from fcn.training.batches import chance

SEEDS, K = ["0", "1", "2"], len(CLASSES)
RECIPE = {"steps": 300, "batch": 4, "rate": 3e-3, "backbone's share": 0.2, "window": [256, 352], "hidden": 128}
NUMBERS = {f"{count} photographs": count for count in (5, 10, 20, 40, 80, 160, 367)}
LABELLED = 40  # photographs that the networks of other libraries get

photographs = lru_cache(lambda split: CamVid(here(), split, cached=True))


class Bytes(nn.Module):
    """A network of another library, made for normalized floats, that takes bytes; its `backbone` is what is slow."""

    def __init__(self, net: nn.Module, backbone: nn.Module):
        super().__init__()
        self.net = net
        object.__setattr__(self, "slow", {id(parameter) for parameter in backbone.parameters()})

    def forward(self, images: Tensor) -> Tensor:
        floats = (images.float() - 127) / 128
        height, width = images.shape[2:]
        padded = nn.functional.pad(floats, (0, -width % 32, 0, -height % 32))
        found = self.net(padded)
        found = found["out"] if isinstance(found, dict) else found
        return found[:, :, :height, :width]


def ours() -> nn.Module:
    return FCN(lite0(), K, 8, hidden=RECIPE["hidden"])


def of_torchvision() -> nn.Module:
    from torchvision.models.segmentation.fcn import FCN as Theirs
    from torchvision.models.segmentation.fcn import FCNHead

    class Last(nn.Module):
        """The coarsest map of the backbone, under the name that torchvision asks for."""

        def __init__(self):
            super().__init__()
            self.backbone = lite0()

        def forward(self, images: Tensor) -> dict[str, Tensor]:
            return {"out": self.backbone(images)[-1]}

    last = Last()
    return Bytes(Theirs(last, FCNHead(last.backbone.channels[-1], K)), last)


def of_smp() -> nn.Module:
    import segmentation_models_pytorch as smp

    net = smp.Unet("tu-tf_efficientnet_lite0", encoder_weights=None, classes=K)
    weights = {f"model.{name}": value for name, value in lite0_classifier().state_dict().items()}
    expected = net.encoder.state_dict().keys()
    net.encoder.load_state_dict({name: weights[name] for name in expected})
    return Bytes(net, net.encoder)


NETWORKS = {"FCN of torchvision": of_torchvision, "U-Net of smp": of_smp}


def slow_and_quick(model: nn.Module, lr: float, steps: int):
    """Return AdamW and one cycle, as one_cycle gives them, for a network whose pretrained part has another name."""
    if not isinstance(model, Bytes):
        return one_cycle(model, lr, steps, backbone=RECIPE["backbone's share"])
    groups = [
        {"params": [p for p in model.parameters() if (id(p) in model.slow) == slow], "lr": lr * share}
        for slow, share in ((False, 1), (True, RECIPE["backbone's share"]))
    ]
    optimizer = torch.optim.AdamW(groups, lr)
    rates = [group["lr"] for group in groups]
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)


def run(names: list[str], seed: str) -> dict[str, dict]:
    """Return {name: scores} of one seed."""
    found, order = {}, torch.randperm(len(photographs("train")), generator=chance(int(seed))).tolist()
    for name in names:
        torch.manual_seed(int(seed))
        net = NETWORKS.get(name, ours)()
        some = Subset(photographs("train"), sorted(order[: NUMBERS.get(name, LABELLED)]))
        fit(
            net.to(memory_format=torch.channels_last), some, steps=RECIPE["steps"], lr=RECIPE["rate"], seed=int(seed),
            batch=RECIPE["batch"], recipe=slow_and_quick, loss=cross_entropy_and_iou,
            transform=partial(cropped, size=RECIPE["window"]),
        )  # fmt: skip
        truth = torch.stack([mask for _, mask in photographs("val")])
        answer = torch.stack(labels(net, [image for image, _ in photographs("val")]))
        found[name] = scored(truth, answer, K) | {"parameters": sum(p.numel() for p in net.parameters())}
    return found


def main() -> None:
    if here() is None:
        raise SystemExit("There is no CamVid here: make camvid brings it, or $CAMVID names its folder.")
    about = {"seeds": len(SEEDS), "labelled for the networks": LABELLED}
    jobs = [((name,), seed) for seed in SEEDS for name in (*NUMBERS, *NETWORKS)]
    runs = studied(__file__, RECIPE, jobs, run, **about)
    means = {name: summed_up([*several.values()]) for name, several in runs.items()}
    store(__file__, {"means": means, "runs": runs}, threads=1, workers=2, **RECIPE, **about)


if __name__ == "__main__":
    main()
