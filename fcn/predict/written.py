"""What is written of one photograph: a mask, an overlay, probabilities, counts. K classes, H height, W width."""

import contextlib
import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from fcn.files import write_whole

ASIDE = ".fcn-part"  # as in fcn.files: how a file ends that is being written
_QUALITY = 90  # of JPEG


def as_png(labels: np.ndarray, table: np.ndarray) -> bytes:
    """Return a PNG file whose values are the labels (H, W) uint8, shown in the colors of the table (256, 3) uint8.

    >>> data = as_png(np.array([[0, 1]], dtype=np.uint8), np.zeros((256, 3), dtype=np.uint8))
    >>> np.array(Image.open(io.BytesIO(data))).tolist()
    [[0, 1]]
    """
    mask, data = Image.fromarray(labels), io.BytesIO()
    mask.putpalette(table.tobytes())
    mask.save(data, "PNG")
    return data.getvalue()


def as_overlay(shown: np.ndarray, labels: np.ndarray, table: np.ndarray, bare: int | None = None) -> bytes:
    """Return a JPEG file: half the photograph (H, W, 3) uint8, half the colors of its labels (H, W) uint8.

    Where the label is `bare`, the photograph is as it was. The photograph's array is used up: its memory becomes the
    overlay's.

    >>> black = np.zeros((1, 1, 3), dtype=np.uint8)
    >>> as_overlay(black, black[..., 0], np.full((256, 3), 200, dtype=np.uint8))[:3]
    b'\\xff\\xd8\\xff'
    """
    data, halves = io.BytesIO(), table // 2
    for row, its_labels in zip(shown, labels, strict=True):  # a picture of colors would be a second photograph
        tinted = row // 2 + halves[its_labels]
        row[...] = tinted if bare is None else np.where((its_labels == bare)[:, None], row, tinted)
    Image.fromarray(shown).save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()


@contextlib.contextmanager
def probabilities_to(path: Path, shape: tuple[int, int, int]) -> Iterator[Callable[[slice, slice, Tensor], None]]:
    """Give what writes the probabilities of logits (K, h, w) to their rows and columns in a .npy file (K, H, W).

    They are float16. The file is written aside and renamed at the end, unless something was raised until then; by
    writes, not through mapped memory: there a full disk would end the process. Raises OSError, naming the file.

    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with probabilities_to(Path(folder, "p.npy"), (2, 1, 3)) as write:
    ...         write(slice(0, 1), slice(0, 3), torch.zeros(2, 1, 3))
    ...     np.load(Path(folder, "p.npy")).tolist()
    [[[0.5, 0.5, 0.5]], [[0.5, 0.5, 0.5]]]
    """
    write_whole(path, None)  # tells whether it can be done, and sweeps what a killed run left
    aside = path.with_name(f".{path.name}.{os.getpid()}{ASIDE}")
    try:
        with aside.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            begin, (_, height, width) = file.tell(), shape

            def write(rows: slice, columns: slice, logits: Tensor) -> None:
                values = logits.float().softmax(dim=0).half().cpu().numpy().astype("<f2", copy=False)
                wide = values.shape[2] == width  # then the rows of a class lie one behind the other
                for index, each in enumerate(values):
                    for row, part in enumerate(each[None] if wide else each, start=rows.start):
                        file.seek(begin + 2 * ((index * height + row) * width + columns.start))
                        file.write(part.tobytes())

            yield write
        os.replace(aside, path)
    except OSError as error:
        raise type(error)(
            error.errno, f"{path} could not be written ({error.strerror}); what stood there still does"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def as_csv(head: Sequence, rows: Sequence[Sequence]) -> bytes:
    """Return a table as the bytes of a CSV file, UTF-8.

    >>> as_csv(["photograph", "road"], [["a, b.jpg", 7]])
    b'photograph,road\\n"a, b.jpg",7\\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode("utf-8", "surrogateescape")  # a file's name need not be UTF-8
