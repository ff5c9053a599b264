"""A figure that moves: pictures drawn beforehand, and a slider that goes from one to the next."""

from collections.abc import Callable, Iterable

import traitlets

from fcn.viz import BookFigure
from fcn.widgets.live import Live, source


class Frames(Live):
    """A slider named `label` over `values`, and below it the picture (HTML) of the one it stands on. See frames."""

    _esm = source("frames")
    label = traitlets.Unicode().tag(sync=True)
    values = traitlets.List(traitlets.Unicode()).tag(sync=True)
    pictures = traitlets.List(traitlets.Unicode()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)


def frames(draw: Callable[[object], BookFigure], values: Iterable, *, label: str, start=None) -> Frames:
    """Return a slider over `values` and, below it, the picture that `draw(value)` returned for each.

    All pictures are drawn now and stored with the notebook; the slider needs no kernel. `label` names the slider
    for the eye and for screen readers; each picture is described by its figure's own alt text. It opens on the value
    `start`, by default the first: choose the one that shows most.
    Raises ValueError for fewer than two values, for two that are written alike, for a start that is none of them, for
    no label, or if `draw` returns something else than a figure of fcn.viz.

    >>> from fcn.viz import cells
    >>> moving = frames(lambda n: cells([[n, n]], f"{n} and {n}"), [1, 2, 3], label="n")
    >>> moving.label, len(moving.pictures)
    ('n', 3)
    """
    values = list(values)
    if len(values) < 2:
        raise ValueError(f"A figure that moves needs two values or more; got {len(values)}: {values!r}.")
    names = [str(value) for value in values]
    if not label or not callable(draw) or len(set(names)) < len(names):
        wanted = "a function, values that are written differently, and a label"
        raise ValueError(f"Expected {wanted}; got {draw!r}, {names} and {label!r}.")
    if start is not None and str(start) not in names:
        raise ValueError(f"Expected a start among {names}; got {start!r}.")
    first = 0 if start is None else names.index(str(start))
    pictures = [_drawn(draw, value).html() for value in values]
    return Frames(still=pictures[first], label=label, values=names, pictures=pictures, index=first)


def _drawn(draw: Callable[[object], BookFigure], value) -> BookFigure:
    picture = draw(value)
    if not isinstance(picture, BookFigure):
        raise ValueError(f"draw({value!r}) must return a figure of fcn.viz; it returned {type(picture).__name__}.")
    return picture
