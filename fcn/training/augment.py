"""Vary what a network is shown: transforms for fit. H height, W width."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fcn import VOID
from fcn.datasets.memory import nearest
from fcn.expect import given, sizes, that, whole


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
    scaled, labels = resize(image, [tall, wide]), nearest(mask, (tall, wide))
    # a frame as large as the picture and the scaled one, and in it a window of the picture's size
    lower, right = max(tall, height), max(wide, width)
    frame, known = image.new_full((len(image), lower, right), gray), mask.new_full((lower, right), void)
    top, left = round(down * (lower - tall)), round(across * (right - wide))
    frame[:, top : top + tall, left : left + wide], known[top : top + tall, left : left + wide] = scaled, labels
    top, left = round(down * (lower - height)), round(across * (right - width))
    frame, known = (part[..., top : top + height, left : left + width] for part in (frame, known))
    return (frame.flip(-1), known.flip(-1)) if mirror < 0.5 else (frame.clone(), known.clone())


def cropped(
    image: Tensor, mask: Tensor, *, generator: torch.Generator, size: tuple[int, int],
    scale: tuple[float, float] = (0.75, 1.6), light: float = 0.3,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return a window of a photograph (3, H, W) uint8 and of its mask (H, W), brought to `size` (height, width).

    The scale between the two of `scale`, the place and the side that is left are drawn from `generator`; so are
    brightness, contrast, saturation and the share of each color, each changed by a factor between 1 - light and
    1 + light (of the colors a quarter of that). A window that would be larger than the photograph is cut to it, and
    a little distorted. Raises ValueError if the two differ in size, for other types, and for a `scale` that is no
    interval above 0.

    >>> image, mask = torch.zeros(3, 60, 80, dtype=torch.uint8), torch.zeros(60, 80, dtype=torch.uint8)
    >>> generator = torch.Generator().manual_seed(0)
    >>> [tuple(each.shape) for each in cropped(image, mask, generator=generator, size=(32, 40))]
    [(3, 32, 40), (32, 40)]
    """
    _, height, width = sizes(image, "3 H W", "byte", name="a photograph")
    that(mask.shape == (height, width), f"a mask of {height}x{width} pixels", mask)
    pairs = all(isinstance(each, tuple | list) and len(each) == 2 for each in (size, scale))
    that(pairs, "a size (height, width) and a scale (from, to)", (size, scale))
    that(0 < scale[0] <= scale[1] and 0 <= light < 1, "a scale (from, to) above 0, light from 0 to 1", (scale, light))
    tall, wide = (whole(side, "the size", 1) for side in size)
    zoom, down, across, mirror, *colors = torch.rand(10, generator=generator).tolist()
    factor = scale[0] * (scale[1] / scale[0]) ** zoom
    # whole pixels, or photograph and mask would part by one
    high, broad = min(max(1, round(tall / factor)), height), min(max(1, round(wide / factor)), width)
    top, left = round(down * (height - high)), round(across * (width - broad))
    image, mask = image[:, top : top + high, left : left + broad], mask[top : top + high, left : left + broad]
    smooth = F.interpolate(image[None].float(), (tall, wide), mode="bilinear")[0]
    picture = relit(smooth, [light * (2 * c - 1) for c in colors])
    known = nearest(mask, (tall, wide))
    return (picture.flip(-1), known.flip(-1)) if mirror < 0.5 else (picture, known)


def relit(picture: Tensor, changes: list[float]) -> Tensor:
    """Return a photograph (3, H, W) of floats 0..255 in another light, as bytes.

    `changes` are six numbers about 0: by how much brightness, contrast and saturation grow, and four times by how
    much each color does.

    >>> relit(torch.full((3, 1, 1), 100.0), [0.5, 0, 0, 0, 0, 0]).flatten().tolist()
    [150, 150, 150]
    """
    brighter, starker, richer, *shares = changes
    picture = picture * (1 + brighter)
    picture = (picture - picture.mean()) * (1 + starker) + picture.mean()
    gray = picture.mean(0, keepdim=True)
    picture = gray + (picture - gray) * (1 + richer)
    picture = picture * (1 + torch.tensor(shares)[:, None, None] / 4)
    return picture.round().clamp(0, 255).to(torch.uint8)
