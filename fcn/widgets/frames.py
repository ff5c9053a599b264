"""A figure that moves: pictures drawn beforehand, and a slider linked to them in the page itself."""

from collections.abc import Callable, Iterable

import ipywidgets

from fcn.viz import BookFigure

# ipywidgets.Stack would need no hidden tabs, but Colab's ipywidgets 7.7 lacks it.
_HIDE_TABS = "<style>.fcn-frames .lm-TabBar, .fcn-frames .p-TabBar {display: none !important}</style>"


def frames(draw: Callable[[object], BookFigure], values: Iterable, *, label: str, start=None) -> ipywidgets.VBox:
    """Return a slider over `values` and, below it, the picture that `draw(value)` returned for each.

    All pictures are drawn now and stored with the notebook; the slider needs no kernel. `label` names the slider
    for the eye and for screen readers; each picture is described by its figure's own alt text. It opens on the value
    `start`, by default the first: choose the one that shows most.
    Raises ValueError for fewer than two values, for two that are written alike, for a start that is none of them, for
    no label, or if `draw` returns something else than a figure of fcn.viz.

    >>> from fcn.viz import cells
    >>> moving = frames(lambda n: cells([[n, n]], f"{n} and {n}"), [1, 2, 3], label="n")
    >>> _, slider, pictures = moving.children
    >>> slider.description, len(pictures.children)
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
    pictures = [ipywidgets.HTML(_drawn(draw, value).html()) for value in values]
    layout = ipywidgets.Layout(width="100%", max_width="36rem")
    slider = ipywidgets.SelectionSlider(
        options=[(name, index) for index, name in enumerate(names)],
        index=first, description=label, style={"description_width": "initial"}, layout=layout,
    )  # fmt: skip
    tabs = ipywidgets.Tab(pictures, selected_index=first)
    for index, name in enumerate(names):
        tabs.set_title(index, f"{label} {name}")
    ipywidgets.jslink((slider, "index"), (tabs, "selected_index"))
    figure = ipywidgets.VBox([ipywidgets.HTML(_HIDE_TABS), slider, tabs])
    figure.add_class("fcn-frames")
    return figure


def _drawn(draw: Callable[[object], BookFigure], value) -> BookFigure:
    picture = draw(value)
    if not isinstance(picture, BookFigure):
        raise ValueError(f"draw({value!r}) must return a figure of fcn.viz; it returned {type(picture).__name__}.")
    return picture
