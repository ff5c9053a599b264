"""Photographs: which files are meant, and what is in them as a viewer shows it. H height, W width."""

import glob
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".avif", ".ppm", ".pgm", ".mpo"
)  # fmt: skip
_ORIENTATION = 0x112  # EXIF's tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_PNG_DEPTH = 24  # the byte of a PNG file that says how many bits a value has
_DEEPEST = 0xFFFF  # the largest value of 16 bits


def photographs(words: Iterable[str | Path]) -> list[Path]:
    """Return the files that words mean: files, folders and globs; each file once, those of a folder or glob sorted.

    A file is taken whatever its name; it is looked into later. Of a folder come the files that end as pictures do
    (KINDS) and are not hidden, none from folders inside of it; the glob "folder/**/*.jpg" goes down into those. A
    word with * ? or [ is a glob only if there is no file of that name, and the same endings count.
    Raises FileNotFoundError, naming the word, if there is no such file, if a folder holds no pictures, and if a glob
    matches none; ValueError for no words.

    >>> from fcn import data_path
    >>> [path.name for path in photographs([data_path("photographs")])][:2]
    ['highway.jpg', 'junction.jpg']
    """
    words = [words] if isinstance(words, str | Path) else list(words)
    if not words:
        raise ValueError("Expected photographs: files, folders or globs; got none.")
    found = {}
    for word in words:
        for path in _meant(os.path.expanduser(word)):
            found.setdefault(os.path.abspath(path), path)
    return list(found.values())


def opened(path: str | Path, *, say: Callable[[str], object] | None = None) -> np.ndarray:
    """Return a photograph as a viewer shows it: (H, W, 3) uint8, RGB, turned as its EXIF data say.

    Gray, CMYK and palettes become RGB; alpha is dropped, as it is for training. Of 16 bits the upper 8 are kept; of
    an animation or of several pages the first is taken: `say`, if given, is told of both.
    Raises ValueError of one line, naming the file, for what is empty, cut short or no picture, for fractions, and
    for more pixels than twice Pillow's MAX_IMAGE_PIXELS, 179 million: Pillow holds so large a one for a bomb, a small
    file made to fill the memory. It would take half a gigabyte, and more while it is turned.

    >>> from fcn import data_path
    >>> opened(data_path("photographs/town.jpg")).shape
    (480, 640, 3)
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # above half of its limit Pillow warns; and of odd EXIF data and palettes
            with Image.open(path) as picture:
                return _shown(picture, Path(path), say or (lambda line: None))
    except Image.DecompressionBombError:
        most = 2 * Image.MAX_IMAGE_PIXELS
        raise ValueError(f"{path} has more than {most:,} pixels: cut it into parts, or make it smaller.") from None
    except Image.UnidentifiedImageError:
        raise ValueError(f"{path} is {_instead(Path(path))}.") from None
    except OSError as error:
        # errno tells what the system refused from what Pillow missed in the file
        why = error.strerror if error.errno else f"damaged or cut short: {_line(error)}"
        raise ValueError(f"{path} cannot be read ({why}).") from None
    except _Refused as error:
        raise ValueError(f"{path} {error}") from None
    except MemoryError:
        raise ValueError(f"{path} does not fit into the memory.") from None
    except Exception as error:  # Pillow's formats raise all kinds
        raise ValueError(f"{path} cannot be read (damaged: {_line(error)}).") from None


class _Refused(Exception):
    """What a picture is that is none for us."""


def _meant(word: str) -> list[Path]:
    path = Path(word)
    if path.is_file():
        return [path]
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if _is_picture(each))
        deeper = "" if files else next((f"{each}" for each in sorted(path.iterdir()) if each.is_dir()), "")
        if not files:
            below = f" itself: those in folders inside of it are '{path}/**/*.jpg'" if deeper else ""
            raise FileNotFoundError(f"There are no pictures in {path}{below}; pictures end in {' '.join(KINDS)}.")
        return files
    if os.path.lexists(path):
        raise FileNotFoundError(f"{path} is neither a file nor a folder (a broken link, a device?).")
    if not glob.has_magic(word):
        raise FileNotFoundError(f"There is no file or folder {path}.")
    files = sorted(Path(each) for each in glob.glob(word, recursive=True))
    files = [each for each in files if _is_picture(each)]
    if not files:
        raise FileNotFoundError(f"No picture matches {word}; pictures end in {' '.join(KINDS)}.")
    return files


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in KINDS and not path.name.startswith(".") and path.is_file()


def _shown(picture: Image.Image, path: Path, say: Callable[[str], object]) -> np.ndarray:
    turn = _orientation(picture)  # before it is loaded: of TIFF files Pillow turns the pixels itself then
    pages = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)  # cameras put a preview into these
    if pages > 1:
        say(f"{path} has {pages} pictures: the first one is taken.")
    picture.load()
    if picture.mode.startswith("F"):
        raise _Refused("holds fractions: bring its values to 0..255 first.")
    if picture.mode.startswith("I"):
        say(f"{path} has 16 bits a value: the upper 8 are taken.")
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > _DEEPEST:
            raise _Refused(f"holds values from {values.min()} to {values.max()}: bring them to 0..255 first.")
        picture = Image.fromarray((values >> 8).astype(np.uint8))
    elif picture.format == "PNG" and _depth(path) == 16:
        say(f"{path} has 16 bits a value: the upper 8 are taken.")  # by Pillow, where there are colors
    picture = picture.convert("RGB")
    return np.array(picture.transpose(_TURNS[turn]) if turn in _TURNS else picture)


def _orientation(picture: Image.Image) -> int:
    try:
        return 1 if picture.format == "TIFF" else picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # EXIF data are as damaged as their camera likes; the pixels need not be
        return 1


def _depth(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(_PNG_DEPTH + 1)[-1]


def _instead(path: Path) -> str:
    """Say what a file is that Pillow does not know."""
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        return "empty"
    heic = head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev", b"mif", b"msf")
    return "in HEIC, as iPhones store it: export it as JPEG" if heic else f"no picture: it begins with {head!r}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
