"""Emoji scenes: exact masks, the same whoever draws them, and splits that share what they may share."""

import csv
import hashlib
import shutil

import numpy as np
import pytest
import torch
from notebooks import ROOT
from torch.utils.data import DataLoader

from fcn import scenes
from fcn.scenes import CLASSES, STYLES, VOID, EmojiScenes

STORED = {  # sha256 of the first eight scenes of seed 0, under the versions of requirements.txt
    "train": "414f9c1ad5c339a5c1d68564606ae27dd7a3cc54435eefe4fe17f9c18d60ff7a",
    "val": "d27566e65b483ebd760d7a3048c24bc4e9b9e9d636ecc632b1cdad8f8a9e4f0b",
    "test": "da39a06b19d30c47b616da292e4475ffafdbad7f787ba7c7698564aca058bd74",
}


def digest(drawn) -> str:
    return hashlib.sha256(b"".join(part.numpy().tobytes() for item in drawn for part in item)).hexdigest()


def rows(folder):
    return list(csv.DictReader((ROOT / "data" / folder / "index.csv").read_text().splitlines()))


@pytest.mark.parametrize("split", STYLES)
def test_a_scene_is_the_same_on_every_machine_with_the_pinned_versions(split):
    assert digest(EmojiScenes(8, seed=0, split=split, void=True)) == STORED[split]


def test_neither_the_order_of_access_nor_the_number_of_workers_nor_the_count_changes_a_scene():
    few, many = (EmojiScenes(count, seed=3, split="train") for count in (6, 600))
    forwards = [few[index] for index in range(6)]
    backwards = [many[index] for index in reversed(range(6))][::-1]
    loaded = [(image[0], mask[0]) for image, mask in DataLoader(few, num_workers=2)]
    assert digest(forwards) == digest(backwards) == digest(loaded) == digest(few)


def test_another_seed_index_or_split_gives_another_scene():
    drawn = [EmojiScenes(2, seed=seed, split=split)[0] for seed in (0, 1) for split in STYLES]
    drawn.append(EmojiScenes(2, seed=0, split="train")[1])
    assert len({digest([item]) for item in drawn}) == 7


def test_an_item_is_an_image_and_a_mask_of_the_size_asked_for():
    for size in (32, 100, 128):
        image, mask = EmojiScenes(1, seed=0, split="val", size=size)[0]
        assert (image.shape, image.dtype) == ((3, size, size), torch.uint8)
        assert (mask.shape, mask.dtype) == ((size, size), torch.uint8)
        assert image.is_contiguous()


def test_void_marks_a_thin_rim_and_changes_nothing_else():
    for index in range(12):
        with_void, without = (EmojiScenes(12, seed=5, split="train", void=void)[index] for void in (True, False))
        assert torch.equal(with_void[0], without[0])
        known = with_void[1] != VOID
        assert torch.equal(with_void[1][known], without[1][known])
        assert VOID not in without[1]
        things = (without[1] > 0).float().mean()
        assert (~known).float().mean() < max(0.25 * things, 0.01) or things < 0.05


def test_the_mask_follows_what_was_pasted():
    """Pasted sprites change the picture, and outside of them only shadow falls: darker, never another colour."""
    rng = np.random.default_rng(0)
    canvas = scenes.Image.new("RGB", (100, 100), (200, 200, 200))
    sprite, _, _ = scenes._placed(rng, scenes._sprites("train")[CLASSES.index("cat")][0], 100)
    mask = np.zeros((100, 100), dtype=np.uint8)
    for left, top in [(-20, 30), (60, -15)]:
        before = np.asarray(canvas).copy()
        canvas.paste(sprite, (left, top), sprite)
        scenes._mark(mask, np.asarray(sprite.getchannel("A")), left, top, 8, void=False)
        changed = (np.asarray(canvas) != before).any(axis=2)
        assert not (mask.astype(bool) & ~changed & (before == 200).all(axis=2)).any()
    untouched = (np.asarray(canvas) == 200).all(axis=2)
    assert (mask[untouched] == 0).all()
    assert (mask == 8).sum() > 200


def test_every_class_comes_and_about_seven_pixels_of_ten_are_background():
    masks = torch.stack([mask for _, mask in EmojiScenes(300, seed=0, split="train")])
    shares = torch.bincount(masks.flatten(), minlength=len(CLASSES)) / masks.numel()
    assert len(shares) == len(CLASSES)
    assert 0.6 < shares[0] < 0.8
    assert shares[1:].min() > 0.002
    on_border = torch.cat([masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]], dim=1)
    assert 0.5 < (on_border > 0).any(dim=1).float().mean() < 1


def test_every_class_has_four_designs_to_train_on_and_one_in_the_style_of_testing():
    for split, least in [("train", 4), ("test", 1)]:
        counted = {name: 0 for name in CLASSES[1:]}
        for row in rows("sprites"):
            counted[row["class"]] += row["style"] in STYLES[split]
        assert min(counted.values()) >= least, (split, counted)


def test_train_and_val_share_sprites_but_no_photograph_and_test_shares_nothing():
    assert STYLES["train"] == STYLES["val"]
    assert not set(STYLES["train"]) & set(STYLES["test"])
    sources = {split: {row["name"] for row in rows("backgrounds") if row["split"] == split} for split in STYLES}
    assert all(sources.values())
    assert not sources["train"] & sources["val"]
    assert not (sources["train"] | sources["val"]) & sources["test"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count to be a whole number, 1 or more; got 0"),
        ({"count": 2.0}, "count to be a whole number, 1 or more; got 2.0"),
        ({"seed": -1}, "seed to be a whole number, 0 or more; got -1"),
        ({"size": 31}, "size to be a whole number, 32 or more; got 31"),
        ({"split": "training"}, "no split 'training'; there are 'train', 'val', 'test'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ValueError) as error:
        EmojiScenes(**({"count": 4, "seed": 0, "split": "train"} | arguments))
    assert message in str(error.value)


def test_an_index_outside_of_the_set_is_an_index_error_and_a_negative_one_counts_from_the_end():
    drawn = EmojiScenes(3, seed=0, split="val")
    assert digest([drawn[-1]]) == digest([drawn[2]])
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"none with index {index}"):
            drawn[index]


@pytest.fixture
def copied_data(tmp_path, monkeypatch):
    """Let scenes read a copy of its pictures, which a test may damage."""
    for folder in ("sprites", "backgrounds"):
        shutil.copytree(ROOT / "data" / folder, tmp_path / folder)

    def path(name):
        if not (tmp_path / name).exists():
            raise FileNotFoundError(f"There is no {name!r} in {tmp_path}.")
        return tmp_path / name

    monkeypatch.setattr(scenes, "data_path", path)
    caches = (scenes._sprites, scenes._backgrounds)
    for cache in caches:
        cache.cache_clear()
    yield tmp_path
    for cache in caches:
        cache.cache_clear()


def test_a_damaged_picture_is_named_when_the_set_is_made(copied_data):
    path = copied_data / "sprites" / "noto" / "cat" / "cat.webp"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"sprites/noto/cat/cat\.webp is damaged"):
        EmojiScenes(1, seed=0, split="train")


def test_a_missing_picture_is_named_when_the_set_is_made(copied_data):
    name = rows("backgrounds")[0]["file"]
    (copied_data / "backgrounds" / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        EmojiScenes(1, seed=0, split=name.split("/")[0])
