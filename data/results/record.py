"""How the scripts in this folder store what they measured: with the command, date and machine it came from."""

import json
import platform
from datetime import date
from pathlib import Path

import torch


def store(script: str, results: dict, *, threads: int, **about) -> None:
    """Write SCRIPT.json beside the script (its __file__) and print it; `about` is added to what it says of itself."""
    path = Path(script)
    origin = {
        "command": f"python data/results/{path.name}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, threads: {threads}, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}",
    }
    text = json.dumps({"about": origin | about, **results}, indent=2)
    path.with_suffix(".json").write_text(f"{text}\n")
    print(text)
