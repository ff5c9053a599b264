"""What the scripts in this folder share: they store what they measured with the command, date and machine it came
from, go on with a study that was killed, and compare two ways seed by seed."""

import json
import platform
import statistics
from datetime import date
from pathlib import Path

import torch
from scipy import stats


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


def stored_runs(script: str, recipe: dict) -> dict:
    """Return the runs that SCRIPT.json holds, {way: {seed: scores}}, if they are of the same recipe.

    So a study that was killed goes on where it was; to begin anew, delete the file.
    """
    path = Path(script).with_suffix(".json")
    stored = json.loads(path.read_text()) if path.exists() else {"about": {}}
    same = all(stored["about"].get(name) == value for name, value in recipe.items())
    return stored["runs"] if same else {}


def interval(differences: list[float], digits: int) -> dict[str, float]:
    """Return the mean of paired differences, one a seed, and its 95 % t-interval."""
    mean = statistics.mean(differences)
    half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    return {"mean": round(mean, digits), "from": round(mean - half, digits), "to": round(mean + half, digits)}
