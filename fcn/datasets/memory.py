"""Data sets: an item is (image (3, H, W) uint8, mask (H, W) uint8). H height, W width."""

from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from fcn.expect import given, that


def in_memory(data: Dataset) -> TensorDataset:
    """Return a data set of N pairs as two tensors: images (N, 3, H, W), masks (N, H, W), of the types they have.

    So each picture is read or drawn once, however often it is trained on; bytes take a quarter of the room of floats.
    `data.tensors` are the two. Raises ValueError for an empty data set, and if the pairs differ in size or type,
    naming the first that does.

    >>> from fcn.scenes import EmojiScenes
    >>> images, masks = in_memory(EmojiScenes(4, seed=0, split="train", size=64)).tensors
    >>> images.shape, images.dtype, masks.shape
    (torch.Size([4, 3, 64, 64]), torch.uint8, torch.Size([4, 64, 64]))
    """
    that(len(data) > 0, "a data set with pairs in it", "an empty one")
    whole = None
    for index in range(len(data)):
        image, mask = pair(data[index], index)
        whole = whole or [part.new_empty(len(data), *part.shape) for part in (image, mask)]
        for target, part in zip(whole, (image, mask), strict=True):
            fits = target.shape[1:] == part.shape and target.dtype == part.dtype
            that(fits, f"item {index} like the first, {given(target[0])}", part)
            target[index] = part
    return TensorDataset(*whole)


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
