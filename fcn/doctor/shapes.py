"""labelme's JSON: shapes drawn around things, and the label map that they make. H height, W width."""

import base64
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fcn.doctor.faults import line, shown

_LARGEST = 512 * 2**20  # bytes of a file: photographs may be in it
_WIDTH, _RADIUS = 10, 5  # pixels of a line and of a point, as labelme draws them
_KINDS = ("polygon", "rectangle", "circle", "line", "linestrip", "point", "mask")


@dataclass(frozen=True)
class Drawing:
    """One file of labelme's: shapes (label, kind, points, mask), the photograph that it names, and its size.

    `embedded` says whether the photograph is in the file, too.
    """

    shapes: tuple
    photograph: str
    size: tuple[int, int] | None  # width, height
    embedded: bool


def is_labelme(said: object) -> bool:
    """Say whether what a JSON file holds is labelme's.

    >>> is_labelme({"shapes": [], "imagePath": "a.jpg"}), is_labelme({"images": []})
    (True, False)
    """
    return isinstance(said, dict) and isinstance(said.get("shapes"), list) and "imagePath" in said


def loaded(path: Path) -> object:
    """Return what a JSON file holds. Raises ValueError, naming it, if it cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.json").write_text("[1]")
    ...     loaded(Path(folder, "a.json"))
    [1]
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST // 2**20} MB")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"Expected JSON in {shown(path)} ({line(error)}).") from None


def drawing(said: dict, path: Path) -> Drawing:
    """Return what one of labelme's files says. Raises ValueError, naming the file, for shapes that cannot be drawn.

    >>> shape = {"label": "cat", "shape_type": "polygon", "points": [[0, 0], [4, 0], [4, 4]]}
    >>> drawing({"shapes": [shape], "imagePath": "a.jpg", "imageHeight": 9, "imageWidth": 8}, Path("a.json")).size
    (8, 9)
    """
    shapes = []
    for number, shape in enumerate(said["shapes"], start=1):
        try:
            kind = shape.get("shape_type") or "polygon"
            points = [(float(x), float(y)) for x, y in shape["points"]]
            shapes.append((str(shape["label"]), kind, points, shape.get("mask")))
            fits = all(math.isfinite(each) and abs(each) < 1e5 for point in points for each in point)
            least = {"polygon": 3, "point": 1}.get(kind, 2)
            if kind not in _KINDS or not fits or len(points) < least:
                raise ValueError(f"{kind} of {len(points)} points")
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            known = ", ".join(_KINDS)
            raise ValueError(
                f"Shape {number} of {shown(path)} cannot be drawn ({line(error)}); known are {known}."
            ) from None
    sides = said.get("imageWidth"), said.get("imageHeight")
    size = sides if all(isinstance(side, int) and side > 0 for side in sides) else None
    if size and size[0] * size[1] > Image.MAX_IMAGE_PIXELS:
        raise ValueError(f"{shown(path)} is for a picture of {size[0]}x{size[1]} pixels: too large.")
    return Drawing(tuple(shapes), str(said["imagePath"]).replace("\\", "/"), size, bool(said.get("imageData")))


def photograph(path: Path) -> bytes:
    """Return the photograph that lies in one of labelme's files. Raises ValueError, naming it, where there is none.

    >>> photograph(Path("/nowhere/a.json"))
    Traceback (most recent call last):
    ValueError: Expected JSON in /nowhere/a.json ([Errno 2] No such file or directory: '/nowhere/a.json').
    """
    said = loaded(path)
    try:
        return base64.b64decode(said["imageData"], validate=False)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"Expected a photograph in imageData of {shown(path)} ({line(error)}).") from None


def drawn(shapes: tuple, labels: dict[str, int], size: tuple[int, int]) -> np.ndarray:
    """Return the label map (H, W) uint8 of shapes, later ones over earlier ones, 0 where there is none.

    Drawn as labelme draws it; `size` is (width, height).
    Source: labelme, utils/shape.py (shape_to_mask, shapes_to_label).

    >>> drawn((("cat", "rectangle", [(3, 1), (2, 0)], None),), {"cat": 1}, (4, 2)).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    picture = Image.new("L", size, 0)
    draw = ImageDraw.Draw(picture)
    for label, kind, points, mask in shapes:
        value = labels[label]
        if kind == "mask":
            _paste(picture, points, mask, value)
        elif kind == "rectangle":
            draw.rectangle([*map(min, *points[:2]), *map(max, *points[:2])], fill=value, outline=value)
        elif kind == "circle":
            _disk(draw, points[0], math.dist(*points[:2]), value)
        elif kind == "point":
            _disk(draw, points[0], _RADIUS, value)
        elif kind in ("line", "linestrip"):
            draw.line(points, fill=value, width=_WIDTH)
        else:
            draw.polygon(points, fill=value, outline=value)
    return np.array(picture)


def _disk(draw: ImageDraw.ImageDraw, center: tuple[float, float], radius: float, value: int) -> None:
    x, y = center
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=value, outline=value)


def _paste(picture: Image.Image, points: list, mask: str, value: int) -> None:
    """Paint a brush's mask, a picture of its own whose first pixel lies at the first point."""
    try:
        stamp = Image.open(io.BytesIO(base64.b64decode(mask))).convert("L").point(lambda level: 255 * (level > 0))
        picture.paste(value, tuple(int(each) for each in points[0]), stamp)
    except Exception as error:  # Pillow's formats raise all kinds
        raise ValueError(f"a shape of the kind mask cannot be read ({line(error)})") from None
