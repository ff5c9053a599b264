"""The loop that trains a network, and its scores. N batch, K classes, H height, W width.

Chance is a function of (seed, step): a batch, how it is changed, and what dropout drops. So a training may stop after
any step and go on from it.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from fcn import VOID
from fcn.answers import asked, modes_kept, predicted, probabilities
from fcn.datasets import pair
from fcn.expect import labels, positive, scores, that, whole
from fcn.metrics import Confusion
from fcn.training.batches import NETWORK, batches, look_at, number, stacked
from fcn.training.checkpoints import Keeper, described
from fcn.training.losses import IGNORED
from fcn.training.parallel import place, together, total
from fcn.training.recipes import one_cycle
from fcn.training.shared import all_learn, one_batch, told, whole_batch


def fit(
    model: nn.Module, data: Dataset, *, steps: int, lr: float, seed: int, batch: int = 16,
    recipe: Callable = one_cycle, transform: Callable | None = None, loss: Callable = F.cross_entropy,
    void: int = VOID, amp: bool = False, workers: int = 0, progress: bool = False,
    checkpoint: str | Path | None = None, every: int = 200, validate: Callable | None = None,
    stop: Callable | None = None,
) -> list[float]:  # fmt: skip
    """Train a model on pairs (image, mask) and return the loss of each step.

    The model maps a batch of images to logits (N, K, H, W); a mask (H, W) holds in each pixel a class or `void`.
    `seed` decides the order of the pairs, what `transform` makes of them, and what dropout drops. Every part of the
    model stays in the mode in which it is found: a backbone in evaluation mode keeps its statistics. (A model that is
    in evaluation mode as a whole is put into training mode, but for what has requires_grad off, and back again.)

    recipe(model, lr, steps) gives an optimizer and the schedule of its rate: one_cycle, polynomial or your own.
    transform(image, mask, generator=...) changes a pair before it is used: augmented or your own.
    loss(logits, masks) is torch's or your own; it gets masks as (N, H, W) int64 with -100 for void. Class weights:
    nn.CrossEntropyLoss(weight=...).
    validate(model) gives a number after each `every` steps; the weights of the highest are kept in NAME.best beside
    the checkpoint NAME.

    `amp` computes in bfloat16 what bears it. `workers` processes read the data. The batches go where the model's
    parameters are; a model laid out by model.to(memory_format=torch.channels_last) stays so. Both save time on some
    machines. On a machine whose cores other work holds, torch.set_num_threads(1) can be faster than two. A batch of
    nothing but void changes no weight, its loss is NaN.

    With a `checkpoint`, all that is needed to go on is written to that file after each `every` steps and at the end.
    If the file exists, training goes on from there: killed at any moment and called again with the same arguments, it
    ends with the same weights, on the same machine bit for bit, unless the data set draws numbers of its own. Called
    with more steps it is trained on, at the rates of the longer training. If stop() is true after a step, the
    training ends there, as if it had been killed after writing its checkpoint.

    Several processes (torchrun starts them, fcn.training.processes joins them) share each batch as evenly as it goes
    and end with what one process gets: losses within 1e-4 over 50 steps. `batch` is what all take together. A mean
    over the known pixels counts each process by how many it has; soft_iou sums over all; a loss of your own is taken
    for such a mean. Dropout, and BatchNorm in training mode, differ: fcn.training.parallel says how. Each process
    calls validate, the first alone writes, and their number may change when training goes on.

    Raises ValueError, before the first step where that can be known, for what cannot be trained, for a checkpoint of
    another training, for labels that are neither a class nor void, if the loss is no longer finite (the checkpoint
    stays what it was), and, in several processes, if the loss leaves out a parameter that learns; OSError if the
    checkpoint cannot be written.

    >>> data = [(torch.rand(3, 8, 8), torch.randint(2, (8, 8))) for _ in range(4)]
    >>> len(fit(nn.Conv2d(3, 2, 1), data, steps=5, lr=0.01, seed=0, batch=2))
    5
    """
    steps, lr, batch = whole(steps, "steps", 1), positive(lr, "the rate"), whole(batch, "the batch", 1)
    seed, _ = whole(seed, "the seed", 0), whole(len(data), "the number of images", batch)
    that(batch >= place()[1], f"a batch of {place()[1]} images or more, one for each process", batch)
    look_at(data, void)
    settings = {"images": len(data), "lr": lr, "seed": seed, "batch": batch, "void": void, "amp": amp}
    settings |= {"recipe": described(recipe), "transform": described(transform), "loss": described(loss)}
    optimizer, schedule = recipe(model, lr, steps)
    every = whole(every, "every", 1)
    keeper = Keeper(checkpoint, settings, steps=steps, every=every, validate=validate, stop=stop)
    losses = keeper.go_on(model, optimizer, schedule)
    left, device = range(len(losses), steps), next(model.parameters()).device
    loader = batches(data, batch=batch, seed=seed, steps=left, transform=transform, workers=workers)
    with learning(model), together(model) as net:
        for images, masks in tqdm(loader, total=steps, initial=len(losses), disable=not progress or place()[0] > 0):
            with dropout(seed, len(losses), device), one_batch():
                value, known = _asked_about(loss, net, images.to(device), masks.to(device), void, amp)
            if known:
                _learn(model, optimizer, value, len(losses), lr)
            schedule.step()
            losses.append(value.item())
            if keeper.keep(model, optimizer, losses):
                break
    return losses


def evaluate(
    model: nn.Module, data: Dataset, *, batch: int = 16, void: int = VOID, scales: Sequence[float] = (1.0,),
    flips: bool = False,
) -> Confusion:  # fmt: skip
    """Return the counts of truth and answer over all pairs (image, mask) of `data`; `void` is not scored.

    The model maps images to logits (N, K, H, W); it is put into evaluation mode for this and back again. Images may
    differ in size: those in a row that have one size are asked about together. `scales` and `flips` average over
    several sizes and over both sides, as fcn.answers.probabilities does: what a paper means by multi-scale and flip
    testing, and must say. Of `part(data)`, in several processes, the counts are those of all parts. Warns if no more
    than one class is there to be found. Raises ValueError for an empty data set and as Confusion does.

    >>> data = [(torch.rand(3, 8, 8), torch.randint(2, (8, 8))) for _ in range(4)]
    >>> evaluate(nn.Conv2d(3, 2, 1), data).counts.sum().item()
    256
    """
    whole(len(data), "the number of images", 1), whole(void, "void", -100, 255)
    counts, pixels = None, 0
    several = flips or tuple(scales) != (1,)
    ask = partial(probabilities, model, scales=scales, flips=flips) if several else model
    with asked(model) as device:
        for images, masks in _of_one_size(data, whole(batch, "the batch", 1)):
            answer = predicted(logits := ask(images.to(device)))
            if not 0 <= void <= 255:
                masks = labels(masks, VOID, void=void).long()  # so 255 is no class
                masks = masks.masked_fill(masks == void, VOID)
            counts = counts or Confusion(scores(logits), ignore=void if 0 <= void <= 255 else VOID)
            counts.update(masks.to(device), answer)
            pixels += masks.numel()
    counts.counts, pixels = total(data, counts.counts, torch.tensor(pixels))
    (found,) = counts.counts.sum(dim=1).nonzero(as_tuple=True)
    if len(found) < 2 and counts.counts.sum() < pixels:
        warnings.warn(
            f"The masks hold only {found.tolist()} and void ({void}), so every score says little. An object stored "
            f"as {void}? mask[mask == {void}] = 1.",
            stacklevel=2,
        )
    return counts


@contextmanager
def learning(model: nn.Module) -> Iterator[None]:
    """Keep every part of a model in its mode, and put it back at the end; see fit for a model in evaluation mode.

    >>> net = nn.Sequential(nn.Dropout(), nn.Conv2d(3, 2, 1)).eval()
    >>> with learning(net):
    ...     net[0].training
    True
    """
    with modes_kept(model):
        if not model.training:
            _learns(model, above=True)
        yield


def _learns(part: nn.Module, above: bool) -> None:
    """Put a part that learns into training mode; one without parameters goes with the part that it belongs to."""
    parameters = list(part.parameters())
    part.training = any(parameter.requires_grad for parameter in parameters) if parameters else above
    for child in part.children():
        _learns(child, part.training)


@contextmanager
def dropout(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Make torch's own chance, which dropout asks, a function of (seed, step) for a while.

    >>> with dropout(3, 0, torch.device("cpu")):
    ...     first = torch.rand(1)
    >>> with dropout(3, 0, torch.device("cpu")):
    ...     bool(first == torch.rand(1))
    True
    """
    graphics = device.type == "cuda"
    with torch.random.fork_rng([device] if graphics else []):
        process = place()[:1] if place()[0] else ()  # one mask for all would drop the same in each part of the batch
        drawn = number(seed, NETWORK, step, *process)
        torch.default_generator.manual_seed(drawn)  # not torch.manual_seed: it seeds every device
        if graphics:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(drawn)
        yield


