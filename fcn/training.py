"""Train a network, score it, and keep it: one loop, one file. N batch, K classes, H height, W width."""

import json
import math
from collections import deque
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import safetensors
import torch
import torch.nn.functional as F
from safetensors.torch import save as serialized
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as transforms
from tqdm.auto import tqdm

from fcn.metrics import Confusion, predicted

VOID = 255


def fit(
    model: nn.Module, data: Dataset, *, steps: int, lr: float, generator: torch.Generator, batch: int = 16,
    optimizer: str = "adamw", schedule: str = "one-cycle", augment: bool = False, mixed: bool = False,
    channels_last: bool = False, progress: bool = False, checkpoint: str | Path | None = None, every: int = 200,
) -> list[float]:  # fmt: skip
    """Train a model on pairs (image, mask) and return the loss of each step.

    The model maps a batch of images to logits (N, K, H, W); a mask is (H, W), per pixel a class or 255 (void), which
    the cross-entropy leaves out. Every epoch goes through the data in a new order. `generator` decides the order and,
    with `augment`, how each image is flipped, scaled and cropped (see augmented).

    `optimizer` is "adamw", or "sgd" with momentum 0.9 and weight decay 5e-4; `schedule` is "one-cycle", the rate
    rising to `lr` and falling again, or "polynomial", falling from `lr` to 0 with the power 0.9. `mixed` computes in
    bfloat16 what bears it; `channels_last` lays maps out with their channels innermost; both save time on some
    machines. `progress` shows a bar. The batches go where the model's parameters are; the model is left there, in
    training mode.

    With a `checkpoint`, all that is needed to go on is written to that file after each `every` steps and at the end.
    If the file exists, training goes on from there: killed at any moment and called again with the same arguments (a
    fresh generator of the same seed), it ends with the same weights, on the same machine bit for bit.

    Raises ValueError before the first step if there are fewer images than one batch holds, no batch, no steps, no
    generator, a rate that is none, an unknown optimizer or schedule, nothing to train, or a checkpoint of other
    arguments or another network or a damaged one, FileNotFoundError if the checkpoint's folder is missing; on the
    way, ValueError for masks that are not (N, H, W) of whole numbers, for a label that is neither a class nor void,
    for a batch of nothing but void, and if the loss is no longer finite (the checkpoint stays what it was).
    Source: Long et al. 2015, section 4.3, for SGD; Smith and Topin 2018 for one-cycle; Chen et al. 2016 (DeepLab,
    section 4.1) for the polynomial.
    """
    if not 1 <= batch <= len(data) or not isinstance(steps, int) or steps < 1 or every < 1:
        raise ValueError(
            f"Expected at least {max(1, batch)} images (one batch), batch=1, 1 step and every=1; got {len(data)}, "
            f"{batch}, {steps} and {every}."
        )
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"Expected generator=torch.Generator().manual_seed(...); got {generator!r}.")
    stepper, rates = _optimizer(model, optimizer, schedule, lr, steps)
    parameter = next(model.parameters())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    settings = {
        "images": len(data), "steps": steps, "lr": lr, "batch": batch, "optimizer": optimizer, "schedule": schedule,
        "augment": augment, "mixed": mixed, "channels_last": channels_last,
    }  # fmt: skip
    losses, skipped = [], 0
    if checkpoint is not None and _is_file(Path(checkpoint)):
        _check_settings(checkpoint, _read(Path(checkpoint))[0], settings)
        about = resume(checkpoint, model, stepper)
        rates.load_state_dict(about["schedule"])
        losses, skipped = about["losses"], about["steps of the epoch"]
        generator.set_state(_state(about["order"]))
    model.to(memory_format=layout).train()
    bar = tqdm(total=steps, initial=len(losses), disable=not progress)
    while len(losses) < steps:
        order = generator.get_state()  # decides the order of this epoch
        batches = iter(DataLoader(data, batch, shuffle=True, drop_last=True, generator=generator))
        if skipped:
            deque(islice(batches, skipped), maxlen=0)
            generator.set_state(_state(about["generator"]))
            torch.set_rng_state(_state(about["dropout"]))
        for number, (images, masks) in enumerate(batches, start=skipped + 1):
            if augment:
                pairs = (augmented(*pair, generator=generator) for pair in zip(images, masks, strict=True))
                images, masks = map(torch.stack, zip(*pairs, strict=True))
            images, masks = images.to(parameter.device, memory_format=layout), masks.to(parameter.device)
            with torch.autocast(parameter.device.type, torch.bfloat16) if mixed else nullcontext():
                logits = model(images)
            _check(masks, logits)
            loss = F.cross_entropy(logits.float(), masks.long(), ignore_index=VOID)
            if not loss.isfinite():
                raise ValueError(
                    f"The loss is {loss.item()} at step {len(losses)}: try a smaller rate than {lr}, or look for "
                    "images that are not finite."
                )
            stepper.zero_grad()
            loss.backward()
            stepper.step()
            rates.step()
            losses.append(loss.item())
            bar.update()
            if checkpoint is not None and (len(losses) % every == 0 or len(losses) == steps):
                save(
                    checkpoint, model, stepper, settings=settings, losses=losses, schedule=rates.state_dict(),
                    order=_hex(order), generator=_hex(generator.get_state()), dropout=_hex(torch.get_rng_state()),
                    **{"steps of the epoch": number},
                )  # fmt: skip
            if len(losses) == steps:
                break
        skipped = 0
    bar.close()
    return losses


