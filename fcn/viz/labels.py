"""Label maps: named, beside the truth, and where they are wrong. A label map is (H, W), whole numbers: at each pixel
the index of its class in a list of names, or 255 (void)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from scipy import ndimage

from fcn import VOID
from fcn.palette import ERROR_COLORS, SOFT, colors, rgb
from fcn.viz.figure import BookFigure, picture_axes, style
from fcn.viz.pictures import panel
from fcn.viz.values import as_image, as_label_map

_SMALLEST = 0.008  # of the pixels: a smaller piece has no room for a name
_HATCHING = "#b9b09a"  # on void
_LEGEND = 0.2  # inches that a row of the legend takes


def label_map(
    mask, classes: Sequence[str], *, over=None, title: str = "", width: float = 3.4, alt: str = ""
) -> BookFigure:  # fmt: skip
    """Return a label map (H, W) in the book's colors, each class named on its largest piece, `width` inches wide.

    `classes` are its names, any: see fcn.palette.colors. Neither the background nor void, which is hatched, is named,
    nor are pieces too small for a name; a page names those below. `alt` describes the figure; without it, the names
    and shares of what is in it do.
    Raises ValueError if the map is not (H, W) of whole numbers below len(classes), or 255.

    >>> label_map(np.array([[0, 0, 1], [0, 2, 255]]), ["background", "cat", "dog"], title="truth")
    <Figure: truth: background 50%, cat 17%, dog 17%, void 17%>
    """
    table, mask = colors(classes), as_label_map(mask, len(classes))
    named = {label: "void" if label == VOID else str(classes[label]) for label in np.unique(mask)}
    shares = {name: (mask == label).mean() for label, name in named.items()}
    large = {name: share for name, share in shares.items() if share >= _SMALLEST}
    more = f", and {len(shares) - len(large)} smaller" if len(large) < len(shares) else ""
    said = ", ".join(f"{name} {share:.0%}" for name, share in large.items())
    alt, photo = alt or f"{title or 'Label map'}: {said}{more}", over is not None
    fig, (ax,) = picture_axes(mask.shape, [title], width=width, alt=alt, photo=photo)
    _draw_labels(ax, _shone_through(table[mask], over) if photo else table[mask], mask == VOID, width)
    taken, left_out = [], {}
    for label, name in named.items():
        if name not in ("background", "void") and not _name_piece(ax, mask == label, name, width, taken):
            left_out |= {name: to_hex(table[label] / 255)} if name in large else {}
    fig.set_apart(title=title, legend=left_out)
    return fig


def comparison(image, masks: Mapping, *, truth, classes: Sequence[str], width: float = 2.25) -> list[BookFigure]:
    """Return panels for side by side: an image, each label map of {title: (H, W)}, and the truth (H, W).

    Show them with `display(*comparison(...))`; on a narrow screen they wrap. `width` is one panel's, in inches.
    Raises ValueError as panel and label_map do, and for maps of another size than the image.

    >>> mask = np.zeros((40, 60), dtype=np.uint8)
    >>> comparison(np.zeros((3, 40, 60)), {"8s": mask}, truth=mask, classes=["background"])[0]
    <Figure: The image>
    """
    labelled = [*masks.items(), ("truth", truth)]
    size, sizes = as_image(image).shape[:2], [tuple(np.shape(mask)) for _, mask in labelled]
    if any(each != size for each in sizes):
        raise ValueError(f"Expected label maps of the image's size {size}; got {sizes}.")
    drawn = [label_map(mask, classes, title=title, width=width) for title, mask in labelled]
    return [panel(image, "image", width=width, alt="The image"), *drawn]


def error_map(kinds, title: str = "", *, width: float = 3.4, alt: str = "") -> BookFigure:
    """Return a map of errors (H, W) with its colors named below, `width` inches wide.

    `kinds` is what fcn.metrics.errors returns: at each pixel an index into the names of ERROR_COLORS. `alt` describes
    the figure; without it, the share of each kind does.
    Raises ValueError if it is another map.

    >>> error_map(np.array([[0, 1, 2, 3], [0, 0, 0, 4]]))
    <Figure: Map of errors: right 50%, missed 12%, spilled 12%, mixed up 12%, void 12% of the pixels>
    """
    advice = "Pass what fcn.metrics.errors(label, prediction) returns."
    kinds = as_label_map(kinds, len(ERROR_COLORS), void=False, advice=advice)
    shares = ", ".join(f"{name} {(kinds == kind).mean():.0%}" for kind, name in enumerate(ERROR_COLORS))
    columns, rows = (3, 2) if width < 3.4 else (5, 1)
    fig, (ax,) = picture_axes(
        kinds.shape,
        [title],
        width=width,
        alt=alt or f"Map of errors{title and ', '}{title}: {shares} of the pixels",
        below=_LEGEND * rows + 0.1,
    )
    table = np.array([rgb(color) for color in ERROR_COLORS.values()])
    _draw_labels(ax, table[kinds], kinds == list(ERROR_COLORS).index("void"), width)
    fig.set_apart(title=title, legend=ERROR_COLORS, below=_LEGEND * rows + 0.1)
    with style():
        fig.legend(
            handles=[
                Patch(fc=color, ec=SOFT[0], lw=0.6, label=name, hatch="////" * (name == "void"))
                for name, color in ERROR_COLORS.items()
            ],
            ncols=columns, loc="lower left", bbox_to_anchor=(0, 0), frameon=False, fontsize=9,
            borderpad=0, borderaxespad=0.15, handlelength=1, handleheight=1, handletextpad=0.4, columnspacing=1,
        )  # fmt: skip
    return fig


def _shone_through(picture: np.ndarray, photograph) -> np.ndarray:
    """Return the colors of a label map (H, W, 3) uint8 with the light of a photograph."""
    image = as_image(photograph)
    if image.shape != picture.shape:
        raise ValueError(f"Expected a photograph of the map's size {picture.shape[:2]}; got {image.shape[:2]}.")
    gray = image.mean(axis=2, keepdims=True, dtype=float)
    gray = gray / 255 if image.dtype == np.uint8 else gray
    return (picture * (0.45 + 0.55 * gray)).round().astype(np.uint8)


def _draw_labels(ax, picture: np.ndarray, void: np.ndarray, width: float) -> None:
    """Draw a picture (H, W, 3) of a label map, what is void in it (H, W) hatched: some classes are as pale."""
    ax.imshow(picture)
    if void.any():
        scale = -(-int(200 * width) // void.shape[1])  # a pixel of the file for each of the hatching's
        rows, columns = np.indices([side * scale for side in void.shape])
        hatched = np.kron(void, np.ones((scale, scale), dtype=bool)) & ((rows + columns) % 10 < 3)
        ink = np.append(rgb(_HATCHING), 255).astype(np.uint8) * hatched[..., None].astype(np.uint8)
        ax.imshow(ink, extent=(-0.5, void.shape[1] - 0.5, void.shape[0] - 0.5, -0.5))


def _name_piece(ax, region: np.ndarray, name: str, width: float, taken: list[tuple]) -> bool:
    """Write the name into the largest piece of a region (H, W) bool, where that is widest, if there is room.

    There is none if the name would hide most of what it names, or cross one of `taken`: boxes (left, top, right,
    bottom) of the names before. Returns whether it was written.
    """
    pieces, count = ndimage.label(region)
    sizes = ndimage.sum_labels(region, pieces, range(1, count + 1))
    piece = pieces == 1 + sizes.argmax()
    depth = ndimage.distance_transform_edt(np.pad(piece, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    pixel = region.shape[1] / (72 * width)  # pixels of the map in a point
    wide, high = 5.0 * len(name) * pixel, 11 * pixel
    column = np.clip(column, wide / 2, region.shape[1] - wide / 2)
    box = (column - wide / 2, row - high / 2, column + wide / 2, row + high / 2)
    crosses = any(min(box[2], other[2]) > max(box[0], other[0]) and min(box[3], other[3]) > max(box[1], other[1])
                  for other in taken)  # fmt: skip
    if sizes.max() < max(_SMALLEST * region.size, 1.5 * wide * high) or crosses:
        return False
    taken.append(box)
    outline = [withStroke(linewidth=2.2, foreground="#101418")]
    with style():
        ax.text(column, row, name, color="#ffffff", fontsize=9, ha="center", va="center", path_effects=outline)
    return True
