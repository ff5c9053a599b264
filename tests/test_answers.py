"""From images to label maps, of any number and size."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fcn.answers import labels, probabilities
from fcn.backbones import small
from fcn.skips import FCN


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = FCN(small(), 4, 8)
    nn.init.normal_(net.score_fr.weight)
    return net


def images(*size, count=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (count, 3, *size), generator=generator, dtype=torch.uint8)


def test_every_pixel_gets_the_class_of_its_highest_score(net):
    asked = images(50, 70)
    found = labels(net, asked)
    with torch.inference_mode():
        assert torch.equal(found, net.eval()(asked).argmax(1).to(torch.uint8))
    assert found.dtype == torch.uint8


def test_the_number_asked_at_a_time_changes_nothing(net):
    asked = images(40, 33, count=7)
    assert torch.equal(labels(net, asked, batch=2), labels(net, asked))


def test_images_of_any_sizes_and_a_single_one_are_answered(net):
    several = [images(*size, count=1)[0] for size in [(40, 33), (5, 7), (64, 64)]]
    maps = labels(net, several)
    assert [tuple(each.shape) for each in maps] == [(40, 33), (5, 7), (64, 64)]
    assert torch.equal(labels(net, several[0]), maps[0])
    assert labels(net, []) == []


def test_asking_leaves_every_part_of_the_network_in_its_mode_and_its_statistics_alone(net):
    net.train()
    net.backbone.stages[1].eval()
    modes, before = [part.training for part in net.modules()], {n: v.clone() for n, v in net.state_dict().items()}
    labels(net, images(64, 64))
    assert [part.training for part in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_failure_leaves_the_network_in_its_mode_too(net):
    net.train()
    with pytest.raises(ValueError, match=r"got torch\.float64"):
        labels(net, torch.zeros(1, 3, 64, 64, dtype=torch.float64))
    assert net.training


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (torch.zeros(1, 1, 8, 8), r"\(N, 3, H, W\); got torch\.float32 \(1, 1, 8, 8\)"),
        (torch.zeros(0, 3, 8, 8), r"got torch\.float32 \(0, 3, 8, 8\)"),
        (torch.zeros(8, 8), r"got torch\.float32 \(8, 8\)"),
        (["a.png"], "got 'a.png'"),
        ("a.png", "got 'a.png'"),
    ],
)
def test_what_is_no_image_is_named(net, asked, message):
    with pytest.raises(ValueError, match=message):
        labels(net, asked)


def test_the_mean_over_flips_and_scales_is_that_of_the_answers_one_by_one(net):
    asked = images(64, 96, count=2)
    with torch.no_grad():
        net.eval()
        plain, mirrored = net(asked).softmax(1), net(asked.flip(3)).softmax(1).flip(3)
        large = F.interpolate(asked.float(), (128, 192), mode="bilinear").round().to(torch.uint8)
        twice = F.interpolate(net(large), (64, 96), mode="bilinear").softmax(1)
    assert torch.allclose(probabilities(net, asked), plain)
    assert torch.allclose(probabilities(net, asked, flips=True), (plain + mirrored) / 2, atol=1e-6)
    assert torch.allclose(probabilities(net, asked, scales=(1, 2)), (plain + twice) / 2, atol=1e-4)


@pytest.mark.parametrize(("scales", "message"), [((), "one scale or more"), ((1, 0), "a scale as a number above 0")])
def test_scales_that_are_none_are_refused(net, scales, message):
    with pytest.raises(ValueError, match=message):
        probabilities(net, images(64, 96), scales=scales)
