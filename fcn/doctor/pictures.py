"""Pictures as they lie in files, of every kind that cameras and annotation tools write. H height, W width."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fcn.doctor.faults import line

LOSSY = ("JPEG", "MPO", "JPEG2000", "AVIF")
_ORIENTATION = 0x112  # EXIF's tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
SIDEWAYS = (5, 6, 7, 8)  # the orientations that exchange height and width
_PNG_DEPTH = 24  # the byte of a PNG file that says how many bits a value has
BILEVEL, GRAY, PALETTE, COLOR = "1 bit", "gray", "palette", "color"
_BEGINNINGS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"RIFF")
_OPAQUE = 128  # alpha from which a pixel counts as painted


def bytes_of(path: Path) -> bytes:
    """Return what a file holds. Raises ValueError, in one line, for one that cannot be read or is empty.

    >>> bytes_of(Path("/nowhere.png"))
    Traceback (most recent call last):
    ValueError: the file cannot be read (No such file or directory)
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"the file cannot be read ({error.strerror})") from None
    if not data:
        raise ValueError("the file is empty")
    return data


def opened(data: bytes) -> Image.Image:
    """Return a picture of which only the head is read. Raises ValueError, in one line, for what is none.

    Also for one of more than about 89 megapixels, which Pillow takes for a bomb.

    >>> opened(b"hello")
    Traceback (most recent call last):
    ValueError: the file is no picture, it begins with b'hello'
    """
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        raise ValueError("the file is in HEIC, as iPhones store it: export it as JPEG")
    try:
        picture = Image.open(io.BytesIO(data))
    except Image.UnidentifiedImageError:
        if data.startswith(_BEGINNINGS):
            raise ValueError("the picture is damaged or cut short, after its first bytes") from None
        raise ValueError(f"the file is no picture, it begins with {data[:16]!r}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"the picture is too large ({line(error).split(',')[0]}): cut it into tiles") from None
    except Exception as error:  # Pillow's formats raise all kinds
        raise ValueError(f"the file cannot be read as a picture ({line(error)})") from None
    if picture.width * picture.height > (Image.MAX_IMAGE_PIXELS or 2**62):
        raise ValueError(f"the picture is too large ({picture.width}x{picture.height} pixels): cut it into tiles")
    return picture


def decoded(picture: Image.Image) -> Image.Image:
    """Return a picture once all of it is read. Raises ValueError, in one line, if it is damaged or cut short.

    >>> decoded(Image.new("L", (2, 1))).size
    (2, 1)
    """
    try:
        picture.load()
    except Exception as error:
        raise ValueError(f"the picture is damaged or cut short ({line(error)})") from None
    return picture


def orientation(picture: Image.Image) -> int:
    """Return how EXIF says a viewer should turn a picture, 1 to 8; 1 is as it is stored.

    >>> orientation(Image.new("L", (2, 1)))
    1
    """
    try:
        told = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # EXIF data are as damaged as their camera likes
        return 1
    return told if told in _TURNS else 1


def frames(picture: Image.Image) -> int:
    """Return how many pictures a file holds, as far as it can be told.

    >>> frames(Image.new("L", (2, 1)))
    1
    """
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:  # those behind the first are damaged
        return 1


def deep(picture: Image.Image) -> bool:
    """Say whether a picture's values are more than bytes.

    >>> deep(Image.new("I;16", (1, 1))), deep(Image.new("L", (1, 1)))
    (True, False)
    """
    return picture.mode.startswith(("I", "F"))


def rgb(picture: Image.Image, bits: int = 16) -> np.ndarray:
    """Return a photograph as a viewer shows it: turned by EXIF, (H, W, 3) uint8. Alpha is dropped.

    Of values that are more than bytes the upper 8 of `bits` are kept.

    >>> rgb(Image.new("CMYK", (2, 1))).tolist()
    [[[255, 255, 255], [255, 255, 255]]]
    """
    turn = orientation(picture)
    if deep(picture):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64)) / 2 ** (bits - 8)
        picture = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    elif picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")  # straight to RGB, Pillow warns
    picture = picture.convert("RGB")
    return np.array(turned(picture, turn))


