"""The training loop that chapters import, against the same loop written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from fcn.training import fit


def data(count=12):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, 8, 8, generator=generator)
    masks = (images.sum(dim=1) > 1.5).to(torch.uint8)
    masks[:, 0] = 255
    return TensorDataset(images, masks)


def model():
    torch.manual_seed(0)
    return nn.Conv2d(3, 2, 1)


def generator():
    return torch.Generator().manual_seed(3)


def test_training_lowers_the_loss_and_leaves_the_model_in_training_mode():
    net = model().eval()
    losses = fit(net, data(), steps=60, lr=0.1, generator=generator(), batch=4)
    assert len(losses) == 60
    assert losses[-1] < 0.6 * losses[0]
    assert net.training


def test_training_is_adamw_on_the_pixels_that_are_not_void_its_rate_rising_and_falling_once():
    net, by_hand = model(), model()
    examples = data(4)  # one batch, so that the order within it changes nothing
    fit(net, examples, steps=5, lr=0.1, generator=generator(), batch=4)
    images, masks = examples.tensors
    known = masks != 255
    optimizer = torch.optim.AdamW(by_hand.parameters(), betas=(0.9, 0.999))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=5)
    for _ in range(5):
        loss = F.cross_entropy(by_hand(images).permute(0, 2, 3, 1)[known], masks[known].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    for fitted, parameter in zip(net.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(fitted, parameter, atol=1e-4, rtol=1e-3)


def test_the_same_generator_gives_the_same_weights():
    def weights(seed):
        net = model()
        fit(net, data(), steps=7, lr=0.1, generator=torch.Generator().manual_seed(seed), batch=4)
        return net.weight

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@pytest.mark.parametrize(("count", "steps"), [(3, 5), (8, 0)])
def test_training_needs_a_batch_of_images_and_a_step(count, steps):
    with pytest.raises(ValueError, match=f"got {count} and {steps}"):
        fit(model(), data(count), steps=steps, lr=0.1, generator=generator(), batch=4)


def test_a_loss_that_is_no_number_stops_training():
    examples = TensorDataset(torch.full((4, 3, 8, 8), torch.nan), torch.zeros(4, 8, 8))
    with pytest.raises(ValueError, match=r"nan at step 0: try a smaller rate than 0\.1"):
        fit(model(), examples, steps=2, lr=0.1, generator=generator(), batch=4)


@pytest.mark.parametrize(
    ("label", "message"), [(255, "nothing but void"), (7, r"0\.\.1 or 255 \(void\); got 7"), (-1, "got -1")]
)
def test_labels_that_cannot_be_learned_are_named(label, message):
    examples = TensorDataset(torch.rand(4, 3, 8, 8), torch.full((4, 8, 8), label))
    with pytest.raises(ValueError, match=message):
        fit(model(), examples, steps=2, lr=0.1, generator=generator(), batch=4)
