"""From images to label maps: what a trained network is for. N batch, K classes, H height, W width."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.expect import positive, scores, sizes, that, whole


def predicted(logits: Tensor) -> Tensor:
    """Return the class of the highest score at each pixel: (N, K, H, W) float -> (N, H, W) uint8.

    Raises ValueError for another shape or type, for fewer than 2 or more than 256 classes, and if a score is NaN
    (argmax would name it the winner), naming the first.

    >>> predicted(torch.randn(1, 5, 6, 7)).shape
    torch.Size([1, 6, 7])
    """
    scores(logits)
    best, answer = logits.max(dim=1)
    if best.isnan().any():  # max returns NaN where there is one
        where = logits.isnan().nonzero()
        raise ValueError(
            f"The logits are NaN in {len(where)} places, first at (image, class, row, column) = "
            f"{tuple(where[0].tolist())}: the network has diverged, or its input was NaN."
        )
    return answer.to(torch.uint8)


def labels(net: nn.Module, images: Tensor | Sequence[Tensor], *, batch: int = 32) -> Tensor | list[Tensor]:
    """Return the label maps of any number of images, `batch` at a time: (N, 3, H, W) -> (N, H, W) uint8.

    One image (3, H, W) gives one map (H, W), a list of images of any sizes a list of maps, one by one. The images are
    what the network takes: bytes, or floats normalized already. The network is put into evaluation mode for this and
    back again; the maps come back to where the images are. Raises ValueError for other shapes, and as predicted does.

    >>> net = nn.Conv2d(3, 5, 1)
    >>> labels(net, torch.rand(2, 3, 6, 7)).shape, labels(net, [torch.rand(3, 6, 7), torch.rand(3, 4, 4)])[1].shape
    (torch.Size([2, 6, 7]), torch.Size([4, 4]))
    """
    if isinstance(images, list | tuple):
        return [labels(net, image) for image in images]
    if isinstance(images, Tensor) and images.ndim == 3:
        return labels(net, images[None])[0]
    sizes(images, "N 3 H W", name="images"), whole(batch, "the batch", 1)
    with asked(net) as device:
        return torch.cat([predicted(net(part.to(device))).to(images.device) for part in images.split(batch)])


def probabilities(
    net: nn.Module, images: Tensor, *, scales: Sequence[float] = (1.0,), flips: bool = False
) -> Tensor:  # fmt: skip
    """Return how likely each class is at each pixel: images (N, 3, H, W) uint8 or floats -> (N, K, H, W), sums of 1.

    With several `scales` the images are asked about in each of these sizes, with `flips` mirrored as well, and the
    answers, brought back to the images' size and side, are averaged (multi-scale and flip testing). The network is
    put into evaluation mode for this and back again. Raises ValueError for other images, and for scales that are not
    above 0.

    >>> net = nn.Conv2d(3, 5, 1)
    >>> probabilities(net, torch.rand(2, 3, 6, 8), scales=(1, 1.5), flips=True).shape
    torch.Size([2, 5, 6, 8])
    """
    *_, height, width = sizes(images, "N 3 H W", name="images")
    that(len(scales) > 0, "one scale or more", scales)
    with asked(net) as device:
        images, total = images.to(device), 0
        for scale in scales:
            size = [max(1, round(positive(scale, "a scale") * side)) for side in (height, width)]
            scaled = images if scale == 1 else _resized(images, size)
            for mirrored in (False, True)[: 1 + flips]:
                logits = net(scaled.flip(-1)).flip(-1) if mirrored else net(scaled)
                whole_size = F.interpolate(logits, (height, width), mode="bilinear") if scale != 1 else logits
                total = total + whole_size.softmax(dim=1)
    return total / (len(scales) * (1 + flips))


def _resized(images: Tensor, size: list[int]) -> Tensor:
    smooth = F.interpolate(images.float(), size, mode="bilinear", antialias=True)
    return smooth.round().clamp(0, 255).to(images.dtype) if images.dtype == torch.uint8 else smooth.to(images.dtype)


@contextmanager
def asked(net: nn.Module) -> Iterator[torch.device]:
    """Put a network into evaluation mode, without gradients, for a while; give its device.

    Afterwards every part of it is in the mode in which it was found.

    >>> net = nn.Dropout()
    >>> with asked(net) as device:
    ...     net.training, device.type
    (False, 'cpu')
    """
    tensors = (*net.parameters(), *net.buffers())
    # no_grad, not inference_mode: what comes out may be changed and trained on, and a network may keep some of it.
    with modes_kept(net), torch.no_grad():
        net.eval()
        yield tensors[0].device if tensors else torch.device("cpu")


@contextmanager
def modes_kept(net: nn.Module) -> Iterator[None]:
    """Put every part of a network back into its mode, training or evaluation, at the end.

    >>> net = nn.Dropout()
    >>> with modes_kept(net):
    ...     _ = net.eval()
    >>> net.training
    True
    """
    modes = {part: part.training for part in net.modules()}
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training
