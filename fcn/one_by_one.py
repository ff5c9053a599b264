"""Chapter 2: a fully connected layer is a convolution.

N batch, C channels, K classes, H and W height and width of the image, h and w of the map of scores.
"""

from copy import deepcopy
from numbers import Integral

import torch
from timm.models import EfficientNet
from torch import Tensor, nn
from torchvision.models import VGG, AlexNet, SqueezeNet

# Layers that treat each number by itself, so that they do the same to a map as to a vector.
_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Dropout, nn.Identity)


def as_conv(linear: nn.Linear, size: tuple[int, int] = (1, 1)) -> nn.Conv2d:
    """Return the convolution that computes, at every place of a map, what `linear` computes.

    `size` = (height, width) of the map that the layer saw flattened: (1, 1) for a layer that took a vector of
    channels, (7, 7) for VGG16's first layer after its flatten. Weights and bias are copied, with their type,
    device and requires_grad; hooks are not.
    Linear: (N, C * height * width) -> (N, K). Convolution: (N, C, H, W) -> (N, K, H - height + 1, W - width + 1).

    Raises ValueError if `linear` is no nn.Linear (or computes something else than one), if `size` is no pair of
    whole numbers above 0, or if it does not divide in_features.
    Source: Long et al. 2015, section 3.1.
    """
    if not isinstance(linear, nn.Linear) or type(linear).forward is not nn.Linear.forward:
        raise ValueError(f"as_conv turns an nn.Linear into a convolution; it was given {_described(linear)}.")
    if not (isinstance(size, tuple) and len(size) == 2 and all(_is_count(number) for number in size)):
        raise ValueError(f"size must be a tuple (height, width) of whole numbers above 0; got {size!r}.")
    height, width = map(int, size)
    channels, rest = divmod(linear.in_features, height * width)
    if rest or not channels:
        raise ValueError(
            f"in_features={linear.in_features} is no flattened map of {height}x{width} pixels (no multiple of "
            f"{height * width}). Give the height and width that the map has before the flatten."
        )
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None).to(linear.weight)
    with torch.no_grad():
        # nn.Flatten lays (C, height, width) out in this very order, so a view unfolds each row of the matrix.
        conv.weight.copy_(linear.weight.view(conv.weight.shape))
        conv.weight.requires_grad_(linear.weight.requires_grad)
        if linear.bias is not None:
            conv.bias.copy_(linear.bias)
            conv.bias.requires_grad_(linear.bias.requires_grad)
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

    `classifier`: patches (n, C, size, size) -> scores (n, K). Images (N, C, H, W), a patch every `stride` pixels,
    `batch` patches at a time -> scores (N, K, (H - size) // stride + 1, (W - size) // stride + 1).
    Raises ValueError if no patch fits into the images, if size, stride or batch is no whole number above 0, or if
    the classifier gives something else than one vector of scores a patch.
    Source: the naive way that Long et al. 2015, section 3.1, compare with.
    """
    for name, number in [("size", size), ("stride", stride), ("batch", batch)]:
        if not _is_count(number):
            raise ValueError(f"slide: {name} must be a whole number above 0; got {number!r}.")
    if images.ndim != 4 or not len(images):
        raise ValueError(f"slide takes a batch of images (N, C, H, W); got the shape {tuple(images.shape)}.")
    if min(images.shape[2:]) < size:
        raise ValueError(f"No patch of {size}x{size} pixels fits into images of shape {tuple(images.shape)}.")
    patches = images.unfold(2, size, stride).unfold(3, size, stride)  # (N, C, h, w, size, size)
    n, channels, h, w = patches.shape[:4]
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels, size, size)
    scores = torch.cat([classifier(some) for some in patches.split(batch)])
    if scores.ndim != 2:
        raise ValueError(f"slide needs scores (n, K) for n patches; the classifier gave {tuple(scores.shape)}.")
    return scores.view(n, h, w, -1).permute(0, 3, 1, 2)


class AtLeast(nn.Module):
    """Pass images (N, channels, H, W) on unchanged if H and W are at least `size`; raise ValueError otherwise."""

    def __init__(self, size: int, channels: int = 3):
        super().__init__()
        self.size, self.channels = size, channels

    def forward(self, images: Tensor) -> Tensor:
        if not (isinstance(images, Tensor) and images.is_floating_point()):
            came = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise ValueError(f"Expected images as a tensor of floats; got {came}. Scale them as in training.")
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[1] != self.channels:
            raise ValueError(f"Expected a batch of images (N, {self.channels}, H, W); got the shape {shape}.")
        if min(shape[2:]) < self.size:
            raise ValueError(
                f"An image of {shape[2]}x{shape[3]} pixels is too small for this network, which needs at least "
                f"{self.size}x{self.size}. Enlarge the image first."
            )
        return images

    def extra_repr(self) -> str:
        return f"{self.size}"


def convolutionize(classifier: nn.Module) -> nn.Sequential:
    """Return the fully convolutional counterpart of a classifier, with copies of its weights and of its modes.

    Takes torchvision's AlexNet and VGG (any depth, with or without batch norm), which flatten a map. Result:
    images (N, 3, H, W) with H, W >= 224 -> scores (N, K, h, w), which are the classifier's own, 1x1, at 224x224
    (where padding was taken away, at the larger size that leaves the map which its first Linear takes).
    Takes torchvision's SqueezeNet and timm's EfficientNet (backbones.lite0_classifier), which average a map.
    Result: images with H, W >= 32 -> scores whose mean over h and w is the classifier's answer at that size.
    Both hold in eval mode; in training, dropout and batch norm draw and count differently.

    Raises ValueError for any other architecture, for one of these with a changed forward or with layers that
    are no convolution at heart, and, when the result is called, for an image too small.
    Source: Long et al. 2015, section 3.1 and figure 2.
    """
    converters = {AlexNet: _flattening, VGG: _flattening, SqueezeNet: _squeezenet, EfficientNet: _efficientnet}
    known = next((kind for kind in converters if isinstance(classifier, kind)), None)
    if known is None:
        raise ValueError(
            "convolutionize knows torchvision's AlexNet, VGG and SqueezeNet and timm's EfficientNet; it was given "
            f"{_described(classifier)}. Convert its Linear layers one by one with as_conv."
        )
    for name in ("forward", "forward_features", "forward_head"):
        if getattr(type(classifier), name, None) is not getattr(known, name, None):
            raise ValueError(f"{_described(classifier)} has a {name} of its own, which convolutionize cannot know.")
    net = nn.Sequential(*converters[known](classifier))
    net.training = net[0].training = classifier.training  # not .train(): what was frozen in eval mode stays so
    return net


def _flattening(classifier: AlexNet | VGG) -> list[nn.Module]:
    """Return the layers of a classifier that flattens; the first Linear becomes as large as the map it took."""
    own, size = _own_size(classifier)
    layers = [AtLeast(own, _first_conv(classifier).in_channels), deepcopy(classifier.features)]
    for layer in classifier.classifier.modules():
        if not isinstance(layer, nn.Sequential):
            layers.append(_pointwise(layer) or as_conv(layer, size))
            size = (1, 1) if isinstance(layer, nn.Linear) else size
    return layers


def _own_size(classifier: AlexNet | VGG) -> tuple[int, tuple[int, int]]:
    """Return the image's side, 224 or the first above it, at which the adaptive pooling has nothing to do, and the
    size of the map there."""
    size = getattr(classifier.avgpool, "output_size", None)
    size = (size, size) if isinstance(size, int) else size
    probe = deepcopy(classifier.features).to("meta").eval()  # on "meta" only shapes are computed
    first = _first_conv(classifier)
    for side in range(224, 512):
        image = torch.empty(1, first.in_channels, side, side, device="meta", dtype=first.weight.dtype)
        found = tuple(probe(image).shape[2:])
        if found == size:
            return side, size
        if size is None or found > size:
            break
    raise ValueError(
        f"This {type(classifier).__name__}'s features give a map of {found} at {side}x{side} pixels, and its avgpool "
        f"makes it {size}. Only where pooling changes nothing is there a convolution that does the same."
    )


def _first_conv(classifier: nn.Module) -> nn.Conv2d:
    return next(layer for layer in classifier.modules() if isinstance(layer, nn.Conv2d))


def _squeezenet(classifier: SqueezeNet) -> list[nn.Module]:
    """Return SqueezeNet's layers without the average pooling at their end."""
    *layers, pool = classifier.classifier
    if not isinstance(pool, nn.AdaptiveAvgPool2d) or pool.output_size not in (1, (1, 1)):
        raise ValueError(f"SqueezeNet must end with AdaptiveAvgPool2d(1); this one ends with {pool}.")
    kept = [_pointwise(layer) or _pointwise_conv(layer) for layer in layers]
    return [AtLeast(32, _first_conv(classifier).in_channels), deepcopy(classifier.features), *kept]


def _efficientnet(classifier: EfficientNet) -> list[nn.Module]:
    """Return timm's EfficientNet's layers without the average pooling before its Linear."""
    pool = getattr(classifier.global_pool, "pool_type", None)
    if pool != "avg" or not isinstance(classifier.classifier, nn.Linear):
        raise ValueError(
            "timm's EfficientNet must end with global_pool='avg' and a Linear; this one has "
            f"global_pool={pool!r} and {_described(classifier.classifier)}."
        )
    trunk = [classifier.conv_stem, classifier.bn1, classifier.blocks, classifier.conv_head, classifier.bn2]
    dropout = nn.Dropout(classifier.drop_rate).train(classifier.training)
    scores = as_conv(classifier.classifier)
    return [AtLeast(32, classifier.conv_stem.in_channels), *deepcopy(trunk), dropout, scores]


def _pointwise(layer: nn.Module) -> nn.Module | None:
    """Return a copy of a layer that treats each number by itself; None for a Linear or Conv2d; ValueError else."""
    if isinstance(layer, _POINTWISE):
        return deepcopy(layer)
    if isinstance(layer, nn.Linear | nn.Conv2d):
        return None
    raise ValueError(f"convolutionize cannot turn {_described(layer)} in the classifier's head into a convolution.")


def _pointwise_conv(layer: nn.Conv2d) -> nn.Conv2d:
    if not isinstance(layer, nn.Conv2d):
        raise ValueError(f"SqueezeNet's head must consist of convolutions; it holds {_described(layer)}.")
    return deepcopy(layer)


def _is_count(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool) and number > 0


def _described(thing: object) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__} itself, not an instance"
    return f"{type(thing).__name__} (from {type(thing).__module__.split('.')[0]})"
