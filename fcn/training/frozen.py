"""Train the heads alone, on features computed once. N images, H height, W width."""

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from fcn.answers import asked
from fcn.expect import that
from fcn.training.batches import stacked


def frozen(net: nn.Module, data: Dataset, *, batch: int = 16) -> tuple[TensorDataset, nn.Module]:
    """Return (features, heads) for fit: what an FCN's frozen backbone makes of each image, and all that comes after.

    Where the backbone does not learn, its maps stay what they are, so they are computed once instead of in each step.
    `features` are pairs again: the maps of one image behind each other as (1, 1, P) float16, and its mask; `heads`
    turns them into logits. It holds the layers of `net`, not copies: what it learns, net knows. The backbone's
    parameters get requires_grad off. The images, all of one size, are taken as they are: nothing varies them.

    Raises ValueError for images of several sizes, and for a net without `backbone`, `encoded` and `decoded`.

    >>> from fcn.backbones import small
    >>> from fcn.skips import FCN
    >>> data = [(torch.zeros(3, 64, 96, dtype=torch.uint8), torch.zeros(64, 96, dtype=torch.uint8))] * 2
    >>> features, heads = frozen(FCN(small(), classes=3, stride=32), data)
    >>> heads(features[0][0][None]).shape
    torch.Size([1, 3, 64, 96])
    """
    fits = all(hasattr(net, name) for name in ("backbone", "encoded", "decoded"))
    that(fits, "an FCN, which has a backbone, `encoded` and `decoded`", net)
    net.backbone.requires_grad_(False)
    packed, masks = [], []
    with asked(net) as device:
        for start in range(0, len(data), batch):
            images, known = stacked([data[index] for index in range(start, min(start + batch, len(data)))])
            maps = net.encoded(images.to(device))
            packed.append(torch.cat([part.flatten(1) for part in maps], dim=1).half().cpu())
            masks.append(known)
    that(len({part.shape[1:] for part in masks}) == 1, "images of one size", [tuple(part.shape) for part in masks])
    shapes = [part.shape[1:] for part in maps]
    return TensorDataset(torch.cat(packed)[:, None, None], torch.cat(masks)), _Heads(net, shapes, masks[0].shape[1:])


class _Heads(nn.Module):
    """What comes after an FCN's backbone: maps (N, 1, 1, P), packed by `frozen`, -> logits (N, K, H, W)."""

    def __init__(self, net: nn.Module, shapes: list[torch.Size], size: torch.Size):
        super().__init__()
        self.net, self.shapes, self.size = net, shapes, tuple(size)

    def forward(self, packed: Tensor) -> Tensor:
        parts = packed.flatten(1).float().split([shape.numel() for shape in self.shapes], dim=1)
        maps = [part.unflatten(1, tuple(shape)) for part, shape in zip(parts, self.shapes, strict=True)]
        return self.net.decoded(maps, *self.size)
