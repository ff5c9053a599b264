"""Tables: head cells and aligned numbers in HTML, the same as text."""

import html.parser

import numpy as np
import pytest
import torch

from fcn import viz


class Cells(html.parser.HTMLParser):
    """Collects (tag, attributes, text) of every cell and caption, row by row."""

    def __init__(self, page: str):
        super().__init__()
        self.rows, self.path, self.caption = [], [], ""
        self.feed(page)
        assert not self.path, "a tag is not closed"

    def handle_starttag(self, tag, attrs):
        self.path.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append([tag, dict(attrs), "", self.path[-3]])

    def handle_endtag(self, tag):
        assert self.path.pop() == tag

    def handle_data(self, data):
        if self.path[-1] in ("th", "td"):
            self.rows[-1][-1][2] += data
        if self.path[-1] == "caption":
            self.caption += data


def lines(table) -> list[str]:
    return repr(table).split("\n")


def test_a_table_has_head_cells_for_its_columns_and_its_rows():
    table = viz.table({"8s": [0.5, "a"]}, ["IoU", "note"], head="net", numbers=".1f", caption="Nets & <all>")
    cells = Cells(table._repr_html_())
    assert cells.rows == [
        [
            ["th", {"scope": "col"}, "net", "thead"],
            ["th", {"scope": "col", "class": "number"}, "IoU", "thead"],
            ["th", {"scope": "col"}, "note", "thead"],
        ],
        [
            ["th", {"scope": "row"}, "8s", "tbody"],
            ["td", {"class": "number"}, "0.5", "tbody"],
            ["td", {}, "a", "tbody"],
        ],
    ]
    assert cells.caption == "Nets & <all>"


def test_an_empty_corner_is_no_head_cell():
    cells = Cells(viz.table({"a": 1}, "n")._repr_html_())
    assert cells.rows[0][0] == ["td", {}, "", "thead"]


def test_text_that_looks_like_html_is_shown_as_it_is():
    cells = Cells(viz.table({"<b>": ["</td>&"]}, ["<i>"])._repr_html_())
    assert [[cell[2] for cell in row] for row in cells.rows] == [["", "<i>"], ["<b>", "</td>&"]]


def test_as_text_numbers_stand_with_their_points_below_each_other():
    table = viz.table({"a": [0.5, 1], "long name": [-12.25, 20], "c": [3, None]}, ["value", "many"], caption="Three")
    assert lines(table) == [
        "Three",
        "            value  many",
        "a            0.5      1",
        "long name  -12.25    20",
        "c            3        –",
    ]


def test_texts_stand_on_the_left_and_no_line_ends_in_blanks():
    table = viz.table([["a", "short", True], ["b", "", False]], ["words", "is it?"], head="row")
    assert lines(table) == ["row  words  is it?", "a    short  yes", "b           no"]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [(".0%", ["12%", "200%"]), (["d", ".1f"], ["12%", "2.0"]), ("", ["0.125", "2"])],
)
def test_a_format_is_one_for_all_or_one_a_column(numbers, expected):
    row = ["12%" if numbers == ["d", ".1f"] else 0.125, 2]
    assert lines(viz.table({"a": row}, ["one", "two"], numbers=numbers))[1].split()[1:] == expected


@pytest.mark.parametrize(
    "row",
    [
        torch.tensor([0.5, torch.nan], requires_grad=True),
        torch.tensor([0.5, torch.nan], dtype=torch.bfloat16),
        np.array([0.5, np.nan]),
        (np.float32(0.5), None),
        [torch.tensor(0.5), float("nan")],
        ["0.50", "–"],
    ],
)
def test_a_row_is_whatever_holds_its_values_and_what_is_missing_is_a_dash(row):
    assert lines(viz.table({"a": row}, ["x", "y"], numbers=".2f")) == ["      x  y", "a  0.50  –"]


@pytest.mark.parametrize("value", [0.5, torch.tensor(0.5), np.float64(0.5), "0.5"])
def test_a_single_value_is_a_row(value):
    assert lines(viz.table({"a": value}, ["x"])) == ["     x", "a  0.5"]


def test_a_column_of_texts_that_are_numbers_is_aligned_as_numbers():
    table = viz.table({"a": ["9.5 ± 0.2"], "b": ["10 ± 1"]}, ["IoU"])
    assert lines(table) == ["          IoU", "a   9.5 ± 0.2", "b  10 ± 1"]
    assert table.numeric == [False, True]


def test_a_zero_has_no_minus():
    assert lines(viz.table({"a": -0.0001}, "x", numbers=".1%"))[1] == "a  0.0%"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.table({}, ["x"]), "got 0 rows"),
        (lambda: viz.table({"a": 1}, ["x"], numbers=["d", "d"]), "got 1 rows, ['x'] and ['d', 'd']"),
        (lambda: viz.table({"a": [1, 2]}, ["x"]), "for each of ['x']; got 2 in row 'a'"),
        (lambda: viz.table({"a": [0.5]}, ["x"], numbers="d"), "'d' does not fit 0.5 in row 'a', column 'x'"),
        (lambda: viz.table({"a": [[1]]}, ["x"]), "got list in row 'a', column 'x'"),
        (lambda: viz.table({"a": {"x": 1}}, ["x"]), "got dict in row 'a', column 'x'"),
        (lambda: viz.table({"a": torch.zeros(1, 1)}, ["x"]), "got list in row 'a', column 'x'"),
    ],
)
def test_a_table_that_is_none_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_a_zero_has_no_minus_and_an_infinity_keeps_it():
    assert "-inf" in repr(viz.table({"a": [float("-inf")], "b": [-0.0001]}, ["x"], numbers=".1f"))
    assert "-0.0" not in repr(viz.table({"b": [-0.0001]}, ["x"], numbers=".1f"))
