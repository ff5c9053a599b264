"""Data sets: what is held in memory is what was read, byte for byte."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from fcn.datasets import in_memory, resized
from fcn.scenes import EmojiScenes


def test_what_is_held_in_memory_is_what_the_data_set_gives_byte_for_byte():
    scenes = EmojiScenes(5, seed=3, split="val", size=64, void=True)
    held = in_memory(scenes)
    assert [tensor.dtype for tensor in held.tensors] == [torch.uint8, torch.uint8]
    assert len(held) == 5
    for (image, mask), (expected, truth) in zip(held, scenes, strict=True):
        assert torch.equal(image, expected)
        assert torch.equal(mask, truth)


def test_each_item_is_read_once_and_held_apart_from_its_source():
    reads = []

    class Counted(TensorDataset):
        def __getitem__(self, index):
            reads.append(index)
            return super().__getitem__(index)

    source = Counted(torch.zeros(4, 3, 2, 2, dtype=torch.uint8), torch.zeros(4, 2, 2, dtype=torch.uint8))
    held = in_memory(source)
    assert reads == [0, 1, 2, 3]
    source.tensors[0].fill_(9)
    assert not held.tensors[0].any()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "got 'an empty one'"),
        (
            [(torch.zeros(3, 4, 4), torch.zeros(4, 4)), (torch.zeros(3, 4, 5), torch.zeros(4, 5))],
            r"item 1 .*\(3, 4, 5\)",
        ),
        ([(torch.zeros(3, 4, 4), [1])], "item 0 .* got"),
        ([7], "item 0 .* got 7"),
    ],
)
def test_what_cannot_be_held_together_is_named_with_its_place(data, message):
    with pytest.raises(ValueError, match=message):
        in_memory(data)


@pytest.mark.parametrize("part", [0, 1])
def test_pairs_of_different_types_are_not_cast_in_silence(part):
    first = [torch.zeros(3, 4, 4, dtype=torch.uint8), torch.zeros(4, 4, dtype=torch.uint8)]
    second = list(first)
    second[part] = second[part].float() if part == 0 else second[part].long() + 300
    with pytest.raises(ValueError, match="item 1"):
        in_memory([tuple(first), tuple(second)])


def test_a_resized_mask_holds_only_labels_that_were_there_and_its_things_stay_where_they_are():
    _, mask = EmojiScenes(1, seed=0, split="train", size=96, void=True)[0]
    image = mask[None].repeat(3, 1, 1)
    for size in ((48, 48), (32, 64), (192, 96)):
        smaller = resized(image, mask, size)[1]
        assert set(smaller.unique().tolist()) <= set(mask.unique().tolist())
        exact = torch.nn.functional.interpolate(mask[None, None].float(), size, mode="nearest-exact")[0, 0]
        assert torch.equal(smaller, exact.to(torch.uint8))


def test_a_photograph_is_resized_as_pillow_does_it_to_a_grey_value():
    image, mask = EmojiScenes(1, seed=0, split="train", size=96)[0]
    found = resized(image, mask, (40, 60))[0].permute(1, 2, 0).numpy().astype(int)
    picture = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((60, 40), Image.Resampling.BILINEAR)
    assert abs(found - np.array(picture).astype(int)).max() <= 1


def test_pairs_of_different_sizes_are_brought_to_one():
    data = [
        (torch.zeros(3, 40, side, dtype=torch.uint8), torch.zeros(40, side, dtype=torch.uint8)) for side in (8, 9)
    ]
    images, masks = in_memory(data, size=(20, 30)).tensors
    assert images.shape == (2, 3, 20, 30)
    assert masks.shape == (2, 20, 30)
