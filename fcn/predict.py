"""A trained network for use: from its file to label maps. K classes, H height, W width."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fcn import data_path
from fcn.answers import labels as labels
from fcn.answers import predicted as predicted
from fcn.backbones import lite0, small, vgg16
from fcn.expect import one_of, sizes, that, whole
from fcn.skips import FCN
from fcn.training import resume, stored

_BACKBONES = {
    "lite0": lambda: lite0(pretrained=False), "small": small, "small, wide": lambda: small(wide=True), "vgg16": vgg16,
}  # fmt: skip
_MOST_HIDDEN = 4096  # a file that says more would fill the memory


class Trained:
    """A trained network: trained(image) -> label map. See load.

    `net` is the network, in evaluation mode, `classes` the names of its labels, `about` what its file says of it.
    """

    def __init__(self, net: nn.Module, classes: list[str], about: dict):
        self.net, self.classes, self.about = net, tuple(classes), about

    def __call__(self, image: Tensor | np.ndarray) -> Tensor | np.ndarray:
        """Return the label map (H, W) uint8 of a photograph: a tensor (3, H, W) or an array (H, W, 3), both uint8.

        The map is of the kind that came, tensor or array. Raises ValueError for anything else.
        """
        if isinstance(image, np.ndarray):
            fits = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
            that(fits, "a photograph (H, W, 3), uint8", image)
            return self(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))).numpy()
        advice = "A photograph of another kind: np.array(photograph.convert('RGB'))."
        sizes(image, "3 H W", "byte", name="a photograph", advice=advice)
        return labels(self.net, image)

    def __repr__(self) -> str:
        return f"<Trained: {type(self.net).__name__} of stride {self.net.stride}, {len(self.classes)} classes>"


def load(name: str | Path) -> Trained:
    """Return a trained network from its file, or one of this book's by its name.

    The file says which network it holds: "network" of what fcn.training.save stored about it. Raises
    FileNotFoundError, naming what there is, for an unknown name; ValueError for a file that does not say.

    >>> import tempfile
    >>> from fcn.training import save
    >>> network = {"backbone": "lite0", "classes": ["background", "pet"], "stride": 8, "hidden": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/net.safetensors", FCN(lite0(pretrained=False), 2, stride=8), network=network)
    ...     load(f"{folder}/net.safetensors")
    <Trained: FCN of stride 8, 2 classes>
    """
    path = _path_of(name)
    about = stored(path)
    network = _network_of(path, about)
    backbone, classes = _BACKBONES[network["backbone"]](), network["classes"]
    learned = network.get("learned", False)
    net = FCN(backbone, len(classes), network["stride"], hidden=network["hidden"], learned=learned)
    resume(path, net)
    return Trained(net.eval(), classes, about)


def _network_of(path: Path, about: dict) -> dict:
    """Return what a file says of its network, if that is enough to build it."""
    network = about.get("network")
    said = isinstance(network, dict) and {"backbone", "classes", "stride", "hidden"} <= network.keys()
    that(said, f"a file that says which network it holds (backbone, classes, stride, hidden), not {path}", network)
    one_of(network["backbone"], f"the backbone of {path}", tuple(_BACKBONES))
    classes = network["classes"]
    names = isinstance(classes, list) and all(isinstance(each, str) for each in classes)
    that(names and len(set(classes)) == len(classes), f"a list of different names as classes of {path}", classes)
    whole(network["hidden"], f"the hidden channels of {path}", 0, _MOST_HIDDEN)
    return network


def _path_of(name: str | Path) -> Path:
    path = Path(os.path.expanduser(name))
    if path.is_file():
        return path
    ours = {each.stem: each for each in sorted(data_path("checkpoints").glob("*.safetensors"))}
    ours = {stem: each for stem, each in ours.items() if "network" in stored(each)}
    if str(name) in ours:
        return ours[str(name)]
    others = f", and no network of this book's of that name; there are {', '.join(ours)}" if ours else ""
    raise FileNotFoundError(f"There is no file {path}{others}.")
