"""Chapter 1's scores, against scikit-learn, plain loops and counting by hand."""

import math

import pytest
import torch
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score, recall_score

from fcn.checkerboard import phase_score
from fcn.metrics import ERRORS, Confusion, boundary_iou, errors, trimap_accuracy
from fcn.predict import predicted

LABEL = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 255], [0, 2, 2, 0]])
GUESS = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 2, 2], [0, 0, 2, 0]])


def maps(classes, shape=(2, 40, 50), seed=0, void=0.1, dtype=torch.int64):
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(classes, shape, generator=generator)
    prediction = torch.where(
        torch.rand(shape, generator=generator) < 0.5, label, torch.randint(classes, shape, generator=generator)
    )
    label[torch.rand(shape, generator=generator) < void] = 255
    return label.to(dtype), prediction.to(dtype)


def test_the_four_scores_of_the_small_picture_are_those_counted_by_hand():
    table = Confusion(3).update(LABEL, GUESS)
    assert table.counts.tolist() == [[6, 1, 0], [0, 4, 0], [2, 0, 2]]
    assert table.pixel_accuracy() == pytest.approx(12 / 15)
    assert table.iou().tolist() == pytest.approx([6 / 9, 4 / 5, 2 / 4])
    assert table.mean_iou() == pytest.approx((6 / 9 + 4 / 5 + 2 / 4) / 3)
    assert table.mean_accuracy() == pytest.approx((6 / 7 + 4 / 4 + 2 / 4) / 3)
    assert table.frequency_weighted_iou() == pytest.approx((7 * 6 / 9 + 4 * 4 / 5 + 4 * 2 / 4) / 15)


@pytest.mark.parametrize("classes", [2, 21, 127, 128, 129, 150, 255, 256])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_the_counts_equal_those_of_scikit_learn_to_the_last_pixel(classes, dtype):
    label, prediction = maps(classes, dtype=dtype)
    scored = label != 255
    reference = confusion_matrix(label[scored], prediction[scored], labels=range(classes))
    assert Confusion(classes).update(label, prediction).counts.tolist() == reference.tolist()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int64])
def test_narrow_types_do_not_wrap(dtype):
    label, prediction = torch.tensor([[0, 1], [1, 100]], dtype=dtype), torch.tensor([[0, 1], [0, 0]], dtype=dtype)
    assert Confusion(101, ignore=100).update(label, prediction).counts.sum() == 3
    classes = 256 if dtype == torch.uint8 else 128
    assert boundary_iou(label, prediction, classes, 1)[0].item() == pytest.approx(1 / 3)
    assert trimap_accuracy(label, prediction, classes, 1) == 0.5


def test_each_update_adds_to_what_was_counted_before():
    scores = Confusion(3).update(LABEL, GUESS).update(LABEL, GUESS)
    assert torch.equal(scores.counts, 2 * Confusion(3).update(LABEL, GUESS).counts)


def test_shares_are_computed_in_double_precision():
    scores = Confusion(2)
    scores.counts += torch.tensor([[3_000_000_000, 1], [0, 3_000_000_000]])
    assert scores.pixel_accuracy() == 6_000_000_000 / 6_000_000_001
    label, prediction = torch.tensor([[0, 1, 1, 1, 1]]), torch.tensor([[0, 1, 1, 1, 0]])
    assert trimap_accuracy(label, prediction, 2, width=9) == 4 / 5


def test_the_scores_equal_those_of_scikit_learn():
    label, prediction = maps(21)
    scores, scored = Confusion(21).update(label, prediction), label != 255
    truth, answer = label[scored], prediction[scored]
    torch.testing.assert_close(scores.iou().numpy(), jaccard_score(truth, answer, average=None))
    torch.testing.assert_close(scores.accuracy().numpy(), recall_score(truth, answer, average=None))
    assert scores.frequency_weighted_iou() == pytest.approx(jaccard_score(truth, answer, average="weighted"))


