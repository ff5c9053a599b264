"""From bytes to what a network was trained on. N batch, H height, W width."""

import torch
from torch import Tensor, nn

from fcn.expect import sizes


def normalize(images: Tensor) -> Tensor:
    """Return RGB images (..., 3, H, W) of 0..255 as EfficientNet-Lite0 takes them: (value - 127) / 128, float32.

    The book's backbones do this themselves; a classifier is given what this returns. Raises ValueError for images
    that are no uint8 tensor or have no 3 channels third from the end.
    Source: the input scaling of EfficientNet-Lite.

    >>> normalize(torch.tensor([0, 127, 255], dtype=torch.uint8).view(3, 1, 1)).flatten().tolist()
    [-0.9921875, 0.0, 1.0]
    """
    advice = "Scaled already? A photo (H, W, 3) becomes one by torch.tensor(photo).permute(2, 0, 1)."
    sizes(images, "... 3 H W", "byte", name="RGB images", advice=advice)
    return (images.float() - 127) / 128


class Normalize(nn.Module):
    """Bytes (N, 3, H, W) -> (value - mean) / std, one of each a channel; floats pass as they are.

    `mean` and `std` are buffers, so they are exported with the network; they are no weights, so not stored with them.

    >>> Normalize(127, 128)(torch.zeros(1, 3, 2, 2, dtype=torch.uint8)).unique().tolist()
    [-0.9921875]
    """

    def __init__(self, mean, std):
        super().__init__()
        for name, value in [("mean", mean), ("std", std)]:
            values = torch.as_tensor(value, dtype=torch.float32).expand(3).clone()
            self.register_buffer(name, values.view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if images.is_floating_point():
            return images
        return images.to(self.mean.dtype).sub_(self.mean).div_(self.std)  # in place: the floats are this line's own
