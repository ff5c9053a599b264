"""Chapter 2's claims, each against plain loops, PyTorch's own layers or the classifier itself."""

import pytest
import timm
import torch
from torch import nn
from torchvision import models

from fcn.backbones import lite0_classifier
from fcn.one_by_one import as_conv, convolutionize, patch_classifier, slide


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def close(ours, reference, scores):
    """Within 1e-3 of what two unlike images differ by: random networks' scores are tiny."""
    return (ours - reference).abs().max() < 1e-3 * (scores[0] - scores[1]).abs().max()


def unlike_images(height, width):
    """Return two images that share nothing: noise, and a bright disc on a dark ground."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    disc = ((x**2 + y**2) < 0.3).float() * 2 - 1
    return torch.stack([torch.randn(3, height, width), disc.expand(3, -1, -1)])


def test_a_fully_connected_layer_on_the_channels_of_one_pixel_is_a_1x1_convolution():
    linear, features = nn.Linear(5, 4), torch.randn(2, 5, 3, 6)
    scores = as_conv(linear)(features).detach()
    for n in range(2):
        for i in range(3):
            for j in range(6):
                for k in range(4):
                    by_hand = linear.bias[k] + sum(linear.weight[k, c] * features[n, c, i, j] for c in range(5))
                    assert scores[n, k, i, j].item() == pytest.approx(by_hand.item(), abs=1e-5)


@pytest.mark.parametrize(("size", "bias"), [((7, 7), True), ((2, 3), True), ((2, 3), False), ((1, 1), False)])
def test_the_layer_behind_a_flatten_is_a_convolution_as_large_as_the_map(size, bias):
    linear = nn.Linear(4 * size[0] * size[1], 6, bias=bias)
    features = torch.randn(3, 4, *size)
    conv = as_conv(linear, size)
    torch.testing.assert_close(conv(features).flatten(1), linear(features.flatten(1)), atol=1e-5, rtol=1e-5)
    assert tuple(conv(torch.randn(1, 4, size[0] + 2, size[1] + 5)).shape) == (1, 6, 3, 6)


def test_as_conv_copies_the_weights_and_keeps_type_mode_and_the_original():
    linear = nn.Linear(3, 2).double().eval()
    conv = as_conv(linear)
    assert conv.weight.dtype == torch.float64
    assert not conv.training
    before = linear.weight.clone()
    with torch.no_grad():
        conv.weight.add_(1)
    assert torch.equal(linear.weight, before)


@pytest.mark.parametrize(
    "build",
    [models.alexnet, models.vgg11, models.vgg13_bn, models.vgg16, models.vgg16_bn, models.vgg19],
    ids=lambda build: build.__name__,
)
@torch.inference_mode()
def test_where_a_classifier_flattens_its_scores_are_its_own_at_its_own_size(build):
    classifier = build(num_classes=50).eval()
    images = unlike_images(224, 224)
    scores, ours = classifier(images), convolutionize(classifier)(images)
    assert tuple(ours.shape) == (2, 50, 1, 1)
    assert close(ours[:, :, 0, 0], scores, scores)


@torch.inference_mode()
def test_a_larger_image_gets_one_answer_for_each_window_that_fits():
    # 375 // 32 - 6 and 500 // 32 - 6: VGG16 halves five times, rounding down, and its fc6 takes 7 cells
    assert tuple(convolutionize(models.vgg16(num_classes=5).eval())(torch.zeros(1, 3, 375, 500)).shape) == (
        1,
        5,
        5,
        9,
    )


def squeeze_and_excitation():
    return timm.create_model("efficientnet_b0", drop_rate=0.5)


@pytest.mark.parametrize("size", [(224, 224), (97, 161), (320, 200)])
@pytest.mark.parametrize(
    "build",
    [models.squeezenet1_0, models.squeezenet1_1, lite0_classifier, squeeze_and_excitation],
    ids=lambda build: build.__name__,
)
@torch.inference_mode()
def test_where_a_classifier_pools_globally_the_mean_over_the_map_is_its_answer_at_any_size(build, size):
    classifier = build().eval()
    images = unlike_images(*size)
    scores = classifier(images)
    assert close(convolutionize(classifier)(images).mean((2, 3)), scores, scores)


def test_convolutionize_leaves_the_classifier_alone_and_keeps_its_mode():
    classifier = models.squeezenet1_1(num_classes=3)
    ours = convolutionize(classifier)
    assert ours.training
    ours.eval()
    assert classifier.training
    quiet = convolutionize(models.alexnet(num_classes=3).eval())
    assert not any(layer.training for layer in quiet.modules() if isinstance(layer, nn.Dropout))
    assert not {id(p) for p in ours.parameters()} & {id(p) for p in classifier.parameters()}


class Tenfold(nn.Linear):
    def forward(self, x):
        return 10 * super().forward(x)


class Shifted(models.AlexNet):
    def forward(self, x):
        return super().forward(x + 1)


def changed(net, **parts):
    """Return the net with some of its parts replaced."""
    for name, part in parts.items():
        setattr(net, name, part)
    return net


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Shifted(num_classes=5), "a forward of its own"),
        (lambda: changed(models.alexnet(num_classes=5), avgpool=nn.AdaptiveAvgPool2d(1)), "map of (6, 6) at 224x224"),
        (lambda: changed(models.alexnet(num_classes=5), avgpool=nn.Identity()), "as it is; got None"),
        (lambda: changed(models.alexnet(), classifier=nn.Sequential(nn.Linear(9216, 5), nn.Softmax(1))), "Softmax"),
        (lambda: changed(models.alexnet(), classifier=nn.Sequential(Tenfold(9216, 5))), "got Tenfold"),
        (
            lambda: changed(models.squeezenet1_1(), classifier=nn.Sequential(nn.Flatten())),
            "ends with AdaptiveAvgPool2d(1); got",
        ),
        (
            lambda: changed(
                models.squeezenet1_1(), classifier=nn.Sequential(nn.Linear(1, 1), nn.AdaptiveAvgPool2d(1))
            ),
            "got Linear",
        ),
    ],
)
def test_a_changed_classifier_is_refused_rather_than_answered_wrongly(build, message):
    with pytest.raises(ValueError) as error:
        convolutionize(build())
    assert message in str(error.value)


@torch.inference_mode()
def test_a_replaced_and_nested_head_is_converted_as_well():
    classifier = models.alexnet().eval()
    classifier.classifier[6] = nn.Sequential(nn.Linear(4096, 30), nn.GELU(), nn.Linear(30, 4)).eval()
    images = unlike_images(224, 224)
    scores = classifier(images)
    assert close(convolutionize(classifier)(images)[:, :, 0, 0], scores, scores)


def test_what_was_frozen_stays_frozen():
    classifier = models.vgg11_bn(num_classes=3).train()
    classifier.features.eval()
    classifier.requires_grad_(False)
    ours = convolutionize(classifier)
    assert ours.training
    assert not any(layer.training for layer in ours.modules() if isinstance(layer, nn.BatchNorm2d))
    assert all(layer.training for layer in ours.modules() if isinstance(layer, nn.Dropout))
    assert not any(parameter.requires_grad for parameter in ours.parameters())


@torch.inference_mode()
def test_sliding_a_patch_classifier_gives_the_numbers_of_the_convolutional_net_where_nothing_is_padded():
    net, images = patch_classifier(7), torch.rand(2, 3, 50, 61)
    whole = nn.Sequential(*net[:6], as_conv(net[7], (6, 6)), net[8], as_conv(net[9]))
    scores = whole(images)
    assert tuple(scores.shape) == (2, 7, 5, 7)
    for i in range(5):
        for j in range(7):
            patch = images[:, :, 4 * i : 4 * i + 34, 4 * j : 4 * j + 34]
            torch.testing.assert_close(scores[:, :, i, j], net(patch), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(slide(net, images, 34, 4), scores, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(slide(net, images, 34, 4, batch=16), scores, atol=1e-6, rtol=1e-5)


@torch.inference_mode()
def test_padding_alone_sets_the_sliding_alexnet_apart_from_the_convolutional_one():
    alexnet = models.alexnet(num_classes=20).eval()
    images = unlike_images(419, 419)
    ours, slid = (
        convolutionize(alexnet)(images[:, :, :288, :288]),
        slide(alexnet, images[:, :, :288, :288], 224, 32),
    )
    assert not close(ours, slid, slid)
    for layer in alexnet.features:
        if isinstance(layer, nn.Conv2d):
            layer.padding = (0, 0)
    ours, slid = convolutionize(alexnet)(images), slide(alexnet, images, 355, 32)
    assert tuple(ours.shape) == (2, 20, 3, 3)
    assert close(ours, slid, slid)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: as_conv(nn.Conv2d(3, 3, 1)), "got Conv2d (from torch)"),
        (lambda: as_conv(nn.Linear), "the class Linear itself"),
        (lambda: as_conv(nn.Linear(10, 2), (3, 3)), "map of 3x3 pixels before the flatten; got 10"),
        (lambda: as_conv(nn.Linear(9, 2), (0, 3)), "each side of the map as a whole number, 1 or more; got 0"),
        (lambda: as_conv(nn.Linear(9, 2), 3), "got 3"),
        (lambda: convolutionize(models.resnet18()), "got ResNet (from torchvision)"),
        (lambda: convolutionize(models.vgg11), "got <function vgg11"),
        (
            lambda: convolutionize(models.squeezenet1_0())(torch.rand(1, 3, 31, 64)),
            "at least 32x32 pixels; got torch.float32 (1, 3, 31, 64)",
        ),
        (lambda: convolutionize(models.alexnet())(torch.rand(1, 3, 300, 223)), "at least 224x224"),
        (lambda: convolutionize(models.squeezenet1_0())(torch.rand(3, 64, 64)), "(3, 64, 64)"),
        (lambda: convolutionize(models.squeezenet1_0())(torch.rand(1, 1, 64, 64)), "(1, 1, 64, 64)"),
        (lambda: convolutionize(models.efficientnet_b0()), "got EfficientNet (from torchvision)"),
        (
            lambda: convolutionize(timm.create_model("tf_efficientnet_lite0", global_pool="max")),
            "global_pool='avg'; got 'max'",
        ),
        (lambda: convolutionize(timm.create_model("tf_efficientnet_lite0", num_classes=0)), "Identity (from torch)"),
        (lambda: convolutionize(models.squeezenet1_0())(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)), "torch.uint8"),
        (lambda: convolutionize(models.squeezenet1_0())([1.0]), "got [1.0]"),
        (lambda: as_conv(nn.Linear(9, 2), (True, True)), "got True"),
        (
            lambda: slide(nn.Flatten(), torch.rand(1, 3, 20, 40), 34, 4),
            "34x34 pixels fits; got torch.float32 (1, 3, 20, 40)",
        ),
        (lambda: slide(nn.Flatten(), torch.rand(1, 3, 20, 40), 4, 0), "stride as a whole number, 1 or more; got 0"),
        (lambda: slide(nn.Flatten(), torch.rand(3, 20, 40), 4, 4), "(N, C, H, W); got torch.float32 (3, 20, 40)"),
        (
            lambda: slide(nn.Conv2d(3, 2, 3), torch.rand(1, 3, 8, 8), 4, 1, 25),
            "n = 25 patches from the classifier: (25, K); got torch.float32 (25, 2, 2, 2)",
        ),
    ],
)
def test_bad_input_gets_one_line_that_says_what_came(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_sliding_holds_no_more_patches_than_it_asks_about_at_once():
    """What each call is given is a batch of its own, not a view of all patches."""
    images, held = torch.rand(1, 3, 64, 64), []

    class Counting(nn.Module):
        def forward(self, patches):
            held.append(patches.untyped_storage().nbytes())
            return patches.mean((2, 3))

    with torch.inference_mode():
        slide(Counting(), images, size=4, stride=1, batch=16)
    assert len(held) == -(-61 * 61 // 16)
    assert max(held) == 16 * 3 * 4 * 4 * 4


@pytest.mark.parametrize("images", [[1.0], None, "image"])
def test_what_is_no_batch_of_images_is_named(images):
    with pytest.raises(ValueError, match=r"\(N, C, H, W\); got"):
        slide(nn.Flatten(), images, 4, 1)
