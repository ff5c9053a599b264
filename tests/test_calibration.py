"""What chapter 6 says of how sure a network is."""

import pytest
import torch

from fcn.calibration import Reliability, temperature


@pytest.fixture
def logits():
    return 3 * torch.randn(2, 5, 20, 30, generator=torch.Generator().manual_seed(0))


def drawn(probabilities, seed=1):
    """Return label maps in which each pixel is what its probabilities say."""
    count, classes, height, width = probabilities.shape
    flat = probabilities.permute(0, 2, 3, 1).reshape(-1, classes)
    chosen = torch.multinomial(flat, 1, generator=torch.Generator().manual_seed(seed))
    return chosen.view(count, height, width).to(torch.uint8)


def test_a_network_that_is_as_often_right_as_it_is_sure_has_no_calibration_error(logits):
    probabilities = logits.repeat(40, 1, 1, 1).softmax(1)
    assert Reliability().update(drawn(probabilities), probabilities).expected_error() < 0.01


def test_the_expected_calibration_error_is_what_a_loop_over_the_bins_finds(logits):
    probabilities, truth = logits.softmax(1), drawn(logits.mul(0.3).softmax(1))
    truth[0, :5] = 255
    sure, named = (part[truth != 255].tolist() for part in probabilities.max(1))
    true, total = truth[truth != 255].tolist(), 0.0
    for index in range(10):
        chosen = [k for k, value in enumerate(sure) if min(int(value * 10), 9) == index]
        if chosen:
            right = sum(named[k] == true[k] for k in chosen) / len(chosen)
            total += len(chosen) / len(sure) * abs(right - sum(sure[k] for k in chosen) / len(chosen))
    assert Reliability(10).update(truth, probabilities).expected_error() == pytest.approx(total, abs=1e-5)


@pytest.mark.parametrize("hidden", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_taken_away_is_found_again(logits, hidden):
    logits = logits.repeat(40, 1, 1, 1)
    truth = drawn(logits.div(hidden).softmax(1))
    assert temperature(logits, truth) == pytest.approx(hidden, rel=0.05)


def test_void_decides_no_temperature(logits):
    truth = drawn(logits.softmax(1))
    wrong = truth.clone()
    wrong[:, :4] = 255
    assert temperature(logits, wrong) == pytest.approx(temperature(logits[:, :, 4:], truth[:, 4:]), rel=1e-6)


def test_logits_are_no_probabilities(logits):
    with pytest.raises(ValueError, match=r"sum to 1 \(logits.softmax\(1\)\)"):
        Reliability().update(torch.zeros(2, 20, 30, dtype=torch.uint8), logits)


def test_nothing_but_void_has_no_temperature(logits):
    with pytest.raises(ValueError, match="a known pixel or more"):
        temperature(logits, torch.full((2, 20, 30), 255, dtype=torch.uint8))
