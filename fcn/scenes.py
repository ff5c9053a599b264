"""Emoji scenes: emoji of PASCAL VOC's classes on photographs, with exact masks. H height, W width, in pixels.

Chance enters through `seed` alone: a scene is a function of (seed, split, index, size).
"""

import csv
import hashlib
import io
import math
from functools import cache
from operator import index as as_index

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps
from torch.utils.data import Dataset

from fcn import data_path

# background, then those of VOC's twenty classes of which there are emoji enough: see data/choices.toml
CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dog",
    "horse", "motorbike", "person", "sheep", "train", "tvmonitor",
)  # fmt: skip
VOID = 255
STYLES = {  # split -> the drawing styles of its sprites
    "train": ("noto", "noto-v1", "twemoji", "emojione"),
    "val": ("noto", "noto-v1", "twemoji", "emojione"),
    "test": ("fluent",),
}
_SMALLEST = 32  # pixels: below, a sprite is a smudge
_RIM = (25, 230)  # alpha of 255: what lies between, 0.1 to 0.9, becomes void
_MARGIN = 2  # clear pixels around each sprite: without, turning it leaves steps where it touches its box


class EmojiScenes(Dataset):
    """A data set of two to five emoji on a photograph: item -> (image, mask).

    image is (3, H, W) uint8, mask is (H, W) uint8: the index in CLASSES of the topmost sprite, 0 where there is none,
    and with `void=True` VOID on the rims where a sprite covers a pixel by more than 0.1 and less than 0.9 (without,
    0.5 decides). H = W = `size`. A negative index counts from the end.

    `split`: "train" and "val" share the sprites and differ in the photographs behind them; "test" has sprites of
    another drawing style and photographs of its own. The same (seed, split, index, size) gives the same image under
    the same versions of NumPy and Pillow, whatever the order of access and the number of workers; `void` changes the
    mask alone.

    Raises ValueError for a count below 1, a seed below 0, an unknown split and a size below 32, IndexError for an
    index outside of -count..count-1, and FileNotFoundError or ValueError for a picture that is missing or damaged.
    Source: data/README.md lists the sprites and photographs with their authors' packages and licences.
    """

    classes = CLASSES

    def __init__(self, count: int, *, seed: int, split: str, size: int = 128, void: bool = False):
        if not isinstance(split, str) or split not in STYLES:
            raise ValueError(f"There is no split {split!r}; there are {', '.join(map(repr, STYLES))}.")
        for name, value, least in [("count", count, 1), ("seed", seed, 0), ("size", size, _SMALLEST)]:
            if not _is_integer(value) or value < least:
                raise ValueError(f"EmojiScenes needs {name} to be a whole number, {least} or more; got {value!r}.")
        self.count, self.seed, self.size = int(count), int(seed), int(size)  # NumPy's integers would overflow
        self.split, self.void = split, void
        _sprites(STYLES[split]), _backgrounds(split)  # a damaged file is reported here, not in a worker

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        number = as_index(index)
        if not -self.count <= number < self.count:
            raise IndexError(f"This set has {self.count} scenes; there is none with index {number}.")
        number %= self.count
        rng = np.random.default_rng([self.seed, list(STYLES).index(self.split), number])
        image, mask = _scene(rng, self.split, self.size, self.void)
        return torch.from_numpy(image).permute(2, 0, 1).contiguous(), torch.from_numpy(mask)


def _is_integer(value) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


# --- one scene ------------------------------------------------------------------------------------------------------


