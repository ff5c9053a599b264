"""Shards: what was in the folder comes out of them, wherever they lie, and no damage goes unnoticed."""

import io
import json
import pickle
import re
import shutil
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
import webdataset
from PIL import Image
from torch import nn
from torch.utils.data import Subset, TensorDataset

from fcn.datasets import Pairs, shards
from fcn.datasets.packing import write_shards
from fcn.datasets.shards import Shards, index_shards
from fcn.training import cropped, fit

CLASSES = ["ground", "thing", "other"]


@pytest.fixture
def folder(tmp_path):
    """Return seven photographs, JPEG and PNG, of two sizes, and their masks, some with a palette, as a data set."""
    random, files = np.random.default_rng(0), []
    for index, name in enumerate(["a b", "거리 1", "c.d.e", "🙂", "e", "f", "x" * 120]):
        size = (20, 24) if index % 2 else (18, 30)
        photograph = Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8))
        mask = Image.fromarray(random.choice([0, 1, 2, 255], size).astype(np.uint8))
        if index % 3 == 0:
            mask.putpalette(bytes(range(256)) * 3)
        ending = ".JPG" if index < 4 else ".png"
        photograph.save(tmp_path / f"{name}{ending}")
        mask.save(tmp_path / f"{name}.mask.png")
        files.append((tmp_path / f"{name}{ending}", tmp_path / f"{name}.mask.png"))
    return Pairs(files, CLASSES)


def same(ours, theirs) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(
        torch.equal(a, b) and a.dtype == b.dtype for one, other in pairs for a, b in zip(one, other, strict=True)
    )


def contents(path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_shards_hold_the_files_byte_for_byte_and_give_what_the_folder_gives(folder, tmp_path):
    packed = write_shards(folder, tmp_path / "shards", megabytes=0.005)
    assert len(sorted((tmp_path / "shards").glob("*.tar"))) > 1
    assert (len(packed), packed.classes) == (7, tuple(CLASSES))
    assert same(packed, folder)
    assert same([packed[-1], packed[3], packed[-7]], [folder[6], folder[3], folder[0]])
    there = {}
    for path in sorted((tmp_path / "shards").glob("*.tar")):
        there |= contents(path)
    assert sorted(there.values()) == sorted(path.read_bytes() for pair in folder.files for path in pair)
    with pytest.raises(IndexError, match="an index below 7; got 7"):
        packed[7]


def test_training_on_shards_gives_the_losses_of_training_on_the_folder(folder, tmp_path):
    packed = write_shards(folder, tmp_path / "shards", megabytes=0.005)

    def losses(data, workers=0):
        torch.manual_seed(0)
        options = {"steps": 12, "lr": 0.01, "seed": 3, "batch": 3, "transform": partial(cropped, size=(16, 16))}
        return fit(Floats(nn.Conv2d(3, 3, 1)), data, workers=workers, **options)

    assert losses(packed) == losses(folder)
    assert losses(packed, workers=2) == losses(folder)


class Floats(nn.Sequential):
    def forward(self, images):
        return super().forward(images.float() / 255)


def test_what_a_data_set_makes_of_its_files_is_what_the_shards_hold(tmp_path):
    values = np.array([[0, 1], [11, 1]], np.uint8)
    Image.fromarray(values).save(tmp_path / "mask.png")
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "a.png")
    renumbered = Pairs([(tmp_path / "a.png", tmp_path / "mask.png")], CLASSES, labels={11: 255})
    packed = write_shards(renumbered, tmp_path / "shards")
    assert packed[0][1].tolist() == [[0, 1], [255, 1]]


def test_a_data_set_without_files_and_a_part_of_one_with_files_go_in_too(folder, tmp_path):
    images = torch.randint(256, (3, 3, 5, 6), dtype=torch.uint8)
    masks = torch.randint(3, (3, 5, 6))
    packed = write_shards(TensorDataset(images, masks), tmp_path / "tensors", classes=CLASSES)
    assert same(packed, [(image, mask.byte()) for image, mask in zip(images, masks, strict=True)])
    write_shards(Subset(folder, [5, 1]), tmp_path / "part", classes=CLASSES)
    of_files = sorted(path.read_bytes() for index in (5, 1) for path in folder.files[index])
    assert sorted(contents(tmp_path / "part" / "000000.tar").values()) == of_files


@pytest.mark.filterwarnings("ignore:.*000000.tar")  # webdataset leaves it open
def test_webdataset_reads_what_we_write(folder, tmp_path):
    write_shards(folder, tmp_path / "shards")
    read = list(webdataset.WebDataset(str(tmp_path / "shards" / "000000.tar"), shardshuffle=False, empty_check=False))
    assert len(read) == 7
    for item, (photograph, mask) in zip(read, folder.files, strict=True):
        assert item[photograph.suffix.lower()[1:]] == photograph.read_bytes()
        assert item["mask.png"] == mask.read_bytes()


