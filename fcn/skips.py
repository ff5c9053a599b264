"""Chapter 5: FCN, the scores of finer maps added to those of coarser ones. N batch, K classes, H height, W width."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.upsampling import BilinearUp, bilinear

_LAST = {32: "upscore", 16: "upscore16", 8: "upscore8", 4: "upscore4"}  # by stride: the name of the last enlargement


class FCN(nn.Module):
    """Normalized images (N, 3, H, W) -> logits (N, K, H, W), for every H and W: FCN-32s, 16s, 8s or 4s.

    A 1x1 convolution scores each class in each cell at stride 32. Down to `stride`, the scores are enlarged
    twice and those of the next finer map are added; the last enlargement leads to the image. Layers are named as in
    the original. All score layers start at zero. Enlarging is bilinear, placed by the backbone's `centres`; with
    `learned` the doublings are transposed convolutions that start there (the last enlargement stays fixed, as in the
    paper). The image is padded to multiples of 32 on the right and below, and the answer is cropped: nothing drifts.

    `backbone` has `strides` (4, 8, 16, 32 or more than these), `channels` and `centres`, one number a map each, and
    returns a list of maps. The network uses it, not a copy.

    Raises ValueError for a stride other than 32, 16, 8, 4, for fewer than 2 classes and for a backbone without the
    maps; in use for images of another shape or dtype, and in training mode for sides below 64 (BatchNorm).
    Source: Long et al. 2015, sections 3.3 and 4.2; without the 100 pixels of padding of the authors' networks.
    """

    def __init__(self, backbone: nn.Module, classes: int, stride: int = 8, *, learned: bool = False):
        super().__init__()
        channels, centres = _checked_maps(backbone, classes, stride)
        self.backbone, self.classes, self.stride, self.learned = backbone, int(classes), int(stride), bool(learned)

        def twice(coarse: int) -> nn.Module:
            centre = (centres[coarse] - centres[coarse // 2]) / (coarse // 2)
            return BilinearUp(classes, 2, centre=centre, exact=True) if learned else _Bilinear(2, centre)

        self.score_fr = _score(channels[32], classes)
        if stride <= 16:
            self.upscore2 = twice(32)
            self.score_pool4 = _score(channels[16], classes)
        if stride <= 8:
            self.upscore_pool4 = twice(16)
            self.score_pool3 = _score(channels[8], classes)
        if stride <= 4:
            self.upscore_pool3 = twice(8)
            self.score_pool2 = _score(channels[4], classes)
        self.add_module(_LAST[stride], _Bilinear(stride, centres[stride]))

    @classmethod
    def from_coarser(cls, parent: "FCN") -> "FCN":
        """Return a network of half the stride that starts with a copy of the parent's weights: 32s to 16s, and so on.

        Its new score layer is zero: at first it answers as its parent, but for the enlargement in one step more.
        Raises ValueError if the parent is no FCN or has the stride 4.
        """
        if not isinstance(parent, FCN) or parent.stride == 4:
            given = "FCN-4s, the finest there is" if isinstance(parent, FCN) else type(parent).__name__
            raise ValueError(f"from_coarser starts from an FCN of stride 32, 16 or 8; got {given}.")
        net = cls(copy.deepcopy(parent.backbone), parent.classes, parent.stride // 2, learned=parent.learned)
        net.to(parent.score_fr.weight).load_state_dict(parent.state_dict(), strict=False)
        return net.train(parent.training)

    def forward(self, images: Tensor) -> Tensor:
        height, width = self._checked(images)
        padded = F.pad(images, (0, -width % 32, 0, -height % 32))
        maps = dict(zip(self.backbone.strides, self.backbone(padded), strict=True))
        scores = self.score_fr(maps[32])
        if self.stride <= 16:
            scores = self.fuse(self.upscore2(scores), self.score_pool4(maps[16]))
        if self.stride <= 8:
            scores = self.fuse(self.upscore_pool4(scores), self.score_pool3(maps[8]))
        if self.stride <= 4:
            scores = self.fuse(self.upscore_pool3(scores), self.score_pool2(maps[4]))
        return self.get_submodule(_LAST[self.stride])(scores)[:, :, :height, :width]

    def fuse(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return what is made of two maps of scores of one shape (N, K, h, w): their sum."""
        return coarse + fine

    def _checked(self, images: Tensor) -> tuple[int, int]:
        if not isinstance(images, Tensor) or not images.is_floating_point():
            given = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise ValueError(f"Expected normalized images, floating point; got {given}. Pass normalize(images).")
        dtype = self.score_fr.weight.dtype
        if images.dtype != dtype and not torch.is_autocast_enabled(images.device.type):
            raise ValueError(f"Expected images of {dtype}, as the weights are; got {images.dtype}.")
        if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            raise ValueError(f"Expected images (N, 3, H, W) with pixels in them; got {tuple(images.shape)}.")
        height, width = images.shape[2:]
        if self.training and min(height, width) < 64:
            raise ValueError(
                f"In training mode images need 64 pixels a side or more (BatchNorm); got {height}x{width}. To look "
                "at answers call .eval() first."
            )
        return height, width


class _Bilinear(nn.Module):
    """Enlarge a map by interpolation, with nothing to learn: (N, K, H, W) -> (N, K, s H, s W)."""

    def __init__(self, factor: int, centre: float):
        super().__init__()
        self.factor, self.centre = factor, centre

    def forward(self, x: Tensor) -> Tensor:
        return bilinear(x, self.factor, self.centre)


def _score(channels: int, classes: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, classes, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def _checked_maps(backbone: nn.Module, classes: int, stride: int) -> tuple[dict[int, int], dict[int, float]]:
    """Return the channels and the centres of the backbone's maps by stride."""
    if stride not in tuple(_LAST):
        raise ValueError(f"Expected a stride of 32, 16, 8 or 4; got {stride!r}.")
    if isinstance(classes, bool) or not hasattr(classes, "__index__") or classes < 2:
        raise ValueError(f"Expected 2 classes or more (the background is one); got {classes!r}.")
    strides, channels, centres = (getattr(backbone, name, ()) for name in ("strides", "channels", "centres"))
    needed = [each for each in _LAST if each >= stride]
    if not set(needed) <= set(strides) or not len(strides) == len(channels) == len(centres):
        raise ValueError(
            f"FCN-{stride}s needs a backbone with maps at strides {', '.join(map(str, needed))} (its attributes "
            f"strides, channels and centres, one number a map); {type(backbone).__name__} has strides {strides!r}."
        )
    return dict(zip(strides, channels, strict=True)), dict(zip(strides, centres, strict=True))
