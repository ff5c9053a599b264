"""What an argument must be: what fits is handed on, what does not is named with its place and value, in one line."""

import numpy as np
import pytest
import torch

from fcn.expect import given, labels, one_of, positive, scores, sizes, whole


@pytest.mark.parametrize(
    ("shape", "written"),
    [
        ((2, 3, 4, 5), "N C H W"),
        ((2, 3, 4, 5), "N 3 H W"),
        ((2, 3, 4, 5), "... H W"),
        ((4, 5), "... H W"),
        ((2, 7, 7), "C k k"),
    ],
)
def test_a_shape_is_asked_for_as_it_is_written(shape, written):
    assert sizes(torch.zeros(shape), written) == shape


@pytest.mark.parametrize(
    ("x", "written", "dtype"),
    [
        (torch.zeros(2, 3, 4), "N C H W", ""),
        (torch.zeros(2, 4, 4, 5), "N 3 H W", ""),
        (torch.zeros(2, 7, 6), "C k k", ""),
        (torch.zeros(2, 0, 4), "N H W", ""),
        (torch.zeros(0, 4, 4), "... H W", ""),
        (torch.zeros(4), "... H W", ""),
        (torch.zeros(2, 4), "H W", "whole"),
        (torch.zeros(2, 4, dtype=torch.bool), "H W", "whole"),
        (torch.zeros(2, 4, dtype=torch.int64), "H W", "byte"),
        (torch.zeros(2, 4, dtype=torch.int64), "H W", "float"),
        (np.zeros((2, 4)), "H W", ""),
        ([[1.0]], "H W", ""),
        (None, "H W", ""),
    ],
)
def test_what_has_another_shape_or_type_is_refused_in_one_line_that_says_what_came(x, written, dtype):
    with pytest.raises(ValueError) as error:
        sizes(x, written, dtype, name="a map", advice="Do this.")
    message = str(error.value)
    assert given(x) in message
    assert f"({', '.join(written.split())})" in message
    assert message.endswith("Do this.")
    assert "\n" not in message


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3)])
def test_whole_numbers_of_every_library_are_whole_numbers(value):
    found = whole(value, "the factor", 2, 3)
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize(
    "value", [1, 4, 2.0, True, "3", None, torch.tensor(2.5), torch.tensor([2, 3]), np.float32(3)]
)
def test_what_is_no_whole_number_between_the_limits_is_refused(value):
    with pytest.raises(ValueError, match="the factor as a whole number, from 2 to 3; got") as error:
        whole(value, "the factor", 2, 3)
    assert given(value) in str(error.value)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), torch.tensor(0.5)])
def test_numbers_above_zero_of_every_library_are_taken(value):
    assert positive(value, "the rate") == float(value)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "0.1", None, True])
def test_what_is_no_number_above_zero_is_refused(value):
    with pytest.raises(ValueError, match=f"the rate as a number above 0; got {value!r}"):
        positive(value, "the rate")


@pytest.mark.parametrize("value", ["8", [8], 8.0, True, 7, None])
def test_an_option_is_one_by_value_and_kind(value):
    assert one_of(8, "the stride", (32, 8, 1)) == 8
    with pytest.raises(ValueError, match=r"the stride to be one of 32, 8, 1; got"):
        one_of(value, "the stride", (32, 8, 1))


@pytest.mark.parametrize(
    ("dtype", "expected"), [(torch.uint8, torch.uint8), (torch.int16, torch.int64), (torch.uint16, torch.int64)]
)
def test_label_maps_come_back_as_bytes_or_int64(dtype, expected):
    masks = torch.tensor([[0, 2], [255, 1]]).to(dtype)
    assert labels(masks, 3).dtype == expected
    assert labels(masks, 3).tolist() == [[0, 2], [255, 1]]


@pytest.mark.parametrize(
    ("masks", "classes", "void", "message"),
    [
        (torch.tensor([[0, 7], [9, 1]]), 3, 255, r"0\.\.2 or 255 \(void\); got 7 at \(0, 1\), and 1 more\."),
        (torch.tensor([[0, -1]]), 3, 255, r"got -1 at \(0, 1\)\."),
        (torch.tensor([[0, 255]]), 3, None, r"in 0\.\.2; got 255 at \(0, 1\)\."),
        (torch.tensor([[0, 255]]), 3, 11, r"0\.\.2 or 11 \(void\); got 255 at \(0, 1\)\."),
        (torch.tensor([[0, 255]], dtype=torch.uint8), 255, None, r"got 255 at \(0, 1\)\."),
        (torch.tensor([[0.0]]), 3, 255, r"got torch\.float32 \(1, 1\)"),
        (torch.tensor([[True]]), 3, 255, r"got torch\.bool \(1, 1\)"),
        ([[0]], 3, 255, r"got \[\[0\]\]"),
    ],
)
def test_the_first_label_that_is_none_is_named_with_its_place(masks, classes, void, message):
    with pytest.raises(ValueError, match=message):
        labels(masks, classes, void=void)


def test_all_bytes_are_labels_of_256_classes():
    masks = torch.arange(256, dtype=torch.uint8).view(16, 16)
    assert labels(masks, 256, void=None) is masks
    assert labels(masks, 255) is masks


@pytest.mark.parametrize(
    "logits", [torch.zeros(1, 1, 4, 4), torch.zeros(1, 257, 1, 1), torch.zeros(2, 3, 4), {"out": 1}]
)
def test_scores_are_of_two_classes_or_more(logits):
    assert scores(torch.zeros(1, 2, 4, 4)) == 2
    with pytest.raises(ValueError, match=r"; got "):
        scores(logits)


def test_what_came_is_said_in_one_line_however_long_it_is():
    for thing in (list(range(1000)), {"a": torch.zeros(9, 9)}, "x" * 500, torch.zeros(99, 99)):
        assert len(given(thing)) < 80
        assert "\n" not in given(thing)


@pytest.mark.parametrize("value", [torch.ones(2), np.ones(2), "1", True, None, [1]])
def test_several_numbers_are_no_rate(value):
    with pytest.raises(ValueError, match="Expected the rate"):
        positive(value, "the rate")
