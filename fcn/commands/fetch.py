"""fcn fetch: bring a published data set to this machine."""

import argparse

from fcn.commands.data import PUBLISHED


def words(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["--data", "camvid", "--root", "camvid"]).data
    'camvid'
    """
    parser.add_argument("--data", required=True, choices=PUBLISHED, help="which data set")
    parser.add_argument("--root", required=True, metavar="DIR", help="the folder to bring it to")
    parser.set_defaults(do=_do)


def _do(asked: argparse.Namespace) -> int:
    """Fetch it, and say how many photographs there are."""
    from fcn.datasets import VOC, CamVid, Pets

    data = {"camvid": CamVid, "voc": VOC, "pets": Pets}[asked.data](asked.root, download=True)
    print(f"{asked.data} is in {asked.root}: {len(data)} photographs to train on.")
    return 0
