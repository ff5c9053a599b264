"""Photographs of any size made ready for a training. H height, W width."""

import math
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from fcn.datasets import resized
from fcn.expect import that, whole
from fcn.training.batches import chance

_KEPT = 2 * 2**30  # bytes of pictures that stay in memory once they are read
_READERS = 4  # threads: Pillow decodes beside Python
_WINDOW = 304 * 304  # pixels of a window, of whatever shape
_SPLIT = 3  # apart from what else chance decides in a training


class Sized(Dataset):
    """Pairs whose longer side is at most `longest` pixels, larger ones made smaller; 0 takes them as they are.

    data[i] is (image (3, H, W) uint8, mask (H, W) uint8), the mask by its nearest pixels. What is read stays in
    memory, up to 2 GiB in all. `classes` are those of the data set.
    """

    def __init__(self, data: Dataset, longest: int):
        self.data, self.longest, self.classes = data, whole(longest, "the longer side", 0), data.classes
        self._kept, self._bytes = {}, 0

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index not in self._kept:
            image, mask = self.data[index]
            size = within(mask.shape, self.longest)
            item = (image, mask) if size == tuple(mask.shape) else resized(image, mask, size)
            self._bytes += sum(part.numel() for part in item)
            if self._bytes > _KEPT:
                return item
            self._kept[index] = item
        return tuple(part.clone() for part in self._kept[index])

    def check(self) -> "Sized":
        """Read every pair once, several at a time; return the data set. Raises as the data set itself does."""
        with ThreadPoolExecutor(_READERS) as readers:
            for _ in readers.map(lambda index: self[index] and None, range(len(self))):
                pass
        return self


def within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return (height, width) as they are if the longer is at most `longest`, else made smaller alike; 0 is no limit.

    >>> within((3000, 4000), 640), within((300, 400), 640)
    ((480, 640), (300, 400))
    """
    height, width = size
    if not longest or max(height, width) <= longest:
        return height, width
    scale = longest / max(height, width)
    return max(1, round(scale * height)), max(1, round(scale * width))


def divided(length: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Return the indices to train on and those to decide by, drawn by `seed`; at least one of each.

    Raises ValueError for fewer than 2 items, and for a share that is not between 0 and 1.

    >>> train, val = divided(10, 0.2, seed=0)
    >>> len(train), len(val)
    (8, 2)
    """
    that(length >= 2, "two pairs or more, to train on and to decide by", length)
    fits = isinstance(share, int | float) and 0 < share < 1
    that(fits, "the share of val between 0 and 1", share, "0.2 is a fifth.")
    order = torch.randperm(length, generator=chance(seed, _SPLIT)).tolist()
    count = min(length - 1, max(1, round(share * length)))
    return sorted(order[count:]), sorted(order[:count])


def part(data: Dataset, indices: Sequence[int]) -> Subset:
    """Return some pairs of a data set, with its `classes`.

    >>> from fcn.scenes import EmojiScenes
    >>> len(part(EmojiScenes(4, seed=0, split="train", size=64), [0, 2]))
    2
    """
    some = Subset(data, indices)
    some.classes = data.classes
    return some


def window_of(data: Dataset) -> tuple[int, int]:
    """Return (height, width) of the windows to train on: multiples of 32, shaped like most photographs, no larger.

    >>> window_of([(None, torch.zeros(300, 400))])
    (256, 352)
    """
    shapes = [data[index][1].shape for index in range(0, len(data), -(-len(data) // 16))]
    ratio = statistics.median(height / width for height, width in shapes)
    area = min(_WINDOW, statistics.median(height * width for height, width in shapes))
    height = math.sqrt(area * min(max(ratio, 0.5), 2))
    return tuple(max(64, 32 * round(side / 32)) for side in (height, area / height))
