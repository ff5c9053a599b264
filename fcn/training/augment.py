"""Vary what a network is shown: transforms for fit. H height, W width."""

import torch
from torch import Tensor

from fcn import VOID
from fcn.expect import given


def augmented(
    image: Tensor, mask: Tensor, *, generator: torch.Generator, scale: tuple[float, float] = (0.75, 1.5), void=VOID
) -> tuple[Tensor, Tensor]:
    """Return an image (3, H, W) and its mask (H, W) as another photograph might show them, in the same size.

    Both are scaled by one factor between the two of `scale`, cropped at one place and mirrored or not, all drawn from
    `generator`. Where the scaled image is too small, gray (127 of bytes, 0 of a normalized image) surrounds it, and
    `void` the mask. Raises ValueError if the two differ in size or `scale` is no interval above 0.

    >>> image, mask = torch.zeros(3, 60, 80, dtype=torch.uint8), torch.zeros(60, 80, dtype=torch.uint8)
    >>> [tuple(each.shape) for each in augmented(image, mask, generator=torch.Generator().manual_seed(0))]
    [(3, 60, 80), (60, 80)]
    """
    # here, not above: it takes about as long to import as torch itself
    from torchvision.transforms.v2.functional import resize

    tensors = isinstance(image, Tensor) and isinstance(mask, Tensor)
    if not tensors or image.ndim != 3 or image.shape[1:] != mask.shape or not 0 < scale[0] <= scale[1]:
        came = f"{given(image)}, {given(mask)} and {scale}"
        raise ValueError(f"Expected an image (3, H, W), its mask (H, W) and a scale (from, to) above 0; got {came}.")
    height, width = mask.shape
    gray = 0 if image.is_floating_point() else 127
    zoom, down, across, mirror = torch.rand(4, generator=generator).tolist()
    factor = scale[0] * (scale[1] / scale[0]) ** zoom
    tall, wide = max(1, round(factor * height)), max(1, round(factor * width))
    # A mask by the pixels on which the centers fall: torchvision's NEAREST would move it by up to a pixel.
    rows, columns = (((torch.arange(new) + 0.5) * old / new).long() for new, old in ((tall, height), (wide, width)))
    scaled, labels = resize(image, [tall, wide]), mask[rows][:, columns]
    # a frame as large as the picture and the scaled one, and in it a window of the picture's size
    lower, right = max(tall, height), max(wide, width)
    frame, known = image.new_full((len(image), lower, right), gray), mask.new_full((lower, right), void)
    top, left = round(down * (lower - tall)), round(across * (right - wide))
    frame[:, top : top + tall, left : left + wide], known[top : top + tall, left : left + wide] = scaled, labels
    top, left = round(down * (lower - height)), round(across * (right - width))
    frame, known = (part[..., top : top + height, left : left + width] for part in (frame, known))
    return (frame.flip(-1), known.flip(-1)) if mirror < 0.5 else (frame.clone(), known.clone())