def test_we_read_what_webdataset_writes(folder, tmp_path):
    with webdataset.ShardWriter(str(tmp_path / "theirs-%03d.tar"), maxcount=3, verbose=0) as writer:
        for index, (image, mask) in enumerate(folder):
            named = {"__key__": f"street/{index}", "png": image.permute(1, 2, 0).numpy(), "json": {"city": index}}
            writer.write(named | {"seg.png": np.array(Image.fromarray(mask.numpy()))})
    theirs = index_shards(sorted(tmp_path.glob("theirs-*.tar")), classes=CLASSES, mask="seg.png")
    assert same(theirs, folder)
    assert same(Shards(tmp_path), folder)


def test_the_same_pairs_are_the_same_shards_byte_for_byte(folder, tmp_path):
    for name in ("one", "two"):
        write_shards(folder, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_byte_that_changed_is_found_wherever_it_is(folder, tmp_path):
    packed = write_shards(folder, tmp_path / "shards")
    path = tmp_path / "shards" / "000000.tar"
    whole = path.read_bytes()
    last = json.loads((tmp_path / "shards" / "index.json").read_text())["shardlist"][0]
    end = last["starts"][-1] + last["lengths"][-1]
    for place in np.random.default_rng(0).integers(0, end, 40):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        found = []
        for index in range(7):
            try:
                packed[index]
            except ValueError as error:
                found.append(str(error))
        assert len(found) == 1, place
        assert re.fullmatch(
            r"Expected item \d in \S+000000.tar, from byte \d+, as it was written; .*again\.", found[0]
        )


def spoiled(name):
    def shard_gone(folder):
        (folder / "000000.tar").unlink()

    def shard_short(folder):
        (folder / "000000.tar").write_bytes((folder / "000000.tar").read_bytes()[:-1])

    def no_index(folder):
        (folder / "index.json").unlink()

    def cut_index(folder):
        (folder / "index.json").write_text((folder / "index.json").read_text()[:-9])

    def changed(key, value, within=True):
        def change(folder):
            index = json.loads((folder / "index.json").read_text())
            (index["shardlist"][0] if within else index)[key] = value
            (folder / "index.json").write_text(json.dumps(index))

        return change

    return {
        "shard gone": shard_gone, "shard short": shard_short, "no index": no_index, "cut index": cut_index,
        "other number": changed("nsamples", 6), "way out": changed("url", "../000000.tar"),
        "negative": changed("starts", [-1] * 7), "no classes": changed("classes", None, within=False),
        "empty": changed("shardlist", [], within=False), "a list": lambda f: (f / "index.json").write_text("[]"),
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (
            "shard gone",
            FileNotFoundError,
            r"There is no \S+000000.tar, a shard that \S+index.json names: copy it there",
        ),
        (
            "shard short",
            ValueError,
            r"Expected \d+ bytes in \S+000000.tar, as index.json says; got \d+. Copy the shard",
        ),
        ("no index", FileNotFoundError, r"There is no \S+index.json. write_shards writes it last, so it was stopped"),
        *[
            (
                fault,
                ValueError,
                r"Expected an index of shards, .*, in \S+index.json; got 'another file'. Fetch it anew",
            )
            for fault in ("cut index", "other number", "way out", "negative", "no classes", "empty", "a list")
        ],
    ],
)
def test_shards_that_are_not_what_their_index_says_are_refused_in_one_line(fault, kind, message, folder, tmp_path):
    write_shards(folder, tmp_path / "shards")
    spoiled(fault)(tmp_path / "shards")
    with pytest.raises(kind, match=message) as caught:
        Shards(tmp_path / "shards")
    assert "\n" not in str(caught.value)


def test_the_index_of_other_shards_is_noticed_at_the_first_item(folder, tmp_path):
    write_shards(folder, tmp_path / "one")
    write_shards(Subset(folder, [1, 0, 2, 3, 4, 5, 6]), tmp_path / "two", classes=CLASSES)
    shutil.copy(tmp_path / "two" / "000000.tar", tmp_path / "one")
    with pytest.raises(
        ValueError, match=r"item 0 in .*000000.tar, from byte 0, as it was written; got 'other bytes'"
    ):
        Shards(tmp_path / "one")[0]


