"""A folder that has been examined, as a data set. H height, W width."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fcn.datasets import Pairs
from fcn.doctor.faults import shown
from fcn.doctor.meaning import Meaning
from fcn.doctor.pictures import decoded, opened, rgb
from fcn.doctor.reading import Source
from fcn.expect import that


class Folder(Pairs):
    """Pairs of a folder of any layout: data[i] is (image (3, H, W) uint8, mask (H, W) uint8, 255 for void).

    Made by Report.data, which has read every file: `check` has nothing left to find. A file that changed since is
    named when it is read (ValueError). `files` are pairs (photograph, mask) below `source.root`.
    """

    def __init__(self, files: Sequence[tuple[Path, Path]], meaning: Meaning, source: Source, *, cached: bool = False):
        that(len(files) > 0, "a data set with pairs in it", "an empty one")
        self.files = [(source.root / photograph, source.root / mask) for photograph, mask in files]
        self.classes = meaning.classes
        self._below, self._meaning, self._source = list(files), meaning, source
        self._checked, self._kept = True, {} if cached else None

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        photograph, mask = self._below[index]
        path = photograph
        try:
            pixels = rgb(decoded(opened(self._source.photograph(photograph))))
            path = mask
            labels = self._meaning.labels(self._source.mask(photograph, mask)[0])
        except ValueError as error:
            raise ValueError(
                f"{shown(self._source.root / path)} has changed since it was checked: {error}."
            ) from None
        (height, width), (high, wide) = pixels.shape[:2], labels.shape
        that((height, width) == (high, wide), f"{mask} as large as {photograph}, {width}x{height}", f"{wide}x{high}")
        return pixels, labels
