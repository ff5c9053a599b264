"""Chapter 1: scores of a segmentation. N batch, K classes, H height, W width.

Labels and predictions hold one class index a pixel, 0..K-1; a label of `ignore` (void) is never scored.
"""

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from fcn import VOID
from fcn.expect import labels, that, whole

ERRORS = ("right", "missed", "spilled", "mixed up", "void")  # what errors() tells apart


class Confusion:
    """Counts of (true class, predicted class) over all scored pixels, and the measures that follow from them.

    `counts` is (K, K) int64: row i, column j holds the pixels of class i that were predicted as class j. `ignore` is
    the label that is left out, 0..255. It may be one of the classes, and then has no score of its own (with 256
    classes the default, 255, is one).

    Raises ValueError for other numbers.
    Source: Long et al. 2015, section 5 (n_ij and t_i there are counts[i, j] and counts[i].sum() here).

    >>> table = Confusion(2).update(torch.tensor([[0, 1, 1, 255]]), torch.tensor([[0, 1, 0, 1]]))
    >>> table.counts.tolist(), table.mean_iou()
    ([[1, 0], [1, 1]], 0.5)
    """

    def __init__(self, classes: int, ignore: int = VOID):
        self.classes, self.ignore = whole(classes, "classes", 1, 256), whole(ignore, "ignore", 0, 255)
        self.counts = torch.zeros(self.classes, self.classes, dtype=torch.int64)

    def update(self, label: Tensor, prediction: Tensor) -> "Confusion":
        """Count the pixels of `label` and `prediction`, of one shape and any whole-number dtype; return self.

        uint8 maps are counted fastest. Raises ValueError, and counts nothing, for other maps, for a label that is
        neither a class nor `ignore`, and for a prediction that is no class; it names the value and its place.
        """
        classes = self.classes
        _same_place(label, prediction)
        codes, answers = labels(label, 256, void=None), labels(prediction, classes, void=None, name="prediction")
        # One index a pixel, label * K + prediction, in the narrowest type that holds it: the counting is bound by
        # memory. Void pixels are counted too, in rows that are then left out, which is cheaper than masking them.
        joint = codes.flatten().to(torch.int16 if 256 * classes <= 2**15 else torch.int32) * classes
        joint += answers.flatten().to(joint.dtype)
        joint = joint.cpu() if joint.device.type == "mps" else joint  # bincount takes seconds there
        table = torch.bincount(joint, minlength=256 * classes).view(256, classes)
        table[self.ignore] = 0
        if table[classes:].any():
            labels(label, classes, void=self.ignore)  # finds which, and where
        self.counts = self.counts + table[:classes].to(self.counts.device)
        return self

    def merge(self, other: "Confusion") -> "Confusion":
        """Add the counts of `other`, from another part of the data or another process; return self.

        Raises ValueError if the two do not count the same classes with the same void.
        """
        that(isinstance(other, Confusion), "another Confusion", other)
        ours, theirs = (self.classes, self.ignore), (other.classes, other.ignore)
        that(ours == theirs, f"counts of as many classes and the same void, {ours}", theirs)
        self.counts = self.counts + other.counts.to(self.counts.device)
        return self

    def __add__(self, other: "Confusion") -> "Confusion":
        """Return the counts of both, as merge does, leaving the two as they are; sum() of several works."""
        return Confusion(self.classes, self.ignore).merge(self).merge(other)

    def __radd__(self, start: int) -> "Confusion":
        return self + Confusion(self.classes, self.ignore) if start == 0 else self + start  # where sum() begins

    def __repr__(self) -> str:
        scores = f"pixel accuracy {self.pixel_accuracy():.3f}, mean IoU {self.mean_iou():.3f}"
        return f"Confusion({self.classes}): {self.counts.sum():,} pixels, {scores}"

    def pixel_accuracy(self) -> float:
        """Return the share of scored pixels that are right; NaN if none was scored."""
        return (self._right().sum() / self.counts.sum().cpu()).item()

    def accuracy(self) -> Tensor:
        """Return for each class the share of its pixels that are right: (K,) float64, NaN for a class without any."""
        return self._right() / self._truth()

    def mean_accuracy(self) -> float:
        """Return the mean of `accuracy` over the classes that have pixels."""
        return self.accuracy().nanmean().item()

    def iou(self) -> Tensor:
        """Return each class's intersection over union: (K,) float64, NaN where truth and prediction are empty."""
        return self._scored(self._right() / (self._truth() + self._claimed() - self._right()))

    def mean_iou(self) -> float:
        """Return the mean of `iou` over the classes that occur in the truth or in the prediction."""
        return self.iou().nanmean().item()

    def dice(self) -> Tensor:
        """Return each class's Dice score, also called F1: (K,) float64, NaN where truth and prediction are empty.

        Source: Dice 1945; it is 2 IoU / (1 + IoU).
        """
        return self._scored(2 * self._right() / (self._truth() + self._claimed()))

    def frequency_weighted_iou(self) -> float:
        """Return the mean of `iou`, each class weighted by its pixels in the truth; NaN if none was scored."""
        return ((self._truth() * self.iou().nan_to_num()).sum() / self._truth().sum()).item()

    def _right(self) -> Tensor:
        return self.counts.diagonal().cpu().double()  # to the CPU first: not every device knows float64

    def _truth(self) -> Tensor:
        return self.counts.sum(dim=1).cpu()

    def _claimed(self) -> Tensor:
        return self.counts.sum(dim=0).cpu()

    def _scored(self, values: Tensor) -> Tensor:
        return _without(values, self.ignore)


