"""The code behind the book on fully convolutional networks (FCN) for semantic segmentation.

A map of the rooms:

    scenes       emoji on photographs, with exact masks (EmojiScenes)
    metrics      chapter 1: Confusion and the scores that follow from it, boundary IoU, trimap accuracy
    one_by_one   chapter 2: a fully connected layer as a convolution (as_conv, convolutionize)
    upsampling   chapter 3: ways to enlarge a map (BilinearUp, ResizeConv, SubPixel, ...)
    checkerboard chapter 4: counting and measuring checkerboards (paint_count, phase_score, decoder)
    skips        chapter 5: FCN of stride 32, 16, 8 or 4
    backbones    image -> feature maps at strides 4, 8, 16 and 32 (small, lite0, vgg16), and a whole classifier
    training     the loop that trains a network (fit), its scores (evaluate), checkpoints (save, resume)
    viz          the book's figure style, its palette, and every drawing helper
    widgets      the interactive figures

Import what you need from its room (`from fcn.one_by_one import as_conv`); nothing is re-exported here.
"""

from pathlib import Path


def data_path(name: str) -> Path:
    """Return the path of a file or folder below data/, in a checkout as in an installed wheel.

    `name` is relative to data/, with forward slashes: "results/one_by_one.json".
    Raises FileNotFoundError if it is not there, ValueError if it leads out of data/.
    """
    package = Path(__file__).resolve().parent
    roots = [package / "data", package.parent / "data"]  # in a wheel; in a checkout or editable install
    root = next((folder for folder in roots if folder.is_dir()), roots[1])
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"data_path({name!r}) leads out of data/: give a path relative to {root}.")
    if not path.exists():
        raise FileNotFoundError(f"There is no {name!r} in {root}. Is the installation of fcn-book complete?")
    return path
