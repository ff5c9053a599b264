"""Photographs and masks in shards: a few large tar files, for data that outgrow a disk. H height, W width.

A file system is slow with a million small files, and a host with a million requests for whole ones. A shard is a tar
file as the library webdataset has them: the files of a pair in a row, NAME.jpg and NAME.mask.png. Beside the shards
lies index.json, which says where in its shard each pair begins. So an item of any number is one read, from a disk or
from a host, and fit takes shards as it takes every data set: what comes when is still a function of (seed, step).
"""

import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from fcn.expect import labels, that
from fcn.files import write_whole

INDEX, MASK = "index.json", "mask.png"
_OF_PAIRS = ("starts", "lengths", "crc32")  # what the index says of each pair: bytes, and a checksum of them
PICTURES = ("jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp")
_TRIES, _PATIENCE = 3, 30  # requests an item, seconds without an answer
_PARTIAL = 206  # what a host answers that sends a part of a file


class Shards(Dataset):
    """Pairs that lie in shards: data[i] is (image (3, H, W) uint8, mask (H, W) uint8, 255 for void).

    `where` is the folder that write_shards or index_shards has left, or its address on a host that sends parts of
    files (http or https; most that serve files do, Python's own http.server does not). There an item costs a request,
    so let fit read with several `workers`. `classes` are the names of the labels.

    Raises FileNotFoundError without an index, and for a shard that it names and that is not there; ValueError for a
    damaged index, for a shard of another size than it says, and, on the way, for a pair that is not what was written;
    OSError if a host does not answer, or sends whole files.
    """

    def __init__(self, where: str | Path):
        self.where = str(where).rstrip("/")
        self._remote = re.match(r"https?://", self.where) is not None
        index = _read_index(f"{self.where}/{INDEX}", self._remote)
        self.classes, self._mask = tuple(index["classes"]), index["mask"]
        shards = index["shardlist"]
        self._names, self._ends = (
            [shard["url"] for shard in shards],
            np.cumsum([shard["nsamples"] for shard in shards]),
        )
        self._starts, self._lengths, self._checksums = (
            np.concatenate([np.array(shard[name], np.int64) for shard in shards]) for name in _OF_PAIRS
        )
        for shard in () if self._remote else shards:
            self._look_at(Path(self.where, shard["url"]), shard["filesize"])

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a pair. Raises ValueError, naming its shard, if it is not what was written."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"Expected an index below {len(self)}; got {index}.")
        index %= len(self)
        shard = f"{self.where}/{self._names[int(np.searchsorted(self._ends, index, side='right'))]}"
        start, length = int(self._starts[index]), int(self._lengths[index])
        content = _of_address(shard, start, length) if self._remote else _of_file(shard, start, length)
        fits, advice = (
            zlib.crc32(content) == self._checksums[index],
            "Copy the shard anew, or write the shards again.",
        )
        that(fits, f"item {index} in {shard}, from byte {start}, as it was written", "other bytes", advice)
        (_, _, files) = next(_samples(io.BytesIO(content), shard))
        return _decoded(files, self._mask, shard)

    def _look_at(self, path: Path, size: int) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"There is no {path}, a shard that {self.where}/{INDEX} names: copy it there.")
        there = path.stat().st_size
        that(there == size, f"{size} bytes in {path}, as {INDEX} says", there, "Copy the shard anew.")


def index_shards(shards: Iterable[str | Path], *, classes: Sequence[str], mask: str = MASK) -> Shards:
    """Write the index of shards that lie in one folder, whoever wrote them, beside them; return them as a data set.

    A pair is the files of one name in a row: of the two that count one ends in `mask`, such as "mask.png" or
    "seg.png", the other is a photograph. Each pair is read once. Raises ValueError, naming the shard, for pairs that
    are none, damaged or compressed shards, and labels that are neither a class nor 255.

    >>> index_shards([], classes=["background"])
    Traceback (most recent call last):
    ValueError: Expected one shard or more, all in one folder; got [].
    """
    paths = [Path(shard) for shard in shards]
    folders = {path.parent for path in paths}
    that(len(folders) == 1, "one shard or more, all in one folder", sorted(map(str, folders)))
    found = [_indexed(path, len(classes), mask) for path in sorted(paths)]
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "classes": list(classes), "mask": mask}
    write_whole(folders.pop() / INDEX, json.dumps(index | {"shardlist": found}).encode())
    return Shards(paths[0].parent)


def _indexed(path: Path, classes: int, mask: str) -> dict:
    """Return what the index says of a shard."""
    of_pairs = {name: [] for name in _OF_PAIRS}
    with path.open("rb") as file, path.open("rb") as again:
        for start, length, files in _samples(file, str(path)):
            labels(_decoded(files, mask, str(path))[1], classes, name=f"label in {path}, from byte {start},")
            again.seek(start)
            for values, value in zip(of_pairs.values(), (start, length, zlib.crc32(again.read(length))), strict=True):
                values.append(value)
    that(of_pairs["starts"], f"pairs in {path}", "none")
    return {"url": path.name, "nsamples": len(of_pairs["starts"]), "filesize": path.stat().st_size, **of_pairs}


