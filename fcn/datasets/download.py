"""Fetch files of a GitHub repository at one commit, each checked; what is there already is not asked for again."""

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

from tqdm.auto import tqdm

from fcn.expect import that

_AT_ONCE, _TRIES, _PATIENCE = 8, 3, 30  # requests, tries a file, seconds


class Unreachable(OSError):
    """A host that does not answer, or not with what was asked for."""


def listed(address: str, folder: str) -> dict[str, str]:
    """Return {path below `folder`: git's checksum of the file} of a listing as GitHub's API gives it ("trees").

    Raises Unreachable if the host does not answer, ValueError if it answers with something else.

    >>> listed("http://localhost:9/none", "CamVid")
    Traceback (most recent call last):
    fcn.datasets.download.Unreachable: http://localhost:9/none (<urlopen error [Errno 111] Connection refused>)
    """
    try:
        answer = json.loads(_fetched(address))
        below = [entry for entry in answer["tree"] if entry["type"] == "blob"]
        whole = answer["truncated"] is False
        found = {entry["path"]: entry["sha"] for entry in below if entry["path"].startswith(f"{folder}/")}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"Expected a list of files from {address}; got something else.") from None
    that(whole and found, f"a whole list with files below {folder} from {address}", len(found))
    return {path.removeprefix(f"{folder}/"): checksum for path, checksum in found.items()}


def contents(files: Mapping[str, str]) -> str:
    """Return one checksum (sha256) of the names and checksums of files.

    >>> contents({"b": "2", "a": "1"}) == contents({"a": "1", "b": "2"})
    True
    """
    lines = "".join(f"{checksum} {path}\n" for path, checksum in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def blob_id(data: bytes) -> str:
    """Return git's checksum of a file (sha1 of its length and contents).

    >>> blob_id(b"hello")
    'b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0'
    """
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def fetch(source: str, files: Mapping[str, str], root: Path) -> None:
    """Bring files {path: git's checksum} from below the address `source` into the folder `root`.

    A file that is there with the right contents is left alone, so a download that was stopped goes on where it was.
    Each file is written aside and renamed when it is whole. Raises ValueError, before anything is written, for a path
    that leads out of `root`; Unreachable if the host does not answer, or sends something else three times.

    >>> fetch("http://localhost:9", {}, Path("."))
    """
    root = Path(root).resolve()
    for path in files:
        inside = (root / path).resolve().is_relative_to(root) and "\\" not in path
        that(inside, f"paths that stay in {root}", path, "Nothing was fetched.")
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        waiting = [pool.submit(_bring, source, path, checksum, root) for path, checksum in files.items()]
        for done in tqdm(waiting, desc=root.name, unit="file", disable=not files):
            done.result()
    finally:  # also when the reader stops it: what waits is not begun
        pool.shutdown(cancel_futures=True)


def _bring(source: str, path: str, checksum: str, root: Path) -> None:
    target = root / path
    if target.is_file() and blob_id(target.read_bytes()) == checksum:
        return
    address = f"{source}/{quote(path)}"
    for _ in range(_TRIES):
        data = _fetched(address)
        if blob_id(data) == checksum:
            break
    else:
        raise Unreachable(f"{address} (its contents are not those of the commit, {_TRIES} times)")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    aside.write_bytes(data)
    aside.replace(target)


def _fetched(address: str) -> bytes:
    request = Request(address, headers={"User-Agent": "fcn-book"})
    for trial in range(_TRIES):
        try:
            with urlopen(request, timeout=_PATIENCE) as answer:
                return answer.read()
        except (OSError, HTTPException) as error:
            if trial == _TRIES - 1:
                raise Unreachable(f"{address} ({error})") from None
    raise Unreachable(address)
