"""The command line: fcn check | train | evaluate | predict | export | fetch, with --help after each."""

import argparse
import sys

from fcn.commands import check, evaluate, export, fetch, predict, train
from fcn.commands.data import WrongUse
from fcn.commands.train import STOPPED

VERBS = {
    "check": (check, "what a folder of photographs and masks holds, and what is wrong with it"),
    "train": (train, "train a network on such a folder"),
    "evaluate": (evaluate, "score a trained network on photographs with masks"),
    "predict": (predict, "let a trained network name the pixels of photographs"),
    "export": (export, "write a trained network for other programs: ONNX, torch.export, Hugging Face"),
    "fetch": (fetch, "bring a published data set to this machine"),
}
FAILED, WRONG = 1, 2


def main(words: list[str] | None = None) -> int:
    """Do what the words of a command line ask for; return 0 for done, 1 for failed, 2 for wrong use, 130 for stopped.

    >>> main(["evaluate", "camvid-fcn8s", "--data", "camvid", "--root", "/nowhere"])
    1
    """
    parser = argparse.ArgumentParser(prog="fcn", description="Semantic segmentation with FCNs.", epilog=_EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (verb, help_) in VERBS.items():
        verb.words(verbs.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}."))
    asked = parser.parse_args(words)
    try:
        return asked.do(asked)
    except BrokenPipeError:  # who read it has gone: head, less
        sys.stdout = None
        return FAILED
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return WRONG if isinstance(error, WrongUse) else FAILED
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped.", file=sys.stderr)
        return STOPPED


_EXAMPLE = """\
From photographs and masks of your own to masks for new photographs:

  fcn check pictures                    says what is wrong in pictures/, and how to mend it
  fcn train pictures                    ten minutes; leaves runs/pictures/model.safetensors
  fcn predict runs/pictures/model.safetensors holiday/*.jpg --out answers
"""

if __name__ == "__main__":
    sys.exit(main())