def _samples(file: BinaryIO, name: str) -> Iterator[tuple[int, int, dict[str, bytes]]]:
    """Yield (first byte, number of bytes, {ending: contents}) of the files of each name in a tar file, or a part."""
    key, start, stop, files = None, 0, 0, {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                stem, _, ending = Path(member.name).name.partition(".")
                if not member.isreg() or not ending:
                    continue
                if (this := str(Path(member.name).with_name(stem))) != key and files:
                    yield start, stop - start, files
                start, files = (start, files) if this == key else (member.offset, {})
                key, files[ending.lower()] = this, tar.extractfile(member).read()
                stop = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                tar.members = []  # or it keeps all that it has seen
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(
            f"Expected a tar file, not compressed, in {name}; it is damaged or none ({error})."
        ) from None
    if files:
        yield start, stop - start, files


def _decoded(files: dict[str, bytes], mask: str, name: str) -> tuple[Tensor, Tensor]:
    photographs = [ending for ending in files if ending != mask and ending in PICTURES]
    fits = len(photographs) == 1 and mask in files
    that(fits, f"a photograph and NAME.{mask} in each pair of {name}", sorted(files), "Name the masks: mask=...")
    image, labelled = picture(files[photographs[0]], "RGB", name), picture(files[mask], None, name)
    that(labelled.shape == image.shape[1:], f"masks as large as their photographs in {name}", labelled)
    return image, labelled


def picture(content: bytes, mode: str | None, name: str) -> Tensor:
    """Return a photograph (3, H, W), of the mode "RGB", or, without a mode, a mask (H, W), both uint8.

    Raises ValueError, with this name, for a file that is no whole picture, and for a mask of several channels.

    >>> memory = io.BytesIO()
    >>> Image.new("L", (6, 4)).save(memory, "PNG")
    >>> picture(memory.getvalue(), None, "a mask").shape
    torch.Size([4, 6])
    """
    try:
        with Image.open(io.BytesIO(content)) as opened:
            form, values = opened.mode, np.array(opened.convert(mode) if mode else opened, np.uint8)
    except Exception as error:  # Pillow's formats raise all kinds
        said = " ".join(str(error).split())
        raise ValueError(f"Expected whole pictures in {name}; one cannot be read ({said}).") from None
    that(mode or form in ("L", "P", "1"), f"masks of one channel of 8 bits in {name}", form)
    values = torch.from_numpy(values)
    return values.permute(2, 0, 1).contiguous() if mode else values


def _read_index(where: str, remote: bool) -> dict:
    """Return what an index says, if it is one."""
    if not remote and not Path(where).is_file():
        advice = "write_shards writes it last, so it was stopped: begin anew. For others' shards: index_shards."
        raise FileNotFoundError(f"There is no {where}. {advice}")
    try:
        index = json.loads(_of_address(where) if remote else Path(where).read_bytes())
        shards = index["shardlist"]
        fits = isinstance(index["mask"], str) and all(isinstance(name, str) for name in index["classes"]) and shards
        for shard in shards:
            numbers = [np.array(shard[name], np.int64) for name in _OF_PAIRS]
            fits = fits and all(each.shape == (shard["nsamples"],) and (each >= 0).all() for each in numbers)
            fits = fits and Path(shard["url"]).name == shard["url"] and shard["filesize"] > 0
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        fits = False
    advice = "Fetch it anew, or make it: fcn.datasets.shards.index_shards."
    that(fits, f"an index of shards, made by write_shards or index_shards, in {where}", "another file", advice)
    return index


def _of_file(path: str, start: int, length: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(length)


def _of_address(address: str, start: int = 0, length: int | None = None) -> bytes:
    """Return what an address holds, or a part of it. A host that says no (4xx) is not asked again."""
    headers = {"User-Agent": "fcn-book"} | (
        {} if length is None else {"Range": f"bytes={start}-{start + length - 1}"}
    )
    said = ""
    for _ in range(_TRIES):
        try:
            with urlopen(Request(quote(address, safe=":/%?&="), headers=headers), timeout=_PATIENCE) as answer:
                if length is not None and answer.status != _PARTIAL:
                    raise OSError(f"{address} comes from a host that sends whole files, not parts: fetch the shards.")
                content = answer.read()
                if length in (None, len(content)):
                    return content
                said = f"{len(content)} of {length} bytes came"
        except (HTTPError, URLError, HTTPException, TimeoutError, ConnectionError) as error:
            said = " ".join(str(error).split())
            if isinstance(error, HTTPError) and error.code < 500:
                break
    raise OSError(f"{address} cannot be fetched ({said}).")
