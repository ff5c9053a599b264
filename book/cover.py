"""The picture that is shown where a page of the book is linked to: book/assets/social.jpg, 1200 by 630 pixels."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
SIZE, MARGIN, GAP, TOP = (1200, 630), 60, 24, 190
TITLE, ABOUT = "Every pixel a class", "Semantic segmentation with fully convolutional networks"
PAPER, INK, SOFT = "#fdfcf9", "#22262b", "#5c6670"  # as in book.css


def social(pictures: list[bytes]) -> bytes:
    """Return the picture as JPEG: the book's title above three pictures of one size, with their own titles."""
    cover = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(cover)
    for text, y, size, ink, weight in ((TITLE, 36, 68, INK, "SemiBold"), (ABOUT, 122, 34, SOFT, "Regular")):
        font = ImageFont.truetype(ROOT / "data" / "fonts" / f"Inter-{weight}.ttf", size)
        draw.text((MARGIN, y), text, ink, font)
    width = (SIZE[0] - 2 * MARGIN - (len(pictures) - 1) * GAP) // len(pictures)
    for number, data in enumerate(pictures):
        with Image.open(io.BytesIO(data)) as picture:
            small = picture.convert("RGB").resize((width, round(width * picture.height / picture.width)), 3)
        cover.paste(small, (MARGIN + number * (width + GAP), TOP))
    stored = io.BytesIO()
    cover.save(stored, "JPEG", quality=92, subsampling=0, optimize=True)
    return stored.getvalue()
