"""Training and scoring, against the same loop written out. What is kept of it: test_checkpoints.py."""

import warnings
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from fcn.backbones import lite0, small
from fcn.metrics import Confusion
from fcn.predict import labels
from fcn.skips import FCN
from fcn.training import augmented, cropped, cross_entropy_and_iou, evaluate, fit, one_cycle, polynomial, soft_iou


def data(count=12):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, 8, 8, generator=generator)
    masks = (images.sum(dim=1) > 1.5).to(torch.uint8)
    masks[:, 0] = 255
    return TensorDataset(images, masks)


def model():
    torch.manual_seed(0)
    return nn.Conv2d(3, 2, 1)


def test_training_lowers_the_loss():
    losses = fit(model(), data(), steps=60, lr=0.1, seed=3, batch=4)
    assert len(losses) == 60
    assert losses[-1] < 0.6 * losses[0]


def test_training_is_adamw_on_the_pixels_that_are_not_void_its_rate_rising_and_falling_once():
    net, by_hand = model(), model()
    examples = data(4)  # one batch, so that the order within it changes nothing
    fit(net, examples, steps=5, lr=0.1, seed=3, batch=4)
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


def test_the_same_seed_gives_the_same_weights_whatever_torchs_own_chance_is():
    def weights(seed, own):
        net = nn.Sequential(nn.Dropout(0.5), model())
        torch.manual_seed(own)
        fit(net, data(), steps=7, lr=0.1, seed=seed, batch=4, transform=augmented)
        return net[1].weight

    assert torch.equal(weights(3, own=0), weights(3, own=1))
    assert not torch.equal(weights(3, own=0), weights(4, own=0))


def test_training_takes_nothing_from_torchs_own_chance():
    torch.manual_seed(0)
    expected = torch.rand(3)
    net = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(0)
    fit(net, data(), steps=7, lr=0.1, seed=3, batch=4, transform=augmented)
    assert torch.equal(torch.rand(3), expected)


def test_every_epoch_goes_through_the_data_once_in_an_order_of_its_own():
    seen = []

    class Noted(TensorDataset):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    examples = Noted(*data(12).tensors)
    fit(model(), examples, steps=6, lr=0.1, seed=3, batch=4)
    epochs = [seen[-24:-12], seen[-12:]]  # what was looked at before the first step stands before
    assert [sorted(epoch) for epoch in epochs] == [list(range(12))] * 2
    assert epochs[0] != epochs[1]


def test_workers_change_nothing():
    nets = [model(), model()]
    for net, workers in zip(nets, (0, 2), strict=True):
        fit(net, data(), steps=5, lr=0.1, seed=3, batch=4, transform=augmented, workers=workers)
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_sgd_with_a_polynomial_rate_is_that_of_the_papers():
    net, by_hand = model(), model()
    examples = data(4)
    fit(net, examples, steps=3, lr=0.1, seed=3, batch=4, recipe=polynomial)
    images, masks = examples.tensors
    velocity = [torch.zeros_like(parameter) for parameter in by_hand.parameters()]
    for step in range(3):
        loss = F.cross_entropy(by_hand(images), masks.long(), ignore_index=255)
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        with torch.no_grad():
            for parameter, gradient, speed in zip(by_hand.parameters(), gradients, velocity, strict=True):
                speed.mul_(0.9).add_(gradient + 5e-4 * parameter)
                parameter.sub_(0.1 * (1 - step / 3) ** 0.9 * speed)
    for fitted, parameter in zip(net.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(fitted, parameter)


@pytest.mark.parametrize("options", [{"amp": True}, {"transform": augmented}, {"progress": True}])
def test_each_option_still_trains(options):
    net = model()
    losses = fit(net, data(), steps=60, lr=0.1, seed=3, batch=4, **options)
    assert sum(losses[-10:]) < 0.92 * sum(losses[:10])
    assert net.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": 3}, "images as a whole number, 4 or more; got 3"),
        ({"data": 0}, "images as a whole number, 4 or more; got 0"),
        ({"steps": 0}, "steps as a whole number, 1 or more; got 0"),
        ({"steps": 2.5}, "steps .* got 2.5"),
        ({"steps": True}, "steps .* got True"),
        ({"every": 0}, "every .* got 0"),
        ({"batch": 0}, "batch as a whole number, 1 or more; got 0"),
        ({"batch": 2.0}, r"batch .* got 2\.0"),
        ({"batch": "2"}, "batch .* got '2'"),
        ({"seed": None}, "seed as a whole number, 0 or more; got None"),
        ({"seed": -1}, "seed .* got -1"),
        ({"lr": 0}, "rate as a number above 0; got 0"),
        ({"lr": float("nan")}, "rate .* got nan"),
        ({"lr": "0.1"}, "rate .* got '0.1'"),
        ({"validate": lambda net: 0}, "checkpoint beside which"),
    ],
)
def test_training_is_refused_in_one_line_where_it_could_not_work(changed, message):
    asked = {"steps": 2, "lr": 0.1, "batch": 4, "seed": 3} | changed
    examples = data(max(1, asked.pop("data", 12)))
    if changed.get("data") == 0:
        examples = TensorDataset(*(tensor[:0] for tensor in examples.tensors))
    with pytest.raises(ValueError, match=message):
        fit(model(), examples, **asked)


