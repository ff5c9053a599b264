"""Chapter 5: FCN, the scores of finer maps added to those of coarser ones. N batch, K classes, H height, W width."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.expect import one_of, sizes, that, whole
from fcn.upsampling import Bilinear, BilinearUp

_LAST = {32: "upscore", 16: "upscore16", 8: "upscore8", 4: "upscore4"}  # by stride: the name of the last enlargement


class FCN(nn.Module):
    """Images (N, 3, H, W) -> logits (N, K, H, W), for every H and W: FCN-32s, 16s, 8s or 4s.

    Images are bytes (uint8, 0 to 255), which the backbone normalizes in its own way, or floats normalized already.

    A 1x1 convolution scores each class in each cell at stride 32. Down to `stride`, the scores are enlarged
    twice and those of the next finer map are added; the last enlargement leads to the image. Layers are named as in
    the original. All score layers start at zero. With `hidden` a 3x3 convolution to so many channels, BatchNorm and
    ReLU come before each of them, a *head* as later networks have it; 0 is the paper's FCN.
    Enlarging is bilinear, placed by the backbone's `centers`; with `learned` the doublings are transposed
    convolutions that start there (the last enlargement stays fixed, as in the paper). The image is padded to
    multiples of 32 on the right and below, and the answer is cropped: nothing drifts.

    `backbone` has `strides` (4, 8, 16, 32 or more than these), `channels` and `centers`, one number a map each,
    `normalize`, and returns a list of maps. The network uses it, not a copy.

    Raises ValueError for another stride, for fewer than 2 classes and for a backbone without the maps; in use for
    other images, and in training mode for sides below 64 (BatchNorm).
    Source: Long et al. 2015, sections 3.3 and 4.2; without the 100 pixels of padding of the authors' networks.

    >>> from fcn.backbones import small
    >>> FCN(small(), classes=3, stride=8).eval()(torch.zeros(1, 3, 50, 75, dtype=torch.uint8)).shape
    torch.Size([1, 3, 50, 75])
    """

    def __init__(
        self, backbone: nn.Module, classes: int, stride: int = 8, *, learned: bool = False, hidden: int = 0
    ):  # fmt: skip
        super().__init__()
        one_of(stride, "the stride", tuple(_LAST))
        channels, centers = _maps_of(backbone, stride)
        self.backbone, self.stride, self.learned = backbone, stride, bool(learned)
        self.classes = classes = whole(classes, "classes, the background is one,", 2)
        self.hidden = hidden = whole(hidden, "hidden channels", 0)

        def twice(coarse: int) -> nn.Module:
            center = (centers[coarse] - centers[coarse // 2]) / (coarse // 2)
            return BilinearUp(classes, 2, center=center, exact=True) if learned else Bilinear(2, center)

        self.score_fr = _score(channels[32], classes, hidden)
        if stride <= 16:
            self.upscore2 = twice(32)
            self.score_pool4 = _score(channels[16], classes, hidden)
        if stride <= 8:
            self.upscore_pool4 = twice(16)
            self.score_pool3 = _score(channels[8], classes, hidden)
        if stride <= 4:
            self.upscore_pool3 = twice(8)
            self.score_pool2 = _score(channels[4], classes, hidden)
        self.add_module(_LAST[stride], Bilinear(stride, centers[stride]))

    @classmethod
    def from_coarser(cls, parent: "FCN") -> "FCN":
        """Return a network of half the stride that starts with a copy of the parent's weights: 32s to 16s, and so on.

        Its new score layer is zero: at first it answers as its parent, but for the enlargement in one step more. What
        is frozen in the parent, by requires_grad or in evaluation mode, is frozen in the child.
        Raises ValueError if the parent is of another class or has the stride 4.

        >>> from fcn.backbones import small
        >>> FCN.from_coarser(FCN(small(), 3, stride=32)).stride
        16
        """
        coarser = type(parent) is cls and parent.stride > 4
        advice = "If something wraps it, take it out; of a class of your own, call that class's from_coarser."
        that(coarser, f"{cls.__name__} of stride 32, 16 or 8", parent, advice)
        net = cls(
            copy.deepcopy(parent.backbone),
            parent.classes,
            parent.stride // 2,
            learned=parent.learned,
            hidden=parent.hidden,
        )
        net.to(parent._last_weights()).load_state_dict(parent.state_dict(), strict=False)
        for name, parameter in parent.named_parameters():
            net.get_parameter(name).requires_grad_(parameter.requires_grad)
        net.training = parent.training  # not .train(): the backbone's parts keep the modes they were copied in
        return net

    def forward(self, images: Tensor) -> Tensor:
        height, width = self._checked(images)
        return self.decoded(self.encoded(images), height, width)

    def encoded(self, images: Tensor) -> list[Tensor]:
        """Return the backbone's maps of images (N, 3, H, W), padded: of a frozen backbone, they are always the same.

        >>> from fcn.backbones import small
        >>> net = FCN(small(), classes=3, stride=8).eval()
        >>> [tuple(part.shape[2:]) for part in net.encoded(torch.zeros(1, 3, 50, 75, dtype=torch.uint8))]
        [(16, 24), (8, 12), (4, 6), (2, 3)]
        """
        images = self.backbone.normalize(images) if images.dtype == torch.uint8 else images
        below, right = _padding(images.shape[2], images.shape[3])
        return self.backbone(F.pad(images, (0, right, 0, below)))

    def decoded(self, maps: list[Tensor], height: int, width: int) -> Tensor:
        """Return the logits (N, K, H, W) of images of this height and width, given their maps (see encoded).

        >>> from fcn.backbones import small
        >>> net = FCN(small(), classes=3, stride=8).eval()
        >>> images = torch.zeros(1, 3, 50, 75, dtype=torch.uint8)
        >>> bool((net.decoded(net.encoded(images), 50, 75) == net(images)).all())
        True
        """
        maps = self._by_stride(maps)
        scores = self.score_fr(maps[32])
        if self.stride <= 16:
            scores = self.fuse(self.upscore2(scores), self.score_pool4(maps[16]))
        if self.stride <= 8:
            scores = self.fuse(self.upscore_pool4(scores), self.score_pool3(maps[8]))
        if self.stride <= 4:
            scores = self.fuse(self.upscore_pool3(scores), self.score_pool2(maps[4]))
        return _cropped(self.get_submodule(_LAST[self.stride])(scores), *_padding(height, width))

    def fuse(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return what is made of two maps of scores of one shape (N, K, h, w): their sum."""
        return coarse + fine

    def _checked(self, images: Tensor) -> tuple[int, int]:
        _, _, height, width = sizes(images, "N 3 H W", name="images")
        weights, mixed = self._last_weights().dtype, torch.is_autocast_enabled(images.device.type)
        fits = images.dtype in (torch.uint8, weights) or (mixed and images.is_floating_point())
        that(fits, f"images as uint8, or normalized as {weights}", images)
        scaled = images.dtype != torch.uint8 or hasattr(self.backbone, "normalize")
        that(scaled, f"normalized images, as {type(self.backbone).__name__} has no `normalize` for bytes", images)
        large = not self.training or (height >= 64 and width >= 64)
        that(large, "64 pixels a side or more in training mode (BatchNorm)", images)
        return height, width

    def _last_weights(self) -> Tensor:
        return (self.score_fr[-1] if self.hidden else self.score_fr).weight

    def _by_stride(self, maps: list[Tensor]) -> dict[int, Tensor]:
        strides = self.backbone.strides
        fits = isinstance(maps, list | tuple) and len(maps) == len(strides)
        that(fits, f"a list of maps from the backbone, one for each of its strides {strides}", maps)
        return dict(zip(strides, maps, strict=True))


