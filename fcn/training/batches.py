"""The batches of a training: each is a function of (seed, step). N batch, H height, W width."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from fcn.datasets import pair
from fcn.expect import that, whole
from fcn.training.parallel import own

ORDER, TRANSFORM, NETWORK = range(3)  # what chance decides; each has numbers of its own
_LOOKED_AT = 32  # items


def chance(*key: int) -> torch.Generator:
    """Return a generator that is a function of whole numbers, such as (seed, step).

    >>> bool(torch.rand(1, generator=chance(3, 7)) == torch.rand(1, generator=chance(3, 7)))
    True
    """
    return torch.Generator().manual_seed(number(*key))


def number(*key: int) -> int:
    """Return a whole number, 0 to 2^63 - 1, that is a function of others, each of which changes all of its bits.

    >>> number(3, 7) == number(3, 7), number(3, 7) == number(3, 8)
    (True, False)
    """
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)


def batches(
    data: Dataset, *, batch: int, seed: int, steps: range, transform: Callable | None = None, workers: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batch (images, masks) of each of these steps; every epoch goes once through the data, in an order
    of its own, but for the pairs at its end that fill no batch. Of several processes each gets its part of the batch.

    Raises ValueError, on the way, for items that are no pairs or do not fit into one batch.

    >>> data = [(torch.zeros(3, 4, 4), torch.zeros(4, 4)) for _ in range(6)]
    >>> [images.shape[0] for images, masks in batches(data, batch=2, seed=0, steps=range(5))]
    [2, 2, 2, 2, 2]
    """
    keys = (own(step) for step in order(len(data), batch, seed, steps))
    yield from DataLoader(
        _Items(data, seed, transform), batch_sampler=keys, collate_fn=stacked,
        num_workers=workers, generator=chance(seed),
    )  # fmt: skip


def order(length: int, batch: int, seed: int, steps: range) -> Iterator[list[tuple[int, int, int]]]:
    """Yield (step, place in the batch, index of the item) of each item of each step.

    >>> [len(step) for step in order(length=7, batch=3, seed=0, steps=range(4))]
    [3, 3, 3, 3]
    """
    epoch, shuffled = None, None
    for step in steps:
        now, start = divmod(step, length // batch)
        if now != epoch:
            epoch, shuffled = now, torch.randperm(length, generator=chance(seed, ORDER, now)).tolist()
        chosen = shuffled[start * batch :][:batch]
        yield [(step, place, index) for place, index in enumerate(chosen)]


def look_at(data: Dataset, void: int) -> None:
    """Look at some items before the first step, at all of a data set that can check itself (Pairs).

    Raises ValueError if there is nothing to learn from them, and as the data set's `check` does.

    >>> look_at([(torch.zeros(3, 4, 4), torch.tensor([[0, 1]])) for _ in range(2)], void=255)
    """
    whole(void, "void", -100)
    that(hasattr(data, "__getitem__"), "a data set, data[i] -> (image, mask)", data, "Give a loader's .dataset.")
    source = data
    while isinstance(source, Subset):
        source = source.dataset
    if hasattr(source, "check"):
        source.check()
    indices = sorted({round(place) for place in np.linspace(0, len(data) - 1, _LOOKED_AT)})
    seen = set().union(*(pair(data[index], index)[1].unique().tolist() for index in indices))
    advice = f"There is nothing to tell apart. For an object stored as {void}: mask[mask == {void}] = 1."
    expected = f"two classes or more besides void ({void}) in the {len(indices)} masks looked at"
    that(void not in seen or len(seen) > 2, expected, sorted(seen), advice)


class _Items(Dataset):
    """Pairs by (step, place in the batch, index), changed by a transform whose chance is a function of these."""

    def __init__(self, data: Dataset, seed: int, transform: Callable | None):
        self.data, self.seed, self.transform = data, seed, transform

    def __getitem__(self, key: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        step, place, index = key
        image, mask = pair(self.data[index], index)
        if self.transform is None:
            return image, mask
        return pair(self.transform(image, mask, generator=chance(self.seed, TRANSFORM, step, place)), index)


def stacked(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return pairs as one batch (images, masks); raise ValueError if they differ in size, or images in type.

    >>> stacked([(torch.zeros(3, 4, 4), torch.zeros(4, 4))] * 2)[0].shape
    torch.Size([2, 3, 4, 4])
    """
    images, masks = zip(*pairs, strict=True)
    for several in (images, masks):
        shapes = sorted({tuple(each.shape) for each in several})
        that(len(shapes) == 1, "one size in a batch", shapes[:2], "Take batch=1, or a transform that crops.")
    types = sorted({str(image.dtype) for image in images})
    that(len(types) == 1, "images of one type in a batch: torch would make floats of bytes, unscaled", types)
    return torch.stack(images), torch.stack(masks)
