"""Write the networks of this folder as ONNX graphs, for the live page. Run: python data/checkpoints/export.py

NAME.onnx holds the layers alone. Its weights are those of NAME.safetensors, half precision, by their places in that
file (ONNX's external data): the page loads both, and no weight lies here twice. A graph takes an image (1, 3, H, W)
uint8, H and W multiples of 32, and returns the maps of scores that FCN adds up, from the coarsest. live.json says of
each network what the page must know: classes and their colors, strides and centers of the maps, bytes. (To export
needs more than the book: pip install --group data.)
"""

import json
import struct
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from fcn.backbones import small
from fcn.predict import load
from fcn.scenes import CLASSES
from fcn.skips import FCN
from fcn.training import resume
from fcn.widgets.live import color_names

HERE = Path(__file__).resolve().parent
NAMES = ("fcn32s", "fcn16s", "fcn8s", "camvid-fcn8s")
STRIDES = (32, 16, 8)
MAPS = ("score_fr", "score_pool4", "score_pool3")


class Scores(nn.Module):
    """What an FCN adds up: images (N, 3, H, W) uint8 -> a map of scores for each of its strides, coarse to fine."""

    def __init__(self, net: FCN):
        super().__init__()
        self.model = net  # the name that fcn.training.save gives to it

    def forward(self, image: Tensor) -> list[Tensor]:
        net = self.model
        maps = dict(zip(net.backbone.strides, net.backbone(net.backbone.normalize(image)), strict=True))
        strides = (stride for stride in STRIDES if stride >= net.stride)
        return [getattr(net, name)(maps[stride]) for name, stride in zip(MAPS, strides, strict=False)]


def opened(name: str) -> FCN:
    if name == "camvid-fcn8s":  # the others' files do not say which network they hold
        return load(name).net
    net = FCN(small(wide=True), len(CLASSES), int(name.removeprefix("fcn").removesuffix("s")))
    resume(HERE / f"{name}.safetensors", net)
    return net


def graph(name: str) -> bytes:
    """Return the ONNX file of a network whose weights lie in NAME.safetensors."""
    net = Scores(opened(name)).eval()
    sides = {axis: 32 * torch.export.Dim(side, min=2, max=64) for axis, side in ((2, "rows"), (3, "columns"))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net, (torch.zeros(1, 3, 96, 128, dtype=torch.uint8),), dynamo=True, optimize=False, verbose=False,
            input_names=["image"], output_names=MAPS[: STRIDES.index(net.model.stride) + 1],
            dynamic_shapes={"image": sides},
        )  # fmt: skip
    model = program.model_proto
    weights_elsewhere(model.graph, f"{name}.safetensors")
    bare(model)
    return model.SerializeToString(deterministic=True)


def weights_elsewhere(layers, file: str) -> None:
    """Take the weights out of a graph; each is read from its place in a file of safetensors, and widened."""
    from onnx import TensorProto, helper  # here, not above: only who exports needs it

    with (HERE / file).open("rb") as stored:
        size = struct.unpack("<Q", stored.read(8))[0]
        listed = json.loads(stored.read(size))
    for weight in list(layers.initializer):
        told = listed.get(weight.name)
        if told is None or told["dtype"] != "F16":
            continue
        begin, end = told["data_offsets"]
        half = TensorProto(name=f"{weight.name}.half", data_type=TensorProto.FLOAT16, dims=weight.dims)
        half.data_location = TensorProto.EXTERNAL
        for key, value in {"location": file, "offset": 8 + size + begin, "length": end - begin}.items():
            half.external_data.add(key=key, value=str(value))
        layers.initializer.remove(weight)
        layers.initializer.append(half)
        layers.node.insert(0, helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))


def bare(model) -> None:
    """Leave out what only the exporter wanted to know: where in which file of Python a layer stands."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]


def told(name: str, data: bytes) -> dict:
    """Return what the page must know of a network."""
    net, classes = opened(name), load(name).classes if name == "camvid-fcn8s" else CLASSES
    centers = dict(zip(net.backbone.strides, net.backbone.centers, strict=True))
    strides = [stride for stride in STRIDES if stride >= net.stride]
    return {
        "classes": list(classes), "colors": color_names(classes), "strides": strides,
        "centers": [centers[stride] for stride in strides],
        "bytes": len(data) + (HERE / f"{name}.safetensors").stat().st_size,
    }  # fmt: skip


def main() -> None:
    about = {}
    for name in NAMES:
        data = graph(name)
        (HERE / f"{name}.onnx").write_bytes(data)
        about[name] = told(name, data)
        print(f"{name}.onnx: {len(data)} bytes")
    (HERE / "live.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
