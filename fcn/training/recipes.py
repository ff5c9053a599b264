"""Recipes for fit: an optimizer, and how its rate changes from step to step. A reader can write one in a cell."""

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, PolynomialLR

from fcn.expect import positive, that


def one_cycle(model: nn.Module, lr: float, steps: int, *, backbone: float = 1.0) -> tuple[Optimizer, LRScheduler]:
    """Return AdamW (weight decay 0.01), its rate rising to `lr` and falling again.

    Its first momentum falls from 0.95 to 0.85 meanwhile and rises again, as one cycle has it. `backbone` multiplies
    the rate of model.backbone: partial(one_cycle, backbone=0.1) for one that is pretrained. Of 3 steps or fewer
    hardly one has the full rate.
    Raises ValueError if the model has nothing to train.
    Source: Loshchilov and Hutter 2019 (AdamW); Smith and Topin 2018 (one cycle).

    >>> optimizer, schedule = one_cycle(nn.Conv2d(3, 2, 1), lr=0.01, steps=100)
    >>> f"{optimizer.param_groups[0]['lr']:.4f}"
    '0.0004'
    """
    groups = trained(model, lr, backbone)
    optimizer = torch.optim.AdamW(groups, lr)
    return optimizer, OneCycleLR(optimizer, [group["lr"] for group in groups], total_steps=steps)


def polynomial(model: nn.Module, lr: float, steps: int, *, backbone: float = 1.0) -> tuple[Optimizer, LRScheduler]:
    """Return SGD with momentum 0.9 and weight decay 5e-4, its rate falling from `lr` to 0 with the power 0.9.

    `backbone` as for one_cycle. Raises ValueError if the model has nothing to train.
    Source: Long et al. 2015, section 4.3 (SGD); Chen et al. 2016 (DeepLab), section 4.1 (the rate).

    >>> optimizer, schedule = polynomial(nn.Conv2d(3, 2, 1), lr=0.01, steps=100)
    >>> optimizer.param_groups[0]["lr"]
    0.01
    """
    optimizer = torch.optim.SGD(trained(model, lr, backbone), lr, momentum=0.9, weight_decay=5e-4)
    return optimizer, PolynomialLR(optimizer, steps, power=0.9)


def trained(model: nn.Module, lr: float, backbone: float = 1.0) -> list[dict]:
    """Return the parameters that learn, in groups with a rate each: all of them, or those of model.backbone apart.

    Raises ValueError if there is none, and for a `backbone` other than 1 where no backbone learns or not above 0.

    >>> [len(group["params"]) for group in trained(nn.Conv2d(3, 2, 1), lr=0.01)]
    [2]
    """
    parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if not parameters:
        raise ValueError("The model has no parameter to train: is requires_grad off everywhere?")
    if backbone == 1:
        return [{"params": list(parameters.values()), "lr": lr}]
    apart = {name for name in parameters if "backbone" in name.split(".")}  # also where something wraps the model
    that(apart, "a model with a backbone that learns, as `backbone` is not 1", model)
    positive(backbone, "backbone, which multiplies the rate,")
    groups = [[value for name, value in parameters.items() if (name in apart) == slow] for slow in (False, True)]
    rates = (lr, backbone * lr)
    return [{"params": group, "lr": rate} for group, rate in zip(groups, rates, strict=True) if group]
