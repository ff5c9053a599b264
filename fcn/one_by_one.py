"""Chapter 2: a fully connected layer is a convolution.

N batch, C channels, K classes, H and W height and width of the image, h and w of the map of scores.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from fcn.expect import sizes, that, whole

# Layers that treat each number by itself, so that they do the same to a map as to a vector.
_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Dropout, nn.Identity)


def as_conv(linear: nn.Linear, size: tuple[int, int] = (1, 1)) -> nn.Conv2d:
    """Return the convolution that computes, at every place of a map, what `linear` computes.

    `size` = (height, width) of the map that the layer saw flattened: (1, 1) for a layer that took a vector of
    channels, (7, 7) for VGG16's first layer after its flatten. Weights and bias are copied, with their type,
    device and requires_grad; hooks are not.
    Linear: (N, C * height * width) -> (N, K). Convolution: (N, C, H, W) -> (N, K, H - height + 1, W - width + 1).

    Raises ValueError if `linear` is no nn.Linear (or computes something else than one), and for a size that does not
    divide in_features.
    Source: Long et al. 2015, section 3.1.

    >>> as_conv(nn.Linear(32 * 6 * 6, 10), size=(6, 6))(torch.zeros(1, 32, 13, 13)).shape
    torch.Size([1, 10, 8, 8])
    """
    plain = isinstance(linear, nn.Linear) and type(linear).forward is nn.Linear.forward
    that(plain, "an nn.Linear, which as_conv turns into a convolution", linear)
    that(isinstance(size, tuple) and len(size) == 2, "size as a tuple (height, width)", size)
    height, width = (whole(side, "each side of the map", 1) for side in size)
    channels, rest = divmod(linear.in_features, height * width)
    fits = channels > 0 and rest == 0
    that(fits, f"in_features of a flattened map of {height}x{width} pixels before the flatten", linear.in_features)
    conv = nn.Conv2d(channels, linear.out_features, (height, width), bias=linear.bias is not None).to(linear.weight)
    # nn.Flatten lays (C, height, width) out in this very order, so a view unfolds each row of the matrix.
    conv.weight = _copied(linear.weight, conv.weight.shape)
    if linear.bias is not None:
        conv.bias = _copied(linear.bias, conv.bias.shape)
    return conv.train(linear.training)


def patch_classifier(classes: int) -> nn.Sequential:
    """Return a small classifier of patches, (N, 3, 34, 34) -> scores (N, classes), that pads nothing.

    Its two poolings halve the map twice, so a map of its scores has one score every 4 pixels.

    >>> patch_classifier(classes=10)(torch.zeros(2, 3, 34, 34)).shape
    torch.Size([2, 10])
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
    Only `batch` patches are held at once; where gradients are recorded, all that was computed is kept besides.
    Raises ValueError if no patch fits into the images, and if the classifier gives something else than one vector of
    scores a patch.
    Source: the naive way that Long et al. 2015, section 3.1, compare with.

    >>> slide(patch_classifier(10), torch.zeros(1, 3, 42, 50), size=34, stride=4).shape
    torch.Size([1, 10, 3, 5])
    """
    n, _, height, width = sizes(images, "N C H W", name="a batch of images")
    whole(size, "the size", 1), whole(stride, "the stride", 1), whole(batch, "the batch", 1)
    that(min(height, width) >= size, f"images into which a patch of {size}x{size} pixels fits", images)
    windows = images.unfold(2, size, stride).unfold(3, size, stride)  # (N, C, h, w, size, size), no copy yet
    h, w = windows.shape[2:4]
    places = torch.cartesian_prod(torch.arange(n), torch.arange(h), torch.arange(w))  # (N h w, 3)
    scores = []
    for some in places.split(batch):
        image, row, column = some.T
        answer = classifier(windows[image, :, row, column])
        sizes(answer, f"{len(some)} K", name=f"scores (n, K) for n = {len(some)} patches from the classifier:")
        scores.append(answer)
    return torch.cat(scores).view(n, h, w, -1).permute(0, 3, 1, 2)


class MinimumSize(nn.Module):
    """Pass images (N, channels, H, W) on unchanged if H and W are at least `size`; raise ValueError otherwise.

    >>> MinimumSize(32)(torch.zeros(1, 3, 32, 40)).shape
    torch.Size([1, 3, 32, 40])
    """

    def __init__(self, size: int, channels: int = 3):
        super().__init__()
        self.size, self.channels = size, channels

    def forward(self, images: Tensor) -> Tensor:
        advice = "Scale them as in training."
        shape = sizes(images, f"N {self.channels} H W", "float", name="a batch of images", advice=advice)
        large = shape[2] >= self.size and shape[3] >= self.size
        that(large, f"images of at least {self.size}x{self.size} pixels", images, "Enlarge them first.")
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

    >>> from torchvision.models import squeezenet1_1
    >>> convolutionize(squeezenet1_1())(torch.zeros(1, 3, 224, 320)).shape
    torch.Size([1, 1000, 13, 19])
    """
    # here, not above: each takes about as long to import as torch itself
    from timm.models import EfficientNet
    from torchvision.models import VGG, AlexNet, SqueezeNet

    converters = {AlexNet: _flattening, VGG: _flattening, SqueezeNet: _squeezenet, EfficientNet: _efficientnet}
    known = next((kind for kind in converters if isinstance(classifier, kind)), None)
    advice = "Convert the Linear layers of others one by one with as_conv."
    that(known, "torchvision's AlexNet, VGG or SqueezeNet, or timm's EfficientNet", classifier, advice)
    for name in ("forward", "forward_features", "forward_head"):
        own = getattr(type(classifier), name, None) is not getattr(known, name, None)
        that(not own, f"a {known.__name__} without a {name} of its own, which nobody can know", classifier)
    net = nn.Sequential(*converters[known](classifier))
    net.training = net[0].training = classifier.training  # not .train(): what was frozen in eval mode stays so
    return net


