"""Heads trained on features that a frozen backbone computed once."""

import pytest
import torch

from fcn.backbones import small
from fcn.datasets import in_memory
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import fit, frozen


@pytest.fixture(scope="module")
def data():
    return in_memory(EmojiScenes(24, seed=0, split="train", size=96, void=True))


def network(stride=8, hidden=0):
    torch.manual_seed(0)
    return FCN(small(), len(CLASSES), stride, hidden=hidden)


@pytest.mark.parametrize("stride", [32, 8, 4])
def test_the_heads_on_stored_features_answer_as_the_whole_network(data, stride):
    net = network(stride).eval()
    for name, parameter in net.named_parameters():
        if "score" in name:
            torch.nn.init.normal_(parameter)
    features, heads = frozen(net, data, batch=7)
    with torch.no_grad():
        assert torch.allclose(heads(features.tensors[0]), net(data.tensors[0]), atol=0.05)  # they are float16
    assert torch.equal(features.tensors[1], data.tensors[1])


def test_what_the_heads_learn_is_what_they_learn_behind_a_frozen_backbone_and_the_network_knows_it(data):
    slow, fast = network(), network()
    slow.backbone.requires_grad_(False).eval()
    features, heads = frozen(fast, data)
    losses = [fit(net, pairs, steps=20, lr=0.01, seed=0, batch=8) for net, pairs in ((slow, data), (heads, features))]
    assert losses[1] == pytest.approx(losses[0], abs=0.02)
    with torch.no_grad():
        assert torch.allclose(slow.eval()(data.tensors[0]), fast.eval()(data.tensors[0]), atol=0.1)


def test_the_backbone_stays_what_it_was(data):
    net = network()
    before = {name: value.clone() for name, value in net.backbone.state_dict().items()}
    features, heads = frozen(net, data)
    fit(heads, features, steps=5, lr=0.01, seed=0, batch=8)
    assert all(torch.equal(value, before[name]) for name, value in net.backbone.state_dict().items())


def test_a_network_without_a_backbone_is_refused(data):
    with pytest.raises(ValueError, match="an FCN, which has a backbone"):
        frozen(torch.nn.Conv2d(3, 2, 1), data)


def test_images_of_several_sizes_are_refused():
    several = [(torch.zeros(3, side, 64, dtype=torch.uint8), torch.zeros(side, 64, dtype=torch.uint8))
               for side in (64, 64, 96, 96)]  # fmt: skip
    with pytest.raises(ValueError, match="one size"):
        frozen(network(), several, batch=2)
