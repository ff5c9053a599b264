"""Is what was exported the same network? N batch, K classes, H height, W width."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.answers import asked
from fcn.expect import sizes, that
from fcn.files import target

INSTALL = "pip install onnx onnxscript onnxruntime"
_ALLOWED, _OF_LARGEST, _SAME = 1e-4, 1e-5, 0.9999  # of logits: absolute, or of the largest one; of labels: the share
_FIXED = ((1, 1, 1), (2, 32, 64), (1, 33, 65))  # N, H, W: the smallest, a batch, one row and column too many
_RANDOM, _SEED = 4, 0
_LONGEST = 1024

Answers = Callable[[Tensor], tuple[Tensor, Tensor]]  # images (N, 3, H, W) uint8 -> logits, labels


@dataclass(frozen=True)
class Agreement:
    """How far two networks agree: the largest `difference` of logits, the largest `logit`, the share of equal labels.

    That share is `labels`, 0 to 1. `allowed` is the largest difference that may be: 1e-4, or a hundred-thousandth of
    the largest logit where that is more, as float32 has seven digits. `sizes` are the (N, H, W) of the images that
    both were asked about.
    """

    difference: float
    logit: float
    labels: float
    sizes: tuple[tuple[int, int, int], ...]

    @property
    def allowed(self) -> float:
        return max(_ALLOWED, _OF_LARGEST * self.logit)

    @property
    def holds(self) -> bool:
        """Say whether the two are the same network: no more than is allowed, 99.99 % of the labels equal."""
        return self.difference <= self.allowed and self.labels >= _SAME  # False for NaN


def needed(*modules: str) -> None:
    """Raise FileNotFoundError, saying what to install, unless all of these optional libraries can be imported.

    >>> needed("json")
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            raise FileNotFoundError(f"The package {module} is missing, which exporting needs: {INSTALL}") from None


def free(path: str | Path, force: bool) -> Path:
    """Return the file that a path means if it may be written; raise FileExistsError if it is there, unless forced.

    Raises FileNotFoundError if there is no such folder, and for a link that leads nowhere but to itself.

    >>> free("net.onnx", force=False).name
    'net.onnx'
    """
    path = target(path)
    if path.is_symlink():  # what is behind a link, target has said already
        raise FileNotFoundError(f"{path} is a link that leads to itself: name a file.")
    if path.exists() and not force:
        raise FileExistsError(f"There is a file {path} already: name another, or force it (force=True, --force).")
    return path


def torch_answers(net: nn.Module) -> Answers:
    """Return how a network in PyTorch answers: images (N, 3, H, W) uint8 -> logits (N, K, H, W), labels (N, H, W).

    >>> logits, labels = torch_answers(nn.Conv2d(3, 5, 1))(torch.zeros(1, 3, 4, 6))
    >>> logits.shape, labels.shape
    (torch.Size([1, 5, 4, 6]), torch.Size([1, 4, 6]))
    """

    def answer(images: Tensor) -> tuple[Tensor, Tensor]:
        with asked(net):
            logits = net(images)
            return logits, logits.argmax(1).to(torch.uint8)

    return answer


def onnx_answers(model: bytes | str | Path) -> Answers:
    """Return how an ONNX file (or its bytes) answers in onnxruntime, with as many threads as PyTorch has.

    Raises FileNotFoundError if onnxruntime is missing or there is no such file, ValueError if it cannot run the file.

    >>> onnx_answers("none.onnx")
    Traceback (most recent call last):
    FileNotFoundError: There is no file none.onnx.
    """
    needed("onnxruntime")
    import onnxruntime

    if not isinstance(model, bytes) and not Path(model).is_file():
        raise FileNotFoundError(f"There is no file {model}.")
    name = f"{len(model)} bytes" if isinstance(model, bytes) else str(model)
    how = onnxruntime.SessionOptions()
    how.intra_op_num_threads = torch.get_num_threads()
    try:
        source = model if isinstance(model, bytes) else str(model)
        session = onnxruntime.InferenceSession(source, how, providers=["CPUExecutionProvider"])
    except Exception as error:  # of a dozen kinds, none of them public
        why = " ".join(str(error).split()).split(" : ", 2)[-1]
        raise ValueError(f"Expected a network that onnxruntime can run; got {name} ({why}).") from None

    def answer(images: Tensor) -> tuple[Tensor, Tensor]:
        logits, labels = session.run(["logits", "labels"], {"image": images.numpy()})
        return torch.from_numpy(logits), torch.from_numpy(labels)

    return answer


