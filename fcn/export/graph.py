"""A network as a file that needs no code of ours: ONNX, and PyTorch's own torch.export. N, K, H, W as everywhere."""

import copy
import io
import json
from pathlib import Path

import torch
from torch import Tensor, nn

from fcn.expect import that
from fcn.export.check import Agreement, checked, free, needed, onnx_answers, torch_answers
from fcn.files import write_whole
from fcn.palette import colors

OPSET = 18  # of ONNX: read by onnxruntime 1.14 (2023) and newer
_SIDES = {"image": ("N", "3", "H", "W"), "logits": ("N", "K", "H", "W"), "labels": ("N", "H", "W")}
_LARGEST = 2**31 - 1  # bytes of one ONNX file
_FOR_ITS_MAKER = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node", "custom")


class Answering(nn.Module):
    """What is exported: images (N, 3, H, W) uint8 -> logits (N, K, H, W) float32 and labels (N, H, W) uint8.

    A copy of the network on the CPU, its weights as float32, in evaluation mode; the highest logit wins, the first of
    equal ones.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = copy.deepcopy(net).cpu().float().eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net(image)
        return logits, logits.argmax(1).to(torch.uint8)


def to_onnx(trained, path: str | Path, *, source: str = "", force: bool = False) -> Agreement:
    """Write a trained network as one ONNX file and return how far onnxruntime's answers agree with PyTorch's.

    Input "image" (N, 3, H, W) uint8, RGB, for every N, H and W from 1 on; outputs "logits" (N, K, H, W) float32 and
    "labels" (N, H, W) uint8, so that who wants a mask needs no more than this file. Normalization, padding and
    cropping are inside, as are the weights; all of it is float32. Opset 18. The file's metadata hold `classes` and
    `colors` (JSON lists), `opset`, the `source` that is given, and nothing of the machine that made it; also
    `longest`: unless it is 0, make photographs at most so many pixels long before you ask, as fcn.predict does.

    Nothing is written unless the answers agree (see Agreement). Raises FileExistsError for a file that is there,
    unless `force`; FileNotFoundError if the folder or a library is missing; ValueError if the answers differ, for
    more than 256 classes and for a network of 2 GiB; OSError if the file cannot be written.

    >>> import tempfile
    >>> from fcn.backbones import small
    >>> from fcn.predict import load
    >>> from fcn.skips import FCN
    >>> from fcn.training import save
    >>> network = {"backbone": "small", "classes": ["background", "pet"], "stride": 32, "hidden": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/net.safetensors", FCN(small(), 2, stride=32), network=network)
    ...     to_onnx(load(f"{folder}/net.safetensors"), f"{folder}/net.onnx").difference < 1e-4
    True
    """
    path = free(path, force)
    needed("onnx", "onnxscript", "onnxruntime")
    program, names = traced(trained), {"input_names": ["image"], "output_names": ["logits", "labels"]}
    made = torch.onnx.export(program, dynamo=True, verbose=False, opset_version=OPSET, **names).model_proto
    _bare(made)
    _without_doubles(made)
    _describe(made, about(trained, source) | {"opset": OPSET})
    size = made.ByteSize()
    that(size <= _LARGEST, "a network of less than 2 GiB, the most that one ONNX file holds", size)
    model = made.SerializeToString(deterministic=True)
    found = checked(path, torch_answers(as_float32(trained.net)), onnx_answers(model))
    write_whole(path, model)
    return found


def to_program(trained, path: str | Path, *, source: str = "", force: bool = False) -> Agreement:
    """Write a trained network as a file of torch.export and return how far its answers agree with the network's.

    `torch.export.load(path).module()(images)` gives (logits, labels) as to_onnx has them, for every N, H and W from 1
    on, without any code of ours; the classes and so on lie in its extra file "fcn.json". PyTorch may refuse the file
    in another version, and torch.export.load unpickles what a file asks it to: load only one that you trust. An ONNX
    or a safetensors file holds no code.

    Checked and written as to_onnx does; raises as it does, and ValueError with an older PyTorch, whose programs take
    no sides of 32 pixels and less.

    >>> to_program(None, "/nowhere/net.pt2")
    Traceback (most recent call last):
    FileNotFoundError: There is no folder /nowhere.
    """
    path = free(path, force)
    program, file = traced(trained), io.BytesIO()
    for node in program.graph.nodes:  # where on this machine which line of Python stands
        for name in _FOR_ITS_MAKER:
            node.meta.pop(name, None)
    torch.export.save(program, file, extra_files={"fcn.json": json.dumps(about(trained, source))})
    loaded = torch.export.load(io.BytesIO(file.getvalue())).module()  # our own bytes
    found = checked(path, torch_answers(as_float32(trained.net)), loaded)
    write_whole(path, file.getvalue())
    return found


def traced(trained) -> torch.export.ExportedProgram:
    """Return the program that a trained network runs, for images (N, 3, H, W) uint8 of any size.

    Raises ValueError for more than 256 classes: labels are bytes.

    >>> from types import SimpleNamespace
    >>> trained = SimpleNamespace(net=nn.Conv2d(3, 2, 1), classes=["background"] * 300)
    >>> traced(trained)
    Traceback (most recent call last):
    ValueError: Expected 2 to 256 classes, as labels are bytes; got 300.
    """
    count = len(trained.classes)
    that(2 <= count <= 256, "2 to 256 classes, as labels are bytes", count)
    images = (torch.zeros(2, 3, 75, 101, dtype=torch.uint8),)
    return torch.export.export(Answering(trained.net), images, dynamic_shapes=_every_size())


def about(trained, source: str) -> dict:
    """Return what an exported file says of itself: classes, colors, the longest side it was trained on, source.

    >>> from types import SimpleNamespace
    >>> about(SimpleNamespace(classes=("cat", "dog"), about={}), "mine")
    {'classes': ['cat', 'dog'], 'colors': ['#c661a1', '#b7c757'], 'longest': 0, 'source': 'mine'}
    """
    table = colors(trained.classes)[: len(trained.classes)]
    return {
        "classes": list(trained.classes),
        "colors": [f"#{bytes(color).hex()}" for color in table],
        "longest": trained.about.get("network", {}).get("longest", 0),
        "source": source,
    }


def as_float32(net: nn.Module) -> nn.Module:
    """Return a network on the CPU and as float32: a copy, unless it is so already.

    >>> net = nn.Conv2d(3, 2, 1)
    >>> as_float32(net) is net, as_float32(net.bfloat16()).weight.dtype
    (True, torch.float32)
    """
    weights = [weight for weight in net.state_dict().values() if weight.is_floating_point()]
    there = all(weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in weights)
    return net if there else copy.deepcopy(net).cpu().float()


def _every_size():
    """Say to torch.export that N, H and W may be any number from 1 on."""
    try:
        from torch.fx.experimental.dynamic_spec import ParamsSpec, ShapeVar, TensorSpec
    except ImportError:  # an older PyTorch, whose programs ask for sides above 32; its ONNX files do not
        return {"image": {side: torch.export.Dim.DYNAMIC for side in (0, 2, 3)}}
    n, height, width = (ShapeVar(name, min=1) for name in ("N", "H", "W"))
    return ParamsSpec({"image": TensorSpec([n, 3, height, width])})


def _bare(model) -> None:
    """Take out of an ONNX model what only its maker wanted to know, as the places of source files on this machine."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]


def _without_doubles(model) -> None:
    """Make float32 of an ONNX model's float64, in which places are counted: few runtimes beside the CPU's know it.

    Halves of whole numbers below 2^24, which a place is, are exact in both; the check sees to the rest.
    """
    from onnx import TensorProto, numpy_helper

    weights = [*model.graph.initializer]
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
            weights += [attribute.t] if attribute.HasField("t") else []
    for weight in weights:
        if weight.data_type == TensorProto.DOUBLE:
            values = numpy_helper.to_array(weight).astype("float32")
            weight.CopyFrom(numpy_helper.from_array(values, weight.name))


def _describe(model, says: dict) -> None:
    """Write into an ONNX model what it says of itself, and name the sides of what goes in and out."""
    for key, value in says.items():
        model.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    for part in (*model.graph.input, *model.graph.output):
        for side, name in zip(part.type.tensor_type.shape.dim, _SIDES[part.name], strict=True):
            if not side.HasField("dim_value"):
                side.dim_param = name
