"""The doctor: each fault of a folder is named with its file and its cure, and what can be mended is."""

import io
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import textwrap
import time
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from fcn import palette
from fcn.datasets import Pairs
from fcn.doctor import examined, fixed
from fcn.doctor.deciding import stretched
from fcn.doctor.faults import shown
from fcn.doctor.meaning import Meaning
from fcn.doctor.pictures import opened, raw

SIDE = 64


def truth(number: int = 0, values: tuple = (0, 1, 2)) -> np.ndarray:
    """Return labels (64, 80): stripes of these values, moved on by a few pixels for each number."""
    return np.array(values)[np.repeat((np.arange(80)[None] + 5 * number) // 20 % len(values), SIDE, axis=0)]


def noise(number: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(number).integers(256, size=shape, dtype=np.uint8)


def saved(path: Path, values: np.ndarray | Image.Image, **how) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = values if isinstance(values, Image.Image) else Image.fromarray(values)
    picture.save(path, **how)
    return path


def folder(root: Path, count: int = 3, values: tuple = (0, 1, 2), split: str = "", first: int = 0) -> Path:
    """Write images/ and masks/ without a fault."""
    for number in range(first, first + count):
        saved(root / "images" / split / f"{number}.png", noise(number, SIDE, 80, 3))
        saved(root / "masks" / split / f"{number}.png", truth(number, values).astype(np.uint8))
    return root


def kinds(report, level: str = "") -> list[str]:
    """Return what is found, but for the note that the labels of `folder` have no names."""
    return [fault.kind for fault in report.faults if level in ("", fault.level) and fault.kind != "unnamed"]


def fault(report, kind: str):
    found = [each for each in report.faults if each.kind == kind]
    assert found, f"{kind} is not among {kinds(report)}"
    return found[0]


def names(each) -> set[str]:
    return {path.name for path in each.files}


def beside(path: Path) -> Path:
    return path.with_name(f"{path.name}-copy")


def clean(report, out: Path):
    """Write the copy and return what was written, and the report on it: without errors."""
    done = fixed(report, out)
    again = examined(out)
    assert again.ok, again.text()
    assert again.classes == report.classes
    return done, again


# What values mean


def test_a_folder_without_faults_is_read_as_it_is_and_says_so(tmp_path):
    report = examined(folder(tmp_path))
    assert report.ok
    assert kinds(report) == []
    assert report.text().splitlines()[-2:] == ["This folder can be trained on:", f"  fcn train {tmp_path}"]
    data = report.data("all")
    assert isinstance(data, Pairs)
    assert data.check() is data
    assert data.classes == ("class 0", "class 1", "class 2")
    for number, (image, mask) in enumerate(data):
        assert torch.equal(image.permute(1, 2, 0), torch.from_numpy(noise(number, SIDE, 80, 3)))
        assert (mask.numpy() == truth(number)).all()
        assert image.dtype == mask.dtype == torch.uint8


def test_0_and_255_only_are_background_and_object_and_it_is_said_that_255_is_not_void(tmp_path):
    report = examined(folder(tmp_path, values=(0, 255)))
    assert report.ok
    assert report.classes == ("background", "object")
    note = fault(report, "binary")
    assert note.level == "note"
    assert "255 is not void here" in note.says
    assert "--void 255" in note.cure
    assert report.data("all")[0][1].unique().tolist() == [0, 1]


def test_255_beside_other_labels_is_void_and_its_share_is_said(tmp_path):
    report = examined(folder(tmp_path, values=(0, 1, 2, 255)))
    assert report.ok
    assert len(report.classes) == 3
    assert "25 % of all pixels, in 3 masks" in fault(report, "void").says
    assert report.data("all")[0][1].unique().tolist() == [0, 1, 2, 255]
    assert report.table[-1] == {"label": 255, "name": "void", "pixels": 3 * SIDE * 20, "share": 0.25, "files": 3}


@pytest.mark.parametrize(
    ("values", "void", "table"),
    [
        ((0, 1, 11), 11, {0: 0, 1: 1, 11: 255}),
        ((0, 1, 255), None, {0: 0, 1: 1, 255: 2}),
        ((0, 1, 2), 0, {0: 255, 1: 0, 2: 1}),
        ((1, 2, 3), 3, {1: 0, 2: 1, 3: 255}),
        ((0, 128, 255), 128, {0: 0, 128: 255, 255: 1}),
        ((0, 1, 11, 255), 11, {0: 0, 1: 1, 11: 255, 255: 255}),
        ((0, 255), None, {0: 0, 255: 1}),
    ],
)
def test_what_is_void_can_be_said(tmp_path, values, void, table):
    report = examined(folder(tmp_path, values=values), void=void)
    assert report.ok, report.text()
    meant = np.vectorize(table.get)(truth(0, values))
    assert (report.data("all")[0][1].numpy() == meant).all()


def test_if_255_is_said_to_be_void_0_alone_is_left_and_nothing_can_be_learned(tmp_path):
    report = examined(folder(tmp_path, values=(0, 255)), void=255)
    assert kinds(report, "error") == ["one class"]
    with pytest.raises(ValueError, match="cannot be trained on: All masks hold one class only, class 0"):
        report.data("all")


def test_stretched_labels_with_255_among_them_are_not_guessed_but_asked_about(tmp_path):
    report = examined(folder(tmp_path, values=(0, 85, 170, 255)))
    assert "void or class" in kinds(report, "error")
    assert "--void none" in fault(report, "void or class").cure
    assert examined(tmp_path, void=None).data("all")[0][1].unique().tolist() == [0, 1, 2, 3]
    assert examined(tmp_path, void=255).data("all")[0][1].unique().tolist() == [0, 1, 2, 255]
    assert examined(tmp_path, classes=["a", "b", "c", "d"]).data("all")[0][1].unique().tolist() == [0, 1, 2, 3]


def test_labels_with_gaps_are_read_in_their_order_and_that_is_said(tmp_path):
    report = examined(folder(tmp_path, values=(0, 38, 75, 113)))
    assert report.ok
    assert report.classes == ("class 0", "class 38", "class 75", "class 113")
    assert "0, 38, 75, 113; they look stretched" in fault(report, "gaps").says
    named = examined(tmp_path, classes=["sky", "road", "car", "tree"])
    assert named.classes == ("sky", "road", "car", "tree")
    assert (named.data("all")[1][1].numpy() == truth(1, (0, 1, 2, 3))).all()
    done, again = clean(named, beside(tmp_path))
    assert done["pairs"] == {"all": 3}
    assert np.unique(np.array(Image.open(again.splits["all"][0][1]))).tolist() == [0, 1, 2, 3]


def test_labels_that_begin_at_1_are_so_many_classes_and_no_more(tmp_path):
    report = examined(folder(tmp_path, values=(1, 2, 3)))
    assert kinds(report) == ["begins at 1"]
    assert report.classes == ("class 1", "class 2", "class 3")
    assert report.data("all")[0][1].unique().tolist() == [0, 1, 2]
    named = examined(tmp_path, classes=["pet", "background", "outline"])
    assert kinds(named) == ["begins at 1"]
    assert (named.data("all")[1][1].numpy() == truth(1, (0, 1, 2))).all()
    assert examined(tmp_path, classes=["nothing", "pet", "background", "outline"]).data("all")[0][1].min() == 1


def test_how_to_name_classes_is_said_where_nobody_has_named_them(tmp_path):
    assert "--classes a,b,c" in fault(examined(folder(tmp_path)), "unnamed").cure
    (tmp_path / "classes.txt").write_text("ground\ncat\ndog\n")
    assert all(each.kind != "unnamed" for each in examined(tmp_path).faults)


def test_jpeg_masks_of_colors_are_brought_to_the_colors_of_a_table(tmp_path):
    colors = np.array([[128, 64, 128], [0, 0, 192], [64, 64, 0]], dtype=np.uint8)
    for number in range(3):
        saved(tmp_path / "images" / f"{number}.png", noise(number, SIDE, 80, 3))
        saved(tmp_path / "masks" / f"{number}.jpg", colors[truth(number)], quality=80)
    rows = "\n".join(f"{name},{r},{g},{b}" for name, (r, g, b) in zip("xyz", colors.tolist(), strict=True))
    (tmp_path / "class_dict.csv").write_text(f"name,r,g,b\n{rows}\n")
    report = examined(tmp_path)
    assert report.classes == ("x", "y", "z")
    assert "beyond" not in kinds(report)
    mask = clean(report, tmp_path.with_name("copy"))[1].data("all")[0][1].numpy()
    assert (mask == truth(0)).mean() > 0.95


@pytest.mark.parametrize("classes", [None, ["background", "pet"]])
def test_trimaps_are_read_as_object_background_and_an_outline_that_is_void(tmp_path, classes):
    report = examined(folder(tmp_path, values=(2, 3, 1, 3)), classes=classes)
    assert report.ok
    assert report.classes == (("background", "object") if classes is None else tuple(classes))
    assert "3 lies between the two" in fault(report, "trimap").says
    mask, stored = report.data("all")[0][1].numpy(), truth(0, (2, 3, 1, 3))
    assert (mask == np.array([9, 1, 0, 255])[stored]).all()
    assert examined(tmp_path, void=None).classes == ("class 1", "class 2", "class 3")


def test_labels_1_to_3_that_meet_each_other_are_no_trimaps(tmp_path):
    report = examined(folder(tmp_path, values=(1, 2, 3)))
    assert report.classes == ("class 1", "class 2", "class 3")


def test_a_label_beyond_the_classes_is_named_with_its_file_and_how_often(tmp_path):
    folder(tmp_path)
    saved(tmp_path / "masks" / "1.png", truth(0, (0, 7)).astype(np.uint8))
    report = examined(tmp_path, classes=["a", "b", "c"])
    wrong = fault(report, "beyond")
    assert wrong.level == "error"
    assert names(wrong) == {"1.png"}
    assert "Labels 7 are beyond the 3 classes: 2,560 pixels in 1 mask, first masks/1.png" in wrong.says
    done = fixed(report, beside(tmp_path))
    assert list(done["left_out"]) == ["images/1.png"]


def test_a_class_in_no_mask_is_said(tmp_path):
    report = examined(folder(tmp_path), classes=["a", "b", "c", "unicorn"])
    assert report.ok
    assert "1 class is in no mask: unicorn" in fault(report, "absent").says


def test_two_kinds_of_masks_in_one_folder_are_noticed(tmp_path):
    folder(tmp_path, 2, (0, 1)), folder(tmp_path, 2, (0, 255), first=2)
    warning = fault(examined(tmp_path), "two kinds")
    assert names(warning) == {"2.png", "3.png"}


@pytest.mark.parametrize("how", ["JPEG", "smaller", "JPEG of colors", "colors smaller"])
def test_values_between_labels_are_counted_and_the_nearest_stands_for_them_in_the_copy(tmp_path, how):
    folder(tmp_path)
    for number in range(3):
        colors = np.array([(0, 0, 0), (0, 128, 255), (255, 0, 0)] if "colors" in how else [0, 255], dtype=np.uint8)
        labels = truth(number, tuple(range(len(colors))))
        labels[20:40, 30:50] = 1
        picture = Image.fromarray(colors[labels])
        (tmp_path / "masks" / f"{number}.png").unlink()
        if "JPEG" in how:
            saved(tmp_path / "masks" / f"{number}.jpg", picture, quality=80)
        else:
            large = picture.resize((400, 320), Image.Resampling.NEAREST)
            saved(tmp_path / "masks" / f"{number}.png", large.resize((80, SIDE), Image.Resampling.BICUBIC))
    report = examined(tmp_path)
    wrong = fault(report, "in between")
    assert wrong.level == "error"
    assert len(wrong.files) == 3
    assert "pixels" in wrong.says
    assert "--fix" in wrong.cure
    assert len(report.classes) == len(colors), report.text()
    done, again = clean(report, beside(tmp_path))
    assert done["changed"]["masks freed of values in between"] == 3
    found = again.data("all")[2][1].numpy()
    assert (found == labels).mean() > 0.99


def test_thin_things_are_no_values_in_between(tmp_path):
    folder(tmp_path, values=(0, 5))
    for number in range(3):
        labels = truth(number, (0, 5)).astype(np.uint8)
        labels[::9], labels[1::9, ::2] = 2, 3
        saved(tmp_path / "masks" / f"{number}.png", labels)
    report = examined(tmp_path)
    assert report.ok
    assert report.data("all")[0][1].unique().tolist() == [0, 1, 2, 3]
    assert report.classes == ("class 0", "class 2", "class 3", "class 5")


def test_colors_without_a_table_are_listed_and_a_line_of_the_table_is_shown(tmp_path):
    colors = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], dtype=np.uint8)
    folder(tmp_path)
    for number in range(3):
        saved(tmp_path / "masks" / f"{number}.png", colors[truth(number)])
    report = examined(tmp_path)
    assert report.ok
    assert report.classes == ("#000000", "#008000", "#800000")
    assert "NAME,0,128,0" in fault(report, "unnamed colors").cure
    assert (report.data("all")[1][1].numpy() == truth(1, (0, 2, 1))).all()
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nsky,0,0,0\nroad,128,0,0\n")
    assert "Colors #008000 are beyond those of the table" in fault(examined(tmp_path), "beyond").says


def test_masks_of_1_bit_are_white_among_colors_and_255_among_0_and_255(tmp_path):
    folder(tmp_path / "colors", values=(0, 1))
    colors = np.array([(0, 0, 0), (255, 255, 255), (255, 0, 0)], dtype=np.uint8)
    saved(tmp_path / "colors" / "masks" / "0.png", truth(0) == 1)
    for number in (1, 2):
        saved(tmp_path / "colors" / "masks" / f"{number}.png", colors[truth(number)])
    report = examined(tmp_path / "colors")
    assert report.classes == ("#000000", "#ff0000", "#ffffff")
    assert (report.data("all")[0][1].numpy() == truth(0, (0, 2, 0))).all()
    for number, (values, classes) in enumerate([((0, 255), 2), ((0, 1), 2), ((0, 1, 2), 3)]):
        root = folder(tmp_path / str(number), values=values)
        saved(root / "masks" / "0.png", truth(0, (0, 1)) == 1)
        report = examined(root)
        assert len(report.classes) == classes
        assert (report.data("all")[0][1].numpy() == truth(0, (0, 1))).all()


def test_a_photograph_as_mask_is_called_so(tmp_path):
    folder(tmp_path)
    saved(tmp_path / "masks" / "1.png", noise(5, SIDE, 80, 3))
    report = examined(tmp_path)
    assert not report.ok
    assert names(fault(report, "many colors")) == {"1.png"}


def test_colors_of_equal_channels_are_gray_and_alpha_hides(tmp_path):
    folder(tmp_path)
    saved(tmp_path / "masks" / "0.png", np.repeat(truth()[..., None], 3, axis=2).astype(np.uint8))
    alpha = np.dstack([np.repeat(truth(1)[..., None], 3, axis=2), np.where(truth(1) == 2, 0, 255)]).astype(np.uint8)
    saved(tmp_path / "masks" / "1.png", alpha)
    report = examined(tmp_path)
    assert report.ok
    assert names(fault(report, "three channels")) == {"0.png", "1.png"}
    assert names(fault(report, "alpha")) == {"1.png"}
    data = report.data("all")
    assert (data[0][1].numpy() == truth()).all()
    assert (data[1][1].numpy() == truth(1, (0, 1, 0))).all()


def test_masks_of_16_bits_are_read(tmp_path):
    for place, values in enumerate([(0, 1, 300), (0, 0xFFFF)]):
        folder(tmp_path / str(place), values=(0, 1))
        for number in range(3):
            saved(tmp_path / str(place) / "masks" / f"{number}.png", truth(number, values).astype(np.uint16))
        report = examined(tmp_path / str(place))
        assert report.ok, report.text()
        assert (report.data("all")[1][1].numpy() == truth(1, (0, 1, 2)[: len(values)])).all()


def test_palettes_that_number_the_same_colors_differently_are_read_by_their_colors(tmp_path):
    folder(tmp_path, 2, (0, 1))
    for number, colors in enumerate([(0, 0, 0, 255, 0, 0), (255, 0, 0, 0, 0, 0)]):
        mask = Image.fromarray(truth(number, (0, 1)).astype(np.uint8))
        mask.putpalette(colors)
        saved(tmp_path / "masks" / f"{number}.png", mask)
    report = examined(tmp_path)
    assert report.ok
    assert "by its colors" in fault(report, "palette").says
    data = report.data("all")
    assert (data[0][1].numpy() == truth(0, (0, 1))).all()
    assert (data[1][1].numpy() == truth(1, (1, 0))).all()


def png(values: np.ndarray, bits: int) -> bytes:
    """Return a gray PNG of 1, 2, 4, 8 or 16 bits, written by hand: Pillow writes no such files."""
    height, width = values.shape
    digits = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    rows = [bytes([0, *np.packbits(row).tolist()]) for row in digits.reshape(height, -1)]
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)),
              (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]  # fmt: skip
    parts = [struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
             for name, data in chunks]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@settings(max_examples=150, deadline=None)
