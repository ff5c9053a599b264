"""Fetch files of a GitHub repository at one commit, each checked; what is there already is not asked for again."""

import hashlib
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from threading import Event
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tqdm.auto import tqdm

from fcn.expect import that
from fcn.files import write_whole

_AT_ONCE, _TRIES, _PATIENCE = 8, 3, 30  # requests, tries a file, seconds without an answer
_LONGEST, _LARGEST, _CHUNK = 300, 50_000_000, 65536  # seconds and bytes a file, bytes at a time
_LIMITED, _WAIT, _MOST_WAIT = (403, 429), 5, 60  # what a host that limits requests says, and seconds to wait for it


class Unreachable(OSError):
    """A host that does not answer, or not with what was asked for."""


def listed(address: str, folder: str) -> dict[str, str]:
    """Return {path below `folder`: git's checksum of the file} of a listing as GitHub's API gives it ("trees").

    Raises Unreachable if the host does not answer, or with something else.

    >>> listed("http://localhost:9/none", "CamVid")
    Traceback (most recent call last):
    fcn.datasets.download.Unreachable: http://localhost:9/none (<urlopen error [Errno 111] Connection refused>)
    """
    try:
        answer = json.loads(_fetched(address))
        below = [entry for entry in answer["tree"] if entry["type"] == "blob"]
        whole = answer["truncated"] is False
        found = {entry["path"]: entry["sha"] for entry in below if entry["path"].startswith(f"{folder}/")}
        fits = whole and found and all(isinstance(checksum, str) for checksum in found.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise Unreachable(f"{address} (it sent something else than the whole list of files below {folder})")
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
    that leads out of `root`, and if a file there has other contents; Unreachable if the host does not answer, or
    sends something else three times.

    >>> fetch("http://localhost:9", {}, Path("."))
    """
    root = Path(root).resolve()
    missing = [path for path, checksum in files.items() if not _there(root, path, checksum)]
    pool, stop = ThreadPoolExecutor(_AT_ONCE), Event()
    try:
        waiting = [pool.submit(_bring, source, path, files[path], root, stop) for path in missing]
        for done in tqdm(waiting, desc=root.name, unit="file", disable=not missing):
            done.result()
    finally:  # also when the reader stops it: what runs ends with its next bytes, what waits is not begun
        stop.set()
        pool.shutdown(cancel_futures=True)


def _there(root: Path, path: str, checksum: str) -> bool:
    """Say whether a file is there already; raise ValueError if it must not be written."""
    target = root / path
    inside = target.resolve().is_relative_to(root) and "\\" not in path
    that(inside, f"paths that stay in {root}", path, "Nothing was fetched. (Is there a link to elsewhere?)")
    if not target.is_file():
        return False
    if blob_id(target.read_bytes()) != checksum:
        raise ValueError(f"{target} has other contents than the commit: move it away. Nothing was fetched.")
    return True


def _bring(source: str, path: str, checksum: str, root: Path, stop: Event) -> None:
    target, address = root / path, f"{source}/{quote(path)}"
    for _ in range(_TRIES):
        data = _fetched(address, stop)
        if blob_id(data) == checksum:
            break
    else:
        raise Unreachable(f"{address} (its contents are not those of the commit, {_TRIES} times)")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, data)


def _fetched(address: str, stop: Event | None = None) -> bytes:
    """Return what an address holds. A host that says no (4xx) is not asked again, one that limits requests later."""
    request = Request(address, headers={"User-Agent": "fcn-book"})
    said = ""
    for _ in range(_TRIES):
        try:
            with urlopen(request, timeout=_PATIENCE) as answer:
                return _read(answer, stop)
        except (OSError, HTTPException, ValueError) as error:
            said = " ".join(str(error).split())
            if not (_waited_for(error, stop) if isinstance(error, HTTPError) else not (stop and stop.is_set())):
                break
    raise Unreachable(f"{address} ({said})")


def _waited_for(error: HTTPError, stop: Event | None) -> bool:
    """Wait for a host that limits requests; say whether to ask again."""
    stop = stop or Event()
    wait = error.headers.get("Retry-After") or ("" if error.code == 403 else str(_WAIT))
    if error.code in _LIMITED and wait.isdecimal() and int(wait) <= _MOST_WAIT:
        stop.wait(int(wait))
        return not stop.is_set()
    return error.code >= 500 and not stop.is_set()


def _read(answer, stop: Event | None) -> bytes:
    parts, end = [], time.monotonic() + _LONGEST
    while part := answer.read1(_CHUNK):
        parts.append(part)
        if (stop and stop.is_set()) or time.monotonic() > end or _CHUNK + sum(map(len, parts)) > _LARGEST:
            raise TimeoutError(f"stopped after {sum(map(len, parts))} bytes")
    expected = answer.headers.get("Content-Length")
    if expected and int(expected) != sum(map(len, parts)):
        raise TimeoutError(f"cut short, {sum(map(len, parts))} of {expected} bytes")
    return b"".join(parts)
