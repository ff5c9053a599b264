"""A small network that trains from nothing on two cores. N batch, C channels, H height, W width."""

from itertools import pairwise

from torch import Tensor, nn

from fcn.backbones.scale import Normalize
from fcn.expect import sizes, that


class Small(nn.Module):
    """Images (N, 3, H, W) -> four feature maps (N, C, H / stride, W / stride); 32 divides H and W.

    A network that trains from nothing on two cores. Its first layer cuts the image into tiles of 4x4, since most of a
    small network's work is done where its maps are large; from there on it is built like VGG, of 3x3 convolutions and
    2x2 max-pooling. So cell i of a map at stride s is centered on pixel s i + (s - 1) / 2.

    `channels` are those of the four maps, `layers` the convolutions that lead from one map to the next.
    Raises ValueError for a shape other than (N, 3, H, W) and for sides that 32 does not divide.
    """

    strides = (4, 8, 16, 32)
    centers = (1.5, 3.5, 7.5, 15.5)

    def __init__(self, channels: tuple[int, ...], layers: tuple[int, ...]):
        super().__init__()
        that(len(channels) == len(layers), "as many channels as numbers of layers", (channels, layers))
        self.channels, self.normalize = channels, Normalize(127, 128)
        stages = [[*_layer(3, channels[0], kernel=4, stride=4), *_repeated(channels[0], layers[0] - 1)]]
        for (fewer, more), count in zip(pairwise(channels), layers[1:], strict=True):
            stages.append([nn.MaxPool2d(2), *_layer(fewer, more), *_repeated(more, count - 1)])
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        _, _, height, width = sizes(images, "N 3 H W", name="images")
        that(height % 32 == 0 and width % 32 == 0, "sides that 32 divides", images, "Pad the images first.")
        x, maps = self.normalize(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def small(wide: bool = False) -> Small:
    """Return a small network without pretraining: feature maps at strides 4, 8, 16 and 32, as a Small.

    It has 0.46 million weights. `wide` puts more of them where the maps are large, 0.63 million in all: a third more
    time a step, and a better score after as many steps.

    >>> import torch
    >>> [tuple(x.shape) for x in small()(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))]
    [(1, 24, 16, 16), (1, 64, 8, 8), (1, 128, 4, 4), (1, 192, 2, 2)]
    """
    return Small((48, 96, 128, 192), (2, 2, 2, 1)) if wide else Small((24, 64, 128, 192), (2, 1, 2, 1))


def _layer(channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    padding = (kernel - stride) // 2
    convolution = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def _repeated(channels: int, count: int) -> list[nn.Module]:
    return [part for _ in range(count) for part in _layer(channels, channels)]
