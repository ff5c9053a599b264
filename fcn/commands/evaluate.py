"""fcn evaluate: score a trained network on photographs with masks."""

import argparse
import warnings

from fcn.commands.data import PUBLISHED, WHOLE, called, number, opened
from fcn.commands.data import words as data_words


def words(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["camvid-fcn8s", "pictures"]).split is None
    True
    """
    parser.add_argument("model", metavar="MODEL", help="a trained network: its file, or one of the book's by name")
    data_words(parser)
    parser.add_argument("--split", help="which part: train, val, test, all (default: what it was not trained on)")
    parser.add_argument("--flips", action="store_true", help="ask about each photograph mirrored, too")
    parser.add_argument(
        "--scales", type=number(float, 0.01), nargs="+", default=[1.0], metavar="S", help="and in these sizes: 1 1.5"
    )
    parser.set_defaults(do=_do)


def _do(asked: argparse.Namespace) -> int:
    """Print the scores."""
    from fcn.predict import load
    from fcn.runs import Sized, said, scores_of
    from fcn.training import evaluate

    trained = load(asked.model)
    split, data = _asked_for(asked, trained)
    _compared(trained.classes, data.classes, asked)
    longest = trained.about["network"].get("longest", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what evaluate warns of is said below, or seen in the scores
        counts = evaluate(trained.net, Sized(data, longest), batch=4, scales=asked.scales, flips=asked.flips)
    if not counts.counts.sum():
        raise ValueError(f"Expected masks with classes in {split}; got void alone.")
    small = f", brought to {longest} pixels where they are larger" if longest else ""
    print(f"{asked.data or asked.folder}, {split}: {len(data)} photographs{small}; in %, by {asked.model}")
    print(said(scores_of(counts, data.classes)))
    return 0


def _asked_for(asked: argparse.Namespace, trained) -> tuple[str, object]:
    """Return the split that is asked for, by its name; of a folder without splits what training left out of it."""
    from fcn.runs import part

    first = asked.split or (PUBLISHED[asked.data][1] if asked.data else "val")
    found = opened(asked, [first], classes=trained.classes, quiet=True)
    if first in found:
        return first, found[first]
    if not found or asked.split not in (None, "val", WHOLE):
        raise ValueError(f"Expected a part {first} in {asked.folder}; there is none. --split names another.")
    data = found[WHOLE]
    kept = set(trained.about.get("val files", [])) if asked.split in (None, "val") else set()
    indices = [index for index in range(len(data)) if called(data, index) in kept]
    if not indices:
        return WHOLE, data
    rest = len(data) - len(indices)
    return f"val, which it was not trained on (the other {rest} are left out; --split all)", part(data, indices)


def _compared(ours: tuple, theirs: tuple, asked: argparse.Namespace) -> None:
    if ours != theirs:
        order = " in their order" if sorted(ours) == sorted(theirs) else ""
        raise ValueError(
            f"Expected a network for the {len(theirs)} classes of {asked.data or asked.folder}{order}; got "
            f"{asked.model}, for {len(ours)}: {', '.join(ours[:4])} ..."
        )
