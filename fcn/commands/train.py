"""fcn train: a network from a folder of photographs and masks."""

import argparse
import io
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from fcn.commands.data import PUBLISHED, WHOLE, called, number, opened
from fcn.commands.data import words as data_words

STOPPED = 130  # as a shell has it for Ctrl-C


def words(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["pictures", "--minutes", "5"]).minutes
    5.0
    """
    data_words(parser)
    for name, told, given in (
        ("--out", "the folder to make for it (default: runs/ and the name of FOLDER)", {"metavar": "DIR"}),
        ("--val", "the share to decide by, where FOLDER has no val (default: 0.2)",
         {"type": number(float, 0.01, 1), "default": 0.2, "metavar": "SHARE"}),
        ("--backbone", "lite0: pretrained, quick (default); small: random weights; vgg16: the paper's, 528 MB",
         {"default": "lite0", "choices": ("lite0", "small", "vgg16")}),
        ("--stride", "FCN-32s, 16s, 8s (default) or 4s", {"type": int, "default": 8, "choices": (32, 16, 8, 4)}),
        ("--loss", "cross-entropy, the soft IoU, or both (default)",
         {"default": "both", "choices": ("both", "cross-entropy", "iou")}),
        ("--lr", "the highest rate (default: 0.003)", {"type": number(float, 1e-9), "default": 3e-3, "metavar": "R"}),
        ("--batch", "windows a step (default: 6, or fewer where there would be few steps)",
         {"type": number(int, 1), "metavar": "N"}),
        ("--longest", "photographs with a longer side are made smaller; 0: never (default: 640)",
         {"type": number(int, 64, zero=True), "default": 640, "metavar": "PIXELS"}),
        ("--seed", "what chance starts from (default: 0)", {"type": number(int, 0), "default": 0, "metavar": "N"}),
        ("--device", "auto (default), cpu, cuda, cuda:1", {"default": "auto"}),
        ("--amp", "compute in bfloat16 where that does: quicker on many GPUs", {"action": "store_true"}),
        ("--resume", "go on with the training in --out", {"action": "store_true"}),
    ):  # fmt: skip
        parser.add_argument(name, help=told, **given)
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs", type=number(int, 1), metavar="N", help="how often it goes through all photographs"
    )
    length.add_argument(
        "--minutes", type=number(float, 0.01), metavar="M", help="or about how long it takes (default: 10)"
    )
    parser.set_defaults(do=_do)


def _do(asked: argparse.Namespace) -> int:
    """Train, say what is done on the way, and where it lies; of several processes only the first speaks."""
    from fcn.runs import device_of, said, train
    from fcn.training import processes

    device_of(asked.device)  # tells before anything is read
    out = Path(asked.out or Path("runs") / (asked.data or Path(asked.folder or ".").resolve().name))
    with (
        stopping() as stopped, processes(None if asked.device == "auto" else asked.device) as here,
        redirect_stdout(sys.stdout if here.first else io.StringIO()),
    ):  # fmt: skip
        data, about = _parts(asked)
        about = train(
            data, out, backbone=asked.backbone, stride=asked.stride, epochs=asked.epochs, minutes=asked.minutes,
            lr=asked.lr, loss=asked.loss, batch=asked.batch, longest=asked.longest, seed=asked.seed,
            device=str(here.device), amp=asked.amp, again=asked.resume, about=about, say=told,
            stop=lambda: bool(stopped),
        )  # fmt: skip
        model = out / "model.safetensors"
        print(f"\n{said(about['scores']['val'])}\n\nThe network: {model}")
        if about["never answered"]:
            print(f"It never answers {', '.join(about['never answered'])}: train longer, or label more of that.")
        if about["steps done"] == about["steps"]:
            print(f"To use it: fcn predict {shlex.quote(str(model))} PHOTOGRAPHS")
            return 0
        print(f"Stopped after {about['steps done']} of {about['steps']} steps. The same command with --resume "
              "goes on.")  # fmt: skip
        return STOPPED


def told(line: str) -> None:
    """Print a line at once.

    >>> told("step 1")
    step 1
    """
    print(line, flush=True)


@contextmanager
def stopping() -> Iterator[list]:
    """Give a list that Ctrl-C (or SIGTERM) puts something into, so that a step may end; a second Ctrl-C stops hard.

    >>> with stopping() as stopped:
    ...     bool(stopped)
    False
    """
    stopped = []

    def note(number, frame) -> None:
        stopped.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("Stopping after this step; what is learned is kept. (Again: at once.)", file=sys.stderr)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parts(asked: argparse.Namespace) -> tuple[dict, dict]:
    """Return {"train": data set, "val": data set}, and what the model's file should know of the second."""
    from fcn.runs import divided, part

    train, val = PUBLISHED[asked.data] if asked.data else ("train", "val")
    if asked.data == "pets":
        val = train  # its other part is for the end
    found = opened(asked, dict.fromkeys((train, val)))
    if len(found) == 2:
        return {"train": found[train], "val": found[val]}, {}
    if not {train, WHOLE} & {*found}:
        raise ValueError(f"Expected photographs to train on in {asked.folder}: a part train, or no parts at all.")
    data = found.get(train) or found[WHOLE]
    indices = divided(len(data), asked.val, asked.seed)
    told(
        f"{len(indices[1])} of the {len(data)} photographs are left out to decide by (--val {asked.val}). Of a "
        "series, as frames of a film, that is too easy: put another series into val/ then."
    )
    parts = {name: part(data, chosen) for name, chosen in zip(("train", "val"), indices, strict=True)}
    return parts, {"val files": [called(data, index) for index in indices[1]]}