def _padding(height: int, width: int) -> tuple[int, int]:
    """Return how many rows below and columns on the right bring an image to multiples of 32."""
    return 32 * ((height + 31) // 32) - height, 32 * ((width + 31) // 32) - width


def _cropped(x: Tensor, below: int, right: int) -> Tensor:
    # A slice is free. But where sizes are symbols it asks if there is anything to cut, and exports the answer.
    if torch.compiler.is_compiling():
        return F.pad(x, (0, -right, 0, -below))
    return x[:, :, : x.shape[2] - below, : x.shape[3] - right]


def _score(channels: int, classes: int, hidden: int) -> nn.Module:
    last = nn.Conv2d(hidden or channels, classes, 1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    if not hidden:
        return last
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 3, padding=1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU(), last
    )  # fmt: skip


def _maps_of(backbone: nn.Module, stride: int) -> tuple[dict[int, int], dict[int, float]]:
    """Return the channels and the centers of the backbone's maps by stride."""
    strides, channels, centers = (getattr(backbone, name, ()) for name in ("strides", "channels", "centers"))
    needed = [each for each in _LAST if each >= stride]
    fits = set(needed) <= set(strides) and len(strides) == len(channels) == len(centers)
    needs = "its attributes strides, channels and centers, one number a map"
    that(fits, f"a backbone with maps at strides {needed} ({needs}), not {strides}", backbone)
    return dict(zip(strides, channels, strict=True)), dict(zip(strides, centers, strict=True))
