"""How the scripts in this folder store what they measured: with the command, date and machine it came from."""

import json
import platform
from datetime import date
from pathlib import Path

import torch


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