def test_what_was_stopped_has_no_index_and_what_is_there_is_not_overwritten(folder, tmp_path):
    class Ends(TensorDataset):
        def __getitem__(self, index):
            if index == 6:
                raise KeyboardInterrupt
            return folder[index]

    stopped = Ends(torch.zeros(7))
    with pytest.raises(KeyboardInterrupt):
        write_shards(stopped, tmp_path / "shards", classes=CLASSES, megabytes=0.005)
    assert all(re.fullmatch(r"\d{6}\.tar", path.name) for path in (tmp_path / "shards").iterdir())
    with pytest.raises(FileNotFoundError, match="writes it last, so it was stopped: begin anew"):
        Shards(tmp_path / "shards")
    with pytest.raises(FileExistsError, match=r"shards is not empty \(\d+.tar is there\): name a new folder"):
        write_shards(folder, tmp_path / "shards")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "pairs, and names of their classes"),
        ([(torch.zeros(3, 4, 4), torch.zeros(4, 4))], "the photograph of item 0 .*uint8; got torch.float32"),
        ([(torch.zeros(3, 4, 4).byte(), torch.zeros(4, 5).byte())], r"a mask as large .* item 0, \(4, 4\)"),
        ([(torch.zeros(3, 4, 4).byte(), torch.full((4, 4), 3).byte())], r"label of item 0 in 0..2 or 255 .*; got 3"),
        ([(torch.zeros(3, 4, 4).byte(), torch.zeros(4, 4))], "label of item 0 as a tensor of whole numbers"),
    ],
)
def test_what_is_no_pair_does_not_become_a_shard(data, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_shards(data, tmp_path / "shards", classes=CLASSES)
    assert not list((tmp_path / "shards").glob("*")) if data else not (tmp_path / "shards").exists()


def tar(path, files: dict[str, bytes]):
    with tarfile.open(path, "w") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return path


def png(values) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(np.array(values, np.uint8)).save(memory, "PNG")
    return memory.getvalue()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.jpg": b"no picture", "a.mask.png": png([[0]])}, "whole pictures in .*x.tar; one cannot be read"),
        ({"a.png": png([[0]])}, r"a photograph and NAME.mask.png in each pair of .*x.tar; got \['png'\]"),
        ({"a.mask.png": png([[0]]), "b.png": png([[0]])}, r"a photograph and NAME.mask.png .* got \['mask.png'\]"),
        ({"a.png": png([[0]]), "a.mask.png": png([[0, 1]])}, "masks as large as their photographs in .*x.tar"),
        ({"a.png": png([[0]]), "a.mask.png": png([[9]])}, "label in .*x.tar, from byte 0, in 0..2 or 255 .*; got 9"),
        ({"a.png": png([[0]]), "a.mask.png": png([[[0, 0, 0]]])}, "one channel of 8 bits in .*x.tar; got 'RGB'"),
        ({"readme": b""}, "pairs in .*x.tar; got 'none'"),
    ],
)
def test_a_pair_of_others_that_is_none_is_named_with_its_shard(files, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        index_shards([tar(tmp_path / "x.tar", files)], classes=CLASSES)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "index.json").exists()


@pytest.mark.parametrize("end", [0, 100, 1000, 2000])
def test_a_shard_of_others_that_is_cut_short_is_named(end, tmp_path):
    path = tar(tmp_path / "x.tar", {"a.png": png(np.zeros((4, 4))), "a.mask.png": png(np.zeros((30, 30)))})
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ValueError, match=r"x\.tar"):
        index_shards([path], classes=CLASSES)


class Quiet(SimpleHTTPRequestHandler):
    """Serve whole files, as Python's own server does."""

    def log_message(self, *_):
        pass


class Parts(Quiet):
    """Serve parts of files, some of them cut short, as a bad line would."""

    asked, cut = 0, 0

    def do_GET(self):
        begins = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not begins:
            return super().do_GET()
        Parts.asked += 1
        with open(self.translate_path(self.path), "rb") as file:
            file.seek(int(begins[1]))
            content = file.read(int(begins[2]) - int(begins[1]) + 1)
        self.send_response(206)
        if Parts.asked <= Parts.cut:
            content = content[:-3]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return self.wfile.write(content)


@pytest.fixture
def served(folder, tmp_path):
    """Return where the shards are, given a handler."""
    write_shards(folder, tmp_path / "our shards", megabytes=0.005)
    servers = []

    def at(handler):
        Parts.asked = Parts.cut = 0
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=tmp_path)))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/our shards/"

    yield at
    for server in servers:
        server.shutdown()
        server.server_close()


def test_shards_on_a_host_give_what_the_folder_gives_a_request_an_item(folder, served):
    remote = Shards(served(Parts))
    assert same(remote, folder)
    assert Parts.asked == 7
    assert same([pickle.loads(pickle.dumps(remote))[2]], [folder[2]])


def test_an_answer_that_is_cut_short_is_asked_for_again_but_not_for_ever(folder, served):
    remote = Shards(served(Parts))
    Parts.cut = 2
    assert same([remote[0]], [folder[0]])
    Parts.cut = 99
    with pytest.raises(OSError, match=r"000000.tar cannot be fetched \(\d+ of \d+ bytes came\)"):
        remote[0]


def test_a_host_that_sends_whole_files_and_one_that_has_none_are_named(served):
    address = served(Quiet)
    with pytest.raises(OSError, match="comes from a host that sends whole files, not parts: fetch the shards"):
        Shards(address)[0]
    with pytest.raises(OSError, match=r"none/index.json cannot be fetched \(HTTP Error 404: File not found\)"):
        Shards(f"{address}none")
    with pytest.raises(OSError, match=r"cannot be fetched .*refused"):
        Shards("http://127.0.0.1:9/none")


def test_reading_an_item_does_not_read_the_shard(folder, tmp_path, monkeypatch):
    packed = write_shards(folder, tmp_path / "shards")
    read, size = [], (tmp_path / "shards" / "000000.tar").stat().st_size
    inner = shards._of_file
    monkeypatch.setattr(shards, "_of_file", lambda *given: read.append(given[2]) or inner(*given))
    for index in range(7):
        packed[index]
    assert sum(read) <= size
