"""Numbers as squares, dots and lines."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, NullFormatter

from fcn.palette import ACCENT, INK, LINE, PAPER, SOFT, WARM
from fcn.viz.figure import BookFigure, figure, picture_axes, style
from fcn.viz.values import as_array, as_small_map, written

_MOST_RULED = 15  # cells a side: more of them are not ruled, unless numbers stand in them


def cells(
    values, title: str = "", *, numbers: str = "", limits: tuple[float, float] | None = None, width: float = 3.4,
    alt: str = "",
) -> BookFigure:  # fmt: skip
    """Return a small map (H, W) as squares, `width` inches wide: zero dark, high values yellow, negative ones blue.

    `numbers` writes each value into its square, in that format ("g", ".2f", ".0%"). `limits` are the values of full
    blue or zero and of full yellow; without them, those of the map. `alt` describes the figure; without it, the title
    does. Raises ValueError if the map is not (H, W) of finite numbers, or for neither a title nor `alt`.

    >>> cells([[0, 1], [1, 2]], "A map", numbers="d")
    <Figure: A map>
    """
    values = as_small_map(values)
    fig, (ax,) = picture_axes(values.shape, [title], width=width, alt=alt)
    draw_cells(ax, values, numbers=numbers, limits=limits, size=min(11, 20 * width / values.shape[1]))
    return fig


def draw_cells(ax, values, *, numbers: str = "", limits: tuple[float, float] | None = None, size: float = 9) -> None:
    """Draw a map (H, W) as squares on `ax` as cells does, with numbers `size` points high.

    Raises ValueError if the map is not (H, W) of finite numbers.

    >>> fig, ax = figure(3, 3, alt="A map")
    >>> draw_cells(ax, [[0, 1], [1, 2]], numbers="d")
    >>> [text.get_text() for text in ax.texts]
    ['0', '1', '1', '2']
    """
    values = as_small_map(values)
    low, high = map(float, limits or (min(0, values.min()), values.max()))
    reach = max(abs(low), abs(high)) or 1
    color = LinearSegmentedColormap.from_list("cells", ["#4fa3ff", "#262d34", "#ffc233"])(0.5 + values / reach / 2)
    ax.imshow(color)
    rows, columns = values.shape
    if numbers or max(rows, columns) <= _MOST_RULED:
        lines = {"color": PAPER[0], "linewidth": 1.2}
        ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **lines)
        ax.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **lines)
    if numbers:
        with style():
            for row, column in np.ndindex(rows, columns):
                ink = "#101418" if color[row, column, :3].mean() > 0.45 else "#ffffff"
                text = written(values[row, column].item(), numbers)
                ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)


def strip_plot(groups: Mapping, axis: str, *, alt: str, log: bool = False, width: float = 5.0) -> BookFigure:
    """Return a row for each group of numbers, {name: values}: a dot for each value, a stroke at their mean.

    `axis` says what the numbers are; `log` spreads them by their logarithm. The row with the lowest mean is on top.
    Raises ValueError if there is no group, an empty one, one of other than finite numbers, or with `log` a value of
    0 or below.

    >>> strip_plot({"FCN-32s": [0.30, 0.32], "FCN-8s": [0.41, 0.40]}, "mean IoU", alt="Dots of two networks")
    <Figure: Dots of two networks>
    """
    rows = [(str(name), as_array(values).astype(float).ravel()) for name, values in groups.items()]
    for name, values in rows or [("no group at all", np.array([]))]:
        if not values.size or not np.isfinite(values).all() or (log and values.min() <= 0):
            wanted = "numbers above 0" if log else "numbers"
            raise ValueError(f"Expected groups of finite {wanted}; got {values.tolist()} ({name}).")
    rows.sort(key=lambda row: row[1].mean())
    fig, ax = figure(width, 0.75 + 0.3 * len(rows), alt=alt)
    for place, (_, values) in enumerate(rows):
        ax.plot(values, [place] * len(values), "o", color=ACCENT[0], alpha=0.55, markersize=6, markeredgewidth=0)
        ax.plot([values.mean()] * 2, [place - 0.32, place + 0.32], color=INK[0], linewidth=2)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.tick_params(axis="y", length=0, labelcolor=INK[0])
    ax.invert_yaxis()
    if log:
        _by_logarithm(ax, "x")
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=LINE[0], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(axis)
    return fig


def loss_curve(losses, *, log: bool = False, width: float = 5.0, alt: str = "") -> BookFigure:
    """Return the losses of a training, one a step, as fit returns them: each faintly, and their running mean.

    The mean is that of a twentieth of all steps. `log` spreads the losses by their logarithm. `alt` describes the
    figure; without it, the first and the last mean do. Raises ValueError for fewer than 2 losses, and for ones that
    are infinite; NaN, a step without a labelled pixel, is left out.

    >>> loss_curve([3.0, 2.0, 1.5, 1.2])
    <Figure: The loss falls from 3.00 to 1.20 in 4 steps>
    """
    values = as_array(losses).astype(float).ravel()
    if values.size < 2 or np.isinf(values).any():
        raise ValueError(f"Expected the losses of 2 steps or more, none infinite; got {values.tolist()[:5]}.")
    steps = np.flatnonzero(~np.isnan(values))
    span = max(1, len(steps) // 20)
    mean = np.convolve(values[steps], np.ones(span) / span, mode="valid")
    middle = steps[span // 2 : span // 2 + len(mean)]
    verb = "falls" if mean[-1] < mean[0] else "goes"
    alt = alt or f"The loss {verb} from {mean[0]:.2f} to {mean[-1]:.2f} in {len(values)} steps"
    fig, ax = figure(width, 2.4, alt=alt)
    ax.plot(steps, values[steps], color=ACCENT[0], alpha=0.25, linewidth=0.8)
    ax.plot(middle, mean, color=ACCENT[0], linewidth=2)
    if log:
        _by_logarithm(ax, "y")
    else:
        ax.set_ylim(bottom=0)
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    return fig


def scatter(points: Mapping, x: str, y: str, *, alt: str, marked=(), log: str = "", width: float = 5.6) -> BookFigure:
    """Return a named dot for each of {name: (x, y)}; (x, y, low, high) adds a stroke from low to high of y.

    `x` and `y` say what the numbers are; the names in `marked` get a warm color. `log` is "x", "y" or "xy".
    Raises ValueError for no point, and for a point of other than 2 or 4 finite numbers.

    >>> scatter({"FCN-32s": (32, 0.40), "FCN-8s": (8, 0.64)}, "stride", "mean IoU", alt="Two networks")
    <Figure: Two networks>
    """
    places = {str(name): as_array(point).astype(float).ravel() for name, point in points.items()}
    for name, point in places.items() or [("no point at all", np.array([]))]:
        if point.size not in (2, 4) or not np.isfinite(point).all():
            raise ValueError(f"Expected points of 2 or 4 finite numbers; got {point.tolist()} ({name}).")
    fig, ax = figure(width, 0.72 * width, alt=alt)
    for name, point in places.items():
        color = WARM[0] if name in marked else ACCENT[0]
        if point.size == 4:
            ax.plot([point[0]] * 2, point[2:], color=color, alpha=0.5, linewidth=2)
        ax.plot(*point[:2], "o", color=color, markersize=7, markeredgewidth=0)
    for name in log:
        _by_logarithm(ax, name)
    ax.margins(0.12)
    ax.grid(color=LINE[0], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    _name_points(fig, ax, {name: point[:2] for name, point in places.items()})
    return fig


def intervals(groups: Mapping, axis: str, *, alt: str, width: float = 6.2) -> BookFigure:
    """Return a row for each of {name: (mean, low, high)}: a dot at the mean, a stroke from low to high, a line at 0.

    Intervals without 0 are in color. The first row is on top. Raises ValueError for no group, and for one of other
    than three finite numbers in the order low, mean, high.

    >>> intervals({"16s minus 32s": (9.6, 8.9, 10.4)}, "points of mean IoU", alt="A difference")
    <Figure: A difference>
    """
    rows = [(str(name), as_array(values).astype(float).ravel()) for name, values in groups.items()]
    for name, values in rows or [("no group at all", np.array([]))]:
        if values.size != 3 or not np.isfinite(values).all() or not values[1] <= values[0] <= values[2]:
            raise ValueError(f"Expected (mean, low, high), low <= mean <= high; got {values.tolist()} ({name}).")
    fig, ax = figure(width, 0.75 + 0.3 * len(rows), alt=alt)
    for place, (_, (mean, low, high)) in enumerate(rows):
        color = SOFT[0] if low <= 0 <= high else ACCENT[0]
        ax.plot([low, high], [place] * 2, color=color, linewidth=2.5, solid_capstyle="butt")
        ax.plot(mean, place, "o", color=color, markersize=7, markeredgewidth=0)
    ax.axvline(0, color=INK[0], linewidth=1)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.tick_params(axis="y", length=0, labelcolor=INK[0])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=LINE[0], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(axis)
    return fig


def _by_logarithm(ax, name: str) -> None:
    getattr(ax, f"set_{name}scale")("log")
    axis = getattr(ax, f"{name}axis")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _name_points(fig, ax, points: Mapping) -> None:
    """Write each name beside its point, where it covers least of the other points and names."""
    fig.draw_without_rendering()  # the axes have their place only now
    dots = {name: ax.transData.transform(point) for name, point in points.items()}
    taken = [(*(dot - 6), *(dot + 6)) for dot in dots.values()]
    frame = ax.get_window_extent()
    with style():
        for name, dot in dots.items():
            wide, high = 5.2 * len(name) * fig.dpi / 72, 11 * fig.dpi / 72
            best, cost = None, None
            sides = [(dx, dy) for dx in (-wide / 2, 8, -8 - wide) for dy in (high, -high)]
            for dx, dy in ((8, 0), (-8 - wide, 0), *sides):
                left, bottom = dot[0] + dx, dot[1] + dy - high / 2
                box = (left, bottom, left + wide, bottom + high)
                outside = max(0, frame.x0 - box[0]) + max(0, box[2] - frame.x1)
                covered = sum(_shared(box, other) for other in taken) + 50 * high * outside
                if best is None or covered < cost:
                    best, cost = box, covered
            taken.append(best)
            place = ax.transData.inverted().transform((best[0], (best[1] + best[3]) / 2))
            ax.text(*place, name, fontsize=9, color=INK[0], va="center")


def _shared(one: tuple, other: tuple) -> float:
    """Return the area that two boxes (left, bottom, right, top) share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
