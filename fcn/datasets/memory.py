"""Data sets: an item is (image (3, H, W) uint8, mask (H, W) uint8). H height, W width."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from fcn.expect import given, sizes, that, whole


def in_memory(data: Dataset, size: tuple[int, int] | None = None) -> TensorDataset:
    """Return a data set of N pairs as two tensors: images (N, 3, H, W), masks (N, H, W), of the types they have.

    So each picture is read or drawn once, however often it is trained on; bytes take a quarter of the room of floats.
    `data.tensors` are the two. With `size` (height, width) each pair is `resized` to it first. Raises ValueError for
    an empty data set, and if the pairs differ in size or type, naming the first that does.

    >>> from fcn.scenes import EmojiScenes
    >>> images, masks = in_memory(EmojiScenes(4, seed=0, split="train", size=64)).tensors
    >>> images.shape, images.dtype, masks.shape
    (torch.Size([4, 3, 64, 64]), torch.uint8, torch.Size([4, 64, 64]))
    """
    that(len(data) > 0, "a data set with pairs in it", "an empty one")
    every = None
    for index in range(len(data)):
        image, mask = pair(data[index], index)
        image, mask = (image, mask) if size is None else resized(image, mask, size)
        every = every or [part.new_empty(len(data), *part.shape) for part in (image, mask)]
        for target, part in zip(every, (image, mask), strict=True):
            fits = target.shape[1:] == part.shape and target.dtype == part.dtype
            that(fits, f"item {index} like the first, {given(target[0])}", part)
            target[index] = part
    return TensorDataset(*every)


def resized(image: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return a photograph (3, H, W) uint8 and its mask (H, W) in another size (height, width).

    The photograph is resized smoothly (bilinear, over all pixels that fall on one), the mask by the pixel on which
    each center falls: between road = 3 and car = 8 no pixel may become a fence = 7, as smooth resizing would have it.
    Raises ValueError if the two differ in size, or for other types.

    >>> image, mask = torch.zeros(3, 4, 4, dtype=torch.uint8), torch.tensor([[3, 3, 8, 8]] * 4, dtype=torch.uint8)
    >>> resized(image, mask, (2, 3))[1].tolist()
    [[3, 8, 8], [3, 8, 8]]
    """
    _, height, width = sizes(image, "3 H W", "byte", name="a photograph")
    that(mask.shape == (height, width), f"a mask of {height}x{width} pixels", mask)
    that(isinstance(size, tuple | list) and len(size) == 2, "a size (height, width)", size)
    tall, wide = (whole(side, "the size", 1) for side in size)
    smooth = F.interpolate(image[None].float(), (tall, wide), mode="bilinear", antialias=True)[0]
    return smooth.round().clamp(0, 255).to(torch.uint8), nearest(mask, (tall, wide))


def nearest(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a mask (H, W) in another size, by the pixels on which the centers fall.

    torch's "nearest-exact" does that for floats; torchvision's NEAREST takes corners, and so moves the mask.

    >>> nearest(torch.tensor([[0, 1, 2, 3]]), (1, 2)).tolist()
    [[1, 3]]
    """
    rows, columns = (
        ((torch.arange(new) + 0.5) * old / new).long() for new, old in zip(size, mask.shape, strict=True)
    )
    return mask[rows][:, columns]


def pair(item, index: int) -> tuple[Tensor, Tensor]:
    """Return an item of a data set as (image (C, H, W), mask (H, W)) if it is one; raise ValueError otherwise.

    >>> import torch
    >>> len(pair((torch.zeros(3, 4, 4), torch.zeros(4, 4)), index=0))
    2
    """
    parts = item if isinstance(item, tuple | list) else [item]
    fits = len(parts) == 2 and [part.ndim for part in parts if isinstance(part, Tensor)] == [3, 2]
    if not fits:
        came = ", ".join(map(given, parts))
        raise ValueError(f"Expected item {index} as a pair of tensors, image (C, H, W) and mask (H, W); got {came}.")
    return tuple(parts)