@given(
    kind=some.sampled_from(["palette", "gray", "color", "1", "2", "4", "8", "16"]), classes=some.integers(2, 16),
    height=some.integers(1, 12), width=some.integers(1, 12), seed=some.integers(0, 2**32 - 1),
)  # fmt: skip
def test_masks_of_every_kind_give_back_the_labels_that_were_stored(kind, classes, height, width, seed):
    random = np.random.default_rng(seed)
    classes = min(classes, 2 ** int(kind)) if kind.isdigit() else classes
    labels = random.integers(classes, size=(height, width), dtype=np.uint8)
    table = random.choice(2**16, classes, replace=False) * 251
    colors = np.stack([table >> 16 & 255, table >> 8 & 255, table & 255], axis=-1).astype(np.uint8)
    stream = io.BytesIO()
    if kind == "palette":
        picture = Image.fromarray(labels)
        picture.putpalette(colors.tobytes())
        picture.save(stream, "PNG")
    elif kind == "color":
        Image.fromarray(colors[labels]).save(stream, "PNG")
    elif kind == "gray":
        Image.fromarray(labels).save(stream, "PNG")
    else:
        stream.write(png(labels.astype(np.uint16), int(kind)))
    stored = raw(opened(stream.getvalue()), stream.getvalue())
    values = range(classes)
    if kind == "color":
        gray = stored.kind == "gray"  # all that occur may have equal channels
        values = [int(color) & 255 if gray else int(color) for color in table]
    meaning = Meaning(tuple(map(str, range(classes))), tuple((int(v), place) for place, v in enumerate(values)),
                      colors=stored.kind == "color")  # fmt: skip
    found = meaning.labels(stored)
    assert found.dtype == np.uint8
    if len(set(values)) == classes:
        assert (found == labels).all()


