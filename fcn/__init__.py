"""The code behind the book on fully convolutional networks (FCN) for semantic segmentation.

A map of the rooms. What the chapters teach:

    metrics      chapter 1: Confusion and the scores that follow from it, boundary IoU, kinds of error
    one_by_one   chapter 2: a fully connected layer as a convolution (as_conv, convolutionize)
    upsampling   chapter 3: ways to enlarge a map (BilinearUp, ResizeConv, SubPixel, ...)
    checkerboard chapter 4: counting and measuring checkerboards (paint_count, phase_score, decoder)
    skips        chapter 5: FCN of stride 32, 16, 8 or 4
    calibration  chapter 6: is a network as often right as it is sure? (Reliability, temperature)

What they work with:

    scenes       emoji on photographs, with exact masks (EmojiScenes)
    datasets     photographs and masks from files (CamVid, VOC, Pets), data sets held in memory (in_memory)
    doctor       what a folder of photographs and masks holds, its faults, a clean copy of it (examined, fixed)
    backbones    image -> feature maps at strides 4, 8, 16 and 32 (small, lite0, vgg16), and a whole classifier
    training     the loop that trains a network (fit), its scores (evaluate), checkpoints (save, resume)
    answers      from scores to label maps (predicted), from images to label maps (labels), probabilities
    predict      a trained network from its file (load), photographs of any size (predict_files)
    runs         a training that leaves a folder (train): network, scores, history, pictures, a card
    export       a trained network for elsewhere: ONNX, torch.export, int8, the Hugging Face Hub
    viz          the book's figures and tables
    widgets      the figures that move
    commands     the command line, one file a verb: fcn check | train | evaluate | predict | export | fetch

What stands below all of them:

    expect       what an argument must be
    palette      names and colors
    files        files that are whole or not there

Import what you need from its room (`from fcn.one_by_one import as_conv`); nothing is re-exported here.
"""

import json
from pathlib import Path

VOID = 255  # the label of a pixel that is neither learned from nor scored


def data_path(name: str) -> Path:
    """Return the path of a file or folder below data/, in a checkout as in an installed wheel.

    `name` is relative to data/, with forward slashes. Raises FileNotFoundError if it is not there, ValueError if it
    leads out of data/.

    >>> data_path("results/one_by_one.json").name
    'one_by_one.json'
    """
    package = Path(__file__).resolve().parent
    roots = [package / "data", package.parent / "data"]  # in a wheel; in a checkout or editable install
    root = next((folder for folder in roots if folder.is_dir()), roots[1]).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"data_path({name!r}) leads out of data/: give a path relative to {root}.")
    if not path.exists():
        raise FileNotFoundError(f"There is no {name!r} in {root}. Is the installation of fcn-book complete?")
    return path


def results(name: str) -> dict:
    """Return what was measured and stored as data/results/NAME.json; "cited" holds what other people measured.

    Raises FileNotFoundError, naming those that there are, for an unknown name.

    >>> results("one_by_one")["about"]["command"]
    'python data/results/one_by_one.py'
    """
    there = sorted(path.stem for path in data_path("results").glob("*.json"))
    if name not in there:
        raise FileNotFoundError(f"There are no results {name!r}; there are {', '.join(there)}.")
    return json.loads(data_path(f"results/{name}.json").read_text(encoding="utf-8"))
