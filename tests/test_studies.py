"""What data/results/record.py says of runs: intervals, corrections, and studies that were killed."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from notebooks import ROOT
from scipy import stats

from fcn import results
from fcn.metrics import Confusion

FIRST, SECOND = [0.41, 0.44, 0.40, 0.47], [0.38, 0.43, 0.41, 0.42]


@pytest.fixture(scope="module")
def record():
    spec = importlib.util.spec_from_file_location("record", ROOT / "data" / "results" / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_interval_of_a_difference_is_that_of_the_paired_t_test(record):
    found, test = record.interval(FIRST, SECOND, 6), stats.ttest_rel(FIRST, SECOND)
    low, high = test.confidence_interval(0.95)
    assert (found["from"], found["to"]) == pytest.approx((low, high), abs=1e-6)
    assert found["p"] == pytest.approx(test.pvalue)


def test_holms_p_accounts_for_how_many_were_asked_and_never_falls_below_a_surer_one(record):
    found = record.holm({"b": {"p": 0.03}, "a": {"p": 0.01}, "c": {"p": 0.04}, "d": {"p": 0.005}})
    assert {name: each["p (Holm)"] for name, each in found.items()} == {"d": 0.02, "a": 0.03, "b": 0.06, "c": 0.06}


def test_a_bootstrap_over_seeds_and_scenes_holds_the_difference_and_is_wider_where_scenes_differ(record):
    random = torch.Generator().manual_seed(0)
    truth = torch.randint(3, (40, 12, 12), generator=random, dtype=torch.uint8)

    def answers(*, wrong):  # a share of the pixels for each scene
        other = torch.randint(3, truth.shape, generator=random, dtype=torch.uint8)
        return torch.where(torch.rand(truth.shape, generator=random) < wrong[:, None, None], other, truth)

    def difference(truth, pair):
        scenes, seeds = (torch.randint(n, (n,), generator=random) for n in (40, 3))
        first, second = (
            np.mean([Confusion(3).update(truth[scenes], several[seed][scenes]).mean_iou() for seed in seeds])
            for several in pair
        )
        return first - second

    alike, unlike = torch.full((40,), 0.4), 0.8 * (torch.arange(40) % 2)
    widths = []
    for wrong in (alike, unlike):
        pair = [[answers(wrong=share * wrong) for _ in range(3)] for share in (0.5, 1)]
        counts = [np.stack([record.by_scene(truth, one, 3) for one in several]) for several in pair]
        found = record.resampled(*counts)
        mean = [np.mean([Confusion(3).update(truth, one).mean_iou() for one in several]) for several in pair]
        assert 0 < found["from"] < mean[0] - mean[1] < found["to"]
        widths.append(found["to"] - found["from"])
        drawn = [difference(truth, pair) for _ in range(200)]
        assert widths[-1] == pytest.approx(2 * stats.norm.ppf(0.975) * np.std(drawn), rel=0.2)
    assert widths[1] > 1.5 * widths[0]


STUDY = """
import sys
import time
from record import store, studied
import numpy as np

def run(names, seed):
    if seed == sys.argv[1]:
        raise KeyboardInterrupt("killed")
    time.sleep(0 if sys.argv[1] == "-" else 3)  # what goes on beside it ends after it, and is kept
    with open(__file__ + ".log", "a") as log:
        print(*names, seed, file=log)
    return {name: {"score": len(name) + int(seed), "cells": np.full(2, int(seed))} for name in names}

if __name__ == "__main__":
    jobs = [(("one", "three"), seed) for seed in "01"]
    runs = studied(__file__, {"steps": int(sys.argv[2])}, jobs, run)
    store(__file__, {"runs": runs}, threads=1, steps=int(sys.argv[2]))
"""


def test_a_study_that_was_killed_goes_on_where_it_was_and_takes_over_no_runs_of_another_recipe(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(STUDY)

    def study(killed, steps):
        paths = f"{ROOT}:{ROOT / 'data' / 'results'}"
        command = [sys.executable, str(script), killed, steps]
        return subprocess.run(command, env={"PYTHONPATH": paths}, capture_output=True, check=False).returncode

    def log():
        return sorted((tmp_path / "study.py.log").read_text().splitlines())

    assert study("1", "10") != 0
    assert json.loads((tmp_path / "study.part.json").read_text())["runs"]["one"] == {"0": {"score": 3}}
    assert not (tmp_path / "study.json").exists()
    assert study("-", "10") == 0
    assert log() == ["one three 0", "one three 1"]
    assert json.loads((tmp_path / "study.json").read_text())["runs"]["three"]["1"] == {"score": 6}
    assert sorted(np.load(tmp_path / "study.npz"))[0] == "one/0/cells"
    assert list(tmp_path.glob("*.part.*")) == []
    assert study("1", "20") != 0
    assert study("-", "30") == 0
    assert log() == ["one three 0"] * 3 + ["one three 1"] * 2


MIXED = {  # what chapter 5 calls the steps from the sum to U-Net
    "sum": "8s at once",
    "1x1, BatchNorm and ReLU": "8s by concatenation, 1x1",
    "1x1": "8s by concatenation, 1x1",
    "3x3, few weights": "8s by concatenation, few weights",
    "3x3": "8s by concatenation",
}


def compared(study):
    """Yield (what is stored, score, two networks) for each difference of a study."""
    for score, each in study.get("minus cross-entropy", {}).items():
        network, score = score.split(", ")
        yield each, score, (network, "cross-entropy")
    for name, each in study.get("right minus off", {}).items():
        score, network = name.split(", ")
        yield each, score, (f"{network} right", f"{network} off")
    for name, each in (pair for kind, pairs in study.items() if "afterwards" in kind or "comparisons" in kind
                       for pair in pairs.items()):  # fmt: skip
        if "mean" in each:
            score, names = name.split(", ", 1)
            yield each, score, names.split(" minus ")
        else:
            names = [MIXED.get(part, part) for part in name.replace(" staged", "").split(" minus ")]
            yield from ((found, score, names) for score, found in each.items())


@pytest.mark.parametrize(
    ("name", "count"), [("imbalance", 16), ("alignment", 4), ("checkerboard", 35), ("skips", 68)]
)
def test_every_stored_interval_is_that_of_the_paired_t_test_of_the_runs(name, count):
    study = results(name)

    def score_of(run, score):
        split, _, rest = score.rpartition(", ")
        return run.get("trained", run.get(split, run))[rest]

    found = list(compared(study))
    assert len(found) == count
    for each, score, networks in found:
        pair = [[score_of(run, score) for run in study["runs"][network].values()] for network in networks]
        low, high = stats.ttest_rel(*pair).confidence_interval(0.95)
        assert (each["from"], each["to"]) == pytest.approx((low, high), abs=1e-4)
        assert each["mean"] == pytest.approx(np.mean(np.subtract(*pair)), abs=1e-4)