def test_a_label_of_no_class_is_never_mended_into_another():
    stored = raw(Image.fromarray(np.array([[0, 3, 7]], dtype=np.uint8)), b"")
    meaning = Meaning(("a", "b"), ((0, 0), (4, 1), (7, -1)), between=True)
    with pytest.raises(ValueError, match=r"7 is no label here$"):
        meaning.labels(stored, mend=True)
    with pytest.raises(ValueError, match="3 is no label here, nor are 1 other values of"):
        meaning.labels(stored)
    without = Meaning(("a", "b"), ((0, 0), (4, 1), (8, 1)), between=True)
    assert without.labels(stored, mend=True).tolist() == [[0, 1, 1]]


@settings(deadline=None)
@given(some.text(max_size=30))
def test_a_name_from_a_file_is_shown_in_one_printable_line(name):
    words = shown(name)
    assert len(words.splitlines()) <= 1
    assert all(letter.isprintable() or letter == "\u200d" for letter in words)
    words.encode("utf-8")


def test_labels_look_stretched_only_if_they_are_evenly_spaced_and_far_apart():
    assert all(stretched(values) for values in ([0, 255], [0, 85, 170, 255], [0, 63, 127, 191, 255]))
    assert not any(stretched(values) for values in ([0, 1, 2], [0, 7], [0, 10, 200], [10, 20], [0]))


