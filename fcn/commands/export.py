"""fcn export: a trained network for other programs."""

import argparse
from pathlib import Path

from fcn.commands.data import WrongUse

_ENOUGH = 20  # photographs to choose 8 bits by


def words(parser: argparse.ArgumentParser) -> None:
    """Add what may be asked.

    >>> parser = argparse.ArgumentParser()
    >>> words(parser)
    >>> parser.parse_args(["model.safetensors", "--to", "model.onnx"]).to
    'model.onnx'
    """
    parser.add_argument("model", metavar="MODEL", help="a trained network: its file, or one of the book's by name")
    parser.add_argument("--to", required=True, metavar="FILE", help="what to write: NAME.onnx, NAME.pt2 "
                        "(torch.export), or a folder for the Hugging Face Hub")  # fmt: skip
    parser.add_argument("--int8", nargs="+", metavar="PHOTO", help="also NAME.int8.onnx, of 8 bits, if it answers as "
                        "the other on these photographs (20 or more of your kind)")  # fmt: skip
    parser.add_argument("--license", metavar="NAME", help="of a folder's model card: mit, cc-by-4.0 ...")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.set_defaults(do=_do)


def _do(asked: argparse.Namespace) -> int:
    """Write the file or the folder, and say how far its answers agree with PyTorch's."""
    from fcn.export import to_onnx, to_program
    from fcn.predict import load

    ending = Path(asked.to).suffix
    if ending not in (".onnx", ".pt2", ""):
        raise WrongUse(f"Expected --to NAME.onnx, NAME.pt2 or a folder; got {asked.to}.")
    trained = load(asked.model)
    if asked.int8 and ending != ".onnx":
        raise WrongUse(f"Expected --to NAME.onnx with --int8; got {asked.to}.")
    if ending in (".onnx", ".pt2"):
        write = to_onnx if ending == ".onnx" else to_program
        found = write(trained, asked.to, source=str(asked.model), force=asked.force)
        print(f"{asked.to}: in {len(found.sizes)} sizes its logits are PyTorch's but for {found.difference:.1e} "
              f"(the largest is {found.logit:.0f}), its labels in {100 * found.labels:.2f} %")  # fmt: skip
    else:
        from fcn.export.hub import to_folder

        print(f"{to_folder(trained, asked.to, license=asked.license, force=asked.force)}: a folder for the Hub")
    if ending == ".onnx":
        _compared(asked, trained)
    return 0


def _compared(asked: argparse.Namespace, trained) -> None:
    """Write the file of 8 bits, if asked for, and print sizes and speed."""
    import torch

    from fcn.export import measured, to_int8
    from fcn.export.check import picture
    from fcn.predict import opened, photographs

    files, pictures = {"ONNX": asked.to}, [picture(360, 480, torch.Generator().manual_seed(0))]
    if asked.int8:
        small = str(Path(asked.to).with_suffix(".int8.onnx"))
        pictures = [torch.from_numpy(opened(path)).permute(2, 0, 1) for path in photographs(asked.int8)]
        if len(pictures) < _ENOUGH:
            print(f"8 bits are chosen by {len(pictures)} photographs: {_ENOUGH} or more are better.")
        found = to_int8(asked.to, small, pictures, force=asked.force)
        print(f"{small}: {100 * found.labels:.2f} % of the labels are as before"
              f"{'' if found.kept else ', too few: not written'}")  # fmt: skip
        files |= {"int8": small} if found.kept else {}
    print('It takes images (N, 3, H, W) of bytes, RGB, as "image", and gives "logits" and "labels".')
    print(f"\n{'':10}{'MB':>8}{'time':>8}{'labels as PyTorch':>20}")
    for row in measured(trained, pictures[:4], files):
        print(f"{row.form:10}{row.megabytes:8.1f}{row.time:8.2f}{100 * row.labels:19.2f}%")
