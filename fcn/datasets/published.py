"""Published data sets through torchvision's loaders, as pairs of this book. H height, W width."""

import os
from collections.abc import Callable
from pathlib import Path
from tarfile import TarError

from fcn import VOID
from fcn.datasets.pairs import Pairs
from fcn.expect import one_of
from fcn.palette import CLASS_COLORS

PET, BACKGROUND, OUTLINE = 1, 2, 3  # the values of a trimap


class VOC(Pairs):
    """PASCAL VOC's photographs and masks of 20 classes and background, of many sizes, as data[i] of Pairs.

    `split` is "train", "val" or "trainval", `year` "2007" to "2012". With `download` torchvision fetches it (2 GB
    for 2012) and checks it. `cached` as for Pairs. Raises FileNotFoundError where it is not, OSError where its host
    cannot be reached, ValueError for an unknown split or year, and as Pairs does.
    Source: Everingham et al. 2010.
    """

    def __init__(
        self, root: str | Path, split: str = "train", *, year: str = "2012", download: bool = False,
        cached: bool = False,
    ):  # fmt: skip
        from torchvision.datasets import VOCSegmentation  # here, not above: it takes as long to import as torch

        one_of(split, "the split", ("train", "val", "trainval"))
        one_of(year, "the year", tuple(str(each) for each in range(2007, 2013)))
        folder = Path(os.path.expanduser(root))
        call = f"VOC({str(folder)!r}, {split!r}, year={year!r}, download=True)"
        data = _opened(lambda: VOCSegmentation(folder, year, split, download=download), folder, call, download)
        super().__init__(zip(data.images, data.masks, strict=True), list(CLASS_COLORS)[:-1], cached=cached)


class Pets(Pairs):
    """The Oxford-IIIT Pet data set, cats and dogs: a pet or background in each pixel, as data[i] of Pairs.

    `split` is "trainval" or "test". Its trimaps' 1, 2, 3 become 1 (pet), 0 (background) and 255 (the outline). With
    `download` torchvision fetches it (800 MB) and checks it. `cached` as for Pairs. Raises as VOC does.
    Source: Parkhi et al. 2012.
    """

    def __init__(self, root: str | Path, split: str = "trainval", *, download: bool = False, cached: bool = False):
        from torchvision.datasets import OxfordIIITPet

        one_of(split, "the split", ("trainval", "test"))
        folder = Path(os.path.expanduser(root))
        call = f"Pets({str(folder)!r}, {split!r}, download=True)"
        data = _opened(
            lambda: OxfordIIITPet(folder, split, "segmentation", download=download), folder, call, download
        )
        files = zip(data._images, data._segs, strict=True)
        super().__init__(
            files, ["background", "pet"], labels={PET: 1, BACKGROUND: 0, OUTLINE: VOID, 0: -1}, cached=cached
        )


def _opened(open_: Callable, root: Path, call: str, download: bool):
    """Call one of torchvision's loaders; say in one line what to do if the data are not there."""
    name, _, _ = call.partition("(")
    try:
        return open_()
    except (RuntimeError, OSError, EOFError, TarError) as error:
        if not download:
            raise FileNotFoundError(f"There is no {name} in {root}, or not all of it. To fetch it: {call}.") from None
        said = " ".join(str(error).split())
        advice = f"If it has left a damaged archive in {root}, delete that and try again."
        raise OSError(f"{name} cannot be fetched: {said}. {advice}") from None
