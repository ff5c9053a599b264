"""fcn check: what a folder of photographs and masks holds, and what is wrong with it."""

import argparse
import json
import shlex

from fcn.commands.data import meaning


def words(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["pictures", "--fix", "clean"]).fix
    'clean'
    """
    parser.add_argument("folder", metavar="FOLDER", help="photographs and their masks")
    meaning(parser)
    parser.add_argument(
        "--fix", metavar="OUT", help="write a clean copy into this folder, which must not be there yet"
    )
    parser.add_argument("--json", action="store_true", help="say it for programs")
    parser.set_defaults(do=_do)


def _do(asked: argparse.Namespace) -> int:
    """Print the doctor's report; return 0 if the folder can be trained on, 1 if not."""
    from fcn.doctor import examined, fixed

    report = examined(asked.folder, void=asked.void, classes=asked.classes)
    print(json.dumps(report.as_json(), indent=1) if asked.json else report.text())
    if asked.fix is None:
        return 0 if report.ok else 1
    written = fixed(report, asked.fix)
    if not asked.json:
        changed = ", ".join(f"{count} {what}" for what, count in written["changed"].items())
        print(f"\n{asked.fix}: {sum(written['pairs'].values())} pairs{', ' if changed else ''}{changed}.")
        print(
            *(f"left out: {why}" for why in written["left_out"].values()),
            sep="\n",
            end="\n"[: len(written["left_out"])],
        )
        print(f"Next: fcn train {shlex.quote(asked.fix)}")
    return 0