def _asked_about(
    loss: Callable, model: nn.Module, images: Tensor, masks: Tensor, void: int, amp: bool
) -> tuple[Tensor, bool]:
    """Return the loss of a batch, and if any of its pixels is known."""
    ignored = told(loss, "ignore_index", IGNORED)
    that(ignored == IGNORED, f"a loss that leaves out {IGNORED}, as which void reaches it", ignored)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=amp):
        logits = model(images)
    targets = _targets(masks, logits, void)
    value = loss(logits.float(), targets)
    that(isinstance(value, Tensor) and value.ndim == 0, "a loss that is one number, a tensor", value)
    return whole_batch(value, logits, targets, loss)


def _targets(masks: Tensor, logits: Tensor, void: int) -> Tensor:
    """Return masks as torch's losses take them, checked against the logits: (N, H, W) int64, -100 for void."""
    classes = scores(logits)
    that(masks.shape == (len(logits), *logits.shape[2:]), f"masks (N, H, W) for logits {tuple(logits.shape)}", masks)
    masks = labels(masks, classes, void=void).to(torch.int64, copy=True)
    return masks.masked_fill_(masks == void, IGNORED)


def _learn(model: nn.Module, optimizer: Optimizer, value: Tensor, step: int, lr: float) -> None:
    if not value.isfinite():
        advice = f"try a smaller rate than {lr}, or look for images that are not finite"
        raise ValueError(f"The loss is {value.item()} at step {step}: {advice}.")
    optimizer.zero_grad()
    value.backward()
    all_learn(model)
    optimizer.step()


def _of_one_size(data: Dataset, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images, masks) of up to `batch` items in a row that have one size."""
    several = []
    for index in range(len(data)):
        item = pair(data[index], index)
        if several and (len(several) == batch or several[0][0].shape != item[0].shape):
            yield stacked(several)
            several = []
        several.append(item)
    yield stacked(several)