def turned(picture: Image.Image, turn: int) -> Image.Image:
    """Return a picture as EXIF's orientation `turn`, 1 to 8, has it shown.

    >>> turned(Image.new("L", (2, 1)), 6).size
    (1, 2)
    """
    return picture.transpose(_TURNS[turn]) if turn in _TURNS else picture


@dataclass(frozen=True)
class Raw:
    """A mask as it is stored: `values` (H, W), labels or colors; `kind` says which.

    BILEVEL 0 or 1, GRAY what it holds, PALETTE indices into `palette` (256,) of colors, COLOR red << 16 | green << 8
    | blue. `notes` name what was done on the way.
    """

    values: np.ndarray
    kind: str
    palette: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def packed(color: np.ndarray) -> np.ndarray:
    """Return colors (..., 3) as whole numbers (...): red << 16 | green << 8 | blue.

    >>> int(packed(np.array([1, 2, 3]))) == 0x010203
    True
    """
    red, green, blue = (color[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def packed_color(color: tuple[int, int, int]) -> int:
    """Return a color as one whole number.

    >>> packed_color((1, 2, 3)) == 0x010203
    True
    """
    red, green, blue = color
    return red << 16 | green << 8 | blue


def raw(picture: Image.Image, data: bytes) -> Raw:
    """Return a mask from its picture, all of which is read, and its file's bytes, as it is stored.

    Gray PNG files of 2 or 4 bits give their own values, which Pillow spreads over 0..255; colors whose channels are
    equal are gray; where alpha is not the same everywhere, what is hidden is black. Raises ValueError, in one line,
    for fractions.

    >>> raw(Image.fromarray(np.array([[[1, 2, 3]]], dtype=np.uint8)), b"").values.tolist() == [[0x010203]]
    True
    """
    mode, notes = picture.mode, []
    if mode == "1":
        return Raw(np.array(picture, dtype=np.uint8), BILEVEL)
    if mode == "L":
        values = np.array(picture)
        few = picture.format == "PNG" and data[_PNG_DEPTH] < 8
        return Raw(values // (255 // (2 ** data[_PNG_DEPTH] - 1)) if few else values, GRAY)
    if mode == "P":
        table = np.zeros((256, 3), dtype=np.uint8)
        known = np.array(picture.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
        table[: len(known)] = known
        return Raw(np.array(picture), PALETTE, packed(table))
    if deep(picture):
        values = np.asarray(picture)
        whole = np.isfinite(values).all() and (values == np.floor(values)).all() and np.abs(values).max() < 2**30
        if not whole:
            raise ValueError("the mask holds fractions instead of labels")
        return Raw(values.astype(np.int32), GRAY, notes=("more than 8 bits",))
    color, alpha = _without_alpha(picture)
    notes += ["alpha"] * alpha
    if (color == color[..., :1]).all():
        return Raw(color[..., 0].copy(), GRAY, notes=(*notes, "gray in three channels"))
    return Raw(packed(color), COLOR, notes=tuple(notes))


def _without_alpha(picture: Image.Image) -> tuple[np.ndarray, bool]:
    """Return (H, W, 3) uint8 and whether alpha decided over something."""
    if picture.mode not in ("LA", "RGBA", "PA", "La", "RGBa"):
        return np.array(picture.convert("RGB")), False
    values = np.array(picture.convert("RGBA"))
    color, alpha = values[..., :3], values[..., 3]
    if (alpha == alpha.flat[0]).all():
        return color, False
    if (color == color[:1, :1]).all():  # one color, and the shape is in alpha alone
        return np.repeat(np.where(alpha >= _OPAQUE, 255, 0)[..., None].astype(np.uint8), 3, axis=-1), True
    return np.where(alpha[..., None] >= _OPAQUE, color, 0).astype(np.uint8), True
