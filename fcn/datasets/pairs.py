"""Photographs and masks from files, each fault named with its file. H height, W width."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from fcn import VOID
from fcn.expect import that, whole

_UNKNOWN = -1  # in the table from stored values to labels
_READERS = 4  # threads: Pillow decodes beside Python
_ORIENTATION, _FROM_CAMERAS = 0x112, ("JPEG", "MPO", "TIFF")  # EXIF's tag, and where it stands before the pixels
_PNG_DEPTH = 24  # the byte of a PNG file that says how many bits a value has


class Pairs(Dataset):
    """Photographs and masks that lie in files: data[i] is (image (3, H, W) uint8, mask (H, W) uint8).

    `files` are pairs (photograph, mask), `classes` the names of the labels 0, 1, 2 and so on. A mask is a picture of
    one channel, gray or with a palette, whose values are labels, or 255 for void; `labels` says what other values
    mean: {11: 255}. Photographs become RGB. `cached` keeps each item in memory once it is read, H * W * 4 bytes, and
    gives out copies.

    What the files' heads tell is checked at once, the rest by `check`, which fit calls before its first step.
    Raises FileNotFoundError for a file that is not there; ValueError, naming the file, for no files at all, for a
    photograph that comes twice, for a file that is no picture, for a photograph of more than 8 bits or one that a
    viewer would turn (EXIF), for a mask of several channels, and for a mask of another size than its photograph.
    """

    def __init__(
        self, files: Iterable[tuple[Path, Path]], classes: Sequence[str], *,
        labels: Mapping[int, int] | None = None, cached: bool = False,
    ):  # fmt: skip
        self.files = [(Path(photograph), Path(mask)) for photograph, mask in files]
        self.classes = tuple(classes)
        self._labels, self._checked = _table(self.classes, labels or {}), False
        self._kept = {} if cached else None
        that(len(self.files) > 0, "a data set with pairs in it", "an empty one")
        (photograph, times), *_ = Counter(photograph for photograph, _ in self.files).most_common(1)
        that(times == 1, f"each photograph once, {photograph} too", f"{times} times")
        for photograph, mask in self.files:
            _check_heads(photograph, mask)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a pair, read from its files or kept.

        Raises ValueError, naming the file, if one is cut short or a label is neither a class nor void.
        """
        if not -len(self.files) <= index < len(self.files):  # a loop over a data set ends by this
            raise IndexError(f"Expected an index below {len(self.files)}; got {index}.")
        index %= len(self.files)
        if self._kept is not None and index in self._kept:
            return tuple(part.clone() for part in self._kept[index])
        pixels, labels = self._read(index)
        item = torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), torch.from_numpy(labels)
        if self._kept is not None:
            self._kept[index] = tuple(part.clone() for part in item)
        return item

    def check(self) -> "Pairs":
        """Read every pair once; return the data set. Raises ValueError for the first that cannot be used."""
        if not self._checked:
            with ThreadPoolExecutor(_READERS) as readers:
                for _ in readers.map(lambda index: self[index] and None, range(len(self))):
                    pass
            self._checked = True
        return self

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a photograph (H, W, 3) and its labels (H, W), both uint8: what other kinds of files do otherwise."""
        photograph, mask = self.files[index]
        return _pixels(photograph, "RGB"), self._labelled(mask)

    def _labelled(self, mask: Path) -> np.ndarray:
        values = _pixels(mask)
        labels = self._labels[values]
        if (labels == _UNKNOWN).any():
            row, column = np.argwhere(labels == _UNKNOWN)[0].tolist()
            meant = np.flatnonzero((self._labels != _UNKNOWN) & (self._labels != VOID)).tolist()
            known = [f"{meant[0]}..{meant[-1]}"] if len(meant) == meant[-1] - meant[0] + 1 else [*map(str, meant)]
            known += [f"{value} (void)" for value in np.flatnonzero(self._labels == VOID).tolist()]
            wrong = sorted(set(values[labels == _UNKNOWN].tolist()))
            raise ValueError(
                f"Expected labels {', '.join(known)} in {mask}; got {wrong[0]} at row {row}, column {column}"
                f"{f', and {len(wrong) - 1} other unknown values' if len(wrong) > 1 else ''}."
            )
        return labels.astype(np.uint8)


def _table(classes: tuple[str, ...], labels: Mapping[int, int]) -> np.ndarray:
    """Return what each of the 256 stored values means: a class, void, or nothing known."""
    that(1 <= len(classes) <= VOID, f"1 to {VOID} names of classes, a list", classes)
    table = np.full(256, _UNKNOWN, dtype=np.int16)
    table[: len(classes)] = range(len(classes))
    table[VOID] = VOID
    for value, label in labels.items():
        fits = label in (VOID, _UNKNOWN) or label in range(len(classes))
        that(fits, f"labels that mean a class, 0..{len(classes) - 1}, or {VOID}", label)
        table[whole(value, "a stored value", 0, 255)] = label
    return table


def _check_heads(photograph: Path, mask: Path) -> None:
    """Compare what the heads of two files say of them."""
    sizes = []
    for path in (photograph, mask):
        if not path.is_file():
            raise FileNotFoundError(f"There is no {path}, the {'photograph' if path == photograph else 'mask'} to "
                                    f"{(mask if path == photograph else photograph).name}.")  # fmt: skip
        with _opened(path) as picture:
            sizes.append(picture.size)
            if path == photograph:
                deep = picture.mode.startswith(("I", "F"))
                that(not deep, f"8 bits a color in {path}", picture.mode, "Bring its values to 0..255 first.")
                advice = "Store it as a viewer shows it: ImageOps.exif_transpose(picture)."
                turned = picture.format in _FROM_CAMERAS and picture.getexif().get(_ORIENTATION, 1) != 1
                that(not turned, f"a picture that its EXIF data do not turn in {path}", "one that they turn", advice)
                continue
            advice = "Does it hold colors instead of labels? Then turn each color into its class's number first."
            that(picture.mode in ("L", "P", "1"), f"one channel of 8 bits in the mask {path}", picture.mode, advice)
    (width, height), (wide, high) = sizes
    that(sizes[0] == sizes[1], f"{mask} as large as {photograph}, {width}x{height} pixels", f"{wide}x{high}")


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except Exception as error:  # Pillow's formats raise all kinds
        raise ValueError(f"Expected a picture in {path}; got what cannot be read as one ({_line(error)}).") from None


def _pixels(path: Path, mode: str | None = None) -> np.ndarray:
    """Return a picture's values (H, W) or (H, W, 3) uint8."""
    with _opened(path) as picture:
        try:
            values = np.array(picture.convert(mode) if mode else picture, dtype=np.uint8)
        except Exception as error:
            raise ValueError(f"Expected a whole picture in {path}; it is damaged ({_line(error)}).") from None
        if picture.format == "PNG" and picture.mode == "L" and not mode:
            values //= 255 // (
                2 ** min(8, path.read_bytes()[_PNG_DEPTH]) - 1
            )  # Pillow spreads 2 or 4 bits over 0..255
        return values


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
