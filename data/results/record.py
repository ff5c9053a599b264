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

import torch
from scipy import stats

from fcn.metrics import Confusion, boundary_iou

WIDTH = 3  # pixels on each side of an outline that count for boundary IoU


def store(script: str, results: dict, *, threads: int, **about) -> str:
    """Write SCRIPT.json beside the script (its __file__), return its text; `about` joins what it says of itself."""
    path = Path(script)
    origin = {
        "command": f"python data/results/{path.name}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, threads: {threads}, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}",
    }
    text = json.dumps({"about": origin | about, **results}, indent=2)
    aside = path.with_suffix(".json.part")  # a study that is killed while it stores loses nothing
    aside.write_text(f"{text}\n")
    aside.replace(path.with_suffix(".json"))
    return text


def studied(script: str, recipe: dict, jobs: Iterable[tuple[tuple, str]], run: Callable, **about) -> dict:
    """Return {name: {seed: scores}} of a study, computed by two processes of one thread each.

    A job is (names, seed), and run(names, seed) gives {name: scores} of it. Results are stored in SCRIPT.json as
    they come, so that a study that was killed goes on where it was; to begin anew, delete the file. Runs of another
    `recipe` are not taken over.
    """
    path, runs = Path(script).with_suffix(".json"), {}
    stored = json.loads(path.read_text()) if path.exists() else {"about": {}}
    if all(stored["about"].get(name) == value for name, value in recipe.items()):
        runs = stored["runs"]
    with ProcessPoolExecutor(2, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        waiting = {}
        for names, seed in jobs:
            left = [name for name in names if seed not in runs.setdefault(name, {})]
            if left:
                waiting[pool.submit(run, left, seed)] = seed
        for done in as_completed(waiting):
            for name, found in done.result().items():
                runs[name][waiting[done]] = found
                print(waiting[done], name, json.dumps(found)[:200], flush=True)
            store(script, {"runs": runs}, threads=1, workers=2, **recipe, **about)
    return {name: dict(sorted(several.items(), key=lambda item: int(item[0]))) for name, several in runs.items()}


def stored_runs(script: str, recipe: dict) -> dict:
    """Return the runs that SCRIPT.json holds, {network: {seed: scores}}, if they are of the same recipe.

    So a study that was killed goes on where it was; to begin anew, delete the file.
    """
    path = Path(script).with_suffix(".json")
    stored = json.loads(path.read_text()) if path.exists() else {"about": {}}
    same = all(stored["about"].get(name) == value for name, value in recipe.items())
    return stored["runs"] if same else {}


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


def summed_up(several: list, digits: int = 4):
    """Return mean and standard deviation over runs of one shape: numbers, or dicts and lists of them."""
    first = several[0]
    if isinstance(first, dict):
        return {name: summed_up([run[name] for run in several], digits) for name in first}
    if isinstance(first, list):
        each = [summed_up(list(values), digits) for values in zip(*several, strict=True)]
        return {part: [values[part] for values in each] for part in ("mean", "sd")}
    return {"mean": round(statistics.mean(several), digits), "sd": round(statistics.stdev(several), digits)}


def interval(differences: list[float], digits: int) -> dict[str, float]:
    """Return the mean of paired differences, one a seed, its 95 % t-interval, and the p of no difference."""
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
