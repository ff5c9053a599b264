"""Chapter 1: scores of a segmentation. N batch, K classes, H height, W width.

Labels and predictions hold one class index a pixel, 0..K-1; a label of `ignore` (void) is never scored.
"""

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def predicted(logits: Tensor) -> Tensor:
    """Return the class of the highest score at each pixel: (N, K, H, W) float -> (N, H, W) uint8.

    Raises ValueError if a score is NaN (argmax would name it the winner), naming the first, if there are more than
    256 classes, and for another shape or dtype.
    """
    is_tensor = isinstance(logits, Tensor)
    if not is_tensor or logits.ndim != 4 or not logits.is_floating_point() or not 1 <= logits.shape[1] <= 256:
        raise ValueError(f"Expected logits (N, K, H, W), floating point, K at most 256; got {_described(logits)}.")
    best, classes = logits.max(dim=1)
    if best.isnan().any():  # max returns NaN where there is one
        where = logits.isnan().nonzero()
        raise ValueError(
            f"The logits are NaN in {len(where)} places, first at (image, class, row, column) = "
            f"{tuple(where[0].tolist())}: the network has diverged, or its input was NaN."
        )
    return classes.to(torch.uint8)


class Confusion:
    """Counts of (true class, predicted class) over all scored pixels, and the measures that follow from them.

    `counts` is (K, K) int64: row i, column j holds the pixels of class i that were predicted as class j. `ignore` is
    the label that is left out; 0..255, and it may be one of the classes.

    Raises ValueError if `classes` is not 1..256 or `ignore` not 0..255.
    Source: Long et al. 2015, section 5 (n_ij and t_i there are counts[i, j] and counts[i].sum() here).
    """

    def __init__(self, classes: int, ignore: int = 255):
        self.classes, self.ignore = _whole("classes", classes, 1, 256), _whole("ignore", ignore, 0, 255)
        self.counts = torch.zeros(self.classes, self.classes, dtype=torch.int64)

    def update(self, label: Tensor, prediction: Tensor) -> "Confusion":
        """Count the pixels of `label` and `prediction`, of one shape and any whole-number dtype; return self.

        uint8 maps are counted fastest. Raises ValueError, and counts nothing, if dtype, shape or device is wrong, if
        a label is neither a class nor `ignore`, or if a prediction is no class; it names the value and its place.
        """
        _check(label, prediction, self.classes)
        # One index a pixel, label * K + prediction, in the narrowest type that holds it: the counting is bound by
        # memory. Void pixels are counted too, in rows that are then left out, which is cheaper than masking them.
        narrow = torch.int16 if 256 * self.classes <= 2**15 else torch.int32
        joint = label.flatten().to(narrow) * self.classes
        joint += prediction.flatten().to(narrow)
        table = torch.bincount(joint, minlength=256 * self.classes).view(256, self.classes)
        table[self.ignore] = 0
        if table[self.classes :].any():
            _refuse_unknown(label, self.classes, self.ignore)
        self.counts += table[: self.classes].to(self.counts.device)
        return self

    def merge(self, other: "Confusion") -> "Confusion":
        """Add the counts of `other`, from another part of the data or another process; return self.

        Raises ValueError if the two do not count the same classes with the same void.
        """
        if (self.classes, self.ignore) != (other.classes, other.ignore):
            raise ValueError(
                f"Cannot merge {other.classes} classes, ignoring {other.ignore}, into {self.classes} classes, "
                f"ignoring {self.ignore}."
            )
        self.counts += other.counts.to(self.counts.device)
        return self

    def pixel_accuracy(self) -> float:
        """Return the share of scored pixels that are right; NaN if none was scored."""
        return (self.counts.diagonal().sum().double() / self.counts.sum()).item()

    def accuracy(self) -> Tensor:
        """Return for each class the share of its pixels that are right: (K,) float64, NaN for a class without any."""
        return self.counts.diagonal().double() / self.counts.sum(dim=1)

    def mean_accuracy(self) -> float:
        """Return the mean of `accuracy` over the classes that have pixels."""
        return self.accuracy().nanmean().item()

    def iou(self) -> Tensor:
        """Return each class's intersection over union: (K,) float64, NaN where truth and prediction are empty."""
        right = self.counts.diagonal()
        return right.double() / (self.counts.sum(dim=0) + self.counts.sum(dim=1) - right)

    def mean_iou(self) -> float:
        """Return the mean of `iou` over the classes that occur in the truth or in the prediction."""
        return self.iou().nanmean().item()

    def frequency_weighted_iou(self) -> float:
        """Return the mean of `iou`, each class weighted by its pixels in the truth; NaN if none was scored."""
        pixels = self.counts.sum(dim=1)
        return ((pixels * self.iou().nan_to_num()).sum() / pixels.sum()).item()


