"""fcn predict: masks for photographs of any size."""

import argparse

from fcn.commands.data import number


def words(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["camvid-fcn8s", "street.jpg"]).out
    'predictions'
    """
    parser.add_argument("model", metavar="MODEL", help="a trained network: its file, or one of the book's by name")
    parser.add_argument("photographs", nargs="+", metavar="PHOTO", help="photographs, folders of them, or '*.jpg'")
    parser.add_argument(
        "--out", default="predictions", metavar="DIR", help="the folder for the masks (default: predictions)"
    )
    parser.add_argument(
        "--overlay", action="store_true", help="also each photograph under its mask, NAME.overlay.jpg"
    )
    parser.add_argument("--probabilities", action="store_true", help="and how likely each class is: NumPy's .npy")
    tile = "the side of the tiles in which large photographs are asked about: smaller takes less memory"
    parser.add_argument("--tile", type=number(int, 64), metavar="PIXELS", help=tile)
    parser.add_argument("--force", action="store_true", help="overwrite what is in DIR")
    parser.set_defaults(do=_do)


def _do(asked: argparse.Namespace) -> int:
    """Write the masks, and say of each photograph what is in it."""
    from fcn.predict import load, photographs, predict_files

    trained, files = load(asked.model), photographs(asked.photographs)
    masks = predict_files(
        trained, files, asked.out, overlay=asked.overlay, probabilities=asked.probabilities, force=asked.force,
        tile=asked.tile, say=lambda line: print(line, flush=True),
    )  # fmt: skip
    print(f"{len(masks)} {'mask' if len(masks) == 1 else 'masks'} in {asked.out}, and counts.csv with their pixels")
    return 0
