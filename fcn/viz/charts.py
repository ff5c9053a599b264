"""Numbers as dots and lines."""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from fcn.palette import ACCENT, INK, LINE, SOFT, WARM
from fcn.viz.figure import BookFigure, figure, style
from fcn.viz.values import as_array, as_named, came

_LINES = [(ACCENT, "-"), (WARM, "-"), (INK, "-"), (ACCENT, "--"), (WARM, "--"), (INK, "--")]


def strip_plot(groups: Mapping, axis: str, *, alt: str, log: bool = False, width: float = 5.0) -> BookFigure:
    """Return a row for each group of numbers, {name: values}: a dot for each value, a stroke at their mean.

    `axis` says what the numbers are; `log` spreads them by their logarithm. The row with the highest mean is on top.
    Raises ValueError if there is no group, an empty one, one of other than finite numbers, or with `log` a value of
    0 or below.

    >>> strip_plot({"FCN-32s": [0.30, 0.32], "FCN-8s": [0.41, 0.40]}, "mean IoU", alt="Dots of two networks")
    <Figure: Dots of two networks>
    """
    rows = list(as_named(groups).items())
    for name, values in rows or [("no group at all", np.array([]))]:
        if not values.size or not np.isfinite(values).all() or (log and values.min() <= 0):
            wanted = "numbers above 0" if log else "numbers"
            raise ValueError(f"Expected groups of finite {wanted}; got {values.tolist()} ({name}).")
    rows.sort(key=lambda row: -row[1].mean())
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


def loss_curve(losses, *, log: bool = False, width: float = 4.8, alt: str = "") -> BookFigure:
    """Return the losses of a training, one a step, as fit returns them: each faintly, and their running mean.

    Several trainings, {name: losses}, are drawn as means alone, each named. A mean is that of a twentieth of all
    steps. `log` spreads the losses by their logarithm. `alt` describes the figure; without it, the first and the last
    mean do. Raises ValueError for fewer than 2 losses, and for ones that are infinite; NaN, a step without a labelled
    pixel, is left out.

    >>> loss_curve([3.0, 2.0, 1.5, 1.2])
    <Figure: The loss falls from 3.00 to 1.20 in 4 steps>
    """
    several = losses if isinstance(losses, Mapping) else {"": losses}
    if not 1 <= len(several) <= len(_LINES):
        raise ValueError(f"Expected 1 to {len(_LINES)} trainings; got {len(several)}.")
    means = {name: _running_mean(each) for name, each in several.items()}
    described = [
        f"The loss {f'of {name} ' * bool(name)}{'falls' if mean[-1] < mean[0] else 'goes'} from {mean[0]:.2f} to "
        f"{mean[-1]:.2f} in {as_array(several[name]).size} steps"
        for name, (_, mean) in means.items()
    ]
    fig, ax = figure(width, 2.6, alt=alt or "; ".join(described))
    if several is not losses:
        values = as_array(losses).astype(float).ravel()
        labelled = np.flatnonzero(~np.isnan(values))
        ax.plot(labelled, values[labelled], color=ACCENT[0], alpha=0.25, linewidth=0.8)
    for (name, (steps, mean)), (color, line) in zip(means.items(), _LINES, strict=False):
        ax.plot(steps, mean, color=color[0], linestyle=line, linewidth=2, label=str(name))
    if log:
        _by_logarithm(ax, "y")
    else:
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    if several is losses:
        ax.legend(frameon=False, handlelength=2.4)
    return fig