def test_a_model_with_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="no parameter to train"):
        fit(model().requires_grad_(False), data(), steps=2, lr=0.1, seed=3, batch=4)


def test_a_loss_that_is_no_number_stops_training():
    examples = TensorDataset(torch.full((4, 3, 8, 8), torch.nan), torch.zeros(4, 8, 8).byte())
    with pytest.raises(ValueError, match=r"nan at step 0: try a smaller rate than 0\.1"):
        fit(model(), examples, steps=2, lr=0.1, seed=3, batch=4)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (255, r"void \(255\) in the 4 masks looked at; got \[255\]"),
        (7, r"label in 0\.\.1 or 255 \(void\); got 7 at \(0, 0, 0\)"),
        (-1, r"got -1 at \(0, 0, 0\)"),
    ],
)
def test_labels_that_cannot_be_learned_are_named(label, message):
    examples = TensorDataset(torch.rand(4, 3, 8, 8), torch.full((4, 8, 8), label))
    with pytest.raises(ValueError, match=message):
        fit(model(), examples, steps=2, lr=0.1, seed=3, batch=4)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (torch.zeros(4, 1, 8, 8).byte(), r"mask \(H, W\); got .*torch\.uint8 \(1, 8, 8\)"),
        (torch.zeros(4, 4, 8).byte(), r"logits \(4, 2, 8, 8\); got torch\.uint8 \(4, 4, 8\)"),
        (torch.full((4, 8, 8), 3 / 255), r"whole numbers; got torch\.float32 \(4, 8, 8\)\. .*0\.\.1"),
    ],
)
def test_masks_that_are_no_maps_of_labels_are_refused(masks, message):
    with pytest.raises(ValueError, match=message):
        fit(model(), TensorDataset(torch.rand(4, 3, 8, 8), masks), steps=2, lr=0.1, seed=3, batch=4)


# --- augmentation ---------------------------------------------------------------------------------------------------


