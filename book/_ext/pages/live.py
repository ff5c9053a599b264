"""The page that segments live: its script, the program that runs networks, and what they work on."""

import csv
import json
import shutil
from pathlib import Path

from pages.widgets import as_script

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [ROOT / "book" / "live" / f"{name}.js" for name in ("machine", "scene", "street", "live")]
PROGRAM = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]  # of npm's onnxruntime-web
STYLES = ("noto", "fluent")  # one of those that the networks were trained on, and the one that they were not
BACKGROUNDS = {  # of those that no network was trained on, unlike ones, and what a reader would call them
    "sunrise-135": "a meadow", "sunrise-030": "a field against the sun", "sunrise-225": "a field, a tree",
    "night-000": "a field at dusk", "night-120": "a field in the evening", "night-240": "the last light",
    "lab-255": "a laboratory", "gravel-1": "gravel",
}  # fmt: skip
PHOTOGRAPHS = ["junction", "station", "platform", "highway", "town", "porch"]  # the first is shown first


def write_live(static: Path) -> None:
    """Write figures/live.js, its state, and the folder live/: networks, program, sprites and photographs."""
    folder, data = static / "live", ROOT / "data"
    about = {
        "networks": json.loads((data / "checkpoints" / "live.json").read_text(encoding="utf-8")),
        "sprites": sprites(data / "sprites"), "backgrounds": BACKGROUNDS, "photographs": PHOTOGRAPHS,
    }  # fmt: skip
    program = [ROOT / "node_modules" / "onnxruntime-web" / "dist" / name for name in PROGRAM]
    about["program"] = program[1].stat().st_size
    wanted = {
        f"{name}.{kind}": data / "checkpoints" for name in about["networks"] for kind in ("onnx", "safetensors")
    }
    wanted |= {f"backgrounds/{name}.webp": data / "backgrounds" / "val" for name in BACKGROUNDS}
    wanted |= {f"photographs/{name}.jpg": data / "photographs" for name in PHOTOGRAPHS}
    wanted |= {sprite["file"]: (data / sprite["file"]).parent for sprite in about["sprites"].values()}
    for name, source in wanted.items():
        copied(source / Path(name).name, folder / name)
    for source in (*program, ROOT / "book" / "live" / "live.css"):
        copied(source, folder / source.name)
    own = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)
    (static / "figures" / "live.js").write_text(as_script("live", own), encoding="utf-8")
    state = json.dumps({"about": about})
    (static / "figures" / "state-live.js").write_text(f'fcnStates["live"] = {state};\n', encoding="utf-8")


def sprites(folder: Path) -> dict[str, dict]:
    """Return {style-class: file and class}, the first sprite of each class in each style.

    (fcn.scenes knows them too, but where only the pages are built there is no torch, which it needs.)
    """
    found = {}
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["style"] in STYLES:
                found.setdefault(
                    f"{row['style']}-{row['class']}", {"file": f"sprites/{row['file']}", "class": row["class"]}
                )
    return found


def copied(source: Path, target: Path) -> None:
    if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
