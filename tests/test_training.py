"""Training, scoring and keeping: against the same loop written out, and against kill -9."""

import os
import random
import subprocess
import sys
import time

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from fcn import training
from fcn.backbones import small
from fcn.skips import FCN
from fcn.training import augmented, evaluate, fit, resume, save


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


def test_sgd_with_a_polynomial_rate_is_that_of_the_papers():
    net, by_hand = model(), model()
    examples = data(4)
    fit(net, examples, steps=3, lr=0.1, generator=generator(), batch=4, optimizer="sgd", schedule="polynomial")
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


@pytest.mark.parametrize("options", [{"mixed": True}, {"channels_last": True}, {"augment": True}, {"progress": True}])
def test_each_option_still_trains(options):
    net = model()
    losses = fit(net, data(), steps=60, lr=0.1, generator=generator(), batch=4, **options)
    assert sum(losses[-10:]) < 0.92 * sum(losses[:10])
    assert net.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": 3}, "at least 4 images .* got 3"),
        ({"data": 0}, "at least 4 images .* got 0"),
        ({"steps": 0}, "got 12, 4, 0"),
        ({"steps": 2.5}, "got 12, 4, 2.5"),
        ({"every": 0}, "2 and 0"),
        ({"batch": 0}, "1 images .* got 12, 0"),
        ({"generator": None}, r"torch\.Generator\(\)\.manual_seed.* got None"),
        ({"lr": 0}, "rate above 0; got 0"),
        ({"lr": float("nan")}, "rate above 0; got nan"),
        ({"lr": "0.1"}, "rate above 0; got '0.1'"),
        ({"optimizer": "adam"}, "adamw or sgd, .* got 'adam'"),
        ({"schedule": "cosine"}, "one-cycle or polynomial; .* 'cosine'"),
    ],
)
def test_training_is_refused_in_one_line_where_it_could_not_work(changed, message):
    asked = {"steps": 2, "lr": 0.1, "batch": 4, "generator": generator()} | changed
    examples = data(max(1, asked.pop("data", 12)))
    if changed.get("data") == 0:
        examples = TensorDataset(*(tensor[:0] for tensor in examples.tensors))
    with pytest.raises(ValueError, match=message):
        fit(model(), examples, **asked)


def test_a_model_with_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="no parameter to train"):
        fit(model().requires_grad_(False), data(), steps=2, lr=0.1, generator=generator(), batch=4)


def test_a_loss_that_is_no_number_stops_training():
    examples = TensorDataset(torch.full((4, 3, 8, 8), torch.nan), torch.zeros(4, 8, 8).byte())
    with pytest.raises(ValueError, match=r"nan at step 0: try a smaller rate than 0\.1"):
        fit(model(), examples, steps=2, lr=0.1, generator=generator(), batch=4)


@pytest.mark.parametrize(
    ("label", "message"), [(255, "nothing but void"), (7, r"0\.\.1 or 255 \(void\); got 7"), (-1, "got -1")]
)
def test_labels_that_cannot_be_learned_are_named(label, message):
    examples = TensorDataset(torch.rand(4, 3, 8, 8), torch.full((4, 8, 8), label))
    with pytest.raises(ValueError, match=message):
        fit(model(), examples, steps=2, lr=0.1, generator=generator(), batch=4)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (torch.zeros(4, 1, 8, 8).byte(), r"shape \(4, 8, 8\) .* got \(4, 1, 8, 8\)"),
        (torch.zeros(4, 4, 8).byte(), r"shape \(4, 8, 8\) .* got \(4, 4, 8\)"),
        (torch.full((4, 8, 8), 3 / 255), r"whole numbers.* got torch\.float32\. Read them without scaling"),
    ],
)
def test_masks_that_are_no_maps_of_labels_are_refused(masks, message):
    with pytest.raises(ValueError, match=message):
        fit(model(), TensorDataset(torch.rand(4, 3, 8, 8), masks), steps=2, lr=0.1, generator=generator(), batch=4)


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
        seen.add((known.all().item(), pair[1][0, 0].item()))
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
    with pytest.raises(ValueError, match=r"\(3, 8, 8\), \(8, 9\)"):
        augmented(torch.zeros(3, 8, 8), torch.zeros(8, 9), generator=generator())


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
    with pytest.raises(ValueError, match="data set is empty"):
        evaluate(model(), empty)


