"""Data sets that lie in files: what is read is what was stored, and each fault is named with its file."""

import functools
import http.server
import json
import re
import shutil
import struct
import tarfile
import threading
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from notebooks import ROOT
from PIL import Image

from fcn.datasets import VOC, CamVid, Pairs, Pets, camvid, download
from fcn.training import fit

SCENES = Path(__file__).resolve().parents[2] / "shared" / "camvid"
needs_scenes = pytest.mark.skipif(not SCENES.is_dir(), reason="CamVid is not here (CamVid(root, download=True))")
GIT_OF_HELLO = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"  # printf hello | git hash-object --stdin


def drawn(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


@pytest.fixture
def streets(tmp_path) -> Path:
    """Return a folder like CamVid's with three photographs to train on and one to validate."""
    random = np.random.default_rng(0)
    for split, count in (("train", 3), ("val", 1)):
        lines = []
        for number in range(count):
            name = f"{split}{number}.png"
            drawn(tmp_path / split / name, random.integers(256, size=(70, 90, 3), dtype=np.uint8))
            drawn(tmp_path / f"{split}annot" / name, random.integers(12, size=(70, 90), dtype=np.uint8))
            lines.append(f"/SegNet/CamVid/{split}/{name} /SegNet/CamVid/{split}annot/{name}")
        (tmp_path / f"{split}.txt").write_text("\n".join(lines))
    return tmp_path


def test_an_item_is_what_the_files_hold_and_unlabelled_becomes_void(streets):
    data = CamVid(streets, "train")
    assert len(data) == 3
    image, mask = data[1]
    assert torch.equal(image.permute(1, 2, 0), torch.tensor(np.array(Image.open(streets / "train" / "train1.png"))))
    stored = torch.tensor(np.array(Image.open(streets / "trainannot" / "train1.png")))
    assert torch.equal(mask[stored != 11], stored[stored != 11])
    assert set(mask[stored == 11].tolist()) == {255}
    assert image.dtype == mask.dtype == torch.uint8
    assert len(list(data)) == 3  # it ends
    assert torch.equal(data[-1][1], data[2][1])


def test_without_its_list_a_split_is_what_its_folders_hold(streets):
    with_list = CamVid(streets, "train").files
    (streets / "train.txt").unlink()
    assert CamVid(streets, "train").files == with_list


@needs_scenes
@pytest.mark.parametrize(("split", "count"), [("train", 367), ("val", 101)])
def test_the_real_scenes_are_read_as_they_lie_there(split, count):
    data = CamVid(SCENES, split)
    assert len(data) == count == camvid.SPLITS[split]
    assert {data.check()[index][0].shape for index in range(3)} == {(3, 360, 480)}
    assert set(data[0][1].unique().tolist()) <= {*range(11), 255}


@needs_scenes
def test_the_checksums_of_what_is_fetched_are_those_of_the_real_scenes():
    for folder, known in camvid._CONTENTS.items():
        paths = sorted((SCENES / folder).iterdir())
        assert (
            download.contents({f"{folder}/{path.name}": download.blob_id(path.read_bytes()) for path in paths})
            == known
        )


def spoiled(folder: Path, how: str) -> Path:
    """Spoil one file of a folder like CamVid's and return it."""
    photograph, mask = folder / "train" / "train2.png", folder / "trainannot" / "train2.png"
    match how:
        case "cut short":
            photograph.write_bytes(photograph.read_bytes()[:4000])
        case "a mask cut short":
            mask.write_bytes(mask.read_bytes()[:2000])
        case "no picture":
            photograph.write_text("404: Not Found")
        case "colors":
            drawn(mask, np.zeros((70, 90, 3), dtype=np.uint8))
        case "16 bits":
            drawn(mask, np.zeros((70, 90), dtype=np.uint16))
        case "another size":
            drawn(mask, np.zeros((70, 91), dtype=np.uint8))
        case "an unknown label":
            drawn(mask, np.full((70, 90), 57, dtype=np.uint8))
        case "a missing mask":
            mask.unlink()
        case "a missing photograph":
            photograph.unlink()
    return photograph if how in {"cut short", "no picture", "a missing photograph"} else mask


FAULTS = {
    "cut short": "whole picture", "a mask cut short": "whole picture", "no picture": "cannot be read",
    "colors": "one channel .*RGB", "16 bits": "one channel .*I;16", "another size": "90x70 pixels; got '91x70'",
    "an unknown label": r"labels 0..10, 11 \(void\), 255 \(void\).* got 57 at row 0, column 0",
    "a missing mask": "There is no", "a missing photograph": "There is no",
}  # fmt: skip


@pytest.mark.parametrize("how", FAULTS)
def test_each_fault_of_a_folder_is_named_with_its_file_before_training_starts(streets, how):
    path = spoiled(streets, how)
    net, before = torch.nn.Conv2d(3, 11, 1), None
    before = net.weight.clone()
    with pytest.raises((ValueError, FileNotFoundError), match=FAULTS[how]) as error:
        fit(net, CamVid(streets, "train"), steps=1, lr=0.1, seed=0, batch=1)
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert torch.equal(net.weight, before)


@pytest.mark.parametrize("part", [False, True])
def test_a_fault_anywhere_in_a_long_list_is_found_before_training_starts(streets, part):
    spoiled(streets, "cut short")
    good, _, bad = CamVid(streets, "train").files
    for place in (0, 1, 50, 98, 99):  # fit looks at some of a data set; this one reads all of itself
        folder = streets / f"long {place}"
        folder.mkdir()
        files = []
        for number in range(100):
            photograph, mask = bad if number == place else good
            (folder / f"{number}.png").symlink_to(photograph)
            files.append((folder / f"{number}.png", mask))
        data = Pairs(files, camvid.CLASSES, labels={11: 255})
        data = torch.utils.data.Subset(data, range(100)) if part else data
        with pytest.raises(ValueError, match="whole picture") as error:
            fit(torch.nn.Conv2d(3, 11, 1), data, steps=1, lr=0.1, seed=0)
        assert str(folder / f"{place}.png") in str(error.value)


def test_an_empty_split_a_missing_folder_and_an_unknown_split_are_told(streets, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"download=True.*By hand: git clone"):
        CamVid(tmp_path / "nowhere", "train")
    with pytest.raises(ValueError, match="'train', 'val', 'test'; got 'training'"):
        CamVid(streets, "training")
    (streets / "val.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"val\.txt; it lacks val0\.png"):
        CamVid(streets, "val")
    shutil.rmtree(streets / "val"), (streets / "val").mkdir()
    shutil.rmtree(streets / "valannot"), (streets / "valannot").mkdir()
    with pytest.raises(ValueError, match="an empty one"):
        CamVid(streets, "val")


def test_what_is_kept_is_read_once_and_given_out_as_copies(streets):
    kept = CamVid(streets, "train", cached=True).check()
    shutil.rmtree(streets / "train")
    image, mask = kept[0]
    image.fill_(0), mask.fill_(7)
    assert not torch.equal(kept[0][0], image)
    assert not torch.equal(kept[0][1], mask)
    with pytest.raises(FileNotFoundError, match=r"train0\.png"):
        Pairs(kept.files, kept.classes)[0]


def test_an_index_beyond_the_end_is_told(streets):
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"below 3; got {index}"):
            CamVid(streets, "train")[index]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_masks_of_few_bits_are_read_as_they_were_stored(streets, bits):
    """Written by hand, as Pillow writes no such files: each row is a filter byte and the values, the first on top."""
    values = np.arange(70 * 90).reshape(70, 90) % 2**bits
    digits = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    rows = [bytes([0, *np.packbits(row).tolist()]) for row in digits.reshape(70, -1)]
    head = struct.pack(">IIBBBBB", 90, 70, bits, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    data = [
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in chunks
    ]
    path = streets / "trainannot" / "train1.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(data))
    mask = Pairs([(streets / "train" / "train1.png", path)], [str(number) for number in range(16)])[0][1]
    assert torch.equal(mask, torch.tensor(values, dtype=torch.uint8))


def test_a_photograph_of_16_bits_and_one_that_its_camera_turned_are_refused(tmp_path):
    mask = drawn(tmp_path / "mask.png", np.zeros((4, 5), dtype=np.uint8))
    deep = drawn(tmp_path / "deep.png", np.zeros((4, 5), dtype=np.uint16))
    with pytest.raises(ValueError, match=r"8 bits a color in .*deep\.png"):
        Pairs([(deep, mask)], ["a", "b"])
    exif = Image.Exif()
    exif[0x112] = 3
    Image.fromarray(np.zeros((4, 5, 3), dtype=np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    with pytest.raises(ValueError, match=r"turned\.jpg.*exif_transpose"):
        Pairs([(tmp_path / "turned.jpg", mask)], ["a", "b"])


@pytest.mark.parametrize("labels", [{3: 300}, {3: -5}, {3: 12}, {-1: 0}, {300: 1}])
def test_a_meaning_that_is_no_class_is_refused(streets, labels):
    with pytest.raises(ValueError, match="Expected"):
        Pairs(CamVid(streets, "train").files, camvid.CLASSES, labels=labels)


def test_the_list_pairs_photographs_with_masks_and_names_each_once(streets):
    (streets / "train.txt").write_text("".join(f"a/train{a}.png b/train{b}.png\r\n" for a, b in ("01", "10", "22")))
    pairs = [(photograph.name, mask.name) for photograph, mask in CamVid(streets).files]
    assert pairs[:2] == [("train0.png", "train1.png"), ("train1.png", "train0.png")]
    (streets / "train" / "._train0.png").write_bytes(b"what macOS leaves")
    assert len(CamVid(streets)) == 3
    (streets / "train.txt").write_text("".join(f"a/train{a}.png b/train{a}.png\n" for a in "01220"))
    with pytest.raises(ValueError, match=r"each photograph once.*2 times"):
        CamVid(streets)


def test_gray_photographs_become_rgb_and_palettes_are_read_as_labels(tmp_path):
    photograph = drawn(tmp_path / "gray.png", np.full((4, 5), 7, dtype=np.uint8))
    mask = Image.fromarray(np.array([[0, 1], [1, 255]], dtype=np.uint8).repeat(2, 0).repeat(3, 1)[:, :5], mode="P")
    mask.putpalette([*range(256)] * 3)
    mask.save(tmp_path / "mask.png")
    image, labels = Pairs([(photograph, tmp_path / "mask.png")], ["background", "thing"])[0]
    assert image.shape == (3, 4, 5)
    assert (image == 7).all()
    assert set(labels.unique().tolist()) == {0, 1, 255}


class Repository(http.server.SimpleHTTPRequestHandler):
    """Serve a folder as GitHub serves a repository's files, and the list of them."""

    asked, spoil, listing, limited = (), (), b"", {}  # each test's own

    def do_GET(self):
        self.asked.append(self.path)
        if self.path in self.limited:
            self.send_response(429)
            self.send_header("Retry-After", self.limited.pop(self.path))
            self.end_headers()
            return None
        if self.path.startswith("/list") and self.listing:
            return self.answer(self.listing)
        if self.path.startswith("/list"):
            root = Path(self.directory) / "CamVid"
            paths = [path for path in root.rglob("*") if path.is_file()]
            names = {f"CamVid/{path.relative_to(root)}": download.blob_id(path.read_bytes()) for path in paths}
            tree = [{"path": name, "type": "blob", "sha": checksum} for name, checksum in names.items()]
            return self.answer(json.dumps({"tree": tree, "truncated": False}).encode())
        if self.path in self.spoil:
            return self.answer(b"spoiled")
        return super().do_GET()

    def answer(self, data: bytes):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def host(streets, tmp_path_factory, monkeypatch):
    """Serve the small CamVid as its repository is served; the loader asks there."""
    home = tmp_path_factory.mktemp("host")
    shutil.copytree(streets, home / "CamVid")
    handler = type("Handler", (Repository,), {"asked": [], "spoil": set(), "limited": {}})
    server = http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(handler, directory=home))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://localhost:{server.server_address[1]}"
    monkeypatch.setattr(camvid, "LISTING", f"{address}/list")
    monkeypatch.setattr(camvid, "SOURCE", f"{address}/CamVid")
    monkeypatch.setattr(camvid, "_CONTENTS", {})
    yield handler
    server.shutdown()
    server.server_close()


def test_what_is_missing_is_fetched_and_what_is_there_is_not_asked_for_again(host, streets, tmp_path):
    root = tmp_path / "fetched"
    data = CamVid(root, "train", download=True)
    for ours, (photograph, _) in zip(data, CamVid(streets, "train").files, strict=True):
        assert torch.equal(ours[0].permute(1, 2, 0), torch.tensor(np.array(Image.open(photograph))))
    (root / "valannot" / "val0.png").unlink()
    host.asked.clear()
    CamVid(root, "val", download=True)
    assert sorted(host.asked) == ["/CamVid/valannot/val0.png", "/list"]
    assert not list(root.rglob("*.part"))


def test_where_all_is_there_nobody_is_asked(host, streets, tmp_path, monkeypatch):
    for name in ("test", "testannot"):
        shutil.copytree(streets / name.replace("test", "val"), streets / name)
    shutil.copy(streets / "val.txt", streets / "test.txt")
    monkeypatch.setattr(camvid, "SPLITS", {"train": 3, "val": 1, "test": 1})
    files = {f"val/{path.name}": download.blob_id(path.read_bytes()) for path in (streets / "val").iterdir()}
    monkeypatch.setattr(camvid, "_CONTENTS", {"val": download.contents(files)})
    CamVid(streets, "val", download=True)
    assert host.asked == []
    (streets / "val" / "val0.png").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"val0\.png has other contents than the commit"):
        CamVid(streets, "val", download=True)
    assert host.asked == ["/list"]


def test_a_host_that_limits_requests_is_asked_again_after_the_time_it_names(host, tmp_path):
    host.limited = {"/list": "0", "/CamVid/train/train1.png": "1"}
    assert len(CamVid(tmp_path / "fetched", "train", download=True)) == 3
    assert host.asked.count("/CamVid/train/train1.png") == 2


def test_a_host_that_wants_an_hour_is_not_waited_for(host, tmp_path):
    host.limited = {"/list": "3600"}
    with pytest.raises(OSError, match=r"HTTP Error 429.*What has come is kept"):
        CamVid(tmp_path / "fetched", "train", download=True)


def test_a_file_of_the_readers_own_is_never_replaced(host, tmp_path):
    root = tmp_path / "fetched"
    (root / "train").mkdir(parents=True)
    (root / "train" / "train1.png").write_bytes(b"a holiday")
    with pytest.raises(ValueError, match=r"train1\.png has other contents.*move it away"):
        CamVid(root, "train", download=True)
    assert (root / "train" / "train1.png").read_bytes() == b"a holiday"
    assert [path.name for path in root.rglob("*") if path.is_file()] == ["train1.png"]


SOMETHING_ELSE = {
    "a page": b"<html>Sign in</html>", "odd entries": b'{"tree": [{"path": 1, "type": "blob", "sha": 2}]}',
    "nested": b"[" * 99999, "a part": b'{"tree": [], "truncated": true}',
}  # fmt: skip


@pytest.mark.parametrize("answer", SOMETHING_ELSE)
def test_a_host_that_sends_something_else_than_the_list_is_told_of_in_one_line(host, tmp_path, answer):
    host.listing = SOMETHING_ELSE[answer]
    with pytest.raises(OSError, match=r"something else than the whole list.*By hand") as error:
        CamVid(tmp_path / "fetched", download=True)
    assert len(str(error.value).splitlines()) == 1


def test_contents_that_are_not_the_commits_are_refused_and_nothing_is_left(host, tmp_path):
    host.spoil.add("/CamVid/train/train1.png")
    with pytest.raises(OSError, match=r"train1.png .*not those of the commit.*By hand: git clone"):
        CamVid(tmp_path / "fetched", "train", download=True)
    assert not (tmp_path / "fetched" / "train" / "train1.png").exists()
    assert not list((tmp_path / "fetched").rglob("*.part"))


def test_a_list_that_is_not_the_commits_is_refused(host, tmp_path, monkeypatch):
    monkeypatch.setattr(camvid, "_CONTENTS", {"train": "0" * 64})
    with pytest.raises(ValueError, match="the train of commit bb68b64e72"):
        CamVid(tmp_path / "fetched", "train", download=True)
    assert not (tmp_path / "fetched").exists()


def test_where_the_host_cannot_be_reached_one_line_says_how_to_do_it_by_hand(tmp_path, monkeypatch):
    monkeypatch.setattr(camvid, "LISTING", "http://localhost:9/list")
    with pytest.raises(OSError, match=r"CamVid cannot be fetched: http://localhost:9.*By hand: git clone") as error:
        CamVid(tmp_path / "fetched", download=True)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("path", ["../out.png", "/etc/out.png", "train/../../out.png", "..\\out.png"])
def test_a_path_that_leads_out_of_the_folder_is_never_written(tmp_path, path):
    with pytest.raises(ValueError, match="Nothing was fetched"):
        download.fetch("http://localhost:9", {"train/fine.png": GIT_OF_HELLO, path: GIT_OF_HELLO}, tmp_path / "root")
    assert not list(tmp_path.rglob("*.png"))


def test_the_checksum_is_gits():
    assert download.blob_id(b"hello") == GIT_OF_HELLO


@pytest.fixture
def voc(tmp_path) -> Path:
    """Return a folder like VOC's with two photographs of different sizes."""
    base = tmp_path / "VOCdevkit" / "VOC2012"
    (base / "ImageSets" / "Segmentation").mkdir(parents=True)
    for split in ("train", "val"):
        (base / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("a\nb\n")
    for name, height in (("a", 30), ("b", 40)):
        drawn(base / "JPEGImages" / f"{name}.jpg", np.full((height, 50, 3), 90, dtype=np.uint8))
        mask = np.zeros((height, 50), dtype=np.uint8)
        mask[5:10], mask[10:12] = 20, 255
        drawn(base / "SegmentationClass" / f"{name}.png", mask)
    return tmp_path


def test_voc_is_read_with_its_sizes_its_classes_and_void(voc):
    data = VOC(voc, "val").check()
    assert [tuple(mask.shape) for _, mask in data] == [(30, 50), (40, 50)]
    assert set(data[1][1].unique().tolist()) == {0, 20, 255}
    assert (len(data.classes), data.classes[0], data.classes[20]) == (21, "background", "tvmonitor")


def test_the_outline_of_a_pet_is_void_and_the_pet_is_class_one(tmp_path):
    base = tmp_path / "oxford-iiit-pet"
    drawn(base / "images" / "Abyssinian_1.jpg", np.full((6, 8, 3), 90, dtype=np.uint8))
    trimap = np.full((6, 8), 2, dtype=np.uint8)
    trimap[2:4, 2:6], trimap[1] = 1, 3
    drawn(base / "annotations" / "trimaps" / "Abyssinian_1.png", trimap)
    (base / "annotations" / "trainval.txt").write_text("Abyssinian_1 1 1 1\n")
    data = Pets(tmp_path)
    assert data.classes == ("background", "pet")
    expected = torch.tensor(np.select([trimap == 1, trimap == 2], [1, 0], 255))
    assert torch.equal(data[0][1].long(), expected.long())


def test_the_cell_of_chapter_6_for_voc_trains_and_scores(voc, capsys):
    chapter = nbformat.read(ROOT / "book" / "06_photographs.ipynb", as_version=4)
    (block,) = [text for cell in chapter.cells for text in re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)]
    recipe = "\n".join(cell.source for cell in chapter.cells if cell.id in ("recipe-window", "recipe"))
    for long, short in (("steps=1000", "steps=1"), ('"voc"', repr(str(voc))), (", download=True", "")):
        assert long in block
        block = block.replace(long, short)
    names = "from fcn.backbones import lite0\nfrom fcn.skips import FCN\nfrom fcn.training import evaluate, fit"
    small = recipe.replace('"batch": 6', '"batch": 2')
    exec("\n".join(["import torch", names, small, block]), {})
    assert 0 <= float(capsys.readouterr().out) <= 1


@pytest.mark.parametrize("loader", [VOC, Pets])
def test_where_published_data_are_not_one_line_says_how_to_fetch_them(loader, tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"There is no {loader.__name__} in .*download=True") as error:
        loader(tmp_path)
    assert len(str(error.value).splitlines()) == 1


def test_the_advice_names_the_split_and_the_year_that_were_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"VOC\(.*, 'val', year='2007', download=True\)"):
        VOC(tmp_path, "val", year="2007")


def test_an_archive_that_is_damaged_is_told_of_in_one_line(tmp_path, monkeypatch):
    def damaged(*_, **__):
        raise tarfile.ReadError("not a gzip file")

    monkeypatch.setattr("torchvision.datasets.VOCSegmentation", damaged)
    with pytest.raises(OSError, match=r"VOC cannot be fetched: not a gzip file.*delete that") as error:
        VOC(tmp_path, "val", download=True)
    assert len(str(error.value).splitlines()) == 1


def test_camvid_is_where_the_reader_says_or_beside_the_book(streets, tmp_path, monkeypatch):
    monkeypatch.delenv("CAMVID", raising=False)
    monkeypatch.chdir(tmp_path)
    assert camvid.here() is None
    (tmp_path / "book").mkdir()
    shutil.copytree(streets / "train", tmp_path / "camvid" / "train")
    assert camvid.here() == Path("camvid")
    monkeypatch.chdir(tmp_path / "book")
    assert camvid.here() == Path("..") / "camvid"
    monkeypatch.setenv("CAMVID", str(streets))
    assert camvid.here() == streets
    monkeypatch.setenv("CAMVID", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"\$CAMVID names .*nowhere"):
        camvid.here()
