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

from fcn import VOID, data_path
from fcn.expect import one_of, whole

# background, then those of VOC's twenty classes of which there are emoji enough: see data/choices.toml
CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dog",
    "horse", "motorbike", "person", "sheep", "train", "tvmonitor",
)  # fmt: skip
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

    >>> scenes = EmojiScenes(100, seed=0, split="train", size=64, void=True)
    >>> image, mask = scenes[0]
    >>> image.shape, mask.shape
    (torch.Size([3, 64, 64]), torch.Size([64, 64]))
    >>> [CLASSES[label] for label in mask[mask != VOID].unique()]
    ['background', 'aeroplane', 'car', 'cow']
    """

    classes = CLASSES

    def __init__(self, count: int, *, seed: int, split: str, size: int = 128, void: bool = False):
        self.count, self.seed = whole(count, "the count", 1), whole(seed, "the seed", 0)
        self.split, self.size = one_of(split, "the split", STYLES), whole(size, "the size", _SMALLEST)
        self.void = void
        _sprites(STYLES[split]), _backgrounds(split)  # a damaged file is reported here, not in a worker

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = _scene(self._chance(index), self.split, self.size, self.void)
        return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask)

    def instances(self, index: int) -> torch.Tensor:
        """Return which thing of a scene each pixel belongs to: (H, W) uint8, 0 background, then 1, 2, ... as pasted.

        A thing that others cover wholly has no pixel; void is 255 as in the mask. Raises IndexError as [index] does.

        >>> EmojiScenes(10, seed=0, split="train").instances(1).unique().tolist()
        [0, 1, 2, 3]
        """
        _, numbers = _scene(self._chance(index), self.split, self.size, self.void, numbered=True)
        return torch.from_numpy(numbers)

    def _chance(self, index: int) -> np.random.Generator:
        number = as_index(index)
        if not -self.count <= number < self.count:
            raise IndexError(f"This set has {self.count} scenes; there is none with index {number}.")
        return np.random.default_rng([self.seed, list(STYLES).index(self.split), number % self.count])


# --- one scene ------------------------------------------------------------------------------------------------------


def _scene(
    rng: np.random.Generator, split: str, size: int, void: bool, numbered: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return (image (H, W, 3), mask (H, W)), uint8; `numbered` marks things by their number, not by their class."""
    canvas = _background(rng, split, size)
    mask = np.zeros((size, size), dtype=np.uint8)
    sprites = _sprites(STYLES[split])
    for number in range(1, 1 + rng.integers(2, 6)):
        label = int(rng.integers(1, len(CLASSES)))
        designs = sprites[label]
        colors, alpha, left, top = _placed(rng, designs[rng.integers(len(designs))], size)
        _shade(rng, canvas, alpha, left, top)
        canvas.paste(colors, (left, top), alpha)
        _mark(mask, np.asarray(alpha), left, top, number if numbered else label, void)
    return _photographed(rng, canvas), mask


def _background(rng: np.random.Generator, split: str, size: int) -> Image.Image:
    photographs = _backgrounds(split)
    photograph = photographs[rng.integers(len(photographs))]
    side = photograph.width * _uniform(rng, 0.55, 1.0)
    left, top = _uniform(rng, 0, photograph.width - side), _uniform(rng, 0, photograph.width - side)
    square = photograph.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    if rng.random() < 0.5:
        square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return square.convert("RGB", _color_shift(rng, hue=15, light=0.25))


