"""Training in a few lines. N batch, K classes, H height, W width."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


def fit(
    model: nn.Module, data: Dataset, *, steps: int, lr: float, generator: torch.Generator, batch: int = 16
) -> list[float]:
    """Train a model on pairs (image, mask) and return the loss of each step.

    The model maps a batch of images to logits (N, K, H, W); a mask is (H, W), per pixel a class or 255 (void).
    AdamW, its rate rising to `lr` and falling again (one cycle); every epoch in a new order, drawn from `generator`.
    The model is left in training mode.
    Raises ValueError if there are fewer images than one batch holds or no steps, for a label
    that is neither a class nor void, for a batch of nothing but void, and if the loss is no longer finite.
    """
    if len(data) < batch or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"Expected at least {batch} images (one batch) and 1 step; got {len(data)} and {steps}.")
    loader = DataLoader(data, batch, shuffle=True, drop_last=True, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    model.train()
    losses = []
    while len(losses) < steps:
        for images, masks in loader:
            logits = model(images)
            _check(masks, logits.shape[1])
            loss = F.cross_entropy(logits, masks.long(), ignore_index=255)
            if not loss.isfinite():
                raise ValueError(f"The loss is {loss.item()} at step {len(losses)}: try a smaller rate than {lr}.")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) == steps:
                break
    return losses


def _check(masks: torch.Tensor, classes: int) -> None:
    known = masks[masks != 255]
    if not known.numel():
        raise ValueError("A batch holds nothing but void (255): there is nothing to learn from it. Leave it out.")
    if known.min() < 0 or known.max() >= classes:
        wrong = known.max() if known.max() >= classes else known.min()
        raise ValueError(f"Expected labels in 0..{classes - 1} or 255 (void); got {wrong.item()}.")