def picture(height: int, width: int, chance: torch.Generator) -> Tensor:
    """Return something like a photograph, large shapes and fine grain: (3, H, W) uint8.

    >>> picture(4, 6, torch.Generator().manual_seed(0)).shape
    torch.Size([3, 4, 6])
    """
    total = torch.zeros(1, 3, height, width)
    for cells in (2, 5, 13, 40):  # nature's spectrum, roughly: twice as fine, half as strong
        grain = torch.rand(1, 3, cells, cells, generator=chance) - 0.5
        total += F.interpolate(grain, (height, width), mode="bilinear") * (8 / cells) ** 0.5
    return ((total[0] / 2 + 0.5).clamp(0, 1) * 255).to(torch.uint8)


def pictures() -> list[Tensor]:
    """Return the images of the check, (N, 3, H, W) uint8: the smallest, a batch, and sizes drawn at random, odd ones.

    >>> [tuple(images.shape) for images in pictures()][:3]
    [(1, 3, 1, 1), (2, 3, 32, 64), (1, 3, 33, 65)]
    """
    chance = torch.Generator().manual_seed(_SEED)
    drawn = 2 * torch.randint(20, 120, (_RANDOM, 2), generator=chance) + 1
    every = [*_FIXED, *((1, height, width) for height, width in drawn.tolist())]
    return [torch.stack([picture(height, width, chance) for _ in range(n)]) for n, height, width in every]


def middles(photographs: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the middle of each photograph (3, H, W) uint8, at most 1024x1024 pixels: its maps shall fit into memory.

    Raises ValueError for something else, naming its place.

    >>> [tuple(middle.shape) for middle in middles([torch.zeros(3, 40, 3000, dtype=torch.uint8)])]
    [(3, 40, 1024)]
    """
    for index in range(len(photographs)):
        _, height, width = sizes(photographs[index], "3 H W", "byte", name=f"photograph {index}")
        top, left = max(0, height - _LONGEST) // 2, max(0, width - _LONGEST) // 2
        yield photographs[index][:, top : top + _LONGEST, left : left + _LONGEST]


def agreement(ours: Answers, theirs: Answers, images: Iterable[Tensor]) -> Agreement:
    """Return how far two networks agree about images, each (N, 3, H, W) uint8.

    Raises ValueError, naming the size of the image, if one fails on it or answers in another shape or type.

    >>> net = torch_answers(nn.Conv2d(3, 5, 1))
    >>> agreement(net, net, [torch.zeros(1, 3, 4, 6)]).holds
    True
    """
    difference, largest, same, count, asked_about = 0.0, 0.0, 0, 0, []
    for image in images:
        n, _, height, width = image.shape
        logits, labels = ours(image)
        try:
            found = theirs(image)
        except Exception as error:  # whatever a runtime raises
            why = " ".join(str(error).split())[:120]
            raise ValueError(f"Expected an answer for {n} image(s) of {height}x{width} pixels; got {why}") from None
        for name, part, other in zip(("logits", "labels"), (logits, labels), found, strict=True):
            like = part.shape == other.shape and part.dtype == other.dtype
            that(like, f"{name} {part.dtype} {tuple(part.shape)} for images of {height}x{width}", other)
        gap = (logits - found[0]).abs().max().item()
        difference = gap if np.isnan(gap) else max(difference, gap)
        largest = max(largest, logits.abs().max().item())
        same, count = same + (labels == found[1]).sum().item(), count + labels.numel()
        asked_about.append((n, height, width))
    return Agreement(difference, largest, same / count, tuple(asked_about))


def checked(path: Path, ours: Answers, theirs: Answers) -> Agreement:
    """Return how far they agree about all `pictures`; raise ValueError if too little: the file is not to be written.

    >>> net = torch_answers(nn.Sequential(nn.Conv2d(3, 5, 1)))
    >>> checked(Path("net.onnx"), lambda images: net(images / 255), lambda images: net(images / 255)).difference
    0.0
    """
    found = agreement(ours, theirs, pictures())
    if not found.holds:
        raise ValueError(
            f"Expected PyTorch's answers, logits to {found.allowed:.0e} and {100 * _SAME:.2f} % of the labels; got "
            f"{found.difference:.1e} and {100 * found.labels:.2f} %. {path} is not written."
        )
    return found