def _placed(
    rng: np.random.Generator, levels: list[Image.Image], size: int
) -> tuple[Image.Image, Image.Image, int, int]:
    """Return a sprite scaled, turned, perhaps mirrored, in other colours: RGB, alpha, left and top in the scene.

    `levels` are the sizes in which the sprite is stored, large to small, premultiplied (RGBa).
    """
    length = size * math.exp(_uniform(rng, math.log(0.2), math.log(0.8)))  # pixels of the longer side
    angle = math.radians(max(-40, min(rng.normal(0, 12), 40)))
    level = next((small for small in reversed(levels) if max(small.size) - 2 * _MARGIN >= length), levels[0])
    wide, high = level.size
    scale = length / (max(wide, high) - 2 * _MARGIN)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    flip = -1 if rng.random() < 0.5 else 1
    width = math.ceil((wide * abs(cos) + high * abs(sin)) * scale**2) + 2
    height = math.ceil((wide * abs(sin) + high * abs(cos)) * scale**2) + 2
    # Pillow asks for the way back, from each new pixel to a place in the sprite: hence the division by `scale` above.
    # The last number of a row makes middle fall on middle; `flip` lets the sprite be read from right to left.
    matrix = (
        flip * cos, flip * sin, wide / 2 - flip * (cos * width + sin * height) / 2,
        -sin, cos, high / 2 - (cos * height - sin * width) / 2,
    )  # fmt: skip
    turned = level.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    colors = turned.convert("RGB").convert("RGB", _color_shift(rng, hue=45, light=0.3))
    x, y = size * _uniform(rng, 0.05, 0.95), size * _uniform(rng, 0.05, 0.95)  # the middle: a part may lie outside
    return colors, turned.getchannel("a"), round(x - width / 2), round(y - height / 2)


def _color_shift(rng: np.random.Generator, hue: float, light: float) -> tuple[float, ...]:
    """Return a 3 x 4 color matrix: hue turned by up to `hue` degrees, saturation and lightness changed."""
    turn = math.radians(_uniform(rng, -hue, hue))
    saturation, gain = _uniform(rng, 0.5, 1.3), _uniform(rng, 1 - light, 1 + light)
    lift = _uniform(rng, -60, 60) * light
    # Red, green and blue are the axes of a space. A turn about its diagonal, which is gray, changes the hue; distance
    # from the diagonal is saturation. The axes stand alike about it: so each row is the one above, moved on by one.
    cos, sin = saturation * math.cos(turn), saturation * math.sin(turn) / math.sqrt(3)
    equal, next_, last = (1 + 2 * cos) / 3, (1 - cos) / 3 - sin, (1 - cos) / 3 + sin
    rows = [(equal, next_, last), (last, equal, next_), (next_, last, equal)]
    return tuple(number for row in rows for number in (*(gain * share for share in row), lift))


def _shade(rng: np.random.Generator, canvas: Image.Image, alpha: Image.Image, left: int, top: int) -> None:
    """Darken the canvas by a soft shadow of the sprite, thrown down and aside."""
    depth = _uniform(rng, 0, 0.6)
    right, down = _uniform(rng, -0.12, 0.12) * alpha.width, _uniform(rng, 0.02, 0.12) * alpha.height
    strength = (depth * np.arange(256)).astype(np.uint8).tolist()
    soft = alpha.filter(ImageFilter.BoxBlur(1 + alpha.width / 30)).point(strength)
    black = Image.new("RGB", soft.size)  # pasting an image through a mask takes half the time of pasting a color
    canvas.paste(black, (left + round(right), top + round(down)), soft)


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
    pixels = np.asarray(canvas) + rng.integers(-grain, grain + 1, size=(*canvas.size, 3), dtype=np.int8)  # int16
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "jpeg", quality=int(rng.integers(45, 96)))
    return np.asarray(Image.open(buffer))


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return what `rng.uniform(low, high)` returns, in half the time: a scene asks forty times."""
    return low + (high - low) * rng.random()


# --- the pictures ---------------------------------------------------------------------------------------------------


@cache
def _sprites(styles: tuple[str, ...]) -> dict[int, list[list[Image.Image]]]:
    """Return for each class its sprites, each in full, half, quarter and eighth size.

    They are premultiplied (RGBa): Pillow turns nothing else, and would convert them anew at each draw.
    """
    found = {label: [] for label in range(1, len(CLASSES))}
    for row, path in _listed("sprites"):
        if row["style"] in styles:
            sprite = _opened(path, row["sha256"]).convert("RGBA")
            levels = [sprite, *(sprite.reduce(factor) for factor in (2, 4, 8))]
            bordered = [ImageOps.expand(level, _MARGIN).convert("RGBa") for level in levels]
            found[CLASSES.index(row["class"])].append(bordered)
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