def _flattening(classifier: nn.Module) -> list[nn.Module]:
    """Return the layers of a classifier that flattens; the first Linear becomes as large as the map it took."""
    own, size = _own_size(classifier)
    layers = [MinimumSize(own, _first_conv(classifier).in_channels), deepcopy(classifier.features)]
    for layer in classifier.classifier.modules():
        if not isinstance(layer, nn.Sequential):
            layers.append(_pointwise(layer) or as_conv(layer, size))
            size = (1, 1) if isinstance(layer, nn.Linear) else size
    return layers


def _own_size(classifier: nn.Module) -> tuple[int, tuple[int, int]]:
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
    advice = "Only where pooling changes nothing is there a convolution that does the same."
    that(False, f"an avgpool that leaves the map of {found} at {side}x{side} pixels as it is", size, advice)


def _first_conv(classifier: nn.Module) -> nn.Conv2d:
    return next(layer for layer in classifier.modules() if isinstance(layer, nn.Conv2d))


def _squeezenet(classifier: nn.Module) -> list[nn.Module]:
    """Return SqueezeNet's layers without the average pooling at their end."""
    *layers, pool = classifier.classifier
    known = isinstance(pool, nn.AdaptiveAvgPool2d) and pool.output_size in (1, (1, 1))
    that(known, "a SqueezeNet that ends with AdaptiveAvgPool2d(1)", pool)
    kept = [_pointwise(layer) or _pointwise_conv(layer) for layer in layers]
    return [MinimumSize(32, _first_conv(classifier).in_channels), deepcopy(classifier.features), *kept]


def _efficientnet(classifier: nn.Module) -> list[nn.Module]:
    """Return timm's EfficientNet's layers without the average pooling before its Linear."""
    pool = getattr(classifier.global_pool, "pool_type", None)
    that(pool == "avg", "a timm EfficientNet with global_pool='avg'", pool)
    that(isinstance(classifier.classifier, nn.Linear), "a Linear at the end of EfficientNet", classifier.classifier)
    trunk = [classifier.conv_stem, classifier.bn1, classifier.blocks, classifier.conv_head, classifier.bn2]
    dropout = nn.Dropout(classifier.drop_rate).train(classifier.training)
    scores = as_conv(classifier.classifier)
    return [MinimumSize(32, classifier.conv_stem.in_channels), *deepcopy(trunk), dropout, scores]


def _pointwise(layer: nn.Module) -> nn.Module | None:
    """Return a copy of a layer that treats each number by itself; None for a Linear or Conv2d; ValueError else."""
    if isinstance(layer, _POINTWISE):
        return deepcopy(layer)
    that(isinstance(layer, nn.Linear | nn.Conv2d), "layers in the classifier's head that are convolutions", layer)
    return None


def _pointwise_conv(layer: nn.Conv2d) -> nn.Conv2d:
    that(isinstance(layer, nn.Conv2d), "a SqueezeNet's head of convolutions", layer)
    return deepcopy(layer)


def _copied(parameter: nn.Parameter, shape: tuple[int, ...]) -> nn.Parameter:
    return nn.Parameter(parameter.detach().clone().view(shape), requires_grad=parameter.requires_grad)
