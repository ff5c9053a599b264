"""From photographs to files of masks: what is written, what is refused, and what is left when it goes wrong."""

import csv
import errno
import os
import pickle
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image, ImageOps
from torch import nn

from fcn.backbones import lite0, small
from fcn.palette import colors
from fcn.predict import Trained, files, load, opened, photographs, predict_files
from fcn.skips import FCN
from fcn.training import save

CLASSES = ["background", "cat", "Straße, naß"]


@pytest.fixture(scope="module")
def trained() -> Trained:
    """Return a network that answers by color, so that each of its classes comes."""

    class Reddest(nn.Module):
        stride = 1

        def forward(self, images):
            return images.float() / 25

    return Trained(Reddest(), CLASSES, {"network": {}})


@pytest.fixture
def album(tmp_path) -> Path:
    """Return a folder with three photographs of different sizes and kinds, and what else lies in folders."""
    folder = tmp_path / "album"
    drawn(folder / "b.png", 20, 30), drawn(folder / "a.jpg", 33, 25, seed=1), drawn(folder / "c.PNG", 1, 1, seed=2)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"")
    drawn(folder / "more" / "d.png", 4, 4)
    return folder


def drawn(path: Path, height: int, width: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(256, size=(height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    Image.fromarray(values.repeat(4, 0).repeat(4, 1)[:height, :width]).save(path)
    return path


def one_line(error) -> str:
    text = str(error.value)
    assert len(text.splitlines()) == 1
    return text


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def answer(path: Path) -> np.ndarray:
    """Return the mask of a photograph, by what the network is: the color that is the largest."""
    with Image.open(path) as picture:
        return np.array(ImageOps.exif_transpose(picture).convert("RGB")).argmax(-1)


# ---- which files are meant


def test_a_folder_means_its_pictures_in_order_and_no_others(album):
    assert photographs(album) == [album / name for name in ("a.jpg", "b.png", "c.PNG")]


def test_a_glob_means_what_it_matches_and_goes_down_where_it_says_so(album):
    assert [path.name for path in photographs([f"{album}/*.png"])] == ["b.png"]
    assert [path.name for path in photographs([f"{album}/**/*"])] == ["a.jpg", "b.png", "c.PNG", "d.png"]


def test_a_file_is_taken_whatever_its_name_and_each_only_once(album):
    words = [album / "notes.txt", f"{album}/b.png", album, album / "more" / ".." / "a.jpg"]
    assert [path.name for path in photographs(words)] == ["notes.txt", "b.png", "a.jpg", "c.PNG"]


def test_brackets_in_a_name_are_no_glob_if_the_file_is_there(tmp_path):
    odd = drawn(tmp_path / "scan[1] *.png", 2, 2)
    drawn(tmp_path / "scan1 x.png", 2, 2)
    assert photographs([str(odd)]) == [odd]


def test_the_home_folder_may_be_written_as_a_tilde(album, monkeypatch):
    monkeypatch.setenv("HOME", str(album)), monkeypatch.setenv("USERPROFILE", str(album))
    assert photographs("~/a.jpg") == [album / "a.jpg"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("nowhere.jpg", "There is no file or folder .*nowhere.jpg"),
        ("album/*.gif", "No picture matches .*gif"),
        ("empty", "There are no pictures in .*empty; pictures end in .jpg"),
        ("outer", r"no pictures in .*outer itself: those in folders inside of it are '.*outer/\*\*/\*.jpg'"),
        ("broken.png", "neither a file nor a folder"),
        ("loop", "neither a file nor a folder"),
    ],
)
def test_a_word_that_means_nothing_is_named(album, tmp_path, word, message):
    (tmp_path / "empty").mkdir()
    drawn(tmp_path / "outer" / "inner" / "a.png", 2, 2)
    (tmp_path / "broken.png").symlink_to("gone.png")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(FileNotFoundError, match=message) as error:
        photographs([album, tmp_path / word])
    one_line(error)


def test_no_words_are_refused():
    with pytest.raises(ValueError, match="got none"):
        photographs([])


# ---- what is in them


@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photograph_that_its_exif_data_turn_is_turned_as_a_viewer_shows_it(tmp_path, kind, turn):
    values = np.random.default_rng(turn).integers(256, size=(3, 5, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    exif = Image.Exif()
    exif[0x112] = turn
    path = tmp_path / f"a.{kind}"
    Image.fromarray(values).save(path, exif=exif, **({"lossless": True} if kind == "webp" else {}))
    turned = {1: values, 2: values[:, ::-1], 3: values[::-1, ::-1], 4: values[::-1], 5: values.transpose(1, 0, 2),
              6: values[::-1].transpose(1, 0, 2), 7: values[::-1, ::-1].transpose(1, 0, 2),
              8: values[:, ::-1].transpose(1, 0, 2)}[turn]  # fmt: skip
    found = opened(path)
    assert found.shape == turned.shape
    assert abs(found.astype(int) - turned)[4::8, 4::8].max() <= (40 if kind == "jpg" else 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "PA"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
    source = Image.open(drawn(tmp_path / "source.png", 16, 24)).convert("RGB")
    stored = source.convert("P").convert("PA") if mode == "PA" else source.convert(mode)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr") else "a.png")
    stored.convert("RGBA" if mode == "PA" else stored.mode).save(path)
    assert np.array_equal(opened(path), np.array(stored.convert("RGB")))


def test_a_palette_with_transparent_entries_becomes_rgb_without_a_warning(tmp_path):
    picture = Image.open(drawn(tmp_path / "source.png", 8, 8)).convert("P")
    picture.save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    assert np.array_equal(opened(tmp_path / "a.png"), np.array(picture.convert("RGB")))


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_of_16_bits_the_upper_8_are_taken_and_it_is_said(tmp_path, kind):
    values = np.array([[0, 255, 256, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{kind}")
    said = []
    found = opened(tmp_path / f"deep.{kind}", say=said.append)
    assert found[..., 0].tolist() == [[0, 0, 1, 255]]
    assert len(said) == 1
    assert "16 bits" in said[0]


def png(width: int, height: int, depth: int = 8, kind: int = 2, data: bytes = b"") -> bytes:
    """Return a PNG file by its definition: 8 bytes, then parts with their length, name and checksum."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)), (b"IDAT", zlib.compress(data))]
    body = b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in [*parts, (b"IEND", b"")]
    )
    return b"\x89PNG\r\n\x1a\n" + body


def test_of_colors_of_16_bits_the_upper_8_are_taken_and_it_is_said(tmp_path):
    (tmp_path / "deep.png").write_bytes(png(1, 1, 16, data=b"\x00" + struct.pack(">HHH", 0x1234, 0xFFFF, 0x00FF)))
    said = []
    assert opened(tmp_path / "deep.png", say=said.append).tolist() == [[[0x12, 0xFF, 0]]]
    assert "16 bits" in said[0]


@pytest.mark.parametrize("kind", ["gif", "webp", "tif", "png"])
def test_of_an_animation_the_first_picture_is_taken_and_it_is_said(tmp_path, kind):
    frames = [Image.new("RGB", (4, 3), color) for color in ("red", "blue", "lime")]
    more = {"lossless": True} if kind == "webp" else {}
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:], **more)
    said = []
    found = opened(tmp_path / f"a.{kind}", say=said.append)
    assert found.reshape(-1, 3).tolist() == [[255, 0, 0]] * 12
    assert said == [f"{tmp_path / f'a.{kind}'} has 3 pictures: the first one is taken."]


def broken(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return files that are no photographs, with what is to be said of each."""
    folder.mkdir(exist_ok=True)
    whole = drawn(folder / "whole.jpg", 200, 200).read_bytes()
    kinds = {
        "empty.png": (b"", "is empty"),
        "text.png": (b"this is a text, not a picture", "no picture: it begins with b'this is a te'"),
        "short.jpg": (whole[:-500], "damaged or cut short"),
        "cut.png": (drawn(folder / "whole.png", 200, 200).read_bytes()[:300], "damaged or cut short"),
        "head.png": (png(5, 5)[:20], "cannot be read"),
        "rows.png": (png(5, 5, data=b"\x00" * 30), "damaged or cut short"),
        "phone.heic": (b"\x00\x00\x00\x18ftypheic" + bytes(40), "in HEIC, as iPhones store it: export it as JPEG"),
        "bomb.png": (png(60_000, 60_000), "has more than 178,956,970 pixels"),
    }
    for name, (data, _) in kinds.items():
        (folder / name).write_bytes(data)
    Image.fromarray(np.zeros((2, 2), dtype=np.float32)).save(folder / "float.tif")
    Image.fromarray(np.full((2, 2), 70_000, dtype=np.int32)).save(folder / "large.tif")
    return {name: (folder / name, said) for name, (_, said) in kinds.items()} | {
        "float.tif": (folder / "float.tif", "holds fractions"),
        "large.tif": (folder / "large.tif", "holds values from 70000 to 70000"),
        "gone.png": (folder / "gone.png", "No such file"),
        "folder.png": (folder, "Is a directory"),
    }


@pytest.mark.parametrize("name", [
    "empty.png", "text.png", "short.jpg", "cut.png", "head.png", "rows.png", "phone.heic", "bomb.png", "float.tif",
    "large.tif", "gone.png", "folder.png",
])  # fmt: skip
def test_what_is_no_photograph_is_named_in_one_line(tmp_path, name):
    path, said = broken(tmp_path / "odd")[name]
    with pytest.raises(ValueError) as error:
        opened(path)
    assert said in one_line(error)
    assert str(path) in one_line(error)


def test_pixels_are_counted_by_pillows_limit_and_half_of_it_is_no_reason_to_warn(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert opened(drawn(tmp_path / "many.png", 40, 50)).shape == (40, 50, 3)
    with pytest.raises(ValueError, match="more than 2,000 pixels"):
        opened(drawn(tmp_path / "more.png", 40, 51))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # who trusts a file says so
    assert opened(tmp_path / "more.png").shape == (40, 51, 3)


def test_damaged_exif_data_do_not_keep_a_photograph_from_being_read(tmp_path):
    drawn(tmp_path / "a.png", 5, 7)
    Image.open(tmp_path / "a.png").save(tmp_path / "b.jpg", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff\xff\xffjunk")
    assert opened(tmp_path / "b.jpg").shape == (5, 7, 3)


# ---- what is written


def test_a_mask_holds_the_labels_of_its_photograph_in_its_size_and_colors(album, trained, tmp_path):
    out = tmp_path / "deep" / "masks"
    masks = predict_files(trained, photographs(album), out)
    assert masks == [out / "a.png", out / "b.png", out / "c.png"]
    assert names(out) == ["a.png", "b.png", "c.png", "counts.csv"]
    for mask, photograph in zip(masks, photographs(album), strict=True):
        with Image.open(mask) as picture:
            assert picture.mode == "P"
            assert np.array_equal(np.array(picture), answer(photograph))
            shown = np.array(picture.convert("RGB"))
            assert np.array_equal(shown, colors(CLASSES)[answer(photograph)])


def test_a_networks_own_palette_is_taken(album, trained, tmp_path):
    own = [[1, 2, 3], [200, 100, 0], [9, 9, 255]]
    predict_files(Trained(trained.net, CLASSES, {"network": {"palette": own}}), [album / "b.png"], tmp_path / "out")
    with Image.open(tmp_path / "out" / "b.png") as picture:
        assert np.array_equal(np.array(picture.convert("RGB")), np.array(own)[answer(album / "b.png")])


@pytest.mark.parametrize("own", [[[1, 2, 3]], [[1, 2, 3], [1, 2], [1, 2, 3]], [[1, 2, 300]] * 3, "red", 7, {"a": 1},
                                 [["a", "b", "c"]] * 3, [[0.5, 0, 0]] * 3])  # fmt: skip
def test_another_palette_is_refused_before_any_work(album, trained, tmp_path, own):
    odd = Trained(trained.net, CLASSES, {"network": {"palette": own}})
    with pytest.raises(ValueError, match="a palette of 3 colors"):
        predict_files(odd, [album / "b.png"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_turned_photograph_has_a_mask_of_the_size_that_a_viewer_shows(trained, tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.open(drawn(tmp_path / "flat.png", 20, 30)).save(tmp_path / "turned.png", exif=exif)
    (mask,) = predict_files(trained, [tmp_path / "turned.png"], tmp_path / "out")
    assert read(mask).shape == (30, 20)
    assert np.array_equal(read(mask), answer(tmp_path / "turned.png"))


def test_counts_are_the_pixels_of_each_class_a_line_a_photograph(album, trained, tmp_path):
    predict_files(trained, photographs(album), tmp_path / "out")
    with (tmp_path / "out" / "counts.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["photograph", "width", "height", *CLASSES]
    for row, photograph in zip(rows, photographs(album), strict=True):
        there = answer(photograph)
        assert row[:3] == [str(photograph), str(there.shape[1]), str(there.shape[0])]
        assert [int(count) for count in row[3:]] == [(there == label).sum() for label in range(3)]


def test_an_overlay_is_half_the_photograph_and_half_its_mask_but_for_the_background(trained, tmp_path):
    values = np.zeros((64, 96, 3), dtype=np.uint8)
    values[:32], values[32:, 48:], values[32:, :48] = (200, 10, 20), (30, 180, 40), (60, 70, 220)
    Image.fromarray(values).save(tmp_path / "a.png")
    predict_files(trained, [tmp_path / "a.png"], tmp_path / "out", overlay=True)
    shown = read(tmp_path / "out" / "a.overlay.jpg").astype(int)
    labels = answer(tmp_path / "a.png")
    expected = (values.astype(int) + colors(CLASSES)[labels]) / 2
    bare = labels == CLASSES.index("background")  # of what is no thing the photograph is enough
    expected[bare] = values[bare]
    assert shown.shape == values.shape
    assert abs(shown - expected)[8::16, 8::16].max() < 8


def test_probabilities_are_read_by_numpy_and_are_those_of_the_logits(album, trained, tmp_path):
    predict_files(trained, photographs(album), tmp_path / "out", probabilities=True, tile=32)
    for photograph in photographs(album):
        stored = np.load(tmp_path / "out" / f"{photograph.stem}.probabilities.npy", mmap_mode="r")
        logits = torch.from_numpy(opened(photograph)).permute(2, 0, 1).float() / 25
        assert stored.dtype == np.float16
        assert stored.shape == logits.shape
        assert abs(stored - logits.softmax(0).numpy()).max() < 1e-3
    assert not [name for name in names(tmp_path / "out") if "part" in name]


def test_tiles_change_nothing_where_a_network_sees_single_pixels(trained, tmp_path):
    path = drawn(tmp_path / "large.png", 300, 333)
    (mask,) = predict_files(trained, [path], tmp_path / "out", tile=64)
    assert np.array_equal(read(mask), answer(path))


@pytest.mark.parametrize(
    "name",
    [
        "with a space",
        "사진 한 장",
        "😀🚲",
        "a.b.c",
        "100%",
        "-o",
        "quote\"'",
        "a\\b",
        unicodedata.normalize("NFD", "한글é"),
    ],
)
def test_names_of_every_kind_are_kept(trained, tmp_path, name):
    path = drawn(tmp_path / f"{name}.png", 3, 4)
    for word in (path, tmp_path):
        predict_files(trained, photographs(word), tmp_path / "out", overlay=True, probabilities=True, force=True)
        assert set(names(tmp_path / "out")) == {
            f"{name}.png", f"{name}.overlay.jpg", f"{name}.probabilities.npy", "counts.csv",
        }  # fmt: skip
        with (tmp_path / "out" / "counts.csv").open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file))[1][0] == str(path)


def test_a_name_that_is_no_utf_8_is_kept(trained, tmp_path):
    try:
        path = drawn(tmp_path / os.fsdecode(b"caf\xe9.png"), 3, 4)
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    said = []
    (mask,) = predict_files(trained, [path], tmp_path / "out", say=said.append)
    assert "caf\\udce9.png (4x3)" in said[0]
    assert os.fsencode(mask.name) == b"caf\xe9.png"
    assert b"caf\xe9.png,4,3," in (tmp_path / "out" / "counts.csv").read_bytes()


def test_each_photograph_is_told_in_one_line(album, trained, tmp_path):
    said = []
    predict_files(trained, photographs(album), tmp_path / "out", say=said.append)
    assert [line.split(":")[0] for line in said] == [
        f"{album / 'a.jpg'} (25x33)", f"{album / 'b.png'} (30x20)", f"{album / 'c.PNG'} (1x1)",
    ]  # fmt: skip
    assert "100 %" in said[2]


# ---- nothing is lost


def test_nothing_is_overwritten_unless_it_is_said(album, trained, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.png").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"b.png is there already: .*--force") as error:
        predict_files(trained, photographs(album), out)
    one_line(error)
    assert names(out) == ["b.png"]
    assert (out / "b.png").read_bytes() == b"mine"
    predict_files(trained, photographs(album), out, force=True)
    with pytest.raises(FileExistsError, match=r"a\.png and 3 more files are there already"):
        predict_files(trained, photographs(album), out)
    for name in ("b.overlay.jpg", "c.probabilities.npy", "counts.csv"):
        other = tmp_path / f"beside {name}"
        other.mkdir()
        (other / name).write_bytes(b"mine")
        with pytest.raises(FileExistsError, match=f"{name} is there already"):
            predict_files(trained, photographs(album), other, overlay=True, probabilities=True)
    (out / "b.png").unlink(), (out / "b.png").mkdir()
    with pytest.raises(FileExistsError, match=r"b\.png is there already: name another folder"):
        predict_files(trained, photographs(album), out, force=True)


def test_masks_made_by_hand_get_no_others_among_them(album, trained, tmp_path):
    out = tmp_path / "masks"
    out.mkdir()
    (out / "street.png").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="holds files that predict has not written") as error:
        predict_files(trained, photographs(album), out)
    one_line(error)
    assert names(out) == ["street.png"]


@pytest.mark.parametrize("other", ["a.png", "A.tif", "sub/a.jpg"])
def test_two_photographs_that_would_get_one_mask_are_named_before_any_work(trained, tmp_path, other):
    first, second = drawn(tmp_path / "in" / "a.jpg", 4, 4), drawn(tmp_path / "in" / other, 4, 4)
    with pytest.raises(ValueError, match="different names") as error:
        predict_files(trained, [first, second], tmp_path / "out")
    assert f"{first} and {second}" in one_line(error)
    assert not (tmp_path / "out").exists()


def test_names_that_differ_by_how_an_accent_is_stored_are_one_name(trained, tmp_path):
    pair = [Path(f"in/{unicodedata.normalize(form, '가é')}.png") for form in ("NFC", "NFD")]
    with pytest.raises(ValueError, match="different names"):
        predict_files(trained, pair, tmp_path / "out")


def test_masks_never_come_to_lie_beside_their_photographs(album, trained, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(album)
    for out in (album, link, album / "more" / ".."):
        with pytest.raises(ValueError, match="another folder for the masks") as error:
            predict_files(trained, photographs(album), out, force=True)
        one_line(error)
    before = photographs(album)
    predict_files(trained, before, album / "masks")
    assert photographs(album) == before  # what lies in folders inside is no photograph of this one
    with pytest.raises(ValueError, match="another folder for the masks"):
        predict_files(trained, photographs(f"{album}/masks/*.png"), album / "masks", force=True)


def test_a_bad_photograph_does_not_keep_the_others_from_being_done(trained, tmp_path):
    bad = [path for path, _ in broken(tmp_path / "odd").values() if path.is_file()][:7]
    good = [drawn(tmp_path / f"good {number}.png", 5, 6, number) for number in range(3)]
    said = []
    with pytest.raises(ValueError, match=r"3 of 10 photographs were done.*and 2 more$") as error:
        predict_files(trained, [*bad[:3], *good[:2], *bad[3:], good[2]], tmp_path / "out", say=said.append)
    assert all(str(path) in one_line(error) for path in bad[:5])
    assert names(tmp_path / "out") == ["counts.csv", "good 0.png", "good 1.png", "good 2.png"]
    assert len(said) == 10
    assert len((tmp_path / "out" / "counts.csv").read_text().splitlines()) == 4


def test_if_none_can_be_done_nothing_is_written(tmp_path, trained):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(ValueError, match=r"0 of 1 photographs were done. .*a.png is no picture"):
        predict_files(trained, [tmp_path / "a.png"], tmp_path / "out", overlay=True, probabilities=True)
    assert names(tmp_path / "out") == []


def test_a_picture_that_does_not_fit_into_the_memory_is_named_with_what_to_do(album, tmp_path):
    class Greedy(nn.Module):
        def forward(self, images):
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory:\n you tried 9 bytes")

    with pytest.raises(ValueError, match="memory does not suffice, ask in smaller tiles") as error:
        predict_files(Trained(Greedy(), CLASSES, {}), [album / "b.png"], tmp_path / "out", probabilities=True)
    assert str(album / "b.png") in one_line(error)
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("where", ["a.jpg", "a.jpg/below", "link"])
def test_an_output_that_is_no_folder_is_named(album, trained, tmp_path, where):
    (album / "link").symlink_to("gone")
    with pytest.raises(OSError, match=r"is a file, not a folder|cannot be made") as error:
        predict_files(trained, [album / "b.png"], album / where)
    one_line(error)


def test_a_folder_that_takes_no_files_is_named_before_any_work(album, trained, tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    monkeypatch.setattr(files, "opened", lambda *args, **kwargs: pytest.fail("work was done"))
    with pytest.raises(PermissionError, match=r"counts.csv could not be written \(Permission denied\)"):
        predict_files(trained, [album / "b.png"], tmp_path / "out")


@pytest.mark.parametrize("full_at", ["png", "npy"])
def test_a_full_disk_ends_the_run_and_leaves_only_whole_files(album, trained, tmp_path, monkeypatch, full_at):
    writes = "write_whole" if full_at == "png" else "probabilities_to"
    real = getattr(files, writes)

    def full(path, *rest):
        if path.name.startswith("b.") and path.suffix == f".{full_at}":
            raise OSError(errno.ENOSPC, f"{path} could not be written (No space left on device)")
        return real(path, *rest)

    monkeypatch.setattr(files, writes, full)
    with pytest.raises(OSError, match=r"b\..*No space left on device") as error:
        predict_files(trained, photographs(album), tmp_path / "out", probabilities=True)
    one_line(error)
    assert names(tmp_path / "out") == ["a.png", "a.probabilities.npy", "counts.csv"]
    assert len((tmp_path / "out" / "counts.csv").read_text().splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_probabilities_that_do_not_fit_on_the_disk_leave_what_stood_there(album, trained, tmp_path, monkeypatch):
    out = tmp_path / "out"
    predict_files(trained, [album / "b.png"], out, probabilities=True)
    before = (out / "b.probabilities.npy").read_bytes()
    real, full = Path.open, Path("/dev/full")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda path, how: real(full if path.name.endswith("part") else path, how))
        with pytest.raises(OSError, match=r"b\.probabilities\.npy .*No space left on device"):
            predict_files(trained, [album / "b.png"], out, probabilities=True, force=True)
    assert (out / "b.probabilities.npy").read_bytes() == before
    assert names(out) == ["b.png", "b.probabilities.npy", "counts.csv"]


def test_a_run_that_is_stopped_leaves_whole_files_and_the_counts_of_those(album, trained, tmp_path):
    class Stopped(nn.Module):
        def forward(self, images):
            if images.shape[2:] == (20, 30):
                raise KeyboardInterrupt
            return images.float()

    with pytest.raises(KeyboardInterrupt):
        predict_files(Trained(Stopped(), CLASSES, {}), photographs(album), tmp_path / "out", probabilities=True)
    assert names(tmp_path / "out") == ["a.png", "a.probabilities.npy", "counts.csv"]


@pytest.mark.parametrize(
    ("how", "message"),
    [({"tile": 100}, "multiples of 32"), ({"tile": 0}, "side of a tile"), ({"tile": "512"}, "side of a tile")],
)
def test_wrong_tiles_are_told_before_any_work(album, trained, tmp_path, how, message):
    with pytest.raises(ValueError, match=message):
        predict_files(trained, photographs(album), tmp_path / "out", **how)
    assert not (tmp_path / "out").exists()


def test_no_photographs_and_a_name_that_is_too_long_are_refused(trained, tmp_path):
    with pytest.raises(ValueError, match="one photograph or more"):
        predict_files(trained, [], tmp_path / "out")
    with pytest.raises(ValueError, match="names of at most 236 bytes for what 가"):
        predict_files(trained, [Path("가" * 78 + ".jpg")], tmp_path / "out")
    long = drawn(tmp_path / f"{'가' * 77}.png", 2, 2)  # 231 bytes, and .png
    assert len(predict_files(trained, [long], tmp_path / "out")) == 1


def test_an_overlay_of_more_than_a_jpeg_holds_is_refused_with_what_to_do(trained, tmp_path):
    path = tmp_path / "long.png"
    Image.new("L", (65_501, 1)).save(path)
    with pytest.raises(ValueError, match=r"65,500 pixels for an overlay.*without an overlay"):
        predict_files(trained, [path], tmp_path / "out", overlay=True)
    assert len(predict_files(trained, [path], tmp_path / "out")) == 1


# ---- a network's file that means harm


class Payload:
    """What a pickle can make of whoever opens it."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt", "net.pkl"])
@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_code_in_a_networks_file_does_not_run(tmp_path, name, how):
    made = tmp_path / "made"
    if how == "pickle":
        (tmp_path / name).write_bytes(pickle.dumps({"model": Payload(made)}))
    else:
        torch.save({"model": Payload(made)}, tmp_path / name)
    with pytest.raises(ValueError, match="damaged or no checkpoint") as error:
        load(tmp_path / name)
    assert name in one_line(error)
    assert not made.exists()
    if how == "pickle":  # it would have
        pickle.loads((tmp_path / name).read_bytes())
        assert made.exists()


def saved(path: Path, **changed) -> Path:
    network = {"backbone": "small", "classes": ["a", "b"], "stride": 32, "hidden": 0} | changed
    save(path, FCN(small(), 2, stride=32), network=network)
    return path


@pytest.mark.parametrize("cut", [0, 4, 8, 200, -1])
def test_a_networks_file_that_is_cut_short_is_named(tmp_path, cut):
    data = saved(tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "net.safetensors").write_bytes(data[:cut])
    with pytest.raises(ValueError, match=r"net.safetensors is damaged or no checkpoint") as error:
        load(tmp_path / "net.safetensors")
    one_line(error)


def test_a_head_that_promises_more_than_there_is_is_refused(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(ValueError, match="damaged or no checkpoint"):
        load(tmp_path / "net.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"fcn": "[1, 2]"}, {"fcn": "{}"}, {"fcn": "no JSON"}])
def test_weights_that_do_not_say_what_they_are_are_refused(tmp_path, metadata):
    safetensors.torch.save_file({"weight": torch.zeros(2)}, tmp_path / "net.safetensors", metadata)
    with pytest.raises(ValueError) as error:
        load(tmp_path / "net.safetensors")
    assert "net.safetensors" in one_line(error)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"backbone": "lite0"}, "the network of .*net.safetensors"),
        ({"backbone": "small, wide"}, "the network of .*net.safetensors"),
        ({"classes": ["a", "b", "c"]}, "other classes"),
        ({"stride": 8}, "the network of .*net.safetensors"),
        ({"hidden": 8}, "the network of .*net.safetensors"),
        ({"classes": ["a"]}, "2 to 255 classes"),
        ({"classes": [str(number) for number in range(256)]}, "2 to 255 classes"),
        ({"longest": -1}, "longer side"),
        ({"longest": "640"}, "longer side"),
    ],
)
def test_the_file_of_another_network_is_refused(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message) as error:
        load(saved(tmp_path / "net.safetensors", **changed))
    one_line(error)


def test_a_folder_is_no_networks_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load(tmp_path)


def test_the_whole_way_from_a_file_of_a_network_to_a_mask(tmp_path):
    torch.manual_seed(0)
    net = FCN(lite0(pretrained=False), 3, stride=32)
    nn.init.normal_(net.score_fr.weight)
    save(tmp_path / "net.safetensors", net,
         network={"backbone": "lite0", "classes": CLASSES, "stride": 32, "hidden": 0, "longest": 40})  # fmt: skip
    trained, path = load(tmp_path / "net.safetensors"), drawn(tmp_path / "a.jpg", 50, 70)
    (mask,) = predict_files(trained, photographs(path), tmp_path / "out")
    assert np.array_equal(read(mask), trained(read(path)))
