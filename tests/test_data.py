"""data_path finds data/, and what lies there is what its lists say."""

import importlib.util
import shutil
import subprocess
import sys

import pytest
from notebooks import ROOT

from fcn import data_path


@pytest.fixture
def prepare(tmp_path):
    """Return data/prepare.py as a module that looks after a copy of data/."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    spec = importlib.util.spec_from_file_location("prepare", tmp_path / "data" / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_data_path_finds_data_in_a_checkout():
    assert data_path("README.md") == ROOT / "data" / "README.md"


def test_a_missing_file_and_a_way_out_of_data_are_refused():
    with pytest.raises(FileNotFoundError, match=r"no 'results/none\.json'"):
        data_path("results/none.json")
    with pytest.raises(ValueError, match="leads out of data/"):
        data_path("../README.md")


def test_every_file_of_data_has_its_checksum_and_a_licence_that_we_know():
    command = [sys.executable, ROOT / "data" / "prepare.py", "--check"]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout) == (0, "data/ is as its lists say.\n"), check.stderr


def damage_pictures(data):
    (data / "fonts" / "Inter-Regular.ttf").write_bytes(b"no font")
    (data / "sprites" / "noto" / "cat" / "cat.webp").unlink()
    (data / "sprites" / "LICENSE-noto.txt").unlink()
    for name in ("backgrounds/train/mine.webp", "sprites/noto/cat/mine.png", "fonts/mine.otf", "photos/holiday.jpg"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"a holiday")


def damage_lists(data):
    (data / "sprites" / "index.csv").write_bytes(b"\xff\xfe")
    readme = data / "README.md"
    readme.write_text("\n".join(line for line in readme.read_text().splitlines() if "backgrounds/index" not in line))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (damage_pictures, [
            "fonts/Inter-Regular.ttf is not the one listed",
            "sprites/noto/cat/cat.webp is missing",
            "sprites/LICENSE-noto.txt is missing",
            "backgrounds/train/mine.webp is in no list",
            "sprites/noto/cat/mine.png is in no list",
            "fonts/mine.otf is in no list",
            "photos/holiday.jpg is in no list",
        ]),
        (damage_lists, [
            "README.md names no sha256 for backgrounds/index.csv",
            "sprites/index.csv is not the one listed",
            "backgrounds/train/apartment-000.webp is in no list",
        ]),
        (lambda data: (data / "README.md").unlink(), ["README.md names no sha256 for sprites/index.csv"]),
    ],
)  # fmt: skip
def test_the_check_names_what_was_changed_removed_or_added(prepare, damage, found):
    assert prepare.check() == []
    damage(prepare.DATA)
    problems = "\n".join(prepare.check())
    assert [line for line in found if line not in problems] == []
    with pytest.raises(SystemExit, match=r"index\.csv|is missing"):
        prepare.main("--check")


def test_a_picture_is_listed_under_the_licence_of_its_origin(prepare):
    index = prepare.DATA / "backgrounds" / "index.csv"
    before = prepare.checksum(index)
    index.write_text(index.read_text().replace("CC-BY-2.0", "CC0-1.0"))
    readme = prepare.DATA / "README.md"
    readme.write_text(readme.read_text().replace(before, prepare.checksum(index)))
    assert prepare.check() == [
        f"train/china-{number}.webp: 'CC0-1.0' is not the licence of PyPI scikit-learn 1.9.1." for number in (1, 2)
    ]


def test_without_the_origins_prepare_says_what_brings_them(prepare):
    with pytest.raises(SystemExit, match=r"run `npm ci` first"):
        prepare.main()
    with pytest.raises(SystemExit, match=r"prepare\.py --check"):
        prepare.main("--chekc")


def test_a_sprite_is_cut_to_its_largest_piece_and_loses_water_and_filling(prepare):
    picture = prepare.Image.new("RGBA", (100, 100))
    picture.paste((200, 30, 30, 255), (10, 20, 90, 60))  # a hull
    picture.paste((60, 140, 250, 255), (0, 60, 100, 100))  # water
    picture.paste((200, 30, 30, 255), (0, 0, 5, 5))  # a splash
    ship = prepare.cut(picture, water=0.5)
    assert ship.size == (144, 72)
    assert (prepare.np.array(ship)[..., 3] > 250).mean() > 0.9
    assert prepare.cut(picture, bottom=0.4).size == (144, 36)
    assert prepare.cut(picture, water=0.5, whole=True).size[1] > 90


def test_ringing_around_lamps_is_filled_from_its_surroundings(prepare):
    light = prepare.np.full((40, 80, 3), 0.5, dtype="float32")
    light[18:22, 38:42] = 90.0
    light[17, 37:43] = -0.2
    mended = prepare.repaired(light.copy())
    assert mended.min() >= 0.5
    dark = prepare.np.full((40, 80, 3), 0.5, dtype="float32")
    dark[5:8, 5:8] = 0  # a black thing far from any lamp stays black
    assert (prepare.repaired(dark.copy())[5:8, 5:8] == 0).all()


def test_the_book_names_everybody_whose_licence_asks_for_it():
    books = [path.read_text() for path in (ROOT / "book").glob("*.ipynb")]
    readme = (ROOT / "data" / "README.md").read_text()
    for name in ("Twemoji", "EmojiOne", "danielbuechele"):
        assert name in readme
        assert any(name in text for text in books), f"{name} is named nowhere in the book"


def test_data_without_checkpoints_stays_under_twelve_megabytes():
    files = [path for path in (ROOT / "data").rglob("*") if path.is_file() and "checkpoints" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 12e6