def test_the_table_of_many_pictures_is_the_sum_of_their_tables():
    label, prediction = maps(5)
    whole = Confusion(5).update(label, prediction)
    parts = [Confusion(5).update(label[i], prediction[i]) for i in range(2)]
    assert torch.equal(parts[0].merge(parts[1]).counts, whole.counts)


def test_the_iou_of_a_data_set_is_not_the_mean_of_its_pictures_ious():
    label, prediction = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0]]), torch.tensor([[1, 1, 1, 1], [0, 0, 0, 0]])
    whole = Confusion(2).update(label, prediction).iou()[1].item()
    each = [Confusion(2).update(a, b).iou()[1].item() for a, b in zip(label, prediction, strict=True)]
    assert whole == pytest.approx(4 / 5)
    assert sum(each) / 2 == pytest.approx(1 / 2)


def test_a_class_that_occurs_in_neither_map_is_left_out_of_the_means():
    scores = Confusion(4).update(torch.tensor([0, 0, 1]), torch.tensor([0, 2, 1]))
    assert [round(x, 3) if x == x else None for x in scores.iou().tolist()] == [0.5, 1.0, 0.0, None]
    assert [x if x == x else None for x in scores.accuracy().tolist()] == [0.5, 1.0, None, None]
    assert scores.mean_iou() == pytest.approx(1.5 / 3)
    assert scores.mean_accuracy() == pytest.approx(1.5 / 2)
    assert scores.frequency_weighted_iou() == pytest.approx((2 * 0.5 + 1 * 1.0) / 3)


def test_where_nothing_is_scored_every_score_is_nan():
    scores = Confusion(3).update(torch.full((4, 4), 255), torch.zeros(4, 4, dtype=torch.int64))
    assert scores.counts.sum() == 0
    for value in (
        scores.pixel_accuracy(),
        scores.mean_accuracy(),
        scores.mean_iou(),
        scores.frequency_weighted_iou(),
    ):
        assert math.isnan(value)


def test_void_may_be_any_label_a_class_included():
    label, prediction = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 0])
    assert Confusion(3, ignore=0).update(label, prediction).counts.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert Confusion(2, ignore=2).update(label, prediction).counts.tolist() == [[1, 1], [0, 1]]


def test_the_answer_that_is_always_background_is_right_as_often_as_there_is_background():
    label, _ = maps(18)
    lazy = Confusion(18).update(label, torch.zeros_like(label))
    share = ((label == 0).sum() / (label != 255).sum()).item()
    assert lazy.pixel_accuracy() == pytest.approx(share)
    assert lazy.mean_accuracy() == pytest.approx(1 / 18)
    assert lazy.mean_iou() == pytest.approx(share / 18)


def in_another_class(values, scored, row, column, width, border):
    """Say by a plain loop if a scored pixel of another class lies at most `width` rows and columns away."""
    height, wide = values.shape
    for i in range(row - width, row + width + 1):
        for j in range(column - width, column + width + 1):
            if not (0 <= i < height and 0 <= j < wide):
                if border:
                    return True
            elif scored[i, j] and values[i, j] != values[row, column]:
                return True
    return False


def blobs(seed):
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(3, (1, 1, 4, 5), generator=generator).float()
    label = torch.nn.functional.interpolate(label, size=(14, 17))[0, 0].long()
    prediction = label.roll(1, dims=1)
    label[torch.rand(label.shape, generator=generator) < 0.1] = 255
    return label, prediction


def counts_along_outlines(label, prediction, classes, width):
    """Return each class's intersection and union along the outlines, counted pixel by pixel: (K,), (K,) float64."""
    scored = label != 255
    inner, union = torch.zeros(2, classes, dtype=torch.float64)
    for row, column in scored.nonzero().tolist():
        ours, theirs = (
            {int(values[row, column])} if in_another_class(values, scored, row, column, width, True) else set()
            for values in (label, prediction)
        )
        inner[list(ours & theirs)] += 1
        union[list(ours | theirs)] += 1
    return inner, union


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_boundary_iou_compares_the_pixels_near_each_outline(width, seed):
    label, prediction = blobs(seed)
    inner, union = counts_along_outlines(label, prediction, 4, width)
    torch.testing.assert_close(boundary_iou(label, prediction, 4, width), inner / union, equal_nan=True)


