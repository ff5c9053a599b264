"""Train camvid-fcn8s, the network of chapter 6, where CamVid is. Run: python data/checkpoints/train_camvid.py

It is the run "three times as long" of data/results/camvid.py with seed 0, half an hour on two cores, or an hour and
more where others use them; --run recipe takes a third of that. What it scores on val is printed beside what the study
has stored. Killed and started again, it goes on where it was; what the study has left on this machine is taken over.
The file is float16; what it says of itself stands in its metadata. CamVid is CC BY-NC 4.0: see LICENSE-camvid.txt.
"""

import argparse
import json
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "results"))

import camvid as study  # noqa: E402

from fcn import results  # noqa: E402
from fcn.training import evaluate, save  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the network of chapter 6 on CamVid.")
    parser.add_argument("--run", default="three times as long", choices=study.LENGTHS, help="which length")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path, default=HERE / "camvid-fcn8s.safetensors", help="the file to write")
    asked = parser.parse_args()
    if study.here() is None:
        raise SystemExit("There is no CamVid here: make camvid brings it, or $CAMVID names its folder.")
    folder = Path(tempfile.gettempdir(), study.FOLDER)
    folder.mkdir(exist_ok=True)
    net, _ = study.trained(asked.run, asked.seed, folder, progress=True)
    net.to(memory_format=torch.contiguous_format).half().float()  # scored as it is stored
    found = evaluate(net, study.photographs("val"), batch=1)
    setting = study.RECIPE | study.RUNS[asked.run]
    about = {
        "network": {"backbone": "lite0", "classes": list(study.CLASSES), "stride": net.stride, "hidden": net.hidden},
        "command": f"python data/checkpoints/train_camvid.py --run '{asked.run}' --seed {asked.seed}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, torch {torch.__version__}",
        "data": "CamVid, train (367 photographs, 480x360), CC BY-NC 4.0; backbone pretrained on ImageNet",
        "steps": setting["steps"],
        "val": {"mean IoU": round(found.mean_iou(), 4), "pixel accuracy": round(found.pixel_accuracy(), 4)},
    }
    save(asked.into, net.half(), **about)
    print(json.dumps(about["val"]))
    if (HERE.parent / "results" / "camvid.json").is_file():
        stored = results("camvid")["means"][asked.run]["mean IoU"]
        print(f"The study's mean IoU over its seeds: {stored['mean']} ± {stored['sd']}")


if __name__ == "__main__":
    main()
