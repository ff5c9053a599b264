"""What figures and tables are given, as tensor, array or list, made into what they draw. Knows no torch."""

from collections.abc import Mapping

import numpy as np

from fcn import VOID


def as_array(x) -> np.ndarray:
    """Return a tensor (of any device, with or without a gradient), an array or nested lists as an array.

    Raises ValueError for lists that are no rectangle.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.double() if x.is_floating_point() else x  # NumPy has no bfloat16
    try:
        return np.asarray(x)
    except (TypeError, ValueError):
        raise ValueError(f"Expected a tensor, an array or a rectangle of numbers; got {came(x)}.") from None


def as_image(x) -> np.ndarray:
    """Return an image (3, H, W) or (H, W, 3), uint8 or 0..1, as an array (H, W, 3) of uint8 or of floats.

    If the last axis is 3 long, it holds the colors. Raises ValueError for anything else.

    >>> as_image(np.zeros((3, 4, 6))).shape
    (4, 6, 3)
    """
    picture = as_array(x)
    if picture.ndim == 3 and picture.shape[0] == 3 != picture.shape[2]:
        picture = picture.transpose(1, 2, 0)
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(f"Expected an image (3, H, W) or (H, W, 3); got {came(x)}.")
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype.kind != "f" or not (picture.min() >= -1e-3 and picture.max() <= 1 + 1e-3):  # NaN fails
        extremes = f"{picture.min() + 0:.3g} to {picture.max() + 0:.3g}"  # True + 0: a format knows no bool
        raise ValueError(f"Expected an image as uint8, or as floats of 0 to 1; got {came(x)}, {extremes}.")
    return picture.clip(0, 1)  # enlarged and blended images leave 0..1 by a rounding


def as_label_map(x, classes: int, *, void: bool = True, advice: str = "") -> np.ndarray:
    """Return a label map as an array (H, W) of whole numbers below `classes`, or VOID, unless `void` is False.

    Raises ValueError for anything else, naming the first strange label and its place; `advice` says what to do.

    >>> as_label_map([[0, 1], [2, 255]], 3).shape
    (2, 2)
    """
    labels = as_array(x)
    if labels.ndim != 2 or labels.dtype.kind not in "ui" or not labels.size:
        raise ValueError(f"Expected a label map (H, W) of whole numbers; got {came(x)}. {advice}".rstrip())
    strange = (labels < 0) | (labels >= classes)
    strange &= (labels != VOID) if void else True
    if strange.any():
        row, column = np.argwhere(strange)[0]
        allowed = f"0..{classes - 1} or {VOID} (void)" if void else f"0..{classes - 1}"
        raise ValueError(
            f"Expected labels in {allowed}; got {labels[row, column]} at ({row}, {column}). {advice}".rstrip()
        )
    return labels


def as_small_map(x) -> np.ndarray:
    """Return a map (H, W) of finite numbers as an array, whole numbers as such. Raises ValueError for anything else.

    >>> as_small_map([[True, False]]).tolist()
    [[1, 0]]
    """
    values = as_array(x)
    if values.ndim != 2 or not values.size or values.dtype.kind not in "buif":
        raise ValueError(f"Expected a map (H, W) of numbers; got {came(x)}.")
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"Expected a map (H, W) of finite numbers; got {values[row, column]} at ({row}, {column}).")
    return values.astype(int) if values.dtype.kind == "b" else values


def written(number, form: str) -> str:
    """Return a number in this format ("d", ".2f", ".0%"), without a minus before a zero.

    >>> written(-0.001, ".1f"), written(0.5, ".0%")
    ('0.0', '50%')
    """
    text = format(number, form)
    return text.replace("-", "", 1) if "0" in text and not set(text) & set("123456789") else text


def as_named(groups) -> dict[str, np.ndarray]:
    """Return {name: numbers}, tensors, lists or single ones, as {str: array (n,) of floats}.

    Raises ValueError for anything else, and for names that are written alike.

    >>> as_named({"FCN-8s": [0.5, 0.6]})
    {'FCN-8s': array([0.5, 0.6])}
    """
    if not isinstance(groups, Mapping) or len({str(name) for name in groups}) < len(groups):
        raise ValueError(f"Expected numbers by names that differ, {{name: values}}; got {came(groups)}.")
    named = {}
    for name, values in groups.items():
        try:
            named[str(name)] = as_array(values).astype(float).ravel()
        except (TypeError, ValueError):
            raise ValueError(f"Expected numbers; got {values!r} ({name}).") from None
    return named


def came(x) -> str:
    """Say what came, briefly: the type and shape of a tensor or array, the type of anything else.

    >>> came(np.zeros((2, 3))), came("text")
    ('float64 (2, 3)', 'str')
    """
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"
    return type(x).__name__
