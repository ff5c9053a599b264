"""A trained network for use: from its file to label maps. K classes, H height, W width."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fcn import VOID, data_path
from fcn.backbones import lite0, small, vgg16
from fcn.expect import one_of, sizes, that, whole
from fcn.predict.sized import enlarged, shrunk
from fcn.predict.tiles import blocks, joined
from fcn.skips import FCN
from fcn.training import resume, stored

_BACKBONES = {
    "lite0": lambda: lite0(pretrained=False), "small": small, "small, wide": lambda: small(wide=True), "vgg16": vgg16,
}  # fmt: skip
_MOST_HIDDEN = 4096  # a file that says more would fill the memory


class Trained:
    """A trained network: trained(image) -> label map. See load.

    `net` is the network, in evaluation mode, `classes` the names of its labels, `about` what its file says of it. If
    that says that it was trained on photographs of at most `longest` pixels a side, larger ones are made so small for
    it, and its logits enlarged: things then have the size that it knows. With 0 it takes them as they are.
    """

    def __init__(self, net: nn.Module, classes: list[str], about: dict):
        self.net, self.classes, self.about = net, tuple(classes), about
        self.longest = about.get("network", {}).get("longest", 0)

    def __call__(self, image: Tensor | np.ndarray) -> Tensor | np.ndarray:
        """Return the label map (H, W) uint8 of a photograph: a tensor (3, H, W) or an array (H, W, 3), both uint8.

        The map is of the kind that came, tensor or array. Raises ValueError for anything else.
        """
        if isinstance(image, np.ndarray):
            fits = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
            that(fits, "a photograph (H, W, 3), uint8", image)
            return self(torch.from_numpy(np.require(image, requirements="CW")).permute(2, 0, 1)).numpy()
        return joined(self.blocks(image), image)

    def blocks(self, image: Tensor, *, tile: int | None = None) -> Iterator[tuple[slice, slice, Tensor]]:
        """Yield the logits of a photograph (3, H, W) uint8 block by block: rows, columns, logits (K, h, w).

        Up to 2^21 pixels (1920x1080) it is asked whole, a larger one in tiles: fcn.predict.blocks says what that
        changes, and what it needs. Raises ValueError for another photograph, and as that does.
        """
        advice = "A photograph of another kind: np.array(photograph.convert('RGB'))."
        _, height, width = sizes(image, "3 H W", "byte", name="a photograph", advice=advice)
        small = shrunk(image, self.longest)
        if small is image:
            yield from blocks(self.net, image, tile=tile)
            return
        logits = None
        for rows, columns, block in blocks(self.net, small, tile=tile):
            logits = block.new_empty(len(block), *small.shape[1:]) if logits is None else logits
            logits[:, rows, columns] = block
        yield from enlarged(logits, height, width)

    def __repr__(self) -> str:
        return f"<Trained: {type(self.net).__name__} of stride {self.net.stride}, {len(self.classes)} classes>"


def load(name: str | Path) -> Trained:
    """Return a trained network from its file or the folder of its training, or one of this book's by its name.

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
    advice = (
        f"It is a checkpoint, for --resume: name {path.with_name('model.safetensors')}." if "losses" in about else ""
    )
    said = isinstance(network, dict) and {"backbone", "classes", "stride", "hidden"} <= network.keys()
    that(
        said,
        f"a file that says which network it holds (backbone, classes, stride, hidden), not {path}",
        network,
        advice,
    )
    one_of(network["backbone"], f"the backbone of {path}", tuple(_BACKBONES))
    classes = network["classes"]
    names = isinstance(classes, list) and all(isinstance(each, str) for each in classes)
    that(names and len(set(classes)) == len(classes), f"a list of different names as classes of {path}", classes)
    that(2 <= len(classes) <= VOID, f"2 to {VOID} classes in {path}", len(classes))
    whole(network["hidden"], f"the hidden channels of {path}", 0, _MOST_HIDDEN)
    whole(network.get("longest", 0), f"the longer side of the photographs of {path}", 0)
    return network


def _path_of(name: str | Path) -> Path:
    path = Path(os.path.expanduser(name))
    if (path / "checkpoint.safetensors").is_file() and not (path / "model.safetensors").is_file():
        raise FileNotFoundError(
            f"The training in {path} was broken off: fcn train ... --out {path} --resume ends it."
        )
    path = path / "model.safetensors" if path.is_dir() else path
    if path.is_file():
        return path
    ours = {each.stem: each for each in sorted(data_path("checkpoints").glob("*.safetensors"))}
    ours = {stem: each for stem, each in ours.items() if "network" in stored(each)}
    if str(name) in ours:
        return ours[str(name)]
    others = f", and no network of this book's of that name; there are {', '.join(ours)}" if ours else ""
    raise FileNotFoundError(f"There is no file {path}{others}.")
