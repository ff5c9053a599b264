"""What an argument must be: each call reads like the docstring and returns what the next line needs.

A public function asks here once, at its door; what it calls trusts it. Every refusal is a ValueError of one line:
what was expected, what came, what to do.
"""

import math

import torch
from torch import Tensor, nn

from fcn import VOID

_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64)


def given(x) -> str:
    """Say what came, briefly: a tensor's or array's type and shape, otherwise the value itself.

    >>> given(torch.zeros(2, 3)), given("8")
    ('torch.float32 (2, 3)', "'8'")
    """
    if isinstance(x, Tensor):
        return f"{x.dtype} {tuple(x.shape)}"
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return f"{type(x).__name__} {x.dtype} {tuple(x.shape)}"
    if isinstance(x, nn.Module):
        return f"{type(x).__name__} (from {type(x).__module__.split('.')[0]})"
    if isinstance(x, type):
        return f"the class {x.__name__} itself, not an instance"
    text = repr(x)
    if len(text) < 80 and "\n" not in text:
        return text
    return f"{type(x).__name__} of {len(x)}" if hasattr(x, "__len__") else type(x).__name__


def sizes(x: Tensor, shape: str, dtype: str = "", *, name: str = "a tensor", advice: str = "") -> tuple[int, ...]:
    """Return the sizes of a tensor that has the shape as it is written: letters for any size, numbers for themselves.

    `shape` is "N 3 H W", or "... H W" with any number of sizes before, or "K C s s" for squares; no size may be 0.
    `dtype` is "float", "whole", "byte" (uint8) or "" for any. `name` says what it should be, `advice` what to do.
    Raises ValueError for anything else.

    >>> sizes(torch.zeros(2, 3, 4, 5), "N 3 H W", "float")
    (2, 3, 4, 5)
    """
    wanted = shape.removeprefix("...").split()
    sides = tuple(x.shape) if isinstance(x, Tensor) else None
    if sides is None or not _fits(sides, wanted, any_before=shape.startswith("...")) or not _is_kind(x, dtype):
        kind = {"float": ", floating point", "whole": ", whole numbers", "byte": ", uint8", "": ""}[dtype]
        raise ValueError(f"Expected {name} ({', '.join(shape.split())}){kind}; got {given(x)}. {advice}".rstrip())
    return sides


def that(holds: bool, expected: str, came, advice: str = "") -> None:
    """Raise ValueError, saying what came, unless what is expected holds: for what relates several arguments.

    >>> that(6 % 3 == 0, "sides that 3 divides", (6, 6))
    """
    if not holds:
        raise ValueError(f"Expected {expected}; got {given(came)}. {advice}".rstrip())


def whole(value, name: str, low: int, high: int | None = None) -> int:
    """Return a whole number between two limits, both included, as an int. Raises ValueError for anything else.

    >>> whole(3, "the factor", 2)
    3
    """
    number = None if isinstance(value, bool) or not hasattr(value, "__index__") else _index(value)
    if number is None or number < low or (high is not None and number > high):
        limits = f"{low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"Expected {name} as a whole number, {limits}; got {given(value)}.")
    return number


def positive(value, name: str) -> float:
    """Return a finite number above 0 as a float. Raises ValueError for anything else.

    >>> positive(0.5, "the rate")
    0.5
    """
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, RuntimeError):  # no number, or several
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(f"Expected {name} as a number above 0; got {given(value)}.")
    return number


def one_of(value, name: str, options):
    """Return a value that is one of the options. Raises ValueError, naming them, for anything else.

    >>> one_of(8, "the stride", (32, 16, 8))
    8
    """
    if not any(value is option or (type(value) is type(option) and value == option) for option in options):
        raise ValueError(f"Expected {name} to be one of {', '.join(map(repr, options))}; got {given(value)}.")
    return value


def labels(masks: Tensor, classes: int, *, void: int | None = VOID, name: str = "label") -> Tensor:
    """Return label maps of any shape in which every pixel holds a class, 0..K-1, or void; as bytes or int64.

    Raises ValueError for another type, and for the first label that is neither, with its place.

    >>> labels(torch.tensor([[0, 2], [255, 1]]), 3).shape
    torch.Size([2, 2])
    """
    if not isinstance(masks, Tensor) or masks.dtype not in _WHOLE:
        advice = {"prediction": "From logits: predicted(logits)."}.get(
            name, "Read masks without scaling them to 0..1."
        )
        raise ValueError(f"Expected each {name} as a tensor of whole numbers; got {given(masks)}. {advice}")
    bytes_do = masks.dtype == torch.uint8 and (void is None or 0 <= void <= 255)  # to torch uint8 156 equals -100
    masks = masks if bytes_do else masks.to(torch.int64)
    if not masks.numel() or (masks.dtype == torch.uint8 and (classes == 256 or (classes == VOID == void))):
        return masks
    low, high = (extreme.item() for extreme in masks.aminmax())
    if low < 0 or high >= classes:
        wrong = (masks < 0) | (masks >= classes)
        wrong = wrong if void is None else wrong & (masks != void)
        if wrong.any():
            place = tuple(wrong.nonzero()[0].tolist())
            allowed = f"0..{classes - 1}" if void is None else f"0..{classes - 1} or {void} (void)"
            more = f", and {int(wrong.sum()) - 1} more" if wrong.sum() > 1 else ""
            raise ValueError(f"Expected each {name} in {allowed}; got {masks[place].item()} at {place}{more}.")
    return masks


def scores(logits: Tensor) -> int:
    """Return the number of classes of logits (N, K, H, W), 2 to 256. Raises ValueError for anything else.

    >>> scores(torch.zeros(1, 5, 8, 8))
    5
    """
    advice = (
        "A network that returns a dict? Wrap it so that it returns its scores." if isinstance(logits, dict) else ""
    )
    classes = sizes(logits, "N K H W", "float", name="logits", advice=advice)[1]
    if not 2 <= classes <= 256:
        raise ValueError(f"Expected logits of 2 to 256 classes, the background is one; got {classes}.")
    return classes


def _fits(sides: tuple[int, ...], wanted: list[str], any_before: bool) -> bool:
    before = len(sides) - len(wanted)
    if before < 0 or (before and not any_before) or 0 in sides[:before]:
        return False
    known = {}  # what a word stands for: k k is a square
    return all(
        side == (int(word) if word.isdigit() else known.setdefault(word, side)) and side > 0
        for side, word in zip(sides[before:], wanted, strict=True)
    )


def _is_kind(x: Tensor, dtype: str) -> bool:
    if dtype == "float":
        return x.is_floating_point()
    return x.dtype in {"whole": _WHOLE, "byte": (torch.uint8,), "": (x.dtype,)}[dtype]


def _index(value) -> int | None:
    try:
        return value.__index__()
    except TypeError:  # a tensor of fractions, or of several numbers
        return None
