"""A picture of any size in tiles: what is blended is what the network says of the whole picture."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from fcn.backbones import small
from fcn.predict import Trained, blocks, label_map, labels, load
from fcn.predict.sized import enlarged, shrunk
from fcn.skips import FCN

REACH = 488  # pixels that the book's FCN-8s sees to each side, by its kernels and strides


class Itself(nn.Module):
    """A network that answers each pixel with itself, and keeps the sizes of what it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, images):
        self.asked.append(tuple(images.shape[2:]))
        return images.clone()


@pytest.fixture(scope="module")
def net():
    """Return a small FCN-8s whose weights, and averages of BatchNorm, are like those of a trained one."""
    torch.manual_seed(0)
    net = FCN(small(), 5, stride=8)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.3, 0.3), nn.init.uniform_(layer.running_var, 0.3, 1)
    for layer in (net.score_fr, net.score_pool4, net.score_pool3):
        nn.init.normal_(layer.weight)
    return net.eval()


@pytest.fixture(scope="module")
def streets():
    return load("camvid-fcn8s").net


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    coarse = torch.from_numpy(random.uniform(0, 255, (1, 3, height // 8 + 2, width // 8 + 2)).astype(np.float32))
    return F.interpolate(coarse, (height, width), mode="bilinear")[0].to(torch.uint8)


def joined(net, image, **how) -> torch.Tensor:
    """Return all logits (K, H, W), NaN where no block came."""
    found = None
    for rows, columns, logits in blocks(net, image, **how):
        if found is None:
            found = torch.full((len(logits), *image.shape[1:]), torch.nan)
        assert found[:, rows, columns].isnan().all(), "a pixel came twice"
        found[:, rows, columns] = logits
    return found


side = st.integers(1, 230)
in_cells = st.integers(1, 6)


@settings(deadline=None, max_examples=80)
@given(height=side, width=side, tile=in_cells, overlap=st.none() | st.integers(0, 5))
def test_every_pixel_comes_once_and_its_weights_sum_to_one(height, width, tile, overlap):
    if overlap is not None:
        overlap = 32 * min(overlap, tile - 1)
    image, net = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)), Itself()
    found = joined(net, image, tile=32 * tile, overlap=overlap)
    torch.testing.assert_close(found, image, atol=1e-6, rtol=1e-6)
    assert all(max(size) <= 32 * tile for size in net.asked)


def test_the_logits_of_tiles_that_see_enough_are_those_of_the_whole_picture(net):
    # 4x4 at stride 4, then 3x3: at 4, 8, 16, 16, 32, and 2x2 pooling between; enlarging adds 16 + 8 + 7
    sees = (4 + 2 * (4 + 8 + 16 + 16 + 32) + 4 + 8 + 16) // 2 + 31
    assert sees <= (288 - 32) // 2
    for size in ((600, 333), (391, 704)):
        image = picture(*size)
        with torch.no_grad():
            whole = net(image[None])[0]
        found = joined(net, image, tile=384, overlap=288)
        assert (found - whole).abs().max() < 1e-4
        assert torch.equal(label_map(net, image, tile=384, overlap=288), whole.argmax(0).to(torch.uint8))


def test_tiles_that_see_too_little_differ_a_little_and_the_more_they_see_the_less(net):
    image = picture(500, 700)
    with torch.no_grad():
        whole = net(image[None])[0]
    off = [(joined(net, image, tile=384, overlap=overlap) - whole).abs().max().item() for overlap in (0, 96, 224)]
    assert off[0] > off[1] > off[2] > 1e-4


def test_the_books_network_sees_488_pixels_to_each_side_at_most(streets):
    image = torch.randint(256, (3, 32, 1344), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, reached = streets(image[None])[0], []
        for column in (640, 655, 671, 672, 687):
            changed = image.clone()
            changed[:, :, column] = 255 - changed[:, :, column]
            differs = (streets(changed[None])[0] != before).any(0).any(0).nonzero()
            reached += [column - differs.min().item(), differs.max().item() - column]
    assert 300 < max(reached) <= REACH


def test_with_an_overlap_of_1024_the_books_network_answers_in_tiles_as_it_does_at_once(streets):
    for image in (picture(64, 2400), picture(2400, 40)):
        with torch.no_grad():
            whole = streets(image[None])[0]
        assert (joined(streets, image, tile=1280, overlap=1024) - whole).abs().max() < 1e-4
    assert REACH <= (1024 - 32) // 2


def test_by_default_a_large_picture_is_asked_in_tiles_that_are_close_to_it(streets):
    image = picture(64, 4300)
    with torch.no_grad():
        whole = streets(image[None])[0]
    found = joined(streets, image)
    assert 0 < (found - whole).abs().max() < 1
    assert (found.argmax(0) == whole.argmax(0)).float().mean() > 0.995


def test_a_small_picture_is_asked_at_once_and_answered_as_ever(net):
    for size in ((1, 1), (5, 300), (200, 310)):
        image = picture(*size)
        assert torch.equal(label_map(net, image), labels(net, image))
        with torch.no_grad():
            assert torch.equal(joined(net, image), net(image[None])[0])


@pytest.mark.parametrize(
    ("size", "largest", "count"),
    [((1080, 1920), (1080, 1920), 1), ((1, 4096), (1, 4096), 1), ((1, 4097), (1, 1280), 5),
     ((1500, 1500), (1280, 1280), 4), ((30_000, 10), (1280, 10), 39)],
)  # fmt: skip
def test_up_to_2_21_pixels_and_4096_a_side_a_picture_is_asked_at_once(size, largest, count):
    net = Itself()
    assert label_map(net, torch.zeros(3, *size)).shape == size
    assert max(net.asked) == largest
    assert len(net.asked) == count


def test_a_very_long_picture_is_answered(net):
    image = picture(30_000, 10)
    found = label_map(net, image)
    assert found.shape == (30_000, 10)
    with torch.no_grad():
        whole = net(image[None, :, :3200])[0].argmax(0)
    assert (found[:3000] == whole[:3000]).float().mean() > 0.999


def test_the_network_stays_in_its_mode_and_gradients_stay_on_between_the_blocks(net):
    net.train()
    try:
        for _ in blocks(net, picture(100, 100), tile=64):
            assert net.training
            assert all(part.training for part in net.modules())
            assert torch.is_grad_enabled()
    finally:
        net.eval()


def test_the_picture_is_not_changed(net):
    image = picture(150, 90)
    before = image.clone()
    label_map(net, image, tile=64)
    list(blocks(Itself(), image.float(), tile=96))
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"tile": 100}, r"multiples of 32; got \(100, 32\)"),
        ({"tile": 64, "overlap": 64}, "smaller overlap"),
        ({"tile": 64, "overlap": 16}, "multiples of 32"),
        ({"tile": 0}, "side of a tile"),
        ({"tile": 64.0}, "side of a tile"),
        ({"overlap": -32}, "the overlap"),
    ],
)
def test_a_tile_that_does_not_fit_the_networks_cells_is_refused(how, message):
    with pytest.raises(ValueError, match=message) as error:
        label_map(Itself(), torch.zeros(3, 200, 200), **how)
    assert len(str(error.value).splitlines()) == 1