def test_the_boundary_iou_of_several_pictures_is_that_of_their_summed_pixels():
    pairs = [blobs(seed) for seed in (0, 1, 2)]
    label, prediction = (torch.stack(several) for several in zip(*pairs, strict=True))
    inner, union = sum(torch.stack(counts_along_outlines(*pair, 4, 2)) for pair in pairs)
    torch.testing.assert_close(boundary_iou(label, prediction, 4, 2), inner / union, equal_nan=True)


@pytest.mark.parametrize("width", [1, 3])
def test_trimap_accuracy_is_the_share_of_right_pixels_in_the_band_around_the_true_outlines(width):
    label, prediction = blobs(2)
    scored = label != 255
    band = [
        (row, column)
        for row, column in scored.nonzero().tolist()
        if in_another_class(label, scored, row, column, width, False)
    ]
    right = sum(int(label[at] == prediction[at]) for at in band)
    assert trimap_accuracy(label, prediction, 4, width) == pytest.approx(right / len(band))


def test_an_answer_that_is_right_outside_of_void_has_a_boundary_iou_of_one():
    label, _ = blobs(3)
    answer = torch.where(label == 255, 0, label)
    scores = boundary_iou(label, answer, 3, width=2)
    assert scores[~scores.isnan()].tolist() == [1.0] * int((~scores.isnan()).sum())


def test_a_shift_by_two_pixels_costs_a_thin_thing_more_than_a_thick_one_but_their_outlines_the_same():
    label = torch.zeros(60, 60, dtype=torch.uint8)
    label[10:50, 4:8], label[10:50, 20:55] = 1, 2
    moved = label.roll(2, dims=1)
    iou = Confusion(3).update(label, moved).iou()
    outline = boundary_iou(label, moved, 3, width=2)
    assert iou[2] - iou[1] > 0.5
    assert abs(outline[2] - outline[1]) < 0.15


def test_the_prediction_is_the_class_of_the_highest_score():
    logits = torch.randn(2, 5, 6, 7)
    assert torch.equal(predicted(logits), logits.argmax(1).to(torch.uint8))