def _running_mean(losses) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at the middle of each span of a twentieth of all, and the mean of the losses in it."""
    values = as_array(losses).astype(float).ravel()
    if np.isfinite(values).sum() < 2 or np.isinf(values).any():
        raise ValueError(f"Expected the losses of 2 steps or more, none infinite; got {values.tolist()[:5]}.")
    steps = np.flatnonzero(~np.isnan(values))
    span = max(1, len(steps) // 20)
    mean = np.convolve(values[steps], np.ones(span) / span, mode="valid")
    return steps[span // 2 : span // 2 + len(mean)], mean


def curves(series: Mapping, x: str, y: str, *, alt: str, log: str = "", width: float = 4.8) -> BookFigure:
    """Return a named line for each of {name: {x: y}}, with a dot at each point; `x` and `y` say what the numbers are.

    `log` is "x", "y" or "xy". Up to six lines, told apart by color and dashes.
    Raises ValueError for no line or more than six, and for a line of less than 2 points or of other than finite
    numbers.

    >>> curves({"shares": {32: 0.50, 16: 0.67}}, "factor", "mean IoU", alt="A line that falls")
    <Figure: A line that falls>
    """
    if not isinstance(series, Mapping) or not all(isinstance(points, Mapping) for points in series.values()):
        raise ValueError(f"Expected lines as {{name: {{x: y}}}}; got {came(series)}.")
    if not 1 <= len(series) <= len(_LINES):
        raise ValueError(f"Expected 1 to {len(_LINES)} lines; got {len(series)}.")
    lines = {}
    for name, points in series.items():
        both = as_named({f"{name}, x": list(points), f"{name}, y": list(points.values())})
        lines[str(name)] = np.stack(list(both.values()), axis=1)
    for name, points in lines.items():
        if len(points) < 2 or not np.isfinite(points).all():
            raise ValueError(f"Expected 2 or more points of finite numbers; got {points.tolist()} ({name}).")
    fig, ax = figure(width, 0.66 * width, alt=alt)
    for (name, points), (color, line) in zip(lines.items(), _LINES, strict=False):
        ax.plot(*points.T, "o", color=color[0], linestyle=line, linewidth=1.8, markersize=5.5, label=name)
    for axis in log:
        _by_logarithm(ax, axis)
    places = np.unique(np.concatenate([points[:, 0] for points in lines.values()]))
    ax.set_xticks(places, [f"{place:g}" for place in places])
    ax.set_xticks([], minor=True)
    if "y" not in log:
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.grid(axis="y", color=LINE[0], linewidth=0.6)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.legend(frameon=False, handlelength=2.6)
    return fig


def scatter(
    points: Mapping, x: str, y: str, *, alt: str, marked=(), log: str = "", limits: tuple[float, float] | None = None,
    width: float = 4.8,
) -> BookFigure:  # fmt: skip
    """Return a named dot for each of {name: (x, y)}; (x, y, low, high) adds a stroke from low to high of y.

    `x` and `y` say what the numbers are; the names in `marked` get a warm color. `log` is "x", "y" or "xy"; `limits`
    are those of y, for charts that are to be compared.
    Raises ValueError for no point, and for a point of other than 2 or 4 finite numbers.

    >>> scatter({"FCN-32s": (32, 0.40), "FCN-8s": (8, 0.64)}, "stride", "mean IoU", alt="Two networks")
    <Figure: Two networks>
    """
    places = as_named(points)
    for name, point in places.items() or [("no point at all", np.array([]))]:
        if point.size not in (2, 4) or not np.isfinite(point).all():
            raise ValueError(f"Expected points of 2 or 4 finite numbers; got {point.tolist()} ({name}).")
    if unknown := set(map(str, marked)) - set(places):
        raise ValueError(f"Expected names of points to mark; got {sorted(unknown)}.")
    fig, ax = figure(width, 0.8 * width, alt=alt)
    for name, point in places.items():
        color = WARM[0] if name in marked else ACCENT[0]
        if point.size == 4:
            ax.plot([point[0]] * 2, point[2:], color=color, alpha=0.5, linewidth=2)
        ax.plot(*point[:2], "o", color=color, markersize=7, markeredgewidth=0)
    for name in log:
        _by_logarithm(ax, name)
    ax.margins(0.12)
    if limits:
        ax.set_ylim(limits)
    ax.grid(color=LINE[0], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    _name_points(fig, ax, {name: point[:2] for name, point in places.items()})
    return fig


def intervals(
    groups: Mapping, axis: str, *, alt: str, title: str = "", limits: tuple[float, float] | None = None,
    width: float = 4.8,
) -> BookFigure:  # fmt: skip
    """Return a row for each of {name: (mean, low, high)}: a dot at the mean, a stroke from low to high, a line at 0.

    Intervals without 0 are in color. The first row is on top; `title` stands above it. `limits` are those
    of the axis, for charts that are to be compared.
    Raises ValueError for no group, and for one of other than three finite numbers, low <= mean <= high.

    >>> intervals({"16s minus 32s": (9.6, 8.9, 10.4)}, "points of mean IoU", alt="A difference")
    <Figure: A difference>
    """
    rows = list(as_named(groups).items())
    for name, values in rows or [("no group at all", np.array([]))]:
        if values.size != 3 or not np.isfinite(values).all() or not values[1] <= values[0] <= values[2]:
            raise ValueError(f"Expected (mean, low, high), low <= mean <= high; got {values.tolist()} ({name}).")
    fig, ax = figure(width, 0.75 + (0.25 if title else 0) + 0.3 * len(rows), alt=alt, title=title)
    for place, (_, (mean, low, high)) in enumerate(rows):
        color = SOFT[0] if low <= 0 <= high else ACCENT[0]
        ax.plot([low, high], [place] * 2, color=color, linewidth=2.5, solid_capstyle="butt")
        ax.plot(mean, place, "o", color=color, markersize=7, markeredgewidth=0)
    ax.axvline(0, color=INK[0], linewidth=1)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.tick_params(axis="y", length=0, labelcolor=INK[0])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    if limits:
        ax.set_xlim(limits)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=LINE[0], linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(axis)
    return fig


def _by_logarithm(ax, name: str) -> None:
    """Spread an axis by the logarithm. Raises ValueError if it is none, and if a point has no logarithm there."""
    if name not in ("x", "y"):
        raise ValueError(f'Expected log as "x", "y" or "xy"; got {name!r} in it.')
    lowest = min((getattr(line, f"get_{name}data")().min() for line in ax.lines), default=1)
    if lowest <= 0:
        raise ValueError(f"Expected numbers above 0 on a logarithmic axis; got {lowest:g} ({name}).")
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