def boundary_iou(label: Tensor, prediction: Tensor, classes: int, width: int, ignore: int = VOID) -> Tensor:
    """Return each class's IoU along its outline: maps (H, W) or (N, H, W) -> (K,) float64, summed over the images.

    Of each class only the pixels are compared that lie within `width` pixels (in rows and in columns) of a pixel of
    another class, in the truth for the truth, in the prediction for the prediction. A class that has no such pixel in
    either is NaN, as is `ignore` if it is a class.

    The picture's border is an outline, as in the authors' code: a class that reaches it ends there. Void is not: void
    pixels are taken out of both maps before anything is measured, and the distance is to the nearest pixel of another
    class that is left. So a rim of void uses up part of the width: choose a width above the rim's.

    Raises ValueError as Confusion.update does, and for a width below 1.
    Source: Cheng et al. 2021, Boundary IoU: Improving Object-Centric Image Segmentation Evaluation.

    >>> square = torch.nn.functional.pad(torch.ones(6, 6, dtype=torch.uint8), (5, 5, 5, 5))
    >>> round(boundary_iou(square, square.roll(1, dims=1), 2, width=1)[1].item(), 2)
    0.33
    """
    label, prediction, scored = _maps(label, prediction, classes, width, ignore)
    true_edge = scored & _near_another(label, scored, width, border=True)
    edge = scored & _near_another(prediction, scored, width, border=True)
    right = true_edge & edge & (label == prediction)
    truth, claimed, both = (
        torch.bincount(values.to(torch.int64), minlength=classes).cpu()
        for values in (label[true_edge], prediction[edge], label[right])
    )
    return _without(both.double() / (truth + claimed - both), ignore)


def trimap_accuracy(label: Tensor, prediction: Tensor, classes: int, width: int, ignore: int = VOID) -> float:
    """Return the share of right pixels in the band around the true outlines: maps (H, W) or (N, H, W) -> 0..1.

    The band holds the scored pixels that lie within `width` pixels (in rows and in columns) of a pixel of another
    class in the truth. The picture's border is no outline here; void is skipped as in boundary_iou. NaN if the band
    is empty. Raises ValueError as boundary_iou does.
    Source: Kohli et al. 2009, Robust Higher Order Potentials for Enforcing Label Consistency.

    >>> square = torch.nn.functional.pad(torch.ones(6, 6, dtype=torch.uint8), (5, 5, 5, 5))
    >>> round(trimap_accuracy(square, square.roll(1, dims=1), 2, width=1), 2)
    0.75
    """
    label, prediction, scored = _maps(label, prediction, classes, width, ignore)
    band = scored & _near_another(label, scored, width, border=False)
    return (((label == prediction) & band).sum().cpu().double() / band.sum().cpu()).item()