def evaluate(model: nn.Module, data: Dataset, *, batch: int = 16) -> Confusion:
    """Return the counts of truth and answer over all pairs (image, mask) of `data`; 255 (void) is not scored.

    The model maps images to logits (N, K, H, W); it is put into evaluation mode for this and back again. The images
    of one batch must have one size: batch=1 takes any. Raises ValueError for an empty data set and as Confusion does.
    """
    if not len(data):
        raise ValueError("There is nothing to evaluate: the data set is empty.")
    training, device = model.training, next(model.parameters()).device
    model.eval()
    try:
        counts = None
        with torch.inference_mode():
            for images, masks in DataLoader(data, batch):
                logits = model(images.to(device))
                counts = counts or Confusion(logits.shape[1], ignore=VOID)
                counts.update(masks.to(device), predicted(logits))
    finally:
        model.train(training)
    return counts


def augmented(
    image: Tensor, mask: Tensor, *, generator: torch.Generator, scale: tuple[float, float] = (0.75, 1.5)
) -> tuple[Tensor, Tensor]:
    """Return an image (3, H, W) and its mask (H, W) as another photograph might show them, in the same size.

    Both are scaled by one factor between the two of `scale`, cropped at one place and mirrored or not, all drawn from
    `generator`. Where the scaled image is too small, grey (0 of a normalized image) surrounds it, and void the mask.
    Raises ValueError if the two differ in size or `scale` is no interval above 0.
    """
    if image.ndim != 3 or image.shape[1:] != mask.shape or not 0 < scale[0] <= scale[1]:
        raise ValueError(
            f"Expected an image (3, H, W), its mask (H, W) and a scale (from, to) above 0; got {tuple(image.shape)}, "
            f"{tuple(mask.shape)} and {scale}."
        )
    height, width = mask.shape
    grey = 0 if image.is_floating_point() else 127
    zoom, down, across, mirror = torch.rand(4, generator=generator).tolist()
    factor = scale[0] * (scale[1] / scale[0]) ** zoom
    tall, wide = max(1, round(factor * height)), max(1, round(factor * width))
    lower, right = max(0, height - tall), max(0, width - wide)
    top, left = round(down * max(0, tall - height)), round(across * max(0, wide - width))
    results = []
    for picture, fill in [(tv_tensors.Image(image), grey), (tv_tensors.Mask(mask), VOID)]:
        picture = transforms.resize(picture, [tall, wide])  # a mask by its nearest pixels
        picture = transforms.pad(picture, [0, 0, right, lower], fill=fill)
        picture = transforms.crop(picture, top, left, height, width)
        results.append((transforms.horizontal_flip(picture) if mirror < 0.5 else picture).as_subclass(Tensor))
    return results[0], results[1]