NAN = torch.zeros(2, 3, 4, 4)
NAN[1, 2, 3, 0] = math.nan
U8 = torch.zeros(2, 2, dtype=torch.uint8)
MIXED = torch.tensor([[0, 255], [0, 9]], dtype=torch.uint8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Confusion(0), "classes as a whole number, from 1 to 256; got 0"),
        (lambda: Confusion(257), "classes as a whole number, from 1 to 256; got 257"),
        (lambda: Confusion(2.0), "from 1 to 256; got 2.0"),
        (lambda: Confusion(True), "from 1 to 256; got True"),
        (lambda: Confusion(2, ignore=None), "ignore as a whole number, from 0 to 255; got None"),
        (lambda: Confusion(3, ignore=-100), "ignore as a whole number, from 0 to 255; got -100"),
        (lambda: Confusion(3).update(U8.float(), U8), "label as a tensor of whole numbers; got torch.float32 (2, 2)"),
        (lambda: Confusion(3).update(U8, U8.float()), "got torch.float32 (2, 2). From logits: predicted"),
        (lambda: Confusion(3).update(U8.numpy(), U8), "got ndarray uint8 (2, 2)"),
        (lambda: Confusion(3).update(U8, U8[:1]), "one shape and device; got [((2, 2), 'cpu'), ((1, 2), 'cpu')]"),
        (
            lambda: Confusion(3).update(torch.tensor([[0, 7]]), U8[:1]),
            "label in 0..2 or 255 (void); got 7 at (0, 1)",
        ),
        (lambda: Confusion(3).update(torch.tensor([[0, -1]]), U8[:1]), "got -1 at (0, 1)"),
        (lambda: Confusion(3).update(torch.tensor([[0, 256]]), U8[:1]), "got 256 at (0, 1)"),
        (lambda: Confusion(3).update(U8, U8 + 3), "prediction in 0..2; got 3 at (0, 0), and 3 more"),
        (lambda: Confusion(3).update(U8.long(), U8.long() - 1), "prediction in 0..2; got -1 at (0, 0)"),
        (lambda: Confusion(3).update(U8, U8.to("meta")), "[((2, 2), 'cpu'), ((2, 2), 'meta')]"),
        (lambda: Confusion(3).merge(Confusion(4)), "(3, 255); got (4, 255)"),
        (lambda: Confusion(3).merge(Confusion(3, ignore=0)), "(3, 255); got (3, 0)"),
        (lambda: predicted(NAN), "NaN in 1 places, first at (image, class, row, column) = (1, 2, 3, 0)"),
        (lambda: predicted(NAN[0]), "(N, K, H, W)"),
        (lambda: predicted(NAN.long()), "floating point; got torch.int64 (2, 3, 4, 4)"),
        (lambda: predicted(torch.zeros(1, 257, 1, 1)), "2 to 256 classes, the background is one; got 257"),
        (lambda: predicted(NAN.numpy()), "got ndarray float32 (2, 3, 4, 4)"),
        (lambda: predicted(NAN[:, :1]), "2 to 256 classes, the background is one; got 1"),
        (lambda: predicted({"out": NAN}), "got dict of 1. "),
        (lambda: errors(U8, U8 - 1), "prediction in 0..254; got 255 at (0, 0), and 3 more"),
        (lambda: errors(U8, U8[:1]), "[((2, 2), 'cpu'), ((1, 2), 'cpu')]"),
        (lambda: boundary_iou(U8, U8, 3, width=0), "width as a whole number, 1 or more; got 0"),
        (lambda: boundary_iou(U8, U8, 3, width=1.5), "1 or more; got 1.5"),
        (lambda: boundary_iou(U8[:0], U8[:0], 3, width=1), "with pixels in them; got torch.uint8 (0, 2)"),
        (lambda: boundary_iou(MIXED, U8, 3, width=1), "255 (void); got 9 at (1, 1)"),
        (lambda: boundary_iou(U8 + 9, U8, 3, width=1), "0..2 or 255 (void); got 9 at (0, 0), and 3 more"),
        (lambda: boundary_iou(U8[0], U8[0], 3, width=1), "maps (H, W) or (N, H, W)"),
        (lambda: trimap_accuracy(U8, U8 + 3, 3, width=1), "prediction in 0..2; got 3 at (0, 0)"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_value_and_place(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_what_is_refused_was_not_counted():
    scores = Confusion(3).update(U8, U8)
    before = scores.counts.clone()
    for label, prediction in [(U8 + 9, U8), (U8, U8 + 3)]:
        with pytest.raises(ValueError):
            scores.update(label, prediction)
    assert torch.equal(scores.counts, before)


# --- what users of other packages stumbled over ---------------------------------------------------------------------


def test_each_pixel_is_right_missed_spilled_mixed_up_or_void():
    truth, answer = maps(3, shape=(2, 9, 11))
    kinds = errors(truth, answer)
    assert kinds.dtype == torch.uint8
    for place in (truth >= 0).nonzero().tolist():
        true, claimed, kind = (int(each[tuple(place)]) for each in (truth, answer, kinds))
        if true == 255:
            expected = "void"
        elif true == claimed:
            expected = "right"
        else:
            expected = "spilled" if true == 0 else "missed" if claimed == 0 else "mixed up"
        assert ERRORS[kind] == expected
    shares = torch.bincount(kinds.flatten().long(), minlength=5).double()[:4] / (truth != 255).sum()
    assert 1 - shares[1:].sum() == pytest.approx(Confusion(3).update(truth, answer).pixel_accuracy())


def test_where_no_class_is_background_nothing_is_missed_or_spilled():
    truth, answer = maps(3)
    kinds = errors(truth, answer, background=None)
    assert {ERRORS[kind] for kind in kinds.unique()} == {"right", "mixed up", "void"}


def test_an_ignored_class_has_no_score_of_its_own():
    """As torchmetrics has it since its issues 1385 and 312: the mean is that of the other classes."""
    label, prediction = torch.tensor([[0, 0, 1, 1, 2, 2]]), torch.tensor([[1, 0, 1, 0, 2, 2]])
    table = Confusion(3, ignore=0).update(label, prediction)
    assert [x if x == x else None for x in table.iou().tolist()] == [None, 0.5, 1.0]
    assert table.mean_iou() == pytest.approx(0.75)
    assert [x == x for x in table.dice().tolist()] == [False, True, True]
    assert boundary_iou(label, prediction, 3, 1, ignore=0)[0].isnan()


def test_dice_is_the_f1_score():
    label, prediction = maps(6)
    scored = label != 255
    reference = f1_score(label[scored], prediction[scored], average=None)
    torch.testing.assert_close(Confusion(6).update(label, prediction).dice().numpy(), reference)


def test_counts_made_without_gradients_can_be_merged_and_updated():
    label, prediction = maps(3)
    with torch.inference_mode():
        table = Confusion(3).update(label, prediction)
    assert (
        table.merge(Confusion(3).update(label, prediction)).update(label, prediction).counts.sum()
        == 3 * (label != 255).sum()
    )


def test_the_sum_of_two_tables_leaves_the_two_as_they_were():
    one, other = (Confusion(3).update(*maps(3, seed=seed)) for seed in (0, 1))
    before = one.counts.clone()
    assert torch.equal((one + other).counts, one.counts + other.counts)
    assert torch.equal(one.counts, before)


def test_a_table_says_how_much_it_holds_and_how_good_it_is():
    assert repr(Confusion(3).update(LABEL, GUESS)) == "Confusion(3): 15 pixels, pixel accuracy 0.800, mean IoU 0.656"


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32])
def test_maps_as_a_16_bit_picture_holds_them_are_counted(dtype):
    assert torch.equal(
        Confusion(3).update(LABEL.to(dtype), GUESS.to(dtype)).counts, Confusion(3).update(LABEL, GUESS).counts
    )


