"""Losses for fit beside torch's own. N batch, K classes, H height, W width; masks hold -100 where void was."""

import torch.nn.functional as F
from torch import Tensor

from fcn.training.shared import IGNORED, summed


def soft_iou(logits: Tensor, masks: Tensor) -> Tensor:
    """Return 1 - the mean soft IoU of the masks' classes: (N, K, H, W) and (N, H, W) int64 -> one number.

    The IoU of a class is what truth and answer share over what either has; the soft one takes the probability of a
    class for its answer, so it has a gradient. It is taken over the whole batch, with one pixel added to both counts,
    so that a class of a few pixels weighs less; in a step of fit that is the batch of all processes. Of masks without
    any known pixel it is NaN.
    Source: Rahman and Wang 2016.

    >>> import torch
    >>> masks = torch.tensor([[[0, 1, 1, -100]]])
    >>> sure = 20 * F.one_hot(masks.clamp(min=0), 2).permute(0, 3, 1, 2).float()
    >>> f"{soft_iou(sure, masks):.4f}"
    '0.0000'
    """
    known = masks != IGNORED
    truth = F.one_hot(masks.clamp(min=0), logits.shape[1]).movedim(-1, 1) * known[:, None]
    answer = logits.softmax(dim=1) * known[:, None]
    both = (answer * truth).sum(dim=(0, 2, 3))
    either = (answer + truth).sum(dim=(0, 2, 3)) - both
    both, either, pixels = summed(both, either, truth.sum(dim=(0, 2, 3)).to(both.dtype))
    return 1 - ((both + 1) / (either + 1))[pixels > 0].mean()


def cross_entropy_and_iou(logits: Tensor, masks: Tensor) -> Tensor:
    """Return the cross-entropy plus soft_iou, shapes as there: sure of each pixel, and fair to each class.

    >>> import torch
    >>> masks = torch.tensor([[[0, 1]]])
    >>> f"{cross_entropy_and_iou(torch.zeros(1, 2, 1, 2), masks):.3f}"
    '1.093'
    """
    return F.cross_entropy(logits, masks) + soft_iou(logits, masks)