def save(path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, **about) -> None:
    """Write a model's weights, and an optimizer's state if there is one, to one safetensors file.

    `about` is anything that JSON can hold; it is stored with them. The file is written aside and then renamed:
    killed at any moment, the old one or the new one stands there, whole. Raises ValueError, and leaves the old file
    alone, if a weight is no longer finite, FileNotFoundError if the folder is missing.
    """
    path = Path(path)
    _is_file(path)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name} is no longer finite: not saved, {path} stays as it was. Try a smaller rate.")
    if optimizer is not None:
        stored = optimizer.state_dict()
        about["groups"] = stored["param_groups"]
        for index, state in stored["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items() if value is not None}
    aside = path.with_name(f"{path.name}.part")
    # safetensors takes no views and no shared memory
    copies = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    aside.write_bytes(serialized(copies, {"fcn": json.dumps(about)}))
    aside.replace(path)


def resume(path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> dict:
    """Load what save wrote into a model, and into an optimizer if one is given; return what was stored about them.

    Weights stored in another precision become the model's. Raises FileNotFoundError if there is no such file,
    ValueError, and changes nothing, for a damaged file, for one that save did not write, for a network with other
    layers or classes, and if the optimizer's state is asked for and missing or another optimizer's.
    """
    path = Path(path)
    if not _is_file(path):
        raise FileNotFoundError(f"There is no checkpoint {path}.")
    about, tensors = _read(path)
    weights = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    _check_weights(path, weights, model.state_dict())
    if optimizer is not None:
        if "groups" not in about:
            raise ValueError(f"{path} holds weights alone, no training to go on with: resume it without optimizer.")
        if not optimizer.defaults.keys() <= about["groups"][0].keys():
            raise ValueError(f"{path} has the state of another optimizer than {type(optimizer).__name__}.")
        state = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": about.pop("groups")})
    model.load_state_dict(weights)
    return about


def _is_file(path: Path) -> bool:
    """Return whether there is a file; raise FileNotFoundError if not even its folder is there."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for {path.name}: make it first.")
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder: name a file in it.")
    return path.is_file()


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """Return what a checkpoint says of itself, and its tensors."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("fcn", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (safetensors.SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or no checkpoint ({error}): delete it, or fetch it anew.") from None
    if about is None:
        raise ValueError(f"{path} was not written by fcn.training.save: it says nothing about itself.")
    return about, tensors


def _optimizer(model: nn.Module, optimizer: str, schedule: str, lr: float, steps: int):
    """Return the optimizer and the schedule of its rate by their names."""
    if optimizer not in ("adamw", "sgd") or schedule not in ("one-cycle", "polynomial"):
        raise ValueError(
            f"Expected optimizer adamw or sgd, schedule one-cycle or polynomial; got {optimizer!r} and {schedule!r}."
        )
    if not (isinstance(lr, int | float) and math.isfinite(lr) and lr > 0):
        raise ValueError(f"Expected a rate above 0; got {lr!r}.")
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("The model has no parameter to train: is requires_grad off everywhere?")
    if optimizer == "adamw":
        stepper = torch.optim.AdamW(parameters, lr)
    else:
        stepper = torch.optim.SGD(parameters, lr, momentum=0.9, weight_decay=5e-4)
    if schedule == "one-cycle":
        return stepper, torch.optim.lr_scheduler.OneCycleLR(stepper, lr, total_steps=steps)
    return stepper, torch.optim.lr_scheduler.PolynomialLR(stepper, steps, power=0.9)


def _check(masks: Tensor, logits: Tensor) -> None:
    count, classes, height, width = logits.shape
    if masks.shape != (count, height, width):
        raise ValueError(f"Expected masks of shape {(count, height, width)} (N, H, W); got {tuple(masks.shape)}.")
    if masks.is_floating_point() or masks.dtype == torch.bool:
        raise ValueError(
            f"Expected masks of whole numbers, one a class; got {masks.dtype}. Read them without scaling to 0..1."
        )
    known = masks[masks != VOID]
    if not known.numel():
        raise ValueError("A batch holds nothing but void (255): there is nothing to learn from it. Leave it out.")
    if known.min() < 0 or known.max() >= classes:
        wrong = known.max() if known.max() >= classes else known.min()
        raise ValueError(f"Expected labels in 0..{classes - 1} or 255 (void); got {wrong.item()}.")


def _check_settings(path, about: dict, settings: dict) -> None:
    stored = about.get("settings")
    if stored is None:
        raise ValueError(f"{path} holds weights alone, no training to go on with: name another checkpoint.")
    for name, value in settings.items():
        if stored.get(name) != value:
            raise ValueError(
                f"{path} is of a training with {name} {stored.get(name)!r}; this one has {value!r}. Go on as it "
                "began, or name another checkpoint."
            )


def _check_weights(path, weights: dict, expected: dict) -> None:
    if weights.keys() != expected.keys():
        name = min(weights.keys() ^ expected.keys())
        where = "the file has it, the model lacks it" if name in weights else "the model has it, the file lacks it"
        raise ValueError(f"{path} is of another network: {name}: {where}.")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(
                f"{path} is of another network or other classes: {name} is {tuple(tensor.shape)} there and "
                f"{tuple(expected[name].shape)} in the model."
            )


def _hex(state: Tensor) -> str:
    return state.numpy().tobytes().hex()


def _state(text: str) -> Tensor:
    return torch.tensor(list(bytes.fromhex(text)), dtype=torch.uint8)