class OnADevice(torch.Tensor):
    """A tensor on a device that knows no float64, as Apple's MPS: only .cpu() leads away from it."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        result = super().__torch_function__(function, types, arguments, options or {})
        if function in (torch.Tensor.cpu, torch.Tensor.tolist, torch.Tensor.item):
            return result.as_subclass(torch.Tensor) if isinstance(result, torch.Tensor) else result
        if isinstance(result, cls) and result.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return result


def test_no_score_needs_float64_on_the_device_of_the_maps():
    label, prediction = (values.as_subclass(OnADevice) for values in maps(3, shape=(2, 16, 16)))
    with pytest.raises(TypeError, match="float64"):
        label.double()
    table = Confusion(3)
    table.counts = table.counts.as_subclass(OnADevice)
    table.update(label, prediction)
    plain = Confusion(3).update(*maps(3, shape=(2, 16, 16)))
    assert table.mean_iou() == plain.mean_iou()
    assert table.pixel_accuracy() == plain.pixel_accuracy()
    assert table.frequency_weighted_iou() == plain.frequency_weighted_iou()
    assert boundary_iou(label, prediction, 3, 2).isfinite().all()
    assert 0 < trimap_accuracy(label, prediction, 3, 2) < 1
    assert 0 < phase_score(torch.rand(2, 8, 8).as_subclass(OnADevice), 2)[0] < 1


def test_counts_of_a_list_of_parts_can_be_summed_up():
    parts = [Confusion(2).update(torch.tensor([[0, 1]]), torch.tensor([[0, 0]])) for _ in range(3)]
    assert torch.equal(sum(parts).counts, 3 * parts[0].counts)
    with pytest.raises(ValueError, match="Confusion"):
        parts[0] + 3


@pytest.mark.parametrize("options", [{"background": 256}, {"ignore": -1}])
def test_errors_take_no_label_that_a_byte_cannot_hold(options):
    with pytest.raises(ValueError, match="255"):
        errors(torch.tensor([[0, 1]]), torch.tensor([[0, 0]]), **options)
