"""Colors: one for each class, apart for all eyes, and the same on pages and in figures."""

import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from notebooks import ROOT
from skimage.color import rgb2lab

from fcn import palette
from fcn.metrics import ERRORS
from fcn.scenes import CLASSES

# Machado, Oliveira, Fernandes 2009, severity 1, for linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
NAMES = [name for name in palette.CLASS_COLORS if name != "void"]


def smallest_distance(colors: np.ndarray, deficiency: str) -> float:
    """Return the smallest CIELAB distance (CIE 1976) between two of the colors (n, 3) as such eyes see them."""
    rgb = colors / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.array(DEFICIENCIES[deficiency]).T).clip(0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen[None])[0]
    distances = np.linalg.norm(lab[:, None] - lab, axis=2)
    return distances[np.triu_indices(len(lab), 1)].min()


def hexes(table: np.ndarray) -> list[str]:
    return ["#{:02x}{:02x}{:02x}".format(*color) for color in table]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_pages_and_figures_have_the_same_paper_and_ink(theme):
    css = (ROOT / "book" / "assets" / "book.css").read_text()
    (rule,) = re.findall(rf'html\[data-theme="{["light", "dark"][theme]}"\] {{ (--paper.*) }}', css)
    page = dict(re.findall(r"--(\w+): (#\w+);", rule))
    for name in ("paper", "ink", "soft", "line", "accent"):
        assert page[name] == getattr(palette, name.upper())[theme], name


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_colors_of_the_classes_stay_apart_for_color_blind_eyes(deficiency):
    table = palette.colors(NAMES)
    assert smallest_distance(table[[*range(len(NAMES)), 255]], deficiency) >= 18
    kinds = np.array([palette.rgb(color) for color in palette.ERROR_COLORS.values()])
    assert smallest_distance(kinds, deficiency) >= 18


def test_every_kind_of_error_has_a_color():
    assert list(palette.ERROR_COLORS) == list(ERRORS)


def test_vocs_own_colors_do_not_stay_apart():
    table = palette.voc_colors(NAMES)
    assert min(smallest_distance(table[: len(NAMES)], deficiency) for deficiency in DEFICIENCIES) < 2


def test_vocs_colors_are_those_of_its_label_files():
    """VOClabelcolormap.m, in plain loops."""
    expected = []
    for index in range(256):
        color, rest = [0, 0, 0], index
        for bit in range(7, -1, -1):
            for channel in range(3):
                color[channel] |= (rest >> channel & 1) << bit
            rest >>= 3
        expected.append(color)
    assert palette.voc_colors(NAMES)[[*range(21), 255]].tolist() == expected[:21] + expected[255:]
    assert palette.voc_colors(["person", "sky", "aeroplane", "road"])[:4].tolist() == [
        expected[index] for index in (15, 0, 1, 2)
    ]
    assert palette.voc_colors([f"class {n}" for n in range(255)])[:255].tolist() == expected[:255]


def test_every_class_of_the_scenes_has_its_color():
    assert hexes(palette.colors(CLASSES)[: len(CLASSES)]) == [palette.CLASS_COLORS[name] for name in CLASSES]


def test_rows_without_a_name_are_void():
    assert hexes(palette.colors(["cat", "dog"])[2:]) == [palette.CLASS_COLORS["void"]] * 254


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("potted plant", "pottedplant"),
        ("tv/monitor", "tvmonitor"),
        ("TV", "tvmonitor"),
        ("dining table", "diningtable"),
        ("Dining-Table", "diningtable"),
        ("_background_", "background"),
        ("__background__", "background"),
        ("motorcycle", "motorbike"),
        ("airplane", "aeroplane"),
        ("couch", "sofa"),
    ],
)
def test_a_class_keeps_its_color_in_other_spellings(spelled, name):
    assert hexes(palette.colors(["sky", spelled])[1:2]) == [palette.CLASS_COLORS[name]]


