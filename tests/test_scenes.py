"""Emoji scenes: exact masks, the same whoever draws them, and splits that share what they may share."""

import csv
import hashlib
import shutil

import numpy as np
import pytest
import torch
from notebooks import ROOT
from torch.utils.data import DataLoader

from fcn import VOID, scenes
from fcn.scenes import CLASSES, STYLES, EmojiScenes

STORED = {  # sha256 of eight scenes of seed 0, with and without void, under the versions of requirements.txt
    "train": "d54377c01f064ec7af62b6ccd88aeb7ec1e189d9b2333d3065741e29e7e0b1f7",
    "val": "865779cad1ec378b28b015bb982d2af9ec728e7769139e6480f9a9e4877bf103",
    "test": "30674691c77830d1a0ed63a712f944a6f19a49d867f9f8c5dd53f42c665b05af",
}


def digest(drawn) -> str:
    return hashlib.sha256(b"".join(part.numpy().tobytes() for item in drawn for part in item)).hexdigest()


def rows(folder):
    return list(csv.DictReader((ROOT / "data" / folder / "index.csv").read_text().splitlines()))


@pytest.mark.parametrize("split", STYLES)
def test_a_scene_is_the_same_on_every_machine_with_the_pinned_versions(split):
    drawn = [*EmojiScenes(8, seed=0, split=split, void=True), *EmojiScenes(8, seed=0, split=split, void=False)]
    assert digest(drawn) == STORED[split]


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
    rim = things = 0
    for index in range(12):
        with_void, without = (EmojiScenes(12, seed=5, split="train", void=void)[index] for void in (True, False))
        assert torch.equal(with_void[0], without[0])
        known = with_void[1] != VOID
        assert torch.equal(with_void[1][known], without[1][known])
        assert VOID not in without[1]
        rim, things = rim + (~known).sum(), things + (without[1] > 0).sum()
    assert 0.05 * things < rim < 0.2 * things


@pytest.mark.parametrize(("left", "top"), [(-20, 30), (60, -15), (35, 40)])
def test_the_mask_holds_the_label_where_the_sprite_covers_at_least_half_and_void_on_the_rim(left, top):
    _, alpha, _, _ = scenes._placed(np.random.default_rng(0), scenes._sprites(STYLES["train"])[8][0], 100)
    canvas = scenes.Image.new("L", (100, 100))  # the alpha channel, pasted by other means
    canvas.paste(alpha, (left, top))
    cover = np.asarray(canvas) / 255
    hard, soft = np.full((2, 100, 100), 3, dtype=np.uint8)
    for mask, void in [(hard, False), (soft, True)]:
        scenes._mark(mask, np.asarray(alpha), left, top, 8, void=void)
    np.testing.assert_array_equal(hard, np.where(cover >= 0.5, 8, 3))
    np.testing.assert_array_equal(soft, np.where(cover > 0.9, 8, np.where(cover > 0.1, VOID, 3)))
    assert (hard == 8).sum() > 200


def test_a_scene_shows_a_sprite_where_its_mask_says_so(monkeypatch):
    """Sprites of pure red on white, nothing shifted, no shadow, no grain: red is where the mask has a label."""
    red = scenes.Image.new("RGBA", (40, 30), (255, 0, 0, 255))
    levels = [scenes.ImageOps.expand(red, scenes._MARGIN).convert("RGBa")] * 2
    monkeypatch.setattr(scenes, "_sprites", lambda styles: {label: [levels] for label in range(1, len(CLASSES))})
    monkeypatch.setattr(scenes, "_backgrounds", lambda split: [scenes.Image.new("RGB", (192, 192), "white")])
    monkeypatch.setattr(scenes, "_color_shift", lambda rng, **_: (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0))
    monkeypatch.setattr(scenes, "_shade", lambda *_: None)
    monkeypatch.setattr(scenes, "_photographed", lambda rng, canvas: np.array(canvas))
    for index in range(20):
        image, mask = EmojiScenes(20, seed=0, split="train", void=True)[index]
        assert (image[1][mask == 0] > 200).all()  # two rims of a tenth each may meet
        assert (image[1][(mask > 0) & (mask != VOID)] < 30).all()
        assert (mask == VOID).any()


def test_sprites_are_mirrored_turned_cut_off_and_covered():
    rng, cat = np.random.default_rng(1), scenes._sprites(STYLES["train"])[8][0]
    placed = [scenes._placed(rng, cat, 128) for _ in range(60)]
    sizes = [max(colors.size) for colors, _, _, _ in placed]
    assert min(sizes) < 40 < 90 < max(sizes)
    beyond = [left < 0 or top < 0 or left + a.width > 128 or top + a.height > 128 for _, a, left, top in placed]
    assert 0.2 < np.mean(beyond) < 0.9
    halves = []
    for _, alpha, _, _ in placed:
        cover = np.asarray(alpha).astype(float)
        halves.append(cover[:, : cover.shape[1] // 2].sum() > cover[:, cover.shape[1] // 2 :].sum())
    assert 0.2 < np.mean(halves) < 0.8, "mirrored about every second time"


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
        ({"count": 0}, "the count as a whole number, 1 or more; got 0"),
        ({"count": 2.0}, "the count as a whole number, 1 or more; got 2.0"),
        ({"seed": -1}, "the seed as a whole number, 0 or more; got -1"),
        ({"size": 31}, "the size as a whole number, 32 or more; got 31"),
        ({"split": "training"}, "the split to be one of 'train', 'val', 'test'; got 'training'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ValueError) as error:
        EmojiScenes(**({"count": 4, "seed": 0, "split": "train"} | arguments))
    assert message in str(error.value)


def test_numbers_of_numpy_are_as_good_as_pythons():
    drawn = EmojiScenes(np.uint8(6), seed=np.int64(3), split="val", size=np.uint8(64))
    assert digest([drawn[np.int64(2)]]) == digest([EmojiScenes(6, seed=3, split="val", size=64)[2]])


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


def test_instances_number_the_things_that_the_mask_names_by_class():
    drawn = EmojiScenes(40, seed=5, split="val", void=True)
    more_than_classes = 0
    for index, (_, mask) in enumerate(drawn):
        numbers = drawn.instances(index)
        assert torch.equal(numbers == 0, mask == 0)
        assert torch.equal(numbers == 255, mask == 255)
        things = [mask[numbers == number].unique() for number in numbers.unique() if 0 < number < 255]
        assert all(len(classes) == 1 for classes in things)
        more_than_classes += len(things) > len(torch.cat(things).unique())
    assert more_than_classes  # two things of a class: one label, two numbers