def test_image_and_mask_are_flipped_scaled_and_cropped_together():
    rows, columns = torch.arange(48)[:, None], torch.arange(64)
    mask = ((rows // 12 + 4 * (columns // 16)) % 16).to(torch.uint8)
    image = mask.float().expand(3, -1, -1)  # a picture of its own labels
    generator = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(40):
        pair = augmented(image, mask, generator=generator)
        assert pair[0].shape == image.shape
        assert pair[1].shape == mask.shape
        assert {type(each) for each in pair} == {torch.Tensor}
        known = pair[1] != 255
        # interpolation blurs the picture within a pixel or two of an outline, and nowhere else
        agrees = (pair[0][0] - pair[1]).abs()[known] < 0.01
        assert agrees.float().mean() > 0.7
        assert (pair[0][:, ~known] == 0).all()  # outside of the scaled picture
        seen.add((known.all().item(), pair[1][24, 32].item()))
    assert {known for known, _ in seen} == {True, False}  # both larger and smaller
    assert len(seen) > 5


def test_about_half_of_the_images_are_mirrored_and_none_is_turned():
    mask = torch.zeros(32, 32, dtype=torch.uint8)
    mask[:, 16:] = 1
    mask[16:] += 2
    generator = torch.Generator().manual_seed(1)
    corners = [augmented(mask.expand(3, -1, -1), mask, generator=generator, scale=(1, 1))[1] for _ in range(200)]
    mirrored = sum(bool(each[0, 0] == 1) for each in corners)
    assert 70 < mirrored < 130
    assert all(each[0, 0] in (0, 1) and each[-1, 0] in (2, 3) for each in corners)


def test_an_augmentation_of_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(3, 8, 8\), torch\.float32 \(8, 9\)"):
        augmented(torch.zeros(3, 8, 8), torch.zeros(8, 9), generator=torch.Generator())
    with pytest.raises(ValueError, match=r"got \[1\], \[1\]"):
        augmented([1], [1], generator=torch.Generator())


def test_a_cropped_photograph_and_its_mask_show_the_same_place_at_the_same_scale():
    rows, columns = torch.arange(60)[:, None], torch.arange(80)
    mask = ((rows // 12 + 5 * (columns // 16)) % 25).to(torch.uint8)
    image = (10 * mask).expand(3, -1, -1)  # a picture of its own labels
    generator, mirrored = torch.Generator().manual_seed(0), 0
    for _ in range(60):
        found, known = cropped(image, mask, generator=generator, size=(40, 56), light=0)
        assert (found.dtype, found.shape, known.shape) == (torch.uint8, (3, 40, 56), (40, 56))
        agrees = (found[0].float() - 10 * known).abs() <= 1  # blurred within a pixel or two of an outline
        assert agrees.float().mean() > 0.6
        mirrored += bool(known[0, -1] < known[0, 0])
    assert 18 < mirrored < 42


def test_a_cropped_mask_stays_on_its_photograph():
    generator, offsets = torch.Generator().manual_seed(0), []
    for edge in range(20, 44):
        mask = torch.zeros(64, 64, dtype=torch.uint8)
        mask[edge:] = 1
        for _ in range(20):
            image, known = cropped(255 * mask.expand(3, 64, 64), mask, generator=generator, size=(40, 40), light=0)
            if 0 < known.sum() < known.numel():
                offsets.append((image[0].sum() / 255 - known.sum()).item() / 40)  # pixels, up or down
    assert len(offsets) > 100
    assert max(map(abs, offsets)) < 0.75
    assert abs(np.mean(offsets)) < 0.05


def test_the_light_changes_a_photograph_and_never_its_mask():
    image, mask = torch.full((3, 64, 64), 100, dtype=torch.uint8), torch.ones(64, 64, dtype=torch.uint8)
    generator, means = torch.Generator().manual_seed(0), []
    for _ in range(60):
        found, known = cropped(image, mask, generator=generator, size=(32, 32), light=0.3)
        assert torch.equal(known, mask[:32, :32])
        means.append(found.float().mean().item())
    assert min(means) < 80 < 100 < 120 < max(means)
    assert min(means) >= 60
    assert max(means) <= 140


@pytest.mark.parametrize(
    ("image", "mask", "scale", "message"),
    [
        (torch.zeros(3, 8, 8), torch.zeros(8, 8), (1, 2), "a photograph"),
        (torch.zeros(3, 8, 8).byte(), torch.zeros(8, 9), (1, 2), "a mask of 8x8 pixels"),
        (torch.zeros(3, 8, 8).byte(), torch.zeros(8, 8), (2, 1), "a scale"),
    ],
)
def test_what_cannot_be_cropped_is_refused(image, mask, scale, message):
    with pytest.raises(ValueError, match=f"Expected {message}"):
        cropped(image, mask, generator=torch.Generator(), size=(4, 4), scale=scale)


def test_of_a_sure_answer_the_soft_iou_is_the_mean_iou_of_the_classes_that_are_there():
    generator = torch.Generator().manual_seed(0)
    masks, said = (torch.randint(4, (2, 60, 70), generator=generator) for _ in range(2))
    masks[0, :9] = -100
    masks[masks == 3] = 0  # a class that is not there
    logits = 50 * torch.nn.functional.one_hot(said, 4).movedim(-1, 1).float()
    iou = Confusion(4).update(torch.where(masks < 0, 255, masks), said).iou()[:3]
    assert soft_iou(logits, masks).item() == pytest.approx(1 - iou.mean().item(), abs=2e-3)


def test_what_stands_where_nothing_is_known_changes_no_loss():
    generator = torch.Generator().manual_seed(0)
    masks = torch.randint(3, (1, 8, 8), generator=generator)
    masks[0, :, :4] = -100
    logits = torch.randn(1, 3, 8, 8, generator=generator)
    other = logits.clone()
    other[..., :4] = torch.randn(1, 3, 8, 4, generator=generator)
    for loss in (soft_iou, cross_entropy_and_iou):
        assert torch.equal(loss(logits, masks), loss(other, masks))


# --- scoring --------------------------------------------------------------------------------------------------------


def test_evaluation_counts_every_scored_pixel_once_and_leaves_the_model_as_it_was():
    net, examples = model().train(), data(10)
    images, masks = examples.tensors
    found = evaluate(net, examples, batch=4)
    answer = net(images).argmax(1)
    for truth in range(2):
        for claimed in range(2):
            assert found.counts[truth, claimed] == ((masks == truth) & (answer == claimed)).sum()
    assert net.training


def test_dropout_is_off_in_evaluation_and_on_again_after():
    net = nn.Sequential(nn.Dropout(0.9), model()).train()
    counts = [evaluate(net, data()).counts for _ in range(2)]
    assert torch.equal(*counts)
    assert net.training
    assert net[0].training


def test_an_empty_data_set_is_not_scored():
    empty = TensorDataset(torch.zeros(0, 3, 8, 8), torch.zeros(0, 8, 8))
    with pytest.raises(ValueError, match="images as a whole number, 1 or more; got 0"):
        evaluate(model(), empty)


# --- modes: what is frozen stays frozen -----------------------------------------------------------------------------


def modes(net: nn.Module) -> list[bool]:
    return [part.training for part in net.modules()]


def photographs(count=8):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 3, 64, 64), generator=generator, dtype=torch.uint8)
    return TensorDataset(images, torch.randint(3, (count, 64, 64), generator=generator))


def test_a_backbone_in_evaluation_mode_keeps_its_statistics_and_every_part_its_mode():
    net = FCN(lite0(pretrained=False), 3)
    net.backbone.requires_grad_(False).eval()
    norm = net.backbone.stem[1]
    statistics, before = norm.running_mean.clone(), modes(net)
    fit(net, photographs(), steps=3, lr=0.01, seed=0, batch=4)
    evaluate(net, photographs())
    labels(net, photographs().tensors[0])
    assert torch.equal(norm.running_mean, statistics)
    assert modes(net) == before
    assert net.training


def test_a_model_in_evaluation_mode_learns_but_for_what_is_frozen_and_is_given_back_in_it():
    seen = {}
    net = FCN(small(), 3).eval()
    net.backbone.stages[0].requires_grad_(False)
    for name in ("backbone.stages.0.1", "backbone.stages.1.2"):  # BatchNorm, frozen and not
        net.get_submodule(name).register_forward_hook(lambda part, *_, n=name: seen.update({n: part.training}))
    fit(net, photographs(), steps=1, lr=0.01, seed=0, batch=4)
    assert seen == {"backbone.stages.0.1": False, "backbone.stages.1.2": True}
    assert not any(modes(net))


# --- what users of other packages stumbled over ---------------------------------------------------------------------


def binary(count=8):
    masks = torch.zeros(count, 16, 16, dtype=torch.uint8)
    masks[:, 4:12, 4:12] = 255
    return TensorDataset(torch.rand(count, 3, 16, 16), masks)


def test_masks_of_0_and_255_are_never_perfect():
    with pytest.raises(ValueError, match=r"void \(255\) in the 8 masks .*got \[0, 255\]\. .*mask\[mask == 255\] = 1"):
        fit(model(), binary(), steps=2, lr=0.1, seed=3, batch=4)
    with pytest.warns(UserWarning, match=r"hold only \[0\] and void \(255\)"):
        evaluate(model(), binary())
    images, masks = binary().tensors
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate(model(), TensorDataset(images, masks // 255))
    assert found.iou().isfinite().all()


def test_one_channel_of_scores_is_refused():
    images, masks = binary().tensors
    with pytest.raises(ValueError, match="2 to 256 classes, the background is one; got 1"):
        fit(nn.Conv2d(3, 1, 1), TensorDataset(images, masks // 255), steps=2, lr=0.1, seed=3, batch=4)
    with pytest.raises(ValueError, match="2 to 256 classes, the background is one; got 1"):
        evaluate(nn.Conv2d(3, 1, 1), TensorDataset(images, masks // 255))


def test_a_batch_of_nothing_but_void_is_passed_over():
    images, masks = data(4).tensors
    masks[3] = 255
    net = model()
    losses = fit(net, TensorDataset(images, masks), steps=8, lr=0.1, seed=3, batch=1)
    assert sum(loss != loss for loss in losses) == 2  # NaN, twice in two epochs
    assert net.weight.isfinite().all()
    masks[:] = 255
    masks[:, :2, :2] = 0
    masks[0, 0, 0] = 1
    cropping = partial(augmented, scale=(3, 3))  # most crops hold nothing but void
    assert (
        len(fit(model(), TensorDataset(images, masks), steps=20, lr=0.1, seed=3, batch=1, transform=cropping)) == 20
    )


@pytest.mark.parametrize("void", [11, 0, -1, -100])
def test_void_may_be_another_label(void):
    images, masks = data(8).tensors
    other = torch.where(masks == 255, void, masks.long() + (void == 0))
    classes = 3 if void == 0 else 2
    nets = [nn.Conv2d(3, classes, 1) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    moved = torch.where(masks == 255, 255, masks.long() + (void == 0))
    fit(nets[0], TensorDataset(images, moved), steps=3, lr=0.1, seed=3, batch=4)
    fit(nets[1], TensorDataset(images, other), steps=3, lr=0.1, seed=3, batch=4, void=void)
    assert torch.equal(nets[0].weight, nets[1].weight)
    one, two = (
        evaluate(nets[0], TensorDataset(images, moved)),
        evaluate(nets[1], TensorDataset(images, other), void=void),
    )
    assert torch.equal(one.counts, two.counts)


def test_images_of_different_sizes_are_scored_and_can_be_trained_on_one_by_one():
    sizes = [(8, 8), (8, 8), (12, 8), (8, 8), (10, 10)]
    items = [(torch.rand(3, *size), torch.randint(2, size)) for size in sizes]
    net = model()
    found = evaluate(net, items, batch=4)
    assert found.counts.sum() == sum(height * width for height, width in sizes)
    assert torch.equal(
        found.counts, sum((evaluate(net, [item]) for item in items[1:]), evaluate(net, items[:1])).counts
    )
    assert len(fit(net, items, steps=5, lr=0.1, seed=3, batch=1)) == 5
    with pytest.raises(ValueError, match=r"one size in a batch; got \[\(3, \d+, \d+\), \(3, \d+, \d+\)\]"):
        fit(net, items, steps=5, lr=0.1, seed=3, batch=5)


class Dictionary(nn.Conv2d):
    """As torchvision's segmentation models answer."""

    def forward(self, images):
        return OrderedDict(out=super().forward(images))


@pytest.mark.parametrize("ask", [lambda net, d: fit(net, d, steps=1, lr=0.1, seed=0, batch=1), evaluate])
@pytest.mark.parametrize(
    ("net", "items", "message"),
    [
        (Dictionary(3, 2, 1), data(2), "got OrderedDict"),
        (model(), [(Image.new("RGB", (8, 8)), Image.new("L", (8, 8)))] * 2, "item 0 .* got .*PIL"),
        (model(), [(torch.rand(3, 8, 8), torch.zeros(8, 8), 7)] * 2, r"item 0 .* got .*\(3, 8, 8\).*, 7"),
        (model(), [{"image": torch.rand(3, 8, 8)}] * 2, "item 0 .* got dict"),
        (model(), [(np.zeros((3, 8, 8)), np.zeros((8, 8)))] * 2, "item 0 .* got ndarray float64"),
    ],
)
def test_what_no_loop_could_use_is_named_with_its_place(ask, net, items, message):
    with pytest.raises(ValueError, match=message):
        ask(net, items)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transform": lambda image, mask, generator: None}, "item [0-9] .* got None"),
        ({"transform": lambda image, mask, generator: (image, mask[None])}, r"item [0-9] .* got .*\(1, 8, 8\)"),
        ({"void": "x"}, "void .* got 'x'"),
    ],
)
def test_a_transform_that_gives_no_pair_and_a_void_that_is_no_label_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        fit(model(), data(), steps=1, lr=0.1, seed=3, batch=4, **options)


def test_a_loader_is_refused_where_a_data_set_is_meant():
    with pytest.raises(ValueError, match=r"got <.*DataLoader"):
        fit(model(), DataLoader(data(), 4), steps=1, lr=0.1, seed=3, batch=1)


def test_numbers_of_numpy_are_numbers():
    nets = [model(), model()]
    fit(nets[0], data(), steps=2, lr=float(np.float32(0.1)), seed=3, batch=4)
    fit(nets[1], data(), steps=np.int64(2), lr=np.float32(0.1), seed=np.uint8(3), batch=np.int32(4))
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_a_model_without_parameters_is_scored():
    class Fixed(nn.Module):
        def forward(self, images):
            return torch.cat([images[:, :1], 1 - images[:, :1]], dim=1)

    assert evaluate(Fixed(), data()).counts.sum() == (data().tensors[1] != 255).sum()


def test_class_weights_and_any_loss_of_torch_can_be_given():
    examples = data(4)
    images, masks = examples.tensors
    weight = torch.tensor([1.0, 5.0])
    net, by_hand = model(), model()
    losses = fit(net, examples, steps=1, lr=0.1, seed=3, batch=4, loss=nn.CrossEntropyLoss(weight=weight))
    known = masks != 255
    each = F.cross_entropy(by_hand(images).permute(0, 2, 3, 1)[known], masks[known].long(), reduction="none")
    shares = weight[masks[known].long()]
    assert losses[0] == pytest.approx(((each * shares).sum() / shares.sum()).item(), rel=1e-5)


def test_a_recipe_and_a_transform_of_ones_own_are_functions():
    def plain(net, lr, steps):
        optimizer = torch.optim.SGD(net.parameters(), lr)
        return optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    def dark(image, mask, *, generator):
        return image * torch.rand(1, generator=generator), mask

    net, by_hand = model(), model()
    examples = data(4)
    fit(net, examples, steps=2, lr=0.1, seed=3, batch=4, recipe=plain)
    images, masks = examples.tensors
    for _ in range(2):
        loss = F.cross_entropy(by_hand(images), masks.long(), ignore_index=255)
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(by_hand.parameters(), gradients, strict=True):
                parameter.sub_(0.1 * gradient)
    torch.testing.assert_close(net.weight, by_hand.weight)
    changed = model()
    fit(changed, examples, steps=2, lr=0.1, seed=3, batch=4, recipe=plain, transform=dark)
    assert not torch.equal(changed.weight, net.weight)


@pytest.mark.parametrize("recipe", [one_cycle, polynomial])
def test_a_pretrained_backbone_can_have_a_lower_rate(recipe):
    net = FCN(small(), 3)
    optimizer, _ = recipe(net, 0.1, 10, backbone=0.1)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(net.parameters()))
    assert rates[id(net.backbone.stages[0][0].weight)] == pytest.approx(0.1 * rates[id(net.score_fr.weight)])


def test_gradients_left_by_others_are_not_added():
    nets = [model(), model()]
    nets[1](data().tensors[0]).sum().backward()
    for net in nets:
        fit(net, data(), steps=2, lr=0.1, seed=3, batch=4)
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_the_mask_stays_on_its_image_when_both_are_scaled():
    generator, offsets = torch.Generator().manual_seed(0), []
    for edge in range(20, 40):
        mask = torch.zeros(64, 64, dtype=torch.uint8)
        mask[edge:] = 1
        for _ in range(10):
            image, scaled = augmented(255 * mask.expand(3, 64, 64), mask, generator=generator)
            known = scaled != 255  # scaled down, both are surrounded
            offsets.append(
                ((image[0] > 127)[known].sum() - (scaled == 1).sum()).item() / known.any(dim=0).sum().item()
            )
    assert abs(np.mean(offsets)) < 0.1


def test_validation_may_leave_the_model_in_evaluation_mode(tmp_path):
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1))
    scores = iter([0.1, 0.2, 0.3])
    options = {"steps": 6, "lr": 0.01, "seed": 0, "batch": 2, "every": 2, "checkpoint": tmp_path / "net"}
    fit(net, data(), validate=lambda model: (model.eval(), next(scores))[1], **options)
    assert net[0].num_batches_tracked == 6
    assert net.training


@pytest.mark.parametrize("wrap", [lambda net: nn.DataParallel(net), lambda net: nn.Sequential(net)])
@pytest.mark.parametrize("recipe", [one_cycle, polynomial])
def test_the_backbone_of_a_wrapped_model_has_its_own_rate(recipe, wrap):
    optimizer, _ = recipe(wrap(FCN(small(), 3, 32)), 0.01, 100, backbone=0.1)
    fast, slow = (group["lr"] for group in optimizer.param_groups)
    assert slow == pytest.approx(fast / 10)


@pytest.mark.parametrize(("net", "factor"), [(nn.Conv2d(3, 2, 1), 0.1), (FCN(small(), 3, 32), -1)])
def test_a_rate_for_a_backbone_that_is_not_there_or_below_zero_is_refused(net, factor):
    with pytest.raises(ValueError, match="backbone"):
        one_cycle(net, 0.01, 100, backbone=factor)


def test_bytes_and_floats_do_not_meet_in_one_batch():
    image, mask = torch.full((3, 4, 4), 200, dtype=torch.uint8), torch.randint(2, (4, 4))
    mixed = [(image, mask), (image / 255, mask)]
    with pytest.raises(ValueError, match=r"float32.*uint8"):
        fit(nn.Conv2d(3, 2, 1), mixed, steps=1, lr=0.1, seed=0, batch=2)


def test_a_void_outside_of_bytes_hides_no_byte():
    image, masks = torch.rand(3, 2, 2), torch.tensor([[0, 1], [255, -1]])
    with pytest.raises(ValueError, match="255"):
        evaluate(nn.Conv2d(3, 2, 1), [(image, masks)], void=-1)
    strange = [(image, torch.tensor([[0, 1], [156, 1]], dtype=torch.uint8))] * 2
    with pytest.raises(ValueError, match="156"):
        fit(nn.Conv2d(3, 2, 1), strange, steps=1, lr=0.1, seed=0, batch=2, void=-100)
    assert evaluate(nn.Conv2d(3, 2, 1), [(image, masks.clamp(max=1).to(torch.int8))], void=-1).counts.sum() == 3


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.CrossEntropyLoss(reduction="none"), "one number"),
        (nn.CrossEntropyLoss(ignore_index=255), "-100"),
        (lambda logits, masks: 0.5, "one number"),
    ],
)
def test_a_loss_that_cannot_be_followed_downhill_is_named(loss, message):
    with pytest.raises(ValueError, match=message):
        fit(model(), data(), steps=1, lr=0.1, seed=0, batch=2, loss=loss)


def test_a_loss_may_draw_numbers_and_is_still_a_function_of_the_seed():
    def noisy(logits, masks):
        return F.cross_entropy(logits + torch.randn_like(logits), masks, ignore_index=-100)

    losses = []
    for chance in (1, 2):
        net = model()
        torch.manual_seed(chance)
        losses.append(fit(net, data(), steps=3, lr=0.01, seed=0, batch=2, loss=noisy))
    assert losses[0] == losses[1]


def test_what_is_predicted_may_be_changed_and_learned_from():
    net, images = nn.Conv2d(3, 2, 1), torch.rand(2, 3, 4, 4)
    answers = labels(net, images)
    answers[answers == 1] = 0
    counts = evaluate(net, list(zip(images, answers, strict=True)) * 2).counts
    counts += 1
    assert counts.sum() == 2 * 2 * 16 + 4


def test_a_small_picture_lies_anywhere_in_its_frame():
    generator, image = torch.Generator().manual_seed(0), torch.full((3, 40, 40), 200, dtype=torch.uint8)
    mask, corners = torch.ones(40, 40, dtype=torch.uint8), set()
    for _ in range(30):
        _, known = augmented(image, mask, generator=generator, scale=(0.5, 0.5))
        rows, columns = (known == 1).nonzero(as_tuple=True)
        corners.add((rows.min().item(), columns.min().item()))
    assert len({row for row, _ in corners}) > 5
    assert len({column for _, column in corners}) > 5


def test_what_is_frozen_keeps_its_mode_also_where_it_has_no_weights():
    frozen = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, affine=False), nn.Dropout()).requires_grad_(False)
    net = nn.Sequential(frozen, nn.Conv2d(3, 2, 1), nn.Dropout()).eval()
    seen = []
    net.register_forward_hook(lambda *_: seen.append([part.training for part in (*frozen, *net[1:])]))
    fit(net, data(), steps=1, lr=0.01, seed=0, batch=2)
    assert seen == [[False, False, False, True, True]]


def test_a_loss_whose_void_partial_fixed_is_named():
    with pytest.raises(ValueError, match="-100"):
        fit(model(), data(), steps=1, lr=0.1, seed=0, batch=2, loss=partial(F.cross_entropy, ignore_index=255))
