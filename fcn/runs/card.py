"""What a training says of itself, for people: scores by name, and a model card."""

from collections.abc import Mapping, Sequence

from fcn.metrics import Confusion

_NAMES = {
    "mean_iou": "mean IoU", "pixel_accuracy": "pixel accuracy", "mean_accuracy": "mean accuracy",
    "frequency_weighted_iou": "frequency-weighted IoU",
}  # fmt: skip


def scores_of(counts: Confusion, classes: Sequence[str]) -> dict:
    """Return the scores of counts by their names, and "iou" of each class; None where a class is nowhere.

    >>> import torch
    >>> counts = Confusion(2).update(torch.tensor([[0, 1]]), torch.tensor([[0, 1]]))
    >>> scores_of(counts, ["background", "cat"])["iou"]
    {'background': 1.0, 'cat': 1.0}
    """
    found = {name: _number(getattr(counts, name)()) for name in _NAMES}
    return found | {"iou": dict(zip(classes, map(_number, counts.iou().tolist()), strict=True))}


def said(scores: Mapping) -> str:
    """Return scores as lines for a terminal, in %.

    >>> print(said({"mean_iou": 0.5, "pixel_accuracy": None, "iou": {"cat": 0.25}}))
    mean IoU                  50.0
    pixel accuracy              --
    IoU
      cat                     25.0
    """
    lines = [f"{_NAMES[name]:24}{_percent(scores[name])}" for name in _NAMES if name in scores]
    return "\n".join([*lines, "IoU", *(f"  {n:22}{_percent(v)}" for n, v in scores["iou"].items())])


def card(about: Mapping, network: Mapping) -> str:
    """Return a model card, Markdown: what the network is for, how it was made, what it scores, how to use it.

    `about` is a training's run.json, `network` what its model's file says of the network.

    >>> scores = {"val": {"mean_iou": 0.5, "pixel_accuracy": 0.9, "iou": {"background": 0.7, "cat": 0.3}}}
    >>> setting = {"backbone": "small", "longest": 640, "loss": "both", "lr": 0.003, "seed": 0}
    >>> about = {"scores": scores, "photographs": {"train": 8, "val": 2}, "arguments": setting, "steps done": 9}
    >>> network = {"classes": ["background", "cat"], "stride": 8}
    >>> print(card(about | {"date": "2026-11-30", "torch": "2.15"}, network).splitlines()[6])
    # FCN-8s for 2 classes
    """
    scores, setting = about["scores"]["val"], about["arguments"]
    longest = setting["longest"]
    return _CARD.format(
        stride=network["stride"], count=len(network["classes"]), names=", ".join(network["classes"]),
        start="random weights" if setting["backbone"] == "small" else "weights pretrained on ImageNet",
        small=f"brought to {longest} pixels on the longer side" if longest else "as they are",
        steps=about["steps done"], train=about["photographs"]["train"], val=about["photographs"]["val"],
        mean=_percent(scores["mean_iou"]).strip(), pixels=_percent(scores["pixel_accuracy"]).strip(),
        rows="\n".join(f"| {name} | {_percent(value).strip()} |" for name, value in scores["iou"].items()),
        date=about["date"], torch=about["torch"], backbone=setting["backbone"], loss=setting["loss"],
        never=f" On val it never says {', '.join(never)}." if (never := about.get("never answered")) else "",
        lr=setting["lr"], seed=setting["seed"],
    )  # fmt: skip


_CARD = """---
library_name: fcn-book
pipeline_tag: image-segmentation
tags: [semantic-segmentation, fcn]
---

# FCN-{stride}s for {count} classes

A fully convolutional network that names each pixel of a photograph: {names}.

## Use

```sh
fcn predict model.safetensors photographs/
```

```python
from fcn.predict import load

trained = load("model.safetensors")
mask = trained(photograph)  # (H, W, 3) uint8 -> (H, W) uint8, an index into trained.classes
```

## How it was made

Backbone {backbone} ({start}), {steps} steps, loss: {loss}, rate {lr}, seed {seed}. Trained on {train} photographs,
{small}; the best weights were chosen on {val} others (val), so the scores below are a little kind, and more than that
if these are of the same series as those, as frames of one film are. {date}, torch {torch}.

## Scores on val

Mean IoU {mean} %, pixel accuracy {pixels} %.

| class | IoU in % |
|---|---|
{rows}

## Limits

It answers with one of its classes everywhere, also where none of them is.{never}
It has seen photographs of one kind; on others the scores are lower. Nobody has looked at what it does to people in
pictures. Before you pass it on, write here whose photographs it was trained on, and what their licence allows.
"""


def _number(value: float) -> float | None:
    return round(value, 5) if value == value else None


def _percent(value: float | None) -> str:
    return f"{100 * value:6.1f}" if value is not None else "    --"