def test_a_name_of_the_readers_own_gets_the_first_color_that_the_list_leaves_unused():
    table = palette.colors(["sky", "bicycle", "road", "aeroplane"])
    expected = [palette.CLASS_COLORS[name] for name in ("bird", "bicycle", "boat", "aeroplane")]
    assert hexes(table[:4]) == expected


@pytest.mark.parametrize(
    "names",
    [
        [f"class {n}" for n in range(255)],
        ["tv", "tvmonitor", "television", "TV", "tv"],
        ["cat"] * 40,
        [*NAMES, *(f"class {n}" for n in range(30))],
    ],
)
@pytest.mark.parametrize("table", [palette.colors, palette.voc_colors])
def test_two_classes_of_a_list_never_share_a_color(table, names):
    colors = table(names)
    assert len(np.unique(colors[[*range(len(names)), 255]], axis=0)) == len(names) + 1
    np.testing.assert_array_equal(colors, table(names))


def test_a_classes_very_name_comes_before_its_other_spellings():
    assert hexes(palette.colors(["tv", "tvmonitor"])[1:2]) == [palette.CLASS_COLORS["tvmonitor"]]


def test_colors_beyond_the_palette_stay_far_from_each_other():
    table = palette.colors([f"class {n}" for n in range(40)])[:40].astype(int)
    distances = np.linalg.norm(table[:, None] - table, axis=2)
    assert distances[np.triu_indices(40, 1)].min() > 40


@pytest.mark.parametrize("table", [palette.colors, palette.voc_colors])
@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["void"], "got ['void']"),
        (["cat", "Void"], "got ['cat', 'Void']"),
        (["cat"] * 256, 'up to 255 names, none of them "void" (label 255); got 256'),
        ("cat", "got 'cat'"),
    ],
)
def test_a_list_of_names_that_is_none_is_refused(table, classes, message):
    with pytest.raises(ValueError) as error:
        table(classes)
    assert message in str(error.value)


@pytest.mark.parametrize(("room", "absent"), [("palette", "matplotlib"), ("palette", "torch"), ("viz", "torch")])
def test_colors_need_no_figures_and_figures_no_torch(room, absent):
    code = f"import sys, fcn.{room}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_stored_figures_were_drawn_with_these_colors():
    drawn = "4584c68168997b44c8d5bfdb8ab60abca42809a35916c24b12d1d33c70070c33"
    colors = json.dumps([palette.CLASS_COLORS, palette.ERROR_COLORS]).encode()
    assert hashlib.sha256(colors).hexdigest() == drawn, (
        "colors changed: run all chapters anew, then store this digest"
    )


def test_the_style_sheet_names_the_book_s_three_fonts_and_fetches_nothing_but_them():
    css = (ROOT / "book" / "assets" / "book.css").read_text()
    css = re.sub(
        r'@font-face \{ font-family: "(?:Serif|Sans) before[ 0-9]*"; src: local\([^}]*\}', "", css
    )  # until they come
    ours = {"Source Serif 4", "Inter", "JetBrains Mono"}
    faces = re.findall(r"@font-face \{ font-family: \"([^\"]+)\"; src: url\(vendor/fonts/[\w.-]+\)", css)
    assert len(faces) == css.count("url(") + css.count("@import")
    assert set(faces) == ours
    stacks = re.findall(r"--(?:serif|sans|mono): ([^;]+);", css)
    assert {stack.split(",")[0].strip('"') for stack in stacks} == ours
    assert set(re.findall(r'font(?:-family)?:[^;{}"]*"([^"]+)"', css)) <= ours


def test_the_figures_that_answer_have_the_books_colors_for_the_kinds_of_error():
    script = (ROOT / "fcn" / "widgets" / "shared.js").read_text()
    (kinds,) = re.findall(r"const KINDS = \{(.*)\};", script)
    found = {name.strip('"'): color for name, color in re.findall(r'("[^"]+"|\w+): "(#\w+)"', kinds)}
    assert found == palette.ERROR_COLORS
