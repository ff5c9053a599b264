"""Chapter 6: is a network as often right as it is sure? N batch, K classes, H height, W width."""

import torch
from torch import Tensor

from fcn import VOID
from fcn.expect import labels, positive, sizes, that, whole


class Reliability:
    """Counts of how sure a network was and how often it was right, by bins of its surety.

    How sure it is of a pixel is the probability of the class that it names. Bin i of `bins` holds those from i / bins
    to (i + 1) / bins: `pixels` (bins,) counts them, `sure` (bins,) sums their probabilities, `right` (bins,) counts
    the right ones. Void is left out. Raises ValueError for fewer than 2 bins.
    Source: Guo et al. 2017, section 2.

    >>> sure = torch.tensor([0.9, 0.1]).view(1, 2, 1, 1).expand(1, 2, 1, 10)
    >>> truth = torch.tensor([[[0] * 6 + [1] * 4]])
    >>> f"{Reliability().update(truth, sure).expected_error():.2f}"
    '0.30'
    """

    def __init__(self, bins: int = 15):
        self.bins = whole(bins, "bins", 2)
        self.pixels, self.sure, self.right = (torch.zeros(bins, dtype=torch.float64) for _ in range(3))

    def update(self, truth: Tensor, probabilities: Tensor) -> "Reliability":
        """Count the pixels of label maps (N, H, W) and of probabilities (N, K, H, W); return self.

        Raises ValueError if the two do not fit to each other, or if the probabilities do not sum to 1.
        """
        count, classes, height, width = sizes(probabilities, "N K H W", name="probabilities")
        that(truth.shape == (count, height, width), f"label maps {(count, height, width)}", truth)
        sums = probabilities.sum(dim=1)
        that(
            bool(((sums - 1).abs() < 1e-3).all()),
            "probabilities that sum to 1 (logits.softmax(1))",
            sums.max().item(),
        )
        known = labels(truth, classes) != VOID
        sure, named = (part[known] for part in probabilities.max(dim=1))
        right = (named == truth[known]).double()
        sure = sure.double()
        bins = (sure * self.bins).long().clamp(max=self.bins - 1)
        for counts, values in ((self.pixels, torch.ones_like(sure)), (self.sure, sure), (self.right, right)):
            counts.index_add_(0, bins.cpu(), values.cpu())
        return self

    def expected_error(self) -> float:
        """Return the expected calibration error: |how often right - how sure|, a mean over the pixels by bins."""
        return ((self.right - self.sure).abs().sum() / self.pixels.sum()).item()


def temperature(logits: Tensor, truth: Tensor, *, void: int = VOID) -> float:
    """Return the T for which softmax(logits / T) makes the labels most likely: (N, K, H, W), (N, H, W) -> a number.

    Above 1 the network was too sure. Dividing by T changes no answer, only how sure it is. It must be found on
    pictures that the network was not trained on. Raises ValueError if the two do not fit to each other, and for masks
    without a known pixel.
    Source: Guo et al. 2017, section 4.2 (temperature scaling).

    >>> logits = torch.tensor([[[[4.0] * 10], [[0.0] * 10]]])
    >>> truth = torch.tensor([[[0] * 8 + [1] * 2]])
    >>> found = temperature(logits, truth)
    >>> f"{(logits[0, :, 0, 0] / found).softmax(0)[0]:.2f}"
    '0.80'
    """
    count, classes, height, width = sizes(logits, "N K H W", name="logits")
    that(truth.shape == (count, height, width), f"label maps {(count, height, width)}", truth)
    known = labels(truth, classes, void=void) != void
    that(bool(known.any()), "a known pixel or more", "void alone")
    scores, named = logits.movedim(1, -1)[known].double(), truth[known].long()
    best, middle = scores.gather(1, named[:, None])[:, 0].mean(), 1.0
    low, high = 0.02, 50.0  # of 1 / T the likelihood is concave, so halving an interval finds its top
    for _ in range(60):
        middle = (low * high) ** 0.5
        slope = best - ((scores * middle).softmax(dim=1) * scores).sum(dim=1).mean()
        low, high = (middle, high) if slope > 0 else (low, middle)
    return positive(1 / middle, "the temperature")
