"""VGG16, the backbone of the paper. N batch, C channels, H height, W width."""

from pathlib import Path

import torch
from torch import Tensor, nn

from fcn.backbones.scale import Normalize
from fcn.one_by_one import as_conv


class VGG16(nn.Module):
    """Images (N, 3, H, W) -> four feature maps (N, C, H / stride, W / stride); 32 divides H and W.

    The paper's network: VGG16, its layers fc6 and fc7 as convolutions of 7x7 and 1x1. fc6 is padded by 3 instead of
    the image by 100, so the last map has the size of pool5. It is made of the layers of a torchvision VGG16.
    """

    channels = (128, 256, 512, 4096)
    strides = (4, 8, 16, 32)
    centers = (1.5, 3.5, 7.5, 15.5)

    def __init__(self, classifier: nn.Module):
        super().__init__()
        layers = list(classifier.features)
        fc6, fc7 = as_conv(classifier.classifier[0], size=(7, 7)), as_conv(classifier.classifier[3])
        fc6.padding = (3, 3)
        head = [fc6, nn.ReLU(inplace=True), nn.Dropout(), fc7, nn.ReLU(inplace=True), nn.Dropout()]
        ends = [index + 1 for index, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        pools = [nn.Sequential(*layers[start:end]) for start, end in zip([0, *ends[1:4]], ends[1:], strict=True)]
        self.stages = nn.ModuleList([*pools[:3], nn.Sequential(*pools[3], *head)])
        # torchvision's, for images of 0 to 1
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.normalize = Normalize(255 * mean, 255 * std)

    def forward(self, images: Tensor) -> list[Tensor]:
        x, maps = self.normalize(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def vgg16(pretrained: bool = False) -> VGG16:
    """Return the feature maps of VGG16 at strides 4, 8, 16 and 32 (pool2, pool3, pool4, fc7), as a VGG16.

    `pretrained` takes torchvision's weights of ImageNet from torch.hub's cache, or fetches them there (528 MB).
    Raises FileNotFoundError if they are neither there nor to be had, RuntimeError if what came has a wrong checksum.
    Source: Simonyan and Zisserman 2015; Long et al. 2015, section 4.1.

    >>> vgg16().channels
    (128, 256, 512, 4096)
    """
    import torchvision

    weights = torchvision.models.VGG16_Weights.IMAGENET1K_V1
    try:
        return VGG16(torchvision.models.vgg16(weights=weights if pretrained else None))
    except OSError as error:
        folder = Path(torch.hub.get_dir(), "checkpoints")
        raise FileNotFoundError(
            f"VGG16's weights could not be fetched ({error}). Put {weights.url} into {folder}, or use "
            "pretrained=False."
        ) from None
