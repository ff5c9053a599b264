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
    from torchvision import tv_tensors  # here, not above: it takes about as long to import as torch itself
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional as transforms

    tensors = isinstance(image, Tensor) and isinstance(mask, Tensor)
    if not tensors or image.ndim != 3 or image.shape[1:] != mask.shape or not 0 < scale[0] <= scale[1]:
        came = f"{given(image)}, {given(mask)} and {scale}"
        raise ValueError(f"Expected an image (3, H, W), its mask (H, W) and a scale (from, to) above 0; got {came}.")
    height, width = mask.shape
    gray = 0 if image.is_floating_point() else 127
    zoom, down, across, mirror = torch.rand(4, generator=generator).tolist()
    factor = scale[0] * (scale[1] / scale[0]) ** zoom
    tall, wide = max(1, round(factor * height)), max(1, round(factor * width))
    lower, right = max(0, height - tall), max(0, width - wide)
    top, left = round(down * max(0, tall - height)), round(across * max(0, wide - width))
    results = []
    nearest = InterpolationMode.NEAREST_EXACT  # NEAREST would move a mask by up to a pixel from its image
    for picture, fill, how in [
        (tv_tensors.Image(image), gray, InterpolationMode.BILINEAR),
        (tv_tensors.Mask(mask), void, nearest),
    ]:
        picture = transforms.resize(picture, [tall, wide], interpolation=how)
        picture = transforms.pad(picture, [0, 0, right, lower], fill=fill)
        picture = transforms.crop(picture, top, left, height, width)
        results.append((transforms.horizontal_flip(picture) if mirror < 0.5 else picture).as_subclass(Tensor))
    return results[0], results[1]
