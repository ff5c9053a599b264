"""FCN: its sizes, its geometry, its start and its errors, against references that know nothing of fcn.upsampling."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._dynamo.testing import CompileCounter

from fcn import data_path, results
from fcn.backbones import lite0, small, vgg16
from fcn.datasets import in_memory
from fcn.scenes import CLASSES, EmojiScenes
from fcn.skips import FCN
from fcn.training import evaluate, resume

SIZES = (224, 225, 250, 255, 320, 500)
BACKBONES = {"small": small, "lite0": lambda: lite0(pretrained=False), "vgg16": vgg16}


def scored(net: FCN, seed: int = 0) -> FCN:
    """Return the network with score layers that are not zero, as training would leave them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.startswith("score"):
                parameter.normal_(generator=generator)
    return net.eval()


def interpolated(scores: torch.Tensor, factor: int, centre: float) -> torch.Tensor:
    """Return a map (N, K, H, W) enlarged with NumPy, cell 0 centred on pixel `centre`."""
    values = scores.double().numpy()
    for axis in (2, 3):
        cells = centre + factor * np.arange(values.shape[axis])
        pixels = np.arange(factor * values.shape[axis])
        values = np.apply_along_axis(lambda line, c=cells, p=pixels: np.interp(p, c, line), axis, values)
    return torch.from_numpy(values).float()


# --- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [32, 16, 8, 4])
def test_the_answer_has_the_size_of_the_image_for_every_size(stride):
    net = FCN(small(), 3, stride).eval()
    sizes = [(side, 71 - side) for side in range(1, 71)] + [(side, side + 1) for side in SIZES]
    with torch.inference_mode():
        for size in sizes:
            assert net(torch.zeros(1, 3, *size)).shape == (1, 3, *size)


@pytest.mark.parametrize("name", ["lite0", "vgg16"])
def test_the_other_backbones_answer_in_any_size_too(name):
    net = FCN(BACKBONES[name](), 2, 8).eval()
    with torch.inference_mode():
        for size in [(1, 1), (33, 70), (70, 31)]:
            assert net(torch.zeros(1, 3, *size)).shape == (1, 2, *size)


def test_an_image_answers_as_its_padded_self_cropped():
    net = scored(FCN(small(), 3, 8))
    image = torch.rand(1, 3, 50, 75)
    padded = torch.zeros(1, 3, 64, 96)
    padded[:, :, :50, :75] = image
    with torch.inference_mode():
        torch.testing.assert_close(net(image), net(padded)[:, :, :50, :75])


# --- geometry -------------------------------------------------------------------------------------------------------


def even(net: nn.Module) -> nn.Module:
    """Return a network whose every layer takes the mean of what it reads: constant weights, pools by mean."""
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.MaxPool2d):  # reads the same pixels, but would choose one among equals
            parent, _, child = name.rpartition(".")
            setattr(net.get_submodule(parent), child, nn.AvgPool2d(2))
    return net.eval()


def centroid(output: torch.Tensor, images: torch.Tensor) -> float:
    """Return the column around which the pixels lie that a number of the output depends on."""
    (gradient,) = torch.autograd.grad(output, images, retain_graph=True)
    columns = gradient.sum(dim=(0, 1, 2)).double()
    assert (columns >= 0).all()
    assert columns[0] == columns[-1] == 0, "the image's edge cuts what is read"
    return (columns @ torch.arange(len(columns), dtype=torch.float64) / columns.sum()).item()