def boundary_iou(label: Tensor, prediction: Tensor, classes: int, width: int, ignore: int = 255) -> Tensor:
    """Return each class's IoU along its outline: maps (H, W) or (N, H, W) -> (K,) float64, summed over the images.

    Of each class only the pixels are compared that lie within `width` pixels (in rows and in columns) of a pixel of
    another class, in the truth for the truth, in the prediction for the prediction. A class that has no such pixel in
    either is NaN.

    The picture's border is an outline, as in the authors' code: a class that reaches it ends there. Void is not: void
    pixels are taken out of both maps before anything is measured, and the distance is to the nearest pixel of another
    class that is left. So a rim of void uses up part of the width: choose a width above the rim's.

    Raises ValueError as Confusion.update does, and for a width below 1.
    Source: Cheng et al. 2021, Boundary IoU: Improving Object-Centric Image Segmentation Evaluation.
    """
    label, prediction, scored = _maps(label, prediction, classes, width, ignore)
    true_edge = scored & _near_another(label, scored, width, border=True)
    edge = scored & _near_another(prediction, scored, width, border=True)
    right = true_edge & edge & (label == prediction)
    truth, claimed, both = (
        torch.bincount(values.to(torch.int64), minlength=classes)
        for values in (label[true_edge], prediction[edge], label[right])
    )
    return both.double() / (truth + claimed - both)


def trimap_accuracy(label: Tensor, prediction: Tensor, classes: int, width: int, ignore: int = 255) -> float:
    """Return the share of right pixels in the band around the true outlines: maps (H, W) or (N, H, W) -> 0..1.

    The band holds the scored pixels that lie within `width` pixels (in rows and in columns) of a pixel of another
    class in the truth. The picture's border is no outline here; void is skipped as in boundary_iou. NaN if the band
    is empty. Raises ValueError as boundary_iou does.
    Source: Kohli et al. 2009, Robust Higher Order Potentials for Enforcing Label Consistency.
    """
    label, prediction, scored = _maps(label, prediction, classes, width, ignore)
    band = scored & _near_another(label, scored, width, border=False)
    return (((label == prediction) & band).sum().double() / band.sum()).item()


def _maps(label, prediction, classes, width, ignore) -> tuple[Tensor, Tensor, Tensor]:
    """Return checked maps as (N, H, W), and where they are scored."""
    Confusion(classes, ignore)  # checks both numbers
    _whole("width", width, 1, None)
    _check(label, prediction, classes)
    if label.ndim not in (2, 3) or not label.numel():
        raise ValueError(f"Expected maps (H, W) or (N, H, W) with pixels in them; got {tuple(label.shape)}.")
    shape = (-1, *label.shape[-2:])
    scored = label != ignore
    if (scored & (label.to(torch.int16) >= classes)).any():
        _refuse_unknown(label, classes, ignore)
    return label.reshape(shape), prediction.reshape(shape), scored.reshape(shape)


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


def _whole(name: str, value, low: int, high: int | None) -> int:
    """Return a whole number within its limits as a plain int; raise ValueError otherwise."""
    try:
        number = None if isinstance(value, bool) else value.__index__()
    except AttributeError:
        number = None
    if number is None or number < low or (high is not None and number > high):
        limits = f"{low} or more" if high is None else f"{low} to {high}"
        raise ValueError(f"Expected {name} to be a whole number, {limits}; got {value!r}.")
    return number


def _check(label: Tensor, prediction: Tensor, classes: int) -> None:
    for name, values in [("label", label), ("prediction", prediction)]:
        if not isinstance(values, Tensor) or values.dtype not in _WHOLE:
            advice = " (from logits: predicted(logits))" if name == "prediction" else ""
            raise ValueError(f"Expected {name} as a tensor of whole numbers{advice}; got {_described(values)}.")
    if label.shape != prediction.shape or label.device != prediction.device:
        places = (f"{tuple(values.shape)} on {values.device}" for values in (label, prediction))
        raise ValueError(f"label and prediction must have one shape and device; got {' and '.join(places)}.")
    for name, values, top in [("label", label, 256), ("prediction", prediction, classes)]:
        if values.numel() and not (values.dtype == torch.uint8 and top == 256):
            low, high = (extreme.item() for extreme in values.aminmax())
            if low < 0 or high >= top:
                values = values.to(torch.int64)  # 256 does not fit into a byte
                _refuse(values, (values < 0) | (values >= top), f"in 0..{top - 1}", name)


def _described(values) -> str:
    return f"{values.dtype} {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__


def _refuse_unknown(label: Tensor, classes: int, ignore: int) -> None:
    label = label.to(torch.int64)
    _refuse(label, (label >= classes) & (label != ignore), f"a class (0..{classes - 1}) or void ({ignore})")


def _refuse(values: Tensor, wrong: Tensor, expected: str, name: str = "label") -> None:
    where = wrong.nonzero()[0].tolist()
    raise ValueError(
        f"Expected each {name} to be {expected}; got {values[tuple(where)].item()} at {tuple(where)}, "
        f"and {int(wrong.sum()) - 1} more."
    )
