"""Chapter 2: a fully connected layer is a convolution.

N batch, C channels, K classes, H and W height and width of the image, h and w of the map of scores.
"""

from copy import deepcopy

import torch
from timm.models import EfficientNet
from torch import Tensor, nn
from torchvision.models import VGG, AlexNet, SqueezeNet


def as_conv(linear: nn.Linear, size: tuple[int, int] = (1, 1)) -> nn.Conv2d:
    """Return the convolution that computes, at every place of a map, what `linear` computes.

    `size` = (height, width) of the map that the layer saw flattened: (1, 1) for a layer that took a vector of
    channels, (7, 7) for VGG16's first layer after its flatten. Weights and bias are copied.
    Linear: (N, C * height * width) -> (N, K). Convolution: (N, C, H, W) -> (N, K, H - height + 1, W - width + 1).

    Raises ValueError if `linear` is no nn.Linear, or if `size` does not divide its in_features.
    Source: Long et al. 2015, section 3.1.
    """
    if not isinstance(linear, nn.Linear):
        raise ValueError(f"as_conv turns an nn.Linear into a convolution; it was given {_described(linear)}.")
    if not (isinstance(size, tuple) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size)):
        raise ValueError(f"size must be a pair (height, width) of whole numbers above 0; got {size!r}.")
    height, width = size
    channels, rest = divmod(linear.in_features, height * width)
    if rest:
        raise ValueError(
            f"in_features={linear.in_features} is no flattened map of {height}x{width} pixels (no multiple of "
            f"{height * width}). Give the height and width that the map has before the flatten."
        )
    weight, bias = linear.weight, linear.bias
    conv = nn.Conv2d(channels, linear.out_features, size, bias=bias is not None).to(weight)
    # nn.Flatten lays (C, height, width) out in this very order, so a plain view unfolds each row of the matrix.
    state = {"weight": weight.view(conv.weight.shape)} | ({} if bias is None else {"bias": bias})
    conv.load_state_dict(state)
    return conv.train(linear.training)


def patch_classifier(classes: int) -> nn.Sequential:
    """Return a small classifier of patches, (N, 3, 34, 34) -> scores (N, classes), that pads nothing.

    Its two poolings halve the map twice, so a map of its scores has one score every 4 pixels.
    """
    return nn.Sequential(
        nn.Conv2d(3, 16, kernel_size=5), nn.ReLU(), nn.MaxPool2d(2),  # 34 -> 30 -> 15
        nn.Conv2d(16, 32, kernel_size=4), nn.ReLU(), nn.MaxPool2d(2),  # 15 -> 12 -> 6
        nn.Flatten(), nn.Linear(32 * 6 * 6, 64), nn.ReLU(), nn.Linear(64, classes),
    )  # fmt: skip


def slide(classifier: nn.Module, images: Tensor, size: int, stride: int, batch: int = 1) -> Tensor:
    """Ask a classifier about every patch of the images, the slow way: cut it out, classify it, put the scores down.

    Images (N, C, H, W), patches of `size` x `size` pixels every `stride` pixels, `batch` of them at a time
    -> scores (N, K, (H - size) // stride + 1, (W - size) // stride + 1).
    Raises ValueError if an image is smaller than a patch.
    """
    if images.ndim != 4 or min(images.shape[2:]) < size:
        raise ValueError(f"No patch of {size}x{size} pixels fits into images of shape {tuple(images.shape)}.")
    patches = images.unfold(2, size, stride).unfold(3, size, stride)  # (N, C, h, w, size, size)
    n, channels, h, w = patches.shape[:4]
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels, size, size)
    scores = torch.cat([classifier(some) for some in patches.split(batch)])
    return scores.view(n, h, w, -1).permute(0, 3, 1, 2)


class AtLeast(nn.Module):
    """Pass images (N, 3, H, W) through if H and W are at least `size` pixels; ValueError otherwise."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[1] != 3:
            raise ValueError(f"Expected a batch of RGB images, (N, 3, H, W); got a tensor of shape {shape}.")
        if min(shape[2:]) < self.size:
            raise ValueError(
                f"An image of {shape[2]}x{shape[3]} pixels is too small for this network, which needs at least "
                f"{self.size}x{self.size}. Enlarge the image first."
            )
        return images

    def extra_repr(self) -> str:
        return f"{self.size}"


def convolutionize(classifier: nn.Module) -> nn.Sequential:
    """Return the fully convolutional counterpart of a classifier, with copies of its weights.

    Takes torchvision's AlexNet and VGG (any depth, with or without batch norm), which flatten a map. Result:
    images (N, 3, H, W) with H, W >= 224 -> scores (N, K, h, w), which are the classifier's own, 1x1, at 224x224.
    Takes torchvision's SqueezeNet and timm's EfficientNet (backbones.lite0_classifier), which average a map.
    Result: images with H, W >= 32 -> scores whose mean over h and w is the classifier's answer at that size.

    Raises ValueError for any other architecture and, when the result is called, for an image too small.
    Source: Long et al. 2015, section 3.1 and figure 2.
    """
    if isinstance(classifier, AlexNet | VGG):
        layers = [AtLeast(224), classifier.features, *_without_flatten(classifier)]
    elif isinstance(classifier, SqueezeNet):
        layers = [
            AtLeast(32),
            classifier.features,
            *classifier.classifier[:-1],
        ]  # all but the average pooling
    elif isinstance(classifier, EfficientNet) and classifier.global_pool.pool_type == "avg":
        trunk = [
            classifier.conv_stem,
            classifier.bn1,
            classifier.blocks,
            classifier.conv_head,
            classifier.bn2,
        ]
        layers = [AtLeast(32), *trunk, nn.Dropout(classifier.drop_rate), as_conv(classifier.classifier)]
    else:
        raise ValueError(
            "convolutionize knows torchvision's AlexNet, VGG and SqueezeNet and timm's EfficientNet with average "
            f"pooling; it was given {_described(classifier)}. Convert its Linear layers one by one with as_conv."
        )
    return deepcopy(nn.Sequential(*layers)).train(classifier.training)


def _without_flatten(classifier: AlexNet | VGG) -> list[nn.Module]:
    """Return the layers behind the flatten, each Linear as a convolution; the first is as large as the map."""
    size = tuple(classifier.avgpool.output_size)
    layers = []
    for layer in classifier.classifier:
        if isinstance(layer, nn.Linear):
            layers.append(as_conv(layer, size))
            size = (1, 1)
        else:
            layers.append(layer)
    return layers


def _described(thing: object) -> str:
    return (
        f"the class {thing.__name__} itself, not an instance"
        if isinstance(thing, type)
        else f"a {type(thing).__name__}"
    )
