"""A network in bytes: its convolutions in 8 bits, if that leaves its answers as they are. H height, W width."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fcn.expect import positive, sizes, that
from fcn.export.check import Answers, free, middles, needed, onnx_answers
from fcn.files import write_whole
from fcn.metrics import Confusion

_LAYERS = ["Conv", "Relu", "Clip"]  # with those that cut off: else steps are spent on values that never come out
_SAME, _LOST = 0.98, 0.01  # of labels, without masks: the share that must stay; of mean IoU: what may be lost


@dataclass(frozen=True)
class Int8:
    """What 8 bits cost: `kept` says if the file was written.

    `labels` is the share of pixels that get the same label as before, over `photographs` of them; `before` and
    `after` are the mean IoU of float32 and of int8, None where there were no masks to score with.
    """

    kept: bool
    labels: float
    photographs: int
    before: float | None
    after: float | None


def to_int8(
    exported: str | Path, path: str | Path, photographs: Sequence[Tensor], *,
    data=None, lost: float = _LOST, force: bool = False,
) -> Int8:  # fmt: skip
    """Write the network of a file of to_onnx in 8 bits, if it answers as before; return what that cost.

    The new file has the inputs, outputs and metadata of the old one. Convolutions are quantized, weights for each
    channel, activations by the smallest and largest values that `photographs` (3, H, W) uint8 bring about: 20 to 100
    of the kind that the network will meet, of which the middle 1024x1024 pixels are used. What interpolates stays
    float32. The file needs no operator of onnxruntime's own (QDQ).

    With `data`, pairs (image (3, H, W) uint8, mask (H, W)) of the size that the network is asked in, the file is kept
    if its mean IoU is at most `lost` lower. Without, every other photograph is kept back from calibration (one alone
    serves for both), and 98 % of the labels on these must be the same. A file that is not kept is not written: see
    Int8.
    Raises FileExistsError for a file that is there, unless `force`; FileNotFoundError if a file, the folder or a
    library is missing; ValueError for a file of something else, for no photographs and for others, for masks without
    a class; OSError if the file cannot be written.

    >>> to_int8("net.onnx", "net.int8.onnx", [])
    Traceback (most recent call last):
    ValueError: Expected one photograph or more to calibrate with; got 0.
    """
    path, lost = free(path, force), positive(lost, "what may be lost of mean IoU")
    that(len(photographs) > 0, "one photograph or more to calibrate with", len(photographs))
    that(data is None or len(data) > 0, "a data set with pairs in it, to score with", "an empty one")
    needed("onnx", "onnxruntime")
    before = onnx_answers(exported)
    model, classes = _opened(exported)
    some, rest = _halves(photographs) if data is None else (photographs, ())
    small = _quantized(model, some)
    pairs = [(photograph, None) for photograph in middles(rest)] if data is None else data
    found = _compared(before, onnx_answers(small), pairs, classes, lost)
    if found.kept:
        write_whole(path, small)
    return found


def _opened(path: str | Path):
    """Return an ONNX model and the number of its classes."""
    import onnx

    model = onnx.load(path)
    says = {entry.key: entry.value for entry in model.metadata_props}
    that("classes" in says, f"a file of fcn.export.to_onnx, not {path}, with its classes in its metadata", [*says])
    done = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    that(not done, f"a network of float32 in {path}", "one in 8 bits already")
    return model, len(json.loads(says["classes"]))


def _halves(photographs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the photographs to calibrate with and those to compare on."""
    every = [photographs[index] for index in range(len(photographs))]
    return every[::2], every[1::2] or every


def _quantized(model, photographs: Sequence[Tensor]) -> bytes:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        left = middles(photographs)

        def get_next(self) -> dict | None:
            photograph = next(self.left, None)
            return None if photograph is None else {"image": photograph[None].numpy()}

    with tempfile.TemporaryDirectory() as folder:
        given, prepared, done = (Path(folder, f"{name}.onnx") for name in ("given", "prepared", "done"))
        onnx.save(model, given)
        quant_pre_process(given, prepared, skip_symbolic_shape=True)  # which fails on transposed convolutions
        quantize_static(
            prepared, done, Reader(), quant_format=QuantFormat.QDQ, op_types_to_quantize=_LAYERS, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        small = onnx.load(done)
    like = ((small, model, "metadata_props"), (small, model, "opset_import"))
    for new, old, name in (*like, (small.graph, model.graph, "input"), (small.graph, model.graph, "output")):
        del getattr(new, name)[:]
        getattr(new, name).extend(getattr(old, name))
    return small.SerializeToString(deterministic=True)


def _compared(before: Answers, after: Answers, pairs, classes: int, lost: float) -> Int8:
    """Return what two networks say of photographs, with masks or without: what the second costs."""
    tables, same, count, scored = (Confusion(classes), Confusion(classes)), 0, 0, False
    for index in range(len(pairs)):
        photograph, mask = pairs[index]
        sizes(photograph, "3 H W", "byte", name=f"photograph {index}")
        answers = [answer(photograph[None])[1][0] for answer in (before, after)]
        same, count = same + (answers[0] == answers[1]).sum().item(), count + answers[0].numel()
        if mask is not None:
            scored = True
            for table, answer in zip(tables, answers, strict=True):
                table.update(mask, answer)
    if not scored:
        return Int8(same / count >= _SAME, same / count, len(pairs), None, None)
    that(bool(tables[0].counts.any()), "masks with classes in them, to score with", "void alone")
    scores = [table.mean_iou() for table in tables]
    return Int8(scores[0] - scores[1] <= lost, same / count, len(pairs), *scores)
