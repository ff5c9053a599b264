"""The loss of a batch that several processes share, and its gradient. See parallel.py. N batch, K classes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from fcn.expect import that
from fcn.training.parallel import place

IGNORED = -100  # what torch's losses leave out
# in a step of fit the processes have one batch; elsewhere each has its own, and need not ask when the others do
_ONE_BATCH = ContextVar("one batch", default=False)


@contextmanager
def one_batch() -> Iterator[None]:
    """Say that the processes have one batch between them, for a while, in which `summed` sums over it.

    >>> with one_batch():
    ...     summed(torch.tensor(2.0))
    (tensor(2.),)
    """
    token = _ONE_BATCH.set(True)
    try:
        yield
    finally:
        _ONE_BATCH.reset(token)


def summed(*parts: Tensor) -> tuple[Tensor, ...]:
    """Return sums over a process's part of the batch as sums over the whole batch, with their gradient.

    For losses that are no mean over pixels, so that several processes get them exactly: soft_iou sums the pixels of
    each class. Outside of a step of fit, and alone, the sums are what they were. The shapes are one shape.

    >>> summed(torch.tensor(2.0), torch.tensor(3.0))
    (tensor(2.), tensor(3.))
    """
    if place()[1] == 1 or not _ONE_BATCH.get():
        return parts
    return _Sum.apply(torch.stack(parts)).unbind()


def whole_batch(value: Tensor, logits: Tensor, targets: Tensor, loss: Callable) -> tuple[Tensor, bool]:
    """Return the loss of the whole batch, given one process's `value` for its part, and if any pixel of it is known.

    Its gradient is such that the mean over the processes is that of the whole batch. `logits` (N, K, H, W) and
    `targets` (N, H, W), -100 for void, are this part's. `loss` counts as a mean over the pixels that are known, each
    with the weight of its class if it is torch's and has weights, or as a sum if it is torch's and says so. Where no
    pixel of a part is known, what the loss says of it is 0 / 0 and counts as nothing.

    >>> logits = torch.zeros(1, 2, 1, 1, requires_grad=True)
    >>> whole_batch(logits.sum(), logits, torch.zeros(1, 1, 1), torch.nn.functional.cross_entropy)
    (tensor(0., grad_fn=<SumBackward0>), True)
    """
    count, known = place()[1], targets != IGNORED
    if count == 1:
        return value, bool(known.any())
    pixels, mass = int(known.sum()), _mass(loss, targets[known])
    numbers = [pixels, mass, mass * value.item() if pixels else 0]
    numbers = torch.tensor(numbers, dtype=torch.float64, device=value.device)
    dist.all_reduce(numbers)
    everywhere, masses, total = numbers.tolist()
    if not pixels:
        logits.register_hook(torch.zeros_like)
    divisor = 1 if _is_sum(loss) else masses or float("nan")
    return _Whole.apply(value, total / divisor, count * mass / divisor), everywhere > 0


def told(loss: Callable, name: str, otherwise):
    """Return what a loss of torch's, or a partial of one, has been told, such as its "ignore_index".

    >>> told(partial(nn.functional.cross_entropy, ignore_index=255), "ignore_index", -100)
    255
    """
    if isinstance(loss, partial):
        return loss.keywords.get(name, otherwise)
    return getattr(loss, name, otherwise)


def _mass(loss: Callable, targets: Tensor) -> float:
    """Return what a loss divides by, in these pixels: their number, or the weights of their classes; 1 for a sum."""
    if _is_sum(loss):
        return 1
    weights = told(loss, "weight", None) if _is_torchs(loss) else None
    return len(targets) if weights is None else weights[targets].sum().item()


def _is_sum(loss: Callable) -> bool:
    return _is_torchs(loss) and told(loss, "reduction", "mean") == "sum"


def _is_torchs(loss: Callable) -> bool:
    function = loss.func if isinstance(loss, partial) else loss
    return isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss) or function in (F.cross_entropy, F.nll_loss)


def all_learn(model: nn.Module) -> None:
    """Raise ValueError, naming the first, if a parameter that should learn got no gradient, where several need all.

    >>> all_learn(nn.Conv2d(3, 2, 1))
    """
    if place()[1] > 1:
        left = [name for name, each in model.named_parameters() if each.requires_grad and each.grad is None]
        advice = f"Take requires_grad off it: {left[0]}.requires_grad_(False)." if left else ""
        that(
            not left, "a loss on which every parameter that learns has a part, in several processes", left[:1], advice
        )


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose gradient is the sum of what each makes of it."""

    @staticmethod
    def forward(ctx, part: Tensor) -> Tensor:
        whole = part.clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient


class _Whole(torch.autograd.Function):
    """The loss of the whole batch in place of that of a part, whose gradient counts `share` times."""

    @staticmethod
    def forward(ctx, value: Tensor, whole: float, share: float) -> Tensor:
        ctx.share = share
        return value.new_tensor(whole)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient * ctx.share, None, None
