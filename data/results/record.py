"""What the scripts in this folder share: they store what they measured with the command, date and machine it came
from, run a study on two processes and go on with one that was killed, sum up its runs, and compare two of them."""

import json
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from fcn.metrics import Confusion, boundary_iou

WIDTH = 3  # pixels on each side of an outline that count for boundary IoU


def store(script: str, results: dict, *, threads: int, **about) -> str:
    """Write SCRIPT.json beside the script (its __file__), return its text; `about` joins what it says of itself.

    Replaces what an unfinished study has left (see studied).
    """
    text, part = written(script, "json", results, threads=threads, **about), Path(script).with_suffix(".part.npz")
    if part.exists():
        part.replace(Path(script).with_suffix(".npz"))
    Path(script).with_suffix(".part.json").unlink(missing_ok=True)
    return text


def written(script: str, ending: str, results: dict, *, threads: int, **about) -> str:
    path = Path(script)
    origin = {
        "command": f"python data/results/{path.name}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, threads: {threads}, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}",
    }
    text = json.dumps({"about": origin | about, **results}, indent=2)
    aside = path.with_suffix(".writing")  # a study that is killed while it stores loses nothing
    aside.write_text(f"{text}\n")
    aside.replace(path.with_suffix(f".{ending}"))
    return text


def studied(script: str, recipe: dict, jobs: Iterable[tuple[tuple, str]], run: Callable, **about) -> dict:
    """Return {name: {seed: scores}} of a study, computed by two processes of one thread each.

    A job is (names, seed), and run(names, seed) gives {name: scores} of it. Results go into SCRIPT.part.json as they
    come, so that a study that was killed goes on where it was; until `store` ends it, SCRIPT.json stays what it was.
    To begin anew, delete the part; runs of another `recipe` are not taken over, nor those of a study that has ended,
    since other code may have made them. Arrays among the scores go into SCRIPT.part.npz, later SCRIPT.npz, as
    "name/seed/score". A run that fails ends the study with its error, after what ran beside it is stored.
    """
    path, runs, kept = Path(script).with_suffix(".part.json"), {}, {}
    stored = json.loads(path.read_text()) if path.exists() else {"about": {}}
    if all(stored["about"].get(name) == value for name, value in recipe.items()):
        runs, kept = stored["runs"], arrays(script)
    with ProcessPoolExecutor(2, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        waiting, failed = {}, None
        for names, seed in jobs:
            left = [name for name in names if seed not in runs.setdefault(name, {})]
            if left:
                waiting[pool.submit(run, left, seed)] = seed
        for done in as_completed(waiting):
            if done.cancelled() or done.exception():
                failed = failed or done
                pool.shutdown(wait=False, cancel_futures=True)
                continue
            seed = waiting[done]
            for name, found in done.result().items():
                large = [score for score, value in found.items() if isinstance(value, np.ndarray)]
                kept |= {f"{name}/{seed}/{score}": found.pop(score) for score in large}
                runs[name][seed] = found
                print(seed, name, json.dumps(found)[:200], flush=True)
            if kept:
                aside = Path(script).with_suffix(".writing.npz")
                np.savez_compressed(aside, **kept)
                aside.replace(Path(script).with_suffix(".part.npz"))
            written(script, "part.json", {"runs": runs}, threads=1, workers=2, **recipe, **about)
    if failed:
        failed.result()
    return by_seed(runs)


def by_seed(runs: dict) -> dict:
    return {name: dict(sorted(several.items(), key=lambda item: int(item[0]))) for name, several in runs.items()}


def begun(script: str) -> dict:
    """Return {name: {seed: scores}} of what an unfinished study has stored, runs without a seed left out."""
    runs = json.loads(Path(script).with_suffix(".part.json").read_text())["runs"]
    return by_seed({name: several for name, several in runs.items() if several})


def arrays(script: str) -> dict[str, np.ndarray]:
    """Return what a study has stored in SCRIPT.npz, or in SCRIPT.part.npz while it goes on."""
    paths = (Path(script).with_suffix(ending) for ending in (".part.npz", ".npz"))
    return next((dict(np.load(path)) for path in paths if path.exists()), {})


def scored(truth: torch.Tensor, answer: torch.Tensor, classes: int) -> dict:
    """Return the scores of label maps (N, H, W), by their names."""
    table = Confusion(classes).update(truth, answer)
    return {
        "mean IoU": table.mean_iou(),
        "pixel accuracy": table.pixel_accuracy(),
        "mean accuracy": table.mean_accuracy(),
        "frequency-weighted IoU": table.frequency_weighted_iou(),
        "boundary IoU": boundary_iou(truth, answer, classes, width=WIDTH).nanmean().item(),
        "IoU": table.iou().tolist(),
    }


def by_scene(truth: torch.Tensor, answer: torch.Tensor, classes: int) -> np.ndarray:
    """Return what the IoUs need of each scene: (N, K, 3) uint16, pixels of a class, called it, and both."""
    counts = [Confusion(classes).update(*pair).counts for pair in zip(truth[:, None], answer[:, None], strict=True)]
    return torch.stack([torch.stack([c.sum(1), c.sum(0), c.diagonal()], -1) for c in counts]).numpy().astype("uint16")


def resampled(first: np.ndarray, second: np.ndarray, times: int = 2000) -> dict[str, float]:
    """Return a 95 % bootstrap interval of the difference of two mean IoUs over both seeds and scenes.

    Each is (seeds, N, K, 3), as by_scene gives it; each time seeds and scenes are drawn with replacement, the same
    ones for both.
    """
    random = np.random.default_rng(0)
    seeds, scenes = first.shape[:2]
    means = []
    for network in (first, second):
        draws = np.random.default_rng(1).multinomial(scenes, np.full(scenes, 1 / scenes), times)  # how often each
        label, called, both = np.moveaxis(np.einsum("tn,snkc->stkc", draws, network.astype(float)), -1, 0)
        with np.errstate(invalid="ignore"):
            means.append(np.nanmean(both / (label + called - both), axis=-1))  # (seeds, times)
    differences = means[0] - means[1]
    chosen = random.integers(seeds, size=(seeds, times))
    low, high = np.quantile(np.take_along_axis(differences, chosen, axis=0).mean(axis=0), [0.025, 0.975])
    return {"from": round(low.item(), 4), "to": round(high.item(), 4)}


def summed_up(several: list, digits: int = 4):
    """Return mean and standard deviation over runs of one shape: numbers, or dicts and lists of them."""
    first = several[0]
    if isinstance(first, dict):
        return {name: summed_up([run[name] for run in several], digits) for name in first}
    if isinstance(first, list):
        each = [summed_up(list(values), digits) for values in zip(*several, strict=True)]
        return {part: [values[part] for values in each] for part in ("mean", "sd")}
    sd = round(statistics.stdev(several), digits) if len(several) > 1 else None
    return {"mean": round(statistics.mean(several), digits), "sd": sd}


def interval(first: list[float], second: list[float], digits: int) -> dict[str, float]:
    """Return the mean of first minus second, a pair a seed, its 95 % t-interval, and the p of no difference."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean = statistics.mean(differences)
    half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    p = stats.ttest_1samp(differences, 0).pvalue
    return {"mean": round(mean, digits), "from": round(mean - half, digits), "to": round(mean + half, digits), "p": p}


def holm(comparisons: dict[str, dict]) -> dict[str, dict]:
    """Return the comparisons with their p as Holm (1979) has it, who accounts for how many were asked at once."""
    surest, p = sorted(comparisons, key=lambda name: comparisons[name]["p"]), 0.0
    for place, name in enumerate(surest):
        p = max(p, min(1.0, (len(surest) - place) * comparisons[name]["p"]))
        comparisons[name]["p"], comparisons[name]["p (Holm)"] = (
            float(f"{q:.2g}") for q in (comparisons[name]["p"], p)
        )
    return comparisons


def seconds(function) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def times_faster(slow, fast, rounds: int, digits: int = 1) -> float:
    """Return the median, over the rounds, of how many times longer one call takes than another, alternating."""
    return round(statistics.median(seconds(slow) / seconds(fast) for _ in range(rounds)), digits)
