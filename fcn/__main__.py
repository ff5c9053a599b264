"""The command line: python -m fcn fetch | evaluate, with --help after each."""

import argparse
import sys
import warnings

from fcn.datasets import VOC, CamVid, Pairs, Pets
from fcn.predict import load
from fcn.training import evaluate

DATA = {"camvid": CamVid, "voc": VOC, "pets": Pets}
SCORED = {"camvid": "val", "voc": "val", "pets": "test"}  # the split, where none is named
FAILED, STOPPED = 1, 130


def main(words: list[str] | None = None) -> int:
    """Do what the words of a command line ask for; return 0 for done, 1 for failed, 130 for stopped.

    Wrong use exits with 2.

    >>> main(["evaluate", "--data", "camvid", "--root", "/nowhere", "--model", "camvid-fcn8s"])
    1
    """
    parser = argparse.ArgumentParser(prog="python -m fcn", description="Semantic segmentation with FCNs.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _evaluate_words(verbs.add_parser("evaluate", help="score a trained network on photographs with masks"))
    _fetch_words(verbs.add_parser("fetch", help="bring a published data set to this machine"))
    asked = parser.parse_args(words)
    try:
        asked.do(asked)
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped.", file=sys.stderr)
        return STOPPED
    return 0


def _fetch_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, choices=DATA, help="which data set")
    parser.add_argument("--root", required=True, metavar="DIR", help="the folder to bring it to")
    parser.set_defaults(do=_fetch)


def _fetch(asked: argparse.Namespace) -> None:
    data: Pairs = DATA[asked.data](asked.root, download=True)
    print(f"{asked.data} is in {asked.root}: {len(data)} photographs to train on.")


def _evaluate_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, choices=DATA, help="which data set")
    parser.add_argument("--root", required=True, metavar="DIR", help="the folder in which it lies")
    parser.add_argument("--split", help="which part of it: train, val, test (default: val; of pets: test)")
    parser.add_argument("--model", required=True, metavar="FILE", help="the network's file")
    parser.add_argument("--flips", action="store_true", help="ask about each photograph mirrored, too")
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[1.0], metavar="S", help="and in these sizes: 1 1.5"
    )
    parser.add_argument("--batch", type=int, default=4, help="photographs at a time (default: 4)")
    parser.set_defaults(do=_evaluate)


def _evaluate(asked: argparse.Namespace) -> None:
    split = asked.split or SCORED[asked.data]
    data: Pairs = DATA[asked.data](asked.root, split)
    trained = load(asked.model)
    if trained.classes != data.classes:
        order = " in their order" if sorted(trained.classes) == sorted(data.classes) else ""
        raise ValueError(
            f"Expected a network for the {len(data.classes)} classes of {asked.data}{order}; got {asked.model}, for "
            f"{len(trained.classes)}: {', '.join(trained.classes[:4])} ..."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what evaluate warns of is said below, or seen in the scores
        counts = evaluate(trained.net, data, batch=asked.batch, scales=asked.scales, flips=asked.flips)
    if not counts.counts.sum():
        raise ValueError(f"Expected masks with classes in the {split} of {asked.data}; got void alone.")
    print(f"{asked.data}, {split}: {len(data)} photographs, {asked.model}")
    for name, score in (
        ("pixel accuracy", counts.pixel_accuracy()), ("mean accuracy", counts.mean_accuracy()),
        ("mean IoU", counts.mean_iou()),
    ):  # fmt: skip
        print(f"{name:16}{100 * score:6.1f}")
    print("IoU")
    for name, score in zip(data.classes, counts.iou().tolist(), strict=True):
        print(f"  {name:14}{100 * score:6.1f}")


if __name__ == "__main__":
    sys.exit(main())