class Halved(nn.Module):
    def forward(self, images):
        return images[:, :, ::2, ::2]


class Named(nn.Module):
    def forward(self, images):
        return {"out": images}


@pytest.mark.parametrize(("net", "message"), [(Halved(), "as large as the image"), (Named(), "returns a dict")])
def test_what_answers_with_no_logits_of_the_pictures_size_is_refused(net, message):
    with pytest.raises(ValueError, match=message):
        label_map(net, torch.zeros(3, 64, 64))


def test_logits_that_are_no_numbers_are_refused_in_tiles_too():
    image = torch.zeros(3, 200, 200)
    image[1, 150, 150] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        label_map(Itself(), image, tile=64)


MEASURED = """
import resource, torch
from fcn.predict import label_map
net = torch.nn.Conv2d(3, 40, 1)
label_map(net, torch.zeros(3, 64, 64))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
label_map(net, torch.zeros(3, 12_000, 320))
print((peak() - before) * (1 if __import__("sys").platform == "darwin" else 1024))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say how much memory was held")
def test_memory_grows_by_the_picture_and_not_by_its_logits():
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    picture, tile = 12_000 * 320 * (3 * 4 + 1), 1280 * 320 * 40 * 4
    assert int(done.stdout) < picture + 4 * tile < 12_000 * 320 * 40 * 4 / 1.9


@pytest.mark.parametrize(
    ("size", "low"), [((30, 40), (3, 4)), ((1000, 1300), (64, 83)), ((17, 1), (5, 1)), ((2500, 1000), (640, 256))]
)
def test_logits_enlarged_band_by_band_are_those_enlarged_at_once(size, low):
    logits = torch.randn(1, 4, *low, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(logits, size, mode="bilinear")[0]
    found = torch.full((4, *size), torch.nan)
    for rows, columns, band in enlarged(logits[0], *size):
        assert found[:, rows, columns].isnan().all()
        assert band[0].numel() <= 2**20
        found[:, rows, columns] = band
    assert (found - expected).abs().max() < 1e-3  # torch rounds the places


def test_a_photograph_is_made_smaller_as_it_is_for_training():
    from fcn.datasets import resized
    from fcn.runs.sized import within

    image = picture(303, 457)
    small = shrunk(image, 128)
    assert small.shape[1:] == within((303, 457), 128) == (85, 128)
    mask = torch.zeros(303, 457, dtype=torch.uint8)
    expected = resized(image, mask, (85, 128))[0]
    assert (small.int() - expected.int()).abs().max() <= 1
    assert shrunk(image, 457) is image
    assert shrunk(image, 0) is image


def test_a_network_trained_on_small_photographs_gets_large_ones_as_small_and_answers_in_their_size(net):
    trained = Trained(net, list("abcde"), {"network": {"longest": 96}})
    image = picture(250, 300)
    small = shrunk(image, 96)
    with torch.no_grad():
        expected = F.interpolate(net(small[None]), (250, 300), mode="bilinear")[0].argmax(0)
    found = trained(image)
    assert found.shape == (250, 300)
    assert (found == expected).float().mean() > 0.9999
    assert torch.equal(trained(small), labels(net, small))