@pytest.mark.parametrize("name", BACKBONES)
def test_cell_i_of_each_map_is_centred_where_its_backbone_says(name):
    backbone = even(BACKBONES[name]())
    images = torch.full((1, 3, 32, 1600), 1e-3, requires_grad=True)
    for found, stride, centre in zip(backbone(images), backbone.strides, backbone.centers, strict=True):
        cell = 800 // stride
        assert centroid(found[0, :, found.shape[2] // 2, cell].sum(), images) == pytest.approx(
            stride * cell + centre, abs=0.5
        )


@pytest.mark.parametrize("stride", [32, 16, 8, 4])
@pytest.mark.parametrize("size", SIZES)
def test_the_answer_at_a_pixel_is_about_that_pixel_in_images_of_every_size(size, stride):
    net = even(FCN(small(), 2, stride))
    wide = size + 512  # as much over a multiple of 32, and room for what is read: 216 pixels
    images = torch.full((1, 3, 64, wide), 1e-3, requires_grad=True)
    logits = net(images)
    for column in (128, 129, wide // 2, wide - 150):  # what drifts is off most at the far edge
        found = centroid(logits[0, 0, 32, column], images)
        assert found == pytest.approx(column, abs=0.5)


@pytest.mark.parametrize("name", ["lite0", "vgg16"])
@pytest.mark.parametrize("size", [1600, 1625])
def test_the_answer_at_a_pixel_is_about_that_pixel_for_the_other_backbones(name, size):
    net = even(FCN(BACKBONES[name](), 2, 8))
    images = torch.full((1, 3, 32, size), 1e-3, requires_grad=True)
    for layer in (net.score_fr, net.score_pool4, net.score_pool3):
        for other in (net.score_fr, net.score_pool4, net.score_pool3):
            nn.init.constant_(other.weight, float(other is layer))
        found = centroid(net(images)[0, 0, 16, 803], images)
        assert found == pytest.approx(803, abs=0.5)


# --- bytes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BACKBONES)
@torch.inference_mode()
def test_bytes_answer_as_their_normalized_floats_in_every_size(name):
    net = scored(FCN(BACKBONES[name](), 3, 8))
    for height, width in [(64, 64), (50, 75), (33, 70)]:
        images = torch.randint(256, (2, 3, height, width), dtype=torch.uint8)
        mean, std = net.backbone.normalize.mean, net.backbone.normalize.std
        assert torch.equal(net(images), net((images.float() - mean) / std))


# --- compiled and exported ------------------------------------------------------------------------------------------


@pytest.fixture
def one_thread():
    """With more, torch chooses each layer's convolution by the size of its map, and compiles again for that."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["small", "lite0"])
@torch.inference_mode()
def test_a_compiled_network_answers_other_sizes_without_being_compiled_for_each(name, one_thread):
    net = scored(FCN(BACKBONES[name](), 3, 8))
    torch.compiler.reset()
    counter = CompileCounter()
    compiled = torch.compile(net, backend=counter)
    for height, width in [(64, 96), (96, 128), (75, 100), (160, 192), (97, 131)]:
        images = torch.randint(256, (1, 3, height, width), dtype=torch.uint8)
        torch.testing.assert_close(compiled(images), net(images))
    assert counter.frame_count <= 3  # the first size, then any


@pytest.mark.parametrize("name", ["small", "lite0"])
def test_an_exported_network_answers_images_of_other_sizes(name):
    net, any_size = scored(FCN(BACKBONES[name](), 3, 8)), torch.export.Dim.AUTO
    images = torch.randint(256, (1, 3, 64, 100), dtype=torch.uint8)
    exported = torch.export.export(net, (images,), dynamic_shapes=({2: any_size, 3: any_size},)).module()
    for height, width in [(96, 128), (75, 101)]:
        images = torch.randint(256, (1, 3, height, width), dtype=torch.uint8)
        torch.testing.assert_close(exported(images), net(images))


# --- the start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small", "lite0"])
def test_a_fresh_16s_answers_as_its_parent_with_the_scores_enlarged_twice_and_then_16_times(name):
    torch.manual_seed(0)
    parent = scored(FCN(BACKBONES[name](), 4, 32))
    child = FCN.from_coarser(parent)
    images = torch.rand(2, 3, 96, 128)
    with torch.inference_mode():
        scores = parent.score_fr(parent.backbone(images)[-1])
        found, before = child(images), parent(images)
    coarse, fine = (parent.backbone.centers[index] for index in (3, 2))
    expected = interpolated(interpolated(scores, 2, (coarse - fine) / 16), 16, fine)
    torch.testing.assert_close(found, expected, atol=1e-5 * scores.abs().max().item(), rtol=1e-5)
    torch.testing.assert_close(before, interpolated(scores, 32, coarse), atol=1e-4, rtol=1e-5)
    # Twice and 16 times is not 32 times, unless every other finer cell lies where a coarser one does.
    assert torch.allclose(found, before, atol=1e-3) == (name == "lite0")


def test_fcn_8s_is_the_sum_of_three_maps_scores_enlarged_twice_twice_and_8_times():
    torch.manual_seed(0)
    net = scored(FCN(small(), 4, 8))
    for layer in (net.score_pool4, net.score_pool3):
        nn.init.normal_(layer.weight)
    images = torch.rand(2, 3, 96, 128)
    with torch.inference_mode():
        _, pool3, pool4, last = net.backbone(images)
        expected = net.score_fr(last)
        for layer, cells in [(net.score_pool4, pool4), (net.score_pool3, pool3)]:
            expected = F.interpolate(expected, scale_factor=2, mode="bilinear") + layer(cells)
        expected = F.interpolate(expected, scale_factor=8, mode="bilinear")
        torch.testing.assert_close(net(images), expected, atol=1e-4, rtol=1e-4)


def test_a_child_is_a_copy_with_one_score_layer_more_and_its_parent_stays_as_it_was():
    parent = scored(FCN(small(), 4, 32))
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    net = parent
    for stride, names in [(16, {"score_pool4"}), (8, {"score_pool3"}), (4, {"score_pool2"})]:
        net.train(stride == 16)
        child = FCN.from_coarser(net)
        assert (child.stride, child.training) == (stride, stride == 16)
        new = child.state_dict().keys() - net.state_dict().keys()
        assert {name.split(".")[0] for name in new} == names
        assert not any(child.state_dict()[name].any() for name in new)
        net = child
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    for name, value in parent.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_new_score_layer_learns_from_the_first_step():
    child = FCN.from_coarser(scored(FCN(small(), 4, 32))).train()
    labels = torch.randint(4, (2, 64, 64))
    F.cross_entropy(child(torch.rand(2, 3, 64, 64)), labels).backward()
    assert child.score_pool4.weight.grad.abs().sum() > 0


def test_what_is_frozen_in_the_parent_is_frozen_in_the_child():
    parent = FCN(small(), 4, 32)
    parent.backbone.requires_grad_(False).eval()
    parent.score_fr.bias.requires_grad_(False)
    child = FCN.from_coarser(parent)
    assert child.training
    assert not child.backbone.training
    assert not any(part.training for part in child.backbone.modules())
    learn = {name for name, parameter in child.named_parameters() if parameter.requires_grad}
    assert learn == {"score_fr.weight", "score_pool4.weight", "score_pool4.bias"}


@pytest.mark.parametrize("name", ["small", "lite0"])
def test_learned_doublings_start_as_bilinear_and_can_be_learned(name):
    backbone = BACKBONES[name]().eval()
    fixed, learned = FCN(backbone, 4, 4), FCN(backbone, 4, 4, learned=True)
    scored(fixed), scored(learned)
    images = torch.rand(1, 3, 64, 96)
    torch.testing.assert_close(learned(images), fixed(images), atol=1e-4, rtol=1e-4)
    learned(images).sum().backward()
    for layer in (learned.upscore2, learned.upscore_pool4, learned.upscore_pool3):
        assert layer.weight.grad.abs().sum() > 0
    assert not list(learned.upscore4.parameters())  # the last enlargement stays fixed


def test_the_layers_are_named_as_in_the_original():
    named = {name for name, _ in FCN(small(), 4, 8).named_children()}
    assert named == {"backbone", "score_fr", "upscore2", "score_pool4", "upscore_pool4", "score_pool3", "upscore8"}
    assert "upscore16" in dict(FCN(small(), 4, 16).named_children())
    assert "upscore" in dict(FCN(small(), 4, 32).named_children())


def test_fcn_8s_of_vgg16_has_134_million_weights_as_in_the_paper():
    net = FCN(vgg16(), 21, 8)
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    convolutions = sum(9 * a * b + b for a, b in itertools.pairwise(widths))
    whole = (49 * 512 * 4096 + 4096) + (4096 * 4096 + 4096)
    scores = 21 * (4096 + 1) + 21 * (512 + 1) + 21 * (256 + 1)
    assert sum(parameter.numel() for parameter in net.parameters()) == convolutions + whole + scores
    assert round(sum(parameter.numel() for parameter in net.parameters()) / 1e5) == 1344


# --- bad input ------------------------------------------------------------------------------------------------------


class Coarse(nn.Module):
    strides, channels, centers = (16, 32), (4, 8), (7.5, 15.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 2), "stride .* 32, 16, 8, 4; got 2"),
        ((3, "8"), "got '8'"),
        ((3, [8]), r"got \[8\]"),
        ((1, 8), "classes.* 2 or more; got 1"),
        ((2.0, 8), "got 2.0"),
        ((True, 8), "got True"),
    ],
)
def test_a_wrong_stride_or_number_of_classes_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        FCN(small(), *arguments)


class Short(nn.Module):
    strides, channels, centers = (4, 8, 16, 32), (3, 3, 3, 3), (1.5, 3.5, 7.5, 15.5)

    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, images):
        maps = [F.avg_pool2d(images, stride) for stride in self.strides]
        return maps[: self.count] if self.count else maps[-1]


@pytest.mark.parametrize(("count", "message"), [(3, "got list of 3"), (0, r"got torch\.float32 \(1, 3, 2, 2\)")])
def test_a_backbone_that_gives_other_maps_than_it_says_is_named(count, message):
    with pytest.raises(ValueError, match=rf"strides \(4, 8, 16, 32\); {message}"):
        FCN(Short(count), 3).eval()(torch.zeros(1, 3, 64, 64))


def test_bytes_for_a_backbone_that_cannot_scale_them_are_refused():
    with pytest.raises(ValueError, match=r"Short has no `normalize` for bytes; got torch\.uint8"):
        FCN(Short(4), 3).eval()(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


@pytest.mark.parametrize("backbone", [Coarse(), nn.Conv2d(3, 4, 3)])
def test_a_backbone_without_the_needed_maps_is_refused(backbone):
    with pytest.raises(ValueError, match=r"maps at strides \[32, 16, 8\] .*, not \(.*\); got (Coarse|Conv2d)"):
        FCN(backbone, 3, 8)


def test_only_a_coarser_fcn_has_a_finer_child():
    with pytest.raises(ValueError, match="stride 32, 16 or 8; got FCN"):
        FCN.from_coarser(FCN(small(), 3, 4))
    with pytest.raises(ValueError, match="got Conv2d"):
        FCN.from_coarser(nn.Conv2d(3, 4, 3))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            torch.zeros(1, 3, 64, 64, dtype=torch.int64),
            r"uint8, or normalized as torch\.float32; got torch\.int64 \(1, 3, 64, 64\)",
        ),
        (np.zeros((1, 3, 64, 64)), "got ndarray float64"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.float64), r"normalized as torch\.float32; got torch\.float64"),
        (torch.zeros(3, 64, 64), r"\(3, 64, 64\)"),
        (torch.zeros(1, 4, 64, 64), r"\(1, 4, 64, 64\)"),
        (torch.zeros(1, 3, 0, 64), r"\(1, 3, 0, 64\)"),
    ],
)
def test_images_of_another_kind_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        FCN(small(), 3, 8).eval()(images)


def test_in_training_mode_a_small_image_is_refused_in_words_not_by_batchnorm():
    with pytest.raises(ValueError, match=r"64 pixels a side or more .*got torch\.float32 \(2, 3, 63, 64\)"):
        FCN(small(), 3, 8)(torch.zeros(2, 3, 63, 64))
    assert FCN(small(), 3, 8)(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 64, 64)


# --- what is stored -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_the_networks_that_come_with_the_book_score_what_they_say_of_themselves(stride):
    path = data_path(f"checkpoints/fcn{stride}s.safetensors")
    assert path.stat().st_size < 1.5e6
    net = FCN(small(wide=True), len(CLASSES), stride)
    about = resume(path, net)
    for split in ("val", "test"):
        found = evaluate(net, in_memory(EmojiScenes(300, seed=7, split=split, void=True)))
        assert found.mean_iou() == pytest.approx(about[split]["mean IoU"], abs=0.004)
        assert found.pixel_accuracy() == pytest.approx(about[split]["pixel accuracy"], abs=0.002)


def test_the_studys_means_are_those_of_its_runs():
    study = results("skips")
    runs = study["runs"]
    assert {len(several) for several in runs.values()} == {study["about"]["seeds"]} == {5}
    for way, several in runs.items():
        for split in ("val", "test"):
            values = np.array([run[split]["mean IoU"] for run in several.values()])
            stored = study[split][way]["mean IoU"]
            assert stored["mean"] == pytest.approx(values.mean(), abs=1e-4)
            assert stored["sd"] == pytest.approx(values.std(ddof=1), abs=1e-4)
            for run in several.values():  # the mean of the classes is the mean that is stored
                assert np.nanmean(run[split]["IoU"]) == pytest.approx(run[split]["mean IoU"], abs=1e-4)


def test_a_child_is_of_its_parent_s_class():
    class Maximum(FCN):
        def fuse(self, coarse, fine):
            return torch.maximum(coarse, fine)

    parent = Maximum(small(), 3, 32)
    assert type(Maximum.from_coarser(parent)) is Maximum
    with pytest.raises(ValueError, match="Maximum"):
        FCN.from_coarser(parent)


def test_a_head_is_a_convolution_a_norm_and_a_relu_before_each_score_and_starts_at_zero():
    torch.manual_seed(0)
    net = FCN(small(), classes=5, stride=8, hidden=7)
    for name, channels in (("score_fr", 32), ("score_pool4", 16), ("score_pool3", 8)):
        first, norm, relu, last = net.get_submodule(name)
        assert (first.weight.shape[0], first.weight.shape[2:]) == (7, (3, 3))
        assert first.in_channels == dict(zip(net.backbone.strides, net.backbone.channels, strict=True))[channels]
        assert isinstance(norm, nn.BatchNorm2d)
        assert isinstance(relu, nn.ReLU)
        assert last.weight.shape == (5, 7, 1, 1)
    images = torch.randint(256, (2, 3, 70, 90), dtype=torch.uint8)
    assert not net(images).any()
    child = FCN.from_coarser(net)
    assert child.hidden == 7
    assert child.score_pool2[0].in_channels == net.backbone.channels[0]