def errors(label: Tensor, prediction: Tensor, *, background: int | None = 0, ignore: int = VOID) -> Tensor:
    """Return what went wrong where: label maps of one shape, any -> uint8 of that shape, an index into ERRORS.

    "missed" is an object's pixel taken for background, "spilled" a pixel of background taken for an object,
    "mixed up" an object's pixel taken for another object; "void" pixels are not scored. Where no class is
    background (None), nothing is missed or spilled. In the words of the field, a missed pixel is a false negative of
    its class, a spilled one a false positive, a mixed up one both.
    Raises ValueError for maps that differ in shape or are none, a prediction of 255, and labels that no byte holds.

    >>> truth, answer = torch.tensor([0, 0, 1, 1, 1, 255]), torch.tensor([0, 2, 1, 2, 0, 1])
    >>> [ERRORS[kind] for kind in errors(truth, answer)]
    ['right', 'spilled', 'right', 'mixed up', 'missed', 'void']
    """
    _same_place(label, prediction), whole(ignore, "the label to ignore", 0, 255)
    background = None if background is None else whole(background, "the background", 0, 255)
    label, prediction = labels(label, 256, void=None), labels(prediction, VOID, void=None, name="prediction")
    kinds = torch.full(label.shape, ERRORS.index("mixed up"), dtype=torch.uint8, device=label.device)
    kinds[prediction == background] = ERRORS.index("missed")
    kinds[label == background] = ERRORS.index("spilled")
    kinds[label == prediction] = ERRORS.index("right")
    kinds[label == ignore] = ERRORS.index("void")
    return kinds


def _without(values: Tensor, ignore: int) -> Tensor:
    """Return the scores of all classes, NaN for the one that is ignored: it was never asked for."""
    if ignore < len(values):
        values[ignore] = torch.nan
    return values


def _same_place(label: Tensor, prediction: Tensor) -> None:
    places = [(tuple(x.shape), str(x.device)) for x in (label, prediction) if isinstance(x, Tensor)]
    that(len(set(places)) < 2, "label and prediction of one shape and device", places)


def _maps(label, prediction, classes, width, ignore) -> tuple[Tensor, Tensor, Tensor]:
    """Return checked maps as (N, H, W), and where they are scored."""
    classes, ignore = whole(classes, "classes", 1, 256), whole(ignore, "ignore", 0, 255)
    whole(width, "the width", 1)
    _same_place(label, prediction)
    label = labels(label, classes, void=ignore)
    prediction = labels(prediction, classes, void=None, name="prediction")
    that(label.ndim in (2, 3) and label.numel(), "maps (H, W) or (N, H, W) with pixels in them", label)
    shape = (-1, *label.shape[-2:])
    label, prediction = label.reshape(shape), prediction.reshape(shape)
    return label, prediction, label != ignore


def _near_another(maps: Tensor, scored: Tensor, width: int, border: bool) -> Tensor:
    """Return where a scored pixel of another class lies at most `width` rows and columns away: (N, H, W) bool."""
    near = torch.zeros_like(scored)
    square = 2 * width + 1
    for index in range(len(maps)):  # image by image: little memory
        for sign in (1.0, -1.0):  # is the largest class around larger than the pixel's, the smallest smaller?
            signed = sign * maps[index].float()
            known = torch.where(scored[index], signed, -torch.inf)
            padded = pad(known, 4 * [width], value=torch.inf if border else -torch.inf)
            rows = max_pool2d(padded[None], (square, 1), stride=1)
            near[index] |= max_pool2d(rows, (1, square), stride=1)[0] > signed
    return near
