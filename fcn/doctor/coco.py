"""COCO's JSON: outlines of things, made into label maps by pycocotools. H height, W width."""

import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from fcn.doctor.faults import line, shown

BACKGROUND = "background"
_FARTHEST = 1e5  # pixels from the first one


@dataclass(frozen=True)
class Outlined:
    """What a file of COCO's says of one photograph: its name and size, (category, outline) of each thing in it."""

    photograph: str
    size: tuple[int, int]  # width, height
    things: tuple[tuple[int | str, object], ...]  # the large ones first, so that the small stay on top


def is_coco(said: object) -> bool:
    """Say whether what a JSON file holds is COCO's.

    >>> is_coco({"images": [], "annotations": [], "categories": []}), is_coco({"shapes": []})
    (True, False)
    """
    return isinstance(said, dict) and all(
        isinstance(said.get(k), list) for k in ("images", "annotations", "categories")
    )


def installed() -> bool:
    """Say whether pycocotools is there.

    >>> installed() in (True, False)
    True
    """
    return find_spec("pycocotools") is not None


def outlined(said: dict, path: Path) -> tuple[dict[int, str], list[Outlined]]:
    """Return the names of the categories by their numbers, and what is said of each photograph.

    Raises ValueError, naming the file, for what lacks something.

    >>> said = {"images": [{"id": 5, "file_name": "a.jpg", "width": 4, "height": 3}], "annotations": [],
    ...         "categories": [{"id": 1, "name": "cat"}]}
    >>> outlined(said, Path("a.json"))
    ({1: 'cat'}, [Outlined(photograph='a.jpg', size=(4, 3), things=())])
    """
    try:
        names = {int(each["id"]): str(each["name"]) for each in said["categories"]}
        things = {each["id"]: [] for each in said["images"]}
        for each in said["annotations"]:
            if each["category_id"] not in names:
                raise ValueError(
                    f"annotation {each.get('id')} is of category {each['category_id']}, which is not there"
                )
            if each.get("segmentation"):
                area = float(each.get("area") or 0)
                things[each["image_id"]].append((area, int(each["category_id"]), each["segmentation"]))
        found = []
        for each in said["images"]:
            size = int(each["width"]), int(each["height"])
            if min(size) < 1 or size[0] * size[1] > Image.MAX_IMAGE_PIXELS:
                raise ValueError(f"a photograph of {size[0]}x{size[1]} pixels")
            ordered = sorted(things[each["id"]], key=lambda thing: -thing[0])
            parts = tuple((category, outline) for _, category, outline in ordered)
            found.append(Outlined(str(each["file_name"]).replace("\\", "/"), size, parts))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"{shown(path)} is not as COCO's files are ({type(error).__name__}: {line(error)})."
        ) from None
    return names, found


def drawn(about: Outlined, labels: dict) -> np.ndarray:
    """Return the label map (H, W) uint8 of a photograph's things, 0 where there is none.

    Raises ValueError, in one line, for an outline that is none, and without pycocotools.

    >>> square = [[1, 0, 3, 0, 3, 2, 1, 2]]
    >>> int(drawn(Outlined("a.jpg", (4, 3), ((7, square),)), {7: 1}).sum()) if installed() else 4
    4
    """
    width, height = about.size
    result = np.zeros((height, width), dtype=np.uint8)
    for category, outline in about.things:
        result[_decoded(outline, height, width) != 0] = labels[category]
    return result


def _decoded(outline: object, height: int, width: int) -> np.ndarray:
    try:
        if isinstance(outline, list):
            runs = _runs(_of_polygons(outline, height, width))
        elif list(outline["size"]) != [height, width]:
            raise ValueError(f"a run-length mask of size {outline['size']}")
        else:
            runs = outline["counts"] if isinstance(outline["counts"], list) else _runs(outline["counts"].encode())
        if sum(runs) != height * width or min(runs) < 0:
            raise ValueError("run lengths that do not fill the picture")
        return np.repeat(np.arange(len(runs)) % 2, runs).reshape(width, height).T
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        raise ValueError(f"an outline cannot be drawn ({line(error)})") from None


def _of_polygons(outline: list, height: int, width: int) -> bytes:
    from pycocotools import mask  # only here: it is no dependency of this package

    polygons = [[float(each) for each in polygon] for polygon in outline]
    if any(len(each) < 6 or len(each) % 2 for each in polygons):
        raise ValueError("a polygon of fewer than 3 points")
    if not all(math.isfinite(each) and abs(each) < _FARTHEST for polygon in polygons for each in polygon):
        raise ValueError("a point beyond all pictures")
    return mask.merge(mask.frPyObjects(polygons, height, width))["counts"]


def _runs(told: bytes) -> list[int]:
    """Return the lengths of runs from COCO's compressed form; pycocotools' own decoder warns of NumPy 2.

    Five bits a letter, the low ones first, a sixth that says whether more follow; from the fourth number on, the
    difference to the one before the last.
    Source: cocoapi, common/maskApi.c, rleFrString.
    """
    runs, place = [], 0
    while place < len(told):
        number, shift, more = 0, 0, True
        while more:
            letter = told[place] - 48
            if shift > 60:
                raise ValueError("a run length beyond all pictures")
            number |= (letter & 0x1F) << shift
            more, place, shift = bool(letter & 0x20), place + 1, shift + 5
        if letter & 0x10:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
    return runs