# --- checkpoints ----------------------------------------------------------------------------------------------------

SCRIPT = """
import sys, time, torch
from torch import nn
from torch.utils.data import Dataset
from fcn.training import fit, save
torch.set_num_threads(1)

class Slow(Dataset):
    def __len__(self):
        return 24
    def __getitem__(self, index):
        time.sleep(0.0005)
        image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(index))
        return image, (image.sum(0) > 1.5).to(torch.uint8)

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), nn.Conv2d(8, 2, 1))
print("started", flush=True)
losses = fit(net, Slow(), steps=240, lr=0.05, generator=torch.Generator().manual_seed(5), batch=5, augment=True,
             checkpoint=sys.argv[1], every=3)
torch.save([losses, net.state_dict()], sys.argv[2])
"""


def started(folder, name: str) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, str(folder / f"{name}.safetensors"), str(folder / f"{name}.pt")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_killed_at_ten_random_moments_training_ends_with_the_same_weights_bit_for_bit(tmp_path):
    with started(tmp_path, "whole") as process:
        process.wait()
    assert process.returncode == 0
    waits, steps = random.Random(time.time_ns()), []
    for _ in range(10):
        with started(tmp_path, "killed") as process:
            process.stdout.readline()
            time.sleep(waits.uniform(0.02, 0.25))
            process.kill()
        if (tmp_path / "killed.safetensors").exists():
            with safetensors.safe_open(tmp_path / "killed.safetensors", framework="pt") as file:
                steps.append(len(training.json.loads(file.metadata()["fcn"])["losses"]))
    assert len(set(steps)) > 3, f"it was killed at steps {steps}: too early or too late to prove anything"
    with started(tmp_path, "killed") as process:
        process.wait()
    assert process.returncode == 0
    (losses, weights), (expected_losses, expected) = (
        torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("killed", "whole")
    )
    assert losses == expected_losses
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 7])
@pytest.mark.parametrize("options", [{}, {"augment": True, "optimizer": "sgd", "schedule": "polynomial"}])
def test_a_training_that_stopped_goes_on_at_the_same_step_of_the_same_epoch(tmp_path, monkeypatch, stop, options):
    asked = {"steps": 8, "lr": 0.05, "batch": 4, **options}  # three batches an epoch
    whole = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(1)
    expected = fit(whole, data(), generator=generator(), **asked)

    real, calls = training.save, []

    def dies_after(path, *arguments, **about):
        real(path, *arguments, **about)
        calls.append(path)
        if len(calls) == stop:
            raise KeyboardInterrupt

    path = tmp_path / "net.safetensors"
    net = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(1)
    monkeypatch.setattr(training, "save", dies_after)
    with pytest.raises(KeyboardInterrupt):
        fit(net, data(), generator=generator(), checkpoint=path, every=1, **asked)
    monkeypatch.undo()
    again = nn.Sequential(nn.Dropout(0.5), model())
    torch.manual_seed(99)
    assert fit(again, data(), generator=generator(), checkpoint=path, every=1, **asked) == expected
    assert torch.equal(again[1].weight, whole[1].weight)
    # a training that has ended is not trained again
    assert fit(again, data(), generator=generator(), checkpoint=path, every=1, **asked) == expected


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(tmp_path):
    path = tmp_path / "net.safetensors"
    images, masks = data(12).tensors
    images[7] = torch.nan
    net = model()
    with pytest.raises(ValueError, match="nan at step"):
        fit(
            net,
            TensorDataset(images, masks),
            steps=9,
            lr=0.1,
            generator=generator(),
            batch=4,
            every=1,
            checkpoint=path,
        )
    if path.exists():
        assert all(tensor.isfinite().all() for tensor in safetensors.torch.load_file(path).values())


