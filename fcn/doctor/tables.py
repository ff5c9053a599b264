"""The small text files that annotation tools write: names of classes, their colors, lists of a split."""

import csv
import json
import re
from pathlib import Path

from fcn.doctor.faults import line, shown

NAMES = ("class_names.txt", "classes.txt", "codes.txt", "labels.txt", "names.txt")
_LARGEST = 4 * 2**20  # bytes of a text file that is read
_VOIDS = {"void", "ignore", "ignored", "unlabelled", "unlabeled", "dontcare"}


def is_void(name: str) -> bool:
    """Say whether a class's name means that its pixels are not to be learned.

    >>> is_void("__ignore__"), is_void("Void"), is_void("background")
    (True, True, False)
    """
    return "".join(filter(str.isalnum, name.lower())) in _VOIDS


def text(path: Path) -> str:
    """Return what a small text file says, in UTF-8 or, failing that, in Latin-1.

    Raises ValueError, naming it, for one that cannot be read, is larger than 4 MB or holds bytes of no text.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "codes.txt").write_text("sky")
    ...     text(Path(folder, "codes.txt"))
    'sky'
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"Expected a small text file in {shown(path)}; it has {path.stat().st_size:,} bytes.")
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{shown(path)} cannot be read ({line(error)}).") from None
    if b"\0" in data:
        raise ValueError(f"Expected a text in {shown(path)}; got other bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def names(path: Path) -> list[str]:
    """Return the names of classes from a file that holds one a line, the labels 0, 1, 2 and so on.

    labelme's labels.txt begins with __ignore__, whose label is -1: it is left out. Raises ValueError for none at all.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "labels.txt").write_text("__ignore__\\n_background_\\ncat\\n")
    ...     names(Path(folder, "labels.txt"))
    ['_background_', 'cat']
    """
    found = [words.strip() for words in text(path).splitlines() if words.strip()]
    if found[:1] == ["__ignore__"]:
        found = found[1:]
    return _checked(found, path)


def colors(path: Path) -> list[tuple[str, tuple[int, int, int]]]:
    """Return (name, (red, green, blue)) of each class, from class_dict.csv (name,r,g,b) or CVAT's labelmap.txt.

    Raises ValueError, naming the line, for what is neither.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "labelmap.txt").write_text("# label:color_rgb:parts:actions\\ncat:250,50,83::\\n")
    ...     colors(Path(folder, "labelmap.txt"))
    [('cat', (250, 50, 83))]
    """
    found = []
    for number, words in enumerate(text(path).splitlines(), start=1):
        if not words.strip() or words.startswith("#"):
            continue
        if path.suffix.lower() == ".csv":
            name, *values = next(csv.reader([words])) if '"' in words else words.split(",")
        else:
            name, _, rest = words.partition(":")
            values = rest.split(":")[0].split(",")
        values = [value.strip() for value in values[:3]]
        if number == 1 and [value.lower() for value in values] == ["r", "g", "b"]:
            continue
        if len(values) != 3 or not all(re.fullmatch(r"[0-9]{1,3}", each) and int(each) < 256 for each in values):
            form = "name,r,g,b" if path.suffix.lower() == ".csv" else "label:r,g,b::"
            raise ValueError(f"Expected {form} in line {number} of {shown(path)}; got {shown(words[:60])!r}.")
        found.append((name.strip(), tuple(map(int, values))))
    _checked([name for name, _ in found], path)
    doubled = [name for place, (name, color) in enumerate(found) if color in [each for _, each in found[:place]]]
    if doubled:
        raise ValueError(f"Expected a color of its own for each class in {shown(path)}; not so {shown(doubled[0])}.")
    return found


def numbered(path: Path) -> list[str]:
    """Return the names of the labels 0, 1, 2 and so on from id2label.json; what it leaves out is "class N".

    Raises ValueError for anything else.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "id2label.json").write_text('{"0": "wall", "2": "sky"}')
    ...     numbered(Path(folder, "id2label.json"))
    ['wall', 'class 1', 'sky']
    """
    try:
        said = json.loads(text(path))
        table = {int(key): str(value) for key, value in said.items()}
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f'Expected {{"0": "name", ...}} in {shown(path)} ({line(error)}).') from None
    return _filled(table, path)


def described(path: Path) -> tuple[list[str], str]:
    """Return the names and the folder of masks ("masks" where it names none) from Ultralytics' dataset.yaml.

    Raises ValueError for what is no such file, and without PyYAML.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "dataset.yaml").write_text("names:\\n  0: sky\\n  1: road\\nmasks_dir: masks\\n")
    ...     described(Path(folder, "dataset.yaml"))
    (['sky', 'road'], 'masks')
    """
    try:
        import yaml
    except ImportError:
        raise ValueError(f"{shown(path)} is not read: that needs PyYAML. pip install pyyaml") from None
    try:
        said = yaml.safe_load(text(path))
        given, masks = said["names"], said.get("masks_dir") or "masks"
        table = dict(enumerate(given)) if isinstance(given, list) else {int(key): given[key] for key in given}
        last = str(masks).replace("\\", "/").rstrip("/").rsplit("/")[-1].lower()
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"Expected names: and masks_dir: in {shown(path)} ({line(error)}).") from None
    return _filled({key: str(value) for key, value in table.items()}, path), last


def listed(path: Path) -> list[str]:
    """Return the pictures that a list of a split names, one a line, a mask's behind it ignored; "/" between folders.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "val.txt").write_text("images/a 1.png\\nb.png masks/b.png\\n")
    ...     listed(Path(folder, "val.txt"))
    ['images/a 1.png', 'b.png']
    """
    lines = [words.strip().replace("\\", "/") for words in text(path).splitlines() if words.strip()]
    two = re.compile(r"(\S+\.\w{3,4})\s+\S+\.\w{3,4}")
    return [match.group(1) if (match := two.fullmatch(words)) else words for words in lines]


def _filled(table: dict[int, str], path: Path) -> list[str]:
    if not table or min(table) < 0 or max(table) > 255:
        raise ValueError(f"Expected labels from 0 to 255 in {shown(path)}; got {shown(sorted(table)[:3])}.")
    return _checked([table.get(label, f"class {label}") for label in range(max(table) + 1)], path)


def _checked(found: list[str], path: Path) -> list[str]:
    doubled = [name for place, name in enumerate(found) if name in found[:place] or not name]
    if not found or doubled or len(found) > 256:
        wrong = f"{shown(doubled[0])!r} twice" if doubled else f"{len(found)} names"
        raise ValueError(f"Expected 1 to 256 different names of classes in {shown(path)}; got {wrong}.")
    return found