# Files that are not what they should be: each is one line that names the file


def jpeg(path: Path, mode: str = "RGB", size: tuple[int, int] = (80, SIDE), turn: int = 0) -> Path:
    exif = Image.Exif()
    exif[0x112] = turn
    picture = Image.fromarray(noise(7, size[1], size[0], 3)).convert(mode)
    return saved(path, picture, **({"exif": exif} if turn else {}))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def chunk(path: Path, size: tuple[int, int]) -> None:
    """Let a PNG's head claim a size."""
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", *size)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(bytes(data))


def animated(path: Path, labels: np.ndarray) -> None:
    frames = [Image.fromarray(labels.astype(np.uint8)), Image.fromarray(255 - labels.astype(np.uint8))]
    frames[0].save(path, save_all=True, append_images=frames[1:])


HOSTILE = {  # how the pair 1 is spoiled: what is done, the kind and level of the fault, what its line says
    "a text named .png": (lambda p, m: p.write_text("404: Not Found"), "unreadable", "error", "is no picture"),
    "a web page as mask": (lambda p, m: m.write_text("<html>\n\x1b[2J"), "unreadable", "error", "is no picture"),
    "an empty photograph": (lambda p, m: p.write_bytes(b""), "unreadable", "error", "is empty"),
    "an empty mask file": (lambda p, m: m.write_bytes(b""), "unreadable", "error", "is empty"),
    "a photograph cut short": (lambda p, m: truncated(p), "unreadable", "error", "cut short"),
    "a mask cut short": (lambda p, m: truncated(m), "unreadable", "error", "cut short"),
    "a JPEG cut short": (lambda p, m: (truncated(jpeg(p.with_suffix(".jpg"))), p.unlink()), "unreadable", "error",
                         "cut short"),
    "a head alone": (lambda p, m: p.write_bytes(p.read_bytes()[:33]), "unreadable", "error", "damaged or cut short"),
    "noise": (lambda p, m: p.write_bytes(noise(1, 5000).tobytes()), "unreadable", "error", "is no picture"),
    "a bomb": (lambda p, m: chunk(p, (60000, 60000)), "unreadable", "error", "too large"),
    "a large one that Pillow warns of": (lambda p, m: chunk(m, (11000, 11000)), "unreadable", "error", "too large"),
    "HEIC": (lambda p, m: p.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "unreadable", "error", "as JPEG"),
    "1x1": (lambda p, m: (saved(p, noise(1, 1, 1, 3)), saved(m, truth()[:1, :1].astype(np.uint8))), "small", "error",
            "has 1x1 pixels; training needs 64"),
    "30000x10": (lambda p, m: (saved(p, noise(1, 10, 30000, 3)), saved(m, np.zeros((10, 30000), dtype=np.uint8))),
                 "long", "warning", "30000x10"),
    "63 pixels": (lambda p, m: (saved(p, noise(1, 63, 80, 3)), saved(m, truth()[:63].astype(np.uint8))), "small",
                  "error", "80x63"),
    "a mask 3 pixels wider": (lambda p, m: saved(m, np.zeros((SIDE, 83), dtype=np.uint8)), "size", "error",
                              "has 80x64 pixels, its mask 83x64"),
    "a mask of fractions": (lambda p, m: (saved(m.with_suffix(".tif"), (truth() / 7).astype("f")), m.unlink()),
                            "unreadable", "error", "fractions"),
    "CMYK": (lambda p, m: (p.unlink(), jpeg(p.with_suffix(".jpg"), "CMYK")), "cmyk", "note", "read as RGB"),
    "gray": (lambda p, m: saved(p, noise(1, SIDE, 80)), "gray", "note", "is gray"),
    "alpha": (lambda p, m: saved(p, noise(1, SIDE, 80, 4)), "alpha", "note", "alpha"),
    "16 bits": (lambda p, m: saved(p, noise(1, SIDE, 80) * np.uint16(16)), "deep", "error", "more than 8 bits"),
    "turned by EXIF": (lambda p, m: (p.unlink(), jpeg(p.with_suffix(".jpg"), size=(SIDE, 80), turn=6)), "turned",
                       "error", "is stored 64x80 and shown 80x64"),
    "upside down by EXIF": (lambda p, m: (p.unlink(), jpeg(p.with_suffix(".jpg"), turn=3)), "turned", "warning",
                            "turned by its EXIF data"),
    "an animated photograph": (lambda p, m: (p.unlink(), animated(p.with_suffix(".gif"), truth(0, (0, 90)))),
                               "animated", "warning", "holds 2 pictures: the first is read"),
    "an animated mask": (lambda p, m: (m.unlink(), animated(m.with_suffix(".gif"), truth())), "animated", "warning",
                         "the first is read"),
    "no mask": (lambda p, m: m.unlink(), "no mask", "warning", "1 photograph without a mask"),
    "no photograph": (lambda p, m: p.unlink(), "no photograph", "warning", "1 mask without a photograph"),
    "two photographs": (lambda p, m: jpeg(p.with_suffix(".jpg")), "two for one", "error", "belongs to 2 photographs"),
    "two masks": (lambda p, m: saved(m.with_name("1_mask.png"), truth().astype(np.uint8)), "no photograph", "warning",
                  "first masks/1_mask.png: left out"),
    "two masks with endings": (lambda p, m: (saved(m.with_name("1_mask.png"), truth().astype(np.uint8)),
                                             m.rename(m.with_name("1_gt.png"))), "two for one", "error",
                               "has 2 masks"),
    "another case": (lambda p, m: p.rename(p.with_name("1.PNG")), None, None, ""),
    "another case of the stem": (lambda p, m: (p.rename(p.with_name("Ä1.png")), m.rename(m.with_name("ä1.png"))),
                                 "case", "warning", "differ in more than their endings"),
    "a mask of void": (lambda p, m: saved(m, np.full((SIDE, 80), 255, dtype=np.uint8)), "empty mask", "warning",
                       "1 mask is void alone"),
    "a mask of background": (lambda p, m: saved(m, np.zeros((SIDE, 80), dtype=np.uint8)), "empty mask", "note",
                             "1 mask is class 0 alone"),
    "the same photograph twice": (lambda p, m: p.write_bytes((p.parent / "0.png").read_bytes()), "twice", "note",
                                  "images/0.png is images/1.png"),
    "a link in a circle": (lambda p, m: (p.parent / "9.png").symlink_to("9.png"), "link", "error", "in a circle"),
    "a link that leads nowhere": (lambda p, m: (p.parent / "9.png").symlink_to("/nowhere/9.png"), "link", "error",
                                  "lead nowhere"),
    "a folder in a circle": (lambda p, m: (p.parent / "again").symlink_to(p.parent.parent), None, None, ""),
    "a folder named .png": (lambda p, m: (p.parent / "9.png").mkdir(), None, None, ""),
    "a pipe": (lambda p, m: os.mkfifo(p.parent / "9.png"), "link", "error", "9.png"),
    "hidden files and thumbnails": (
        lambda p, m: [p.with_name(name).write_text("x") for name in (".1.png", "._1.png", "Thumbs.db", ".DS_Store")],
        None, None, ""),
    "a name of two lines": (lambda p, m: p.with_name("a\nb\x1b[31m.png").write_bytes(b""), "no mask", "warning",
                            r"images/a\nb\x1b[31m.png"),
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_each_fault_of_a_file_is_one_line_that_names_it(tmp_path, how):
    folder(tmp_path)
    spoil, kind, level, says = HOSTILE[how]
    spoil(tmp_path / "images" / "1.png", tmp_path / "masks" / "1.png")
    report = examined(tmp_path)
    if kind is None:
        assert kinds(report) == [], report.text()
        assert len(report.data("all")) == 3
        return
    found = fault(report, kind)
    assert found.level == level
    assert says in found.says
    assert report.ok == (not kinds(report, "error"))
    assert any(word in found.says for path in found.files for word in (shown(path.name), "all masks"))
    json.dumps(report.as_json())
    for each in report.faults:
        assert len(each.says.splitlines()) == 1
        assert each.says.isprintable() or "\u200d" in each.says
        assert each.cure or each.level == "note"
    if report.ok:
        assert len(list(report.data("all"))) == len(report.splits["all"])
    clean(report, beside(tmp_path))  # and what is whole is saved, whatever lies beside it


NAMES = [
    ["사진 1", "고양이"],
    ["🐈 cat", "👩\u200d👩\u200d👧"],
    ["a b  c", "'\""],
    ["-rf", "%s {x} $HOME"],
    ["x" * 200, "y.z.w"],
]


@pytest.mark.parametrize("names", NAMES)
def test_names_of_any_letters_are_read_shown_and_copied(tmp_path, names):
    for number, name in enumerate(names):
        saved(tmp_path / "a b" / "images" / f"{name}.png", noise(number, SIDE, 80, 3))
        mask = unicodedata.normalize("NFD", name)  # as a Mac's archives hold it
        saved(tmp_path / "a b" / "masks" / f"{mask}.png", truth(number).astype(np.uint8))
    report = examined(tmp_path / "a b")
    assert kinds(report) == []
    assert f"fcn train '{tmp_path}/a b'" in report.text()
    _, again = clean(report, beside(tmp_path))
    assert {photograph.stem for photograph, _ in again.splits["all"]} == set(names)


@pytest.mark.parametrize("what", ["nothing", "a file", "an empty folder", "photographs only", "texts", "masks only"])
def test_a_folder_that_is_none_or_holds_no_pairs_is_told_with_what_to_do(tmp_path, what):
    path = tmp_path / "here"
    if what == "nothing":
        with pytest.raises(FileNotFoundError, match=f"There is no folder {path}"):
            examined(path)
        return
    if what == "a file":
        path.write_text("x")
        with pytest.raises(NotADirectoryError, match=f"Expected a folder; got the file {path}"):
            examined(path)
        return
    path.mkdir()
    kind = {"an empty folder": "empty", "photographs only": "only photographs", "texts": "no pictures"}.get(what)
    if what == "photographs only":
        jpeg(path / "holiday" / "a.jpg"), jpeg(path / "b.jpg")
    elif what == "texts":
        (path / "a.txt").write_text("x")
    elif what == "masks only":
        saved(path / "masks" / "a.png", truth().astype(np.uint8))
        kind = "no photograph"
    report = examined(path)
    assert kinds(report, "error") == [kind]
    assert fault(report, kind).cure
    assert "cannot be trained on" in report.text()
    with pytest.raises(ValueError, match="cannot be trained on"):
        report.data("all")
    with pytest.raises(ValueError, match="that can be copied"):
        fixed(report, beside(tmp_path))
    assert not (beside(tmp_path)).exists()


BAD_TEXTS = {
    "labelmap.txt": (b"cat:red\n", "line 1"), "class_dict.csv": (b"name,r,g,b\nsky,0,0\n", "line 2"),
    "codes.txt": (b"a\0b", "other bytes"), "id2label.json": (b"[" * 100000, "id2label.json"),
    "dataset.yaml": (b"names: [a, *b]\n", "dataset.yaml"), "classes.txt": (b"cat\ncat\n", "'cat' twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_table_that_cannot_be_read_is_named(tmp_path, name):
    (folder(tmp_path) / name).write_bytes(BAD_TEXTS[name][0])
    found = fault(examined(tmp_path), "names")
    assert names(found) == {name}
    assert BAD_TEXTS[name][1] in found.says
    assert len(found.says.splitlines()) == 1


BAD_JSON = {
    "cut short": '{"shapes": [', "nested": "[" * 100000, "points": {"label": "a", "points": [[1, 2]]},
    "kind": {"label": "a", "points": [[1, 2], [3, 4]], "shape_type": "blob"},
    "infinite": {"label": "a", "points": [[1, 2], [3, 4], [5, 1e400]]}, "words": {"label": "a", "points": "abc"},
    "no label": {"points": [[1, 2], [3, 4], [5, 6]]}, "a number": 7,
    "brush": {"label": "a", "points": [[1, 2], [3, 4]], "shape_type": "mask", "mask": "????"},
}  # fmt: skip


@pytest.mark.parametrize("how", BAD_JSON)
def test_a_labelme_file_that_cannot_be_drawn_is_named_and_the_others_are_read(tmp_path, how):
    good = {"label": "cat", "points": [[5, 5], [60, 5], [60, 50]], "shape_type": "polygon"}
    for number, shapes in enumerate([[good], [BAD_JSON[how]], [good]]):
        saved(tmp_path / f"{number}.png", noise(number, SIDE, 80, 3))
        said = {"shapes": shapes, "imagePath": f"{number}.png", "imageHeight": SIDE, "imageWidth": 80}
        words = shapes[0] if isinstance(shapes[0], str) else json.dumps(said)
        (tmp_path / f"{number}.json").write_text(words)
    report = examined(tmp_path)
    assert "1.json" in fault(report, "unreadable").says
    assert fault(report, "unreadable").level == "error"
    done, _ = clean(report, beside(tmp_path))
    assert done["pairs"] == {"all": 2}


def test_paths_in_json_and_lists_do_not_lead_out_of_the_folder(tmp_path):
    secret = saved(tmp_path / "secret.png", noise(9, SIDE, 80, 3))
    inside = tmp_path / "inside"
    shape = {"label": "cat", "points": [[5, 5], [60, 5], [60, 50]], "shape_type": "polygon"}
    saved(inside / "secret.png", noise(8, SIDE, 80, 3))  # is not what ../secret.png means
    for number, name in enumerate(["../secret.png", str(secret), "..\\secret.png", "x/../../secret.png"]):
        said = {"shapes": [shape], "imagePath": name, "imageHeight": SIDE, "imageWidth": 80}
        (inside / f"j{number}.json").write_text(json.dumps(said))
    report = examined(inside)
    assert report.splits == {}
    assert len(fault(report, "no photograph").files) == 4
    lists = folder(tmp_path / "lists")
    (lists / "train.txt").write_text("0\n1\n../secret\n")
    (lists / "val.txt").write_text("/etc/passwd\n2.png\n")
    report = examined(lists)
    assert {split: [pair[0].name for pair in part] for split, part in report.splits.items()} == {
        "train": ["0.png", "1.png"], "val": ["2.png"],
    }  # fmt: skip
    assert {each.says.split()[0] for each in report.faults if each.kind == "list"} == {"train.txt", "val.txt"}


# Between splits


def test_a_photograph_in_two_splits_and_a_class_that_is_never_trained_are_found(tmp_path):
    folder(tmp_path, 3, (0, 1), "train"), folder(tmp_path, 2, (0, 1, 2), "val", first=3)
    (tmp_path / "images" / "val" / "3.png").write_bytes((tmp_path / "images" / "train" / "1.png").read_bytes())
    report = examined(tmp_path)
    assert report.ok
    assert "images/train/1.png is images/val/3.png" in fault(report, "duplicates").says
    assert fault(report, "never trained").says == "val has class 2, and train has none; first masks/val/3.png."
    assert list(report.splits) == ["train", "val"]


def test_many_faults_of_one_kind_are_one_line_with_all_files(tmp_path):
    folder(tmp_path, 9)
    for number in range(9):
        for kind, name in (("images", "Ä"), ("masks", "ä")):
            (tmp_path / kind / f"{number}.png").rename(tmp_path / kind / f"{name}{number}.png")
    (warning,) = (each for each in examined(tmp_path).faults if each.level == "warning")
    assert len(warning.files) == 18
    assert "And 8 more like it" in warning.says


def test_a_test_split_without_masks_is_left_out(tmp_path):
    folder(tmp_path, 2, split="train")
    jpeg(tmp_path / "images" / "test" / "a.jpg")
    report = examined(tmp_path)
    assert report.ok
    assert list(report.splits) == ["train"]
    assert names(fault(report, "no mask")) == {"a.jpg"}


# Data sets, reports, copies


def test_some_pairs_of_a_split_are_picked_in_their_order_and_wrong_ones_refused(tmp_path):
    data = (report := examined(folder(tmp_path, 5))).data("all", indices=[3, 0], cached=True)
    assert [path.stem for path, _ in data.files] == ["3", "0"]
    assert (data[0][1].numpy() == truth(3)).all()
    data[0][1].fill_(9)
    assert (data[0][1].numpy() == truth(3)).all()
    with pytest.raises(ValueError, match="from 0 to 4; got 5"):
        report.data("all", indices=[5])
    with pytest.raises(ValueError, match="one of 'all'; got 'train'"):
        report.data("train")
    with pytest.raises(ValueError, match="an empty one"):
        report.data("all", indices=[])
    for wrong in ("cat,dog", ["a", "a"], [], [1]):
        with pytest.raises(ValueError, match="different names of classes"):
            examined(tmp_path, classes=wrong)
    with pytest.raises(ValueError, match="void as a whole number"):
        examined(tmp_path, void="255")


@pytest.mark.parametrize("change", ["gone", "another size", "another label", "no picture"])
def test_a_folder_that_changes_after_the_check_is_told_with_the_file(tmp_path, change):
    data = examined(folder(tmp_path)).data("all")
    mask = tmp_path / "masks" / "1.png"
    match change:
        case "gone":
            mask.unlink()
        case "another size":
            saved(mask, np.zeros((SIDE, 81), dtype=np.uint8))
        case "another label":
            saved(mask, np.full((SIDE, 80), 9, dtype=np.uint8))
        case "no picture":
            mask.write_text("x")
    assert len(data[0]) == 2
    with pytest.raises(ValueError, match=r"masks/1\.png") as error:
        data[1]
    assert len(str(error.value).splitlines()) == 1


def test_a_data_set_goes_to_the_processes_of_a_loader(tmp_path):
    data = examined(folder(tmp_path, 4, values=(0, 255))).data("all")
    other = pickle.loads(pickle.dumps(data))  # what a loader's workers get
    for index in range(4):
        assert all(torch.equal(one, two) for one, two in zip(data[index], other[index], strict=True))


def test_the_text_is_at_most_80_columns_wide_and_names_some_files_and_how_many_more(tmp_path):
    folder(tmp_path, 20)
    for number in range(17):
        (tmp_path / "images" / f"{number}.png").write_bytes(b"")
    text = examined(tmp_path, classes=["background", "고양이 " * 9, "dog"]).text()
    lines = [line for line in text.splitlines() if str(tmp_path) not in line]
    wide = [sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in line) for line in lines]
    assert max(wide) <= 80
    assert "and 14 more" in text
    assert lines[-1].startswith("This folder cannot be trained on yet: 1 error")


def test_the_report_as_json_names_all_files(tmp_path):
    folder(tmp_path, 20)
    for number in range(17):
        (tmp_path / "images" / f"{number}.png").write_bytes(b"")
    said = json.loads(json.dumps(examined(tmp_path).as_json()))
    assert set(said) == {"folder", "layout", "ok", "classes", "splits", "table", "sizes", "faults"}
    assert said["ok"] is False
    assert said["sizes"] == [[80, SIDE]]
    (error,) = [each for each in said["faults"] if each["level"] == "error"]
    assert sorted(error["files"]) == sorted(f"images/{number}.png" for number in range(17))
    assert said["splits"]["all"][0] == ["images/0.png", "masks/0.png"]
    assert set(said["table"][0]) == {"label", "name", "pixels", "share", "files"}


def test_a_copy_holds_whole_photographs_byte_for_byte_and_masks_in_the_books_colors(tmp_path):
    folder(tmp_path / "in", 2, (0, 1, 255), "train"), folder(tmp_path / "in", 1, (0, 1, 255), "val", first=2)
    report = examined(tmp_path / "in", classes=["background", "cat"])
    done, again = clean(report, tmp_path / "out")
    assert done == {"out": str(tmp_path / "out"), "classes": ["background", "cat"], "pairs": {"train": 2, "val": 1},
                    "changed": {}, "left_out": {}}  # fmt: skip
    files = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert files == {"classes.txt", "images/train/0.png", "images/train/1.png", "images/val/2.png",
                     "masks/train/0.png", "masks/train/1.png", "masks/val/2.png"}  # fmt: skip
    for name in ("train/0", "val/2"):
        copied, first = (tmp_path / each / "images" / f"{name}.png" for each in ("out", "in"))
        assert copied.read_bytes() == first.read_bytes()
    mask = Image.open(tmp_path / "out" / "masks" / "train" / "1.png")
    assert mask.mode == "P"
    assert (np.array(mask) == truth(1, (0, 1, 255))).all()
    table = palette.colors(["background", "cat"])
    assert (np.array(mask.convert("RGB")) == table[np.array(mask)]).all()
    assert again.classes == ("background", "cat")
    assert Pairs(again.splits["train"], again.classes).check()  # also without the doctor


def test_a_turned_photograph_of_12_bits_gray_is_stored_as_it_is_shown(tmp_path):
    folder(tmp_path)
    values = (noise(3, SIDE, 80).astype(np.uint16)) * 16 + 5
    saved(tmp_path / "images" / "1.png", values)
    exif = Image.Exif()
    exif[0x112] = 6
    upright = noise(4, 80, SIDE, 3)  # 64 wide
    saved(tmp_path / "images" / "2.png", np.ascontiguousarray(np.rot90(upright)), exif=exif)
    saved(tmp_path / "masks" / "2.png", np.rot90(truth()).astype(np.uint8))
    report = examined(tmp_path)
    assert kinds(report, "error") == ["turned", "deep"]
    done, again = clean(report, beside(tmp_path))
    assert done["changed"] == {"photographs brought to 8 bits": 1, "photographs turned": 1}
    data = again.data("all")
    assert (data[1][0].permute(1, 2, 0).numpy() == (values >> 4).astype(np.uint8)[..., None]).all()
    assert (data[2][0].permute(1, 2, 0).numpy() == upright).all()
    assert (data[2][1].numpy() == np.rot90(truth())).all()


def test_a_mask_that_fits_the_stored_photograph_is_turned_with_it_and_one_of_half_its_size_gets_it(tmp_path):
    folder(tmp_path)
    (tmp_path / "images" / "1.png").unlink(), jpeg(tmp_path / "images" / "1.jpg", turn=6)  # shown 64 wide
    saved(tmp_path / "masks" / "2.png", truth(2).astype(np.uint8)[::2, ::2])
    report = examined(tmp_path)
    assert kinds(report, "error") == ["turned", "size"]
    done, again = clean(report, beside(tmp_path))
    assert done["changed"] == {"masks turned": 1, "photographs turned": 1, "masks resized": 1}
    data = again.data("all")
    assert (data[1][1].numpy() == np.rot90(truth(1), -1)).all()
    assert (data[2][1].numpy() == truth(2)).mean() > 0.95


@pytest.mark.parametrize("there", ["a file", "a full folder", "itself", "within", "no folder above it", "unwritable"])
def test_a_copy_writes_over_nothing_and_leaves_nothing_behind(tmp_path, there):
    report, out = examined(folder(tmp_path / "in")), tmp_path / "out"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    expected = FileExistsError
    if there == "a file":
        out.write_text("mine")
    elif there == "a full folder":
        out.mkdir(), (out / "mine").write_text("mine")
    elif there == "itself":
        out = tmp_path / "in"
    elif there == "within":
        out = tmp_path / "in" / "clean"
    elif there == "no folder above it":
        out, expected = tmp_path / "not" / "there", FileNotFoundError
    else:
        out, expected = Path("/proc/1/out"), OSError
    with pytest.raises(expected, match=str(out.parent)) as error:
        fixed(report, out)
    assert len(str(error.value).splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not [path for path in tmp_path.iterdir() if "fcn-part" in path.name]
    if there == "a file":
        assert out.read_text() == "mine"


def test_a_copy_into_an_empty_folder_is_written(tmp_path):
    (tmp_path / "out").mkdir()
    assert clean(examined(folder(tmp_path / "in")), tmp_path / "out")[0]["pairs"] == {"all": 3}


def test_a_copy_that_is_killed_half_way_does_not_look_complete(tmp_path):
    folder(tmp_path / "in", 40)
    script = textwrap.dedent("""
        import sys, time
        from fcn.doctor import examined, fixed, fixing
        write = fixing.write_pair
        def slow(*words, **more):
            print("writing", flush=True), time.sleep(0.2)
            return write(*words, **more)
        fixing.write_pair = slow
        fixed(examined(sys.argv[1]), sys.argv[2])
    """)
    words = [sys.executable, "-c", script, str(tmp_path / "in"), str(tmp_path / "out")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out").exists()
    assert clean(examined(tmp_path / "in"), tmp_path / "out")[0]["pairs"] == {"all": 40}