def test_weights_that_are_no_numbers_are_not_saved_over_good_ones(tmp_path):
    path, net = tmp_path / "net.safetensors", model()
    save(path, net, seed=3)
    before = path.read_bytes()
    with torch.no_grad():
        net.weight[0, 0] = torch.inf
    with pytest.raises(ValueError, match="weight is no longer finite: not saved"):
        save(path, net)
    assert path.read_bytes() == before


def test_what_is_saved_comes_back_with_what_was_said_of_it_in_half_precision_too(tmp_path):
    torch.manual_seed(0)
    net, other = FCN(small(), 5, 8), FCN(small(), 5, 8)
    nn.init.normal_(net.score_fr.weight)
    save(tmp_path / "whole.safetensors", net, seed=3, words=["a"])
    assert resume(tmp_path / "whole.safetensors", other) == {"seed": 3, "words": ["a"]}
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in other.state_dict().items())
    save(tmp_path / "half.safetensors", net.half())
    resume(tmp_path / "half.safetensors", other)
    assert other.score_fr.weight.dtype == torch.float32
    assert torch.equal(other.score_fr.weight, net.score_fr.weight.float())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: FCN(small(), 7, 16), r"other classes: score_fr\.bias is \(5,\) there and \(7,\)"),
        (lambda: FCN(small(), 5, 8), "score_pool3.bias: the model has it, the file lacks it"),
        (lambda: FCN(small(), 5, 32), "score_pool4.bias: the file has it, the model lacks it"),
        (model, "is of another network"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_and_nothing_is_loaded(tmp_path, other, message):
    path = tmp_path / "net.safetensors"
    save(path, FCN(small(), 5, 16))
    net = other()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        resume(path, net)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, kept):
    path = tmp_path / "net.safetensors"
    save(path, model())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"net\.safetensors is damaged or no checkpoint"):
        resume(path, model())


def test_files_that_are_missing_or_say_nothing_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*gone\.safetensors"):
        resume(tmp_path / "gone.safetensors", model())
    nowhere = tmp_path / "nowhere" / "net.safetensors"
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        save(nowhere, model())
    broken = TensorDataset(torch.full((4, 3, 8, 8), torch.nan), torch.zeros(4, 8, 8).byte())
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):  # before the first step
        fit(model(), broken, steps=4, lr=0.1, generator=generator(), batch=4, checkpoint=nowhere)
    with pytest.raises(FileNotFoundError, match=r"is a folder: name a file"):
        save(tmp_path, model())
    safetensors.torch.save_file(model().state_dict(), tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match=r"not written by fcn\.training\.save"):
        resume(tmp_path / "foreign.safetensors", model())


def test_the_state_of_another_optimizer_is_refused_and_nothing_is_loaded(tmp_path):
    path, net = tmp_path / "net.safetensors", model()
    fit(net, data(), steps=4, lr=0.1, generator=generator(), batch=4, checkpoint=path)
    other = model()
    for optimizer in (
        torch.optim.SGD(other.parameters(), 0.1, momentum=0.9),
        torch.optim.Adagrad(other.parameters()),
    ):
        with pytest.raises(ValueError, match=f"another optimizer than {type(optimizer).__name__}"):
            resume(path, other, optimizer)
        assert torch.equal(other.weight, model().weight)


def test_a_checkpoint_of_other_settings_or_of_weights_alone_is_no_training_to_go_on_with(tmp_path):
    path = tmp_path / "net.safetensors"
    fit(model(), data(), steps=4, lr=0.1, generator=generator(), batch=4, checkpoint=path)
    with pytest.raises(ValueError, match=r"training with lr 0\.1; this one has 0\.2"):
        fit(model(), data(), steps=4, lr=0.2, generator=generator(), batch=4, checkpoint=path)
    other = model()
    nn.init.ones_(other.weight)
    with pytest.raises(ValueError, match="training with steps 4; this one has 5"):
        fit(other, data(), steps=5, lr=0.1, generator=generator(), batch=4, checkpoint=path)
    assert (other.weight == 1).all()
    save(path, model())
    with pytest.raises(ValueError, match="holds weights alone"):
        fit(model(), data(), steps=4, lr=0.1, generator=generator(), batch=4, checkpoint=path)
