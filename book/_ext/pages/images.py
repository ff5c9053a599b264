"""The pictures of the built pages as WebP, and their sizes in the pages: half the bytes, and nothing jumps."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

PICTURE = re.compile(r"_images/([\w.-]+?)\.(?:png|jpe?g)\b")
TAG = re.compile(r'<img\b[^>]*?\bsrc=(\\?")_images/([\w.-]+\.webp)\1[^>]*>')


def as_webp(out: Path) -> None:
    """Turn the pictures of the pages into WebP files, and say in each page how large they are.

    Drawings stay as they are, pixel for pixel; photographs are compressed anew. The pages and the pictures of an
    earlier build, which are WebP already, are left alone.
    """
    folder = out / "_images"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(convert, [path for path in folder.iterdir() if path.suffix in {".png", ".jpg", ".jpeg"}]))
    sizes = {path.name: size(path) for path in folder.glob("*.webp")}
    for page in [*out.glob("*.html"), *out.glob("_static/figures/state-*.js")]:
        text = page.read_text(encoding="utf-8")
        new = TAG.sub(lambda match: with_size(match[0], *sizes[match[2]]), PICTURE.sub(r"_images/\1.webp", text))
        if new != text:
            page.write_text(new, encoding="utf-8")


def convert(path: Path) -> None:
    with Image.open(path) as picture:
        how = {"lossless": True, "method": 3} if path.suffix == ".png" else {"quality": 85}
        picture.save(path.with_suffix(".webp"), **how)
    path.unlink()


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def with_size(tag: str, width: int, height: int) -> str:
    """Give an <img> its width and height, which a browser needs to leave room for it; its style may say otherwise.

    What is hidden at first, the picture for the dark, is not fetched before it is shown.
    """
    if " width=" in tag:
        return tag
    lazy = ' loading="lazy"' if "only-dark" in tag and "loading=" not in tag else ""
    return tag.replace("<img", f'<img width="{width}" height="{height}"{lazy}', 1)