def _scene(rng: np.random.Generator, split: str, size: int, void: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return (image (H, W, 3), mask (H, W)), uint8."""
    canvas = _background(rng, split, size)
    mask = np.zeros((size, size), dtype=np.uint8)
    sprites = _sprites(STYLES[split])
    for _ in range(rng.integers(2, 6)):
        label = int(rng.integers(1, len(CLASSES)))
        designs = sprites[label]
        sprite, left, top = _placed(rng, designs[rng.integers(len(designs))], size)
        _shade(rng, canvas, sprite.getchannel("A"), left, top)
        canvas.paste(sprite, (left, top), sprite)
        _mark(mask, np.asarray(sprite.getchannel("A")), left, top, label, void)
    return _photographed(rng, canvas), mask


def _background(rng: np.random.Generator, split: str, size: int) -> Image.Image:
    photographs = _backgrounds(split)
    photograph = photographs[rng.integers(len(photographs))]
    side = photograph.width * rng.uniform(0.55, 1.0)
    left, top = rng.uniform(0, photograph.width - side, size=2)
    square = photograph.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    if rng.random() < 0.5:
        square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return square.convert("RGB", _colour_shift(rng, hue=15, light=0.25))


def _placed(rng: np.random.Generator, levels: list[Image.Image], size: int) -> tuple[Image.Image, int, int]:
    """Return a sprite scaled, turned, perhaps mirrored, in other colours, and its left and top edge in the scene."""
    length = size * math.exp(rng.uniform(math.log(0.2), math.log(0.8)))  # pixels of the longer side
    angle = math.radians(np.clip(rng.normal(0, 12), -40, 40))
    level = next((small for small in reversed(levels) if max(small.size) - 2 * _MARGIN >= length), levels[0])
    scale = length / (max(level.size) - 2 * _MARGIN)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    flip = -1 if rng.random() < 0.5 else 1
    width = math.ceil((level.width * abs(cos) + level.height * abs(sin)) * scale**2) + 2
    height = math.ceil((level.width * abs(sin) + level.height * abs(cos)) * scale**2) + 2
    matrix = (
        flip * cos, flip * sin, level.width / 2 - flip * (cos * width + sin * height) / 2,
        -sin, cos, level.height / 2 - (cos * height - sin * width) / 2,
    )  # fmt: skip
    turned = level.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    coloured = turned.convert("RGB").convert("RGB", _colour_shift(rng, hue=45, light=0.3))
    coloured.putalpha(turned.getchannel("A"))
    x, y = rng.uniform(0.05, 0.95, size=2) * size  # the middle: a part may lie outside
    return coloured, round(x - width / 2), round(y - height / 2)


def _colour_shift(rng: np.random.Generator, hue: float, light: float) -> tuple[float, ...]:
    """Return a 3 x 4 colour matrix: hue turned by up to `hue` degrees, saturation and lightness changed."""
    turn = math.radians(rng.uniform(-hue, hue))
    saturation, gain, lift = rng.uniform(0.5, 1.3), rng.uniform(1 - light, 1 + light), rng.uniform(-60, 60) * light
    cos, sin = saturation * math.cos(turn), saturation * math.sin(turn) / math.sqrt(3)
    equal, next_, last = (1 + 2 * cos) / 3, (1 - cos) / 3 - sin, (1 - cos) / 3 + sin  # turn about the grey axis
    rows = [(equal, next_, last), (last, equal, next_), (next_, last, equal)]
    return tuple(number for row in rows for number in (*(gain * share for share in row), lift))


def _shade(rng: np.random.Generator, canvas: Image.Image, alpha: Image.Image, left: int, top: int) -> None:
    """Darken the canvas by a soft shadow of the sprite, thrown down and aside."""
    depth = rng.uniform(0, 0.6)
    right, down = rng.uniform(-0.12, 0.12) * alpha.width, rng.uniform(0.02, 0.12) * alpha.height
    soft = alpha.filter(ImageFilter.BoxBlur(1 + alpha.width / 30)).point([int(depth * a) for a in range(256)])
    canvas.paste((0, 0, 0), (left + round(right), top + round(down)), soft)


def _mark(mask: np.ndarray, alpha: np.ndarray, left: int, top: int, label: int, void: bool) -> None:
    """Write the sprite's label into the mask wherever the sprite covers it."""
    size = len(mask)
    rows, columns = slice(max(top, 0), top + alpha.shape[0]), slice(max(left, 0), left + alpha.shape[1])
    part = mask[rows, columns]
    seen = alpha[max(-top, 0) : size - top, max(-left, 0) : size - left]
    if void:
        part[seen > _RIM[0]] = VOID
        part[seen >= _RIM[1]] = label
    else:
        part[seen >= 128] = label


def _photographed(rng: np.random.Generator, canvas: Image.Image) -> np.ndarray:
    """Return the canvas (H, W, 3) as a cheap camera stores it: grain, then JPEG."""
    grain = int(rng.integers(0, 10))
    pixels = np.asarray(canvas).astype(np.int16)
    pixels += rng.integers(-grain, grain + 1, size=pixels.shape, dtype=np.int8)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "jpeg", quality=int(rng.integers(45, 96)))
    return np.array(Image.open(buffer))


# --- the pictures ---------------------------------------------------------------------------------------------------


@cache
def _sprites(styles: tuple[str, ...]) -> dict[int, list[list[Image.Image]]]:
    """Return for each class its sprites, each as RGBA in full, half, quarter and eighth size."""
    found = {label: [] for label in range(1, len(CLASSES))}
    for row, path in _listed("sprites"):
        if row["style"] in styles:
            sprite = _opened(path, row["sha256"]).convert("RGBA")
            levels = [sprite, *(sprite.reduce(factor) for factor in (2, 4, 8))]
            found[CLASSES.index(row["class"])].append([ImageOps.expand(level, _MARGIN) for level in levels])
    return found


@cache
def _backgrounds(split: str) -> list[Image.Image]:
    return [
        _opened(path, row["sha256"]).convert("RGB") for row, path in _listed("backgrounds") if row["split"] == split
    ]


def _listed(folder: str):
    """Yield (row, path) of each picture that data/FOLDER/index.csv lists."""
    with data_path(f"{folder}/index.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield row, f"{folder}/{row['file']}"


def _opened(name: str, sha256: str) -> Image.Image:
    data = data_path(name).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"data/{name} is damaged: its checksum is not the one in index.csv. Fetch the file anew.")
    return Image.open(io.BytesIO(data))
