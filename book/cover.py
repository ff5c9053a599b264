"""The title pictures, and the one that is shown where a page of the book is linked to: assets/social.jpg."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
SIZE, MARGIN, GAP, TOP = (1200, 630), 60, 24, 184
CHOSEN = ("the photograph", "stride 32 alone", "+ stride 8")  # of the title pictures
TITLE, ABOUT = "Every pixel a class", "Semantic segmentation with fully convolutional networks"
PAPER, INK, SOFT = "#fdfcf9", "#22262b", "#5c6670"  # as in book.css


def social(pictures: dict[str, bytes]) -> bytes:
    """Return the picture as JPEG: the book's title above pictures of one size, {name: file}, with their names."""
    cover = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(cover)

    def write(text, x, y, size, ink, weight):
        draw.text((x, y), text, ink, ImageFont.truetype(ROOT / "data" / "fonts" / f"Inter-{weight}.ttf", size))

    write(TITLE, MARGIN, 32, 68, INK, "SemiBold")
    write(ABOUT, MARGIN, 116, 34, SOFT, "Regular")
    width = (SIZE[0] - 2 * MARGIN - (len(pictures) - 1) * GAP) // len(pictures)
    for number, (name, data) in enumerate(pictures.items()):
        left = MARGIN + number * (width + GAP)
        with Image.open(io.BytesIO(data)) as picture:
            small = picture.convert("RGB").resize((width, round(width * picture.height / picture.width)), 3)
        cover.paste(small, (left, TOP))
        write(name, left, TOP + small.height + 8, 26, INK, "SemiBold")
    stored = io.BytesIO()
    cover.save(stored, "JPEG", quality=92, subsampling=0, optimize=True)
    return stored.getvalue()


def without_title(data: bytes, above: float) -> bytes:
    """Return a picture of fcn.viz, 200 pixels an inch, without the `above` inches that hold its title."""
    stored = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.crop((0, round(200 * above), *picture.size)).save(stored, picture.format, quality=92)
    return stored.getvalue()
