"""Pack a data set into shards: see shards.py. H height, W width."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Subset

from fcn.datasets.memory import pair
from fcn.datasets.shards import MASK, PICTURES, Shards, index_shards, picture
from fcn.expect import labels, positive, sizes, that
from fcn.files import write_whole


def write_shards(
    data: Dataset, folder: str | Path, *, classes: Sequence[str] | None = None, megabytes: float = 128
) -> Shards:  # fmt: skip
    """Write a data set of pairs (image (3, H, W) uint8, mask (H, W)) as shards into a new folder; return them.

    Files go in as they are, byte for byte, where the data set says which they are (data.files, as Pairs does) and
    they hold just what data[i] gives; everything else as PNG, without loss. A shard is closed when it holds
    `megabytes`, which is also the memory that this takes. Each pair is checked. `classes` are the names of the
    labels, by default data.classes.

    The index is written last, and every file whole or not at all: a folder without one is not finished. Raises
    FileExistsError if there is something in the folder; ValueError for pairs that are none and labels that are
    neither a class nor 255; OSError if a file cannot be written; ImportError without the library webdataset.

    >>> import tempfile
    >>> data = [(torch.zeros(3, 4, 4, dtype=torch.uint8), torch.eye(4, dtype=torch.uint8))] * 3
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shards = write_shards(data, f"{folder}/shards", classes=["background", "line"])
    ...     len(shards), shards[2][1].sum().item()
    (3, 4)
    """
    from webdataset import TarWriter  # here, not above: it takes as long to import as torch

    folder, most = Path(folder), positive(megabytes, "megabytes") * 1e6
    names = classes if classes is not None else getattr(data, "classes", None)
    that(names is not None and len(data) > 0, "pairs, and names of their classes", data, "Name them: classes=[...].")
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        raise FileExistsError(f"{folder} is not empty ({left.name} is there): name a new folder, or empty it.")
    index, shards = 0, []
    while index < len(data):
        memory = io.BytesIO()
        writer = TarWriter(memory, encoder=False, mtime=0)  # the same pairs are the same bytes
        while index < len(data) and memory.tell() < most:
            writer.write(_sample(data, index, len(names)))
            index += 1
        writer.close()
        path = folder / f"{len(shards):06d}.tar"
        write_whole(path, memory.getbuffer())
        shards.append(path)
    return index_shards(shards, classes=names)


def _sample(data: Dataset, index: int, classes: int) -> dict[str, str | bytes]:
    """Return a pair as webdataset writes it: its name, and the contents of its files."""
    image, mask = pair(data[index], index)
    _, *size = sizes(image, "3 H W", "byte", name=f"the photograph of item {index}")
    that(list(mask.shape) == size, f"a mask as large as the photograph of item {index}, {tuple(size)}", mask)
    mask = labels(mask, classes, name=f"label of item {index}").to(torch.uint8)
    photograph, labelled = _files(data, index)
    ending = photograph.suffix.lower().removeprefix(".") if photograph else ""
    known = re.sub(r"[^\w-]", "_", photograph.stem).encode()[:60].decode(errors="ignore") if photograph else ""
    content = _as_it_is(photograph, image, "RGB") if ending in PICTURES else None
    drawn = _as_it_is(labelled, mask, None) if labelled and labelled.suffix.lower() == ".png" else None
    return {
        "__key__": f"{index:08d}{'-' * bool(known)}{known}",
        ending if content else "png": content or _png(image.permute(1, 2, 0)), MASK: drawn or _png(mask),
    }  # fmt: skip


def _files(data: Dataset, index: int) -> tuple[Path | None, Path | None]:
    """Return the files that an item comes from, if the data set says which they are."""
    if isinstance(data, Subset):
        return _files(data.dataset, data.indices[index])
    return tuple(map(Path, data.files[index])) if hasattr(data, "files") else (None, None)


def _as_it_is(path: Path, expected: Tensor, mode: str | None) -> bytes | None:
    """Return the contents of a file if that is what it shows without more ado: not turned, renumbered or drawn."""
    content = path.read_bytes()
    try:
        return content if torch.equal(picture(content, mode, str(path)), expected) else None
    except ValueError:
        return None


def _png(values: Tensor) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(values.numpy()).save(memory, "PNG")
    return memory.getvalue()
