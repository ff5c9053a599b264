"""Photographs and masks from files, each fault named with its file. H height, W width."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from fcn import VOID
from fcn.expect import that

_UNKNOWN = -1  # in the table from stored values to labels
_READERS = 4  # threads: Pillow decodes beside Python


class Pairs(Dataset):
    """Photographs and masks that lie in files: data[i] is (image (3, H, W) uint8, mask (H, W) uint8).

    `files` are pairs (photograph, mask), `classes` the names of the labels 0, 1, 2 and so on. A mask is a picture of
    one channel, gray or with a palette, whose values are labels, or 255 for void; `labels` says what other values
    mean: {11: 255}. Photographs become RGB. `cached` keeps each item in memory once it is read, for all that read
    it: H * W * 4 bytes.

    What the files' heads tell is checked at once, the rest by `check`, which fit calls before its first step.
    Raises FileNotFoundError for a file that is not there; ValueError, naming the file, for no files at all, for one
    that is no picture, for a mask of several channels, and for a mask of another size than its photograph.
    """

    def __init__(
        self, files: Iterable[tuple[Path, Path]], classes: Sequence[str], *,
        labels: Mapping[int, int] | None = None, cached: bool = False,
    ):  # fmt: skip
        self.files = [(Path(photograph), Path(mask)) for photograph, mask in files]
        self.classes = tuple(classes)
        table = np.full(256, _UNKNOWN, dtype=np.int16)
        table[: len(self.classes)] = range(len(self.classes))
        table[VOID] = VOID
        for value, label in (labels or {}).items():
            table[value] = label
        self._labels, self._checked = table, False
        self._kept = {} if cached else None
        that(len(self.files) > 0, "a data set with pairs in it", "an empty one")
        for photograph, mask in self.files:
            _check_heads(photograph, mask)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a pair, read from its files or kept.

        Raises ValueError, naming the file, if one is cut short or a label is neither a class nor void.
        """
        index = range(len(self.files))[index]
        if self._kept is not None and index in self._kept:
            return self._kept[index]
        photograph, mask = self.files[index]
        pixels = _pixels(photograph, "RGB")
        item = torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), torch.from_numpy(self._labelled(mask))
        if self._kept is not None:
            self._kept[index] = item
        return item

    def check(self) -> "Pairs":
        """Read every pair once; return the data set. Raises ValueError for the first that cannot be used."""
        if not self._checked:
            with ThreadPoolExecutor(_READERS) as readers:
                for _ in readers.map(lambda index: self[index] and None, range(len(self))):
                    pass
            self._checked = True
        return self

    def _labelled(self, mask: Path) -> np.ndarray:
        values = _pixels(mask)
        labels = self._labels[values]
        if (labels == _UNKNOWN).any():
            row, column = np.argwhere(labels == _UNKNOWN)[0].tolist()
            known = [f"0..{len(self.classes) - 1}"]
            known += [f"{value} (void)" for value in np.flatnonzero(self._labels == VOID).tolist()]
            wrong = sorted(set(values[labels == _UNKNOWN].tolist()))
            raise ValueError(
                f"Expected labels {', '.join(known)} in {mask}; got {wrong[0]} at row {row}, column {column}"
                f"{f', and {len(wrong) - 1} other unknown values' if len(wrong) > 1 else ''}."
            )
        return labels.astype(np.uint8)


def _check_heads(photograph: Path, mask: Path) -> None:
    """Compare what the heads of two files say of them."""
    sizes = []
    for path in (photograph, mask):
        if not path.is_file():
            raise FileNotFoundError(f"There is no {path}, the {'photograph' if path == photograph else 'mask'} to "
                                    f"{(mask if path == photograph else photograph).name}.")  # fmt: skip
        with _opened(path) as picture:
            sizes.append(picture.size)
            one = path == photograph or picture.mode in ("L", "P", "1")
            advice = "Does it hold colors instead of labels? Then turn each color into its class's number first."
            that(one, f"one channel of 8 bits in the mask {path}", picture.mode, advice)
    (width, height), (wide, high) = sizes
    that(sizes[0] == sizes[1], f"{mask} as large as {photograph}, {width}x{height} pixels", f"{wide}x{high}")


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except OSError as error:
        raise ValueError(f"Expected a picture in {path}; got what cannot be read as one ({error}).") from None


def _pixels(path: Path, mode: str | None = None) -> np.ndarray:
    """Return a picture's values (H, W) or (H, W, 3) uint8."""
    with _opened(path) as picture:
        try:
            return np.array(picture.convert(mode) if mode else picture, dtype=np.uint8)
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's own, for a file that is cut short or damaged
            raise ValueError(f"Expected a whole picture in {path}; it is damaged ({error}).") from None
