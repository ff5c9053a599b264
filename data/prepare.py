"""Rebuild what lies in data/ from its origins. Run by hand (`python data/prepare.py`), never by an import.

The origins are npm packages pinned in package-lock.json: run `make book` first, it installs them.
"""

from pathlib import Path

from fontTools.ttLib import TTFont

DATA = Path(__file__).resolve().parent
INTER = DATA.parent / "node_modules" / "@fontsource" / "inter"


def fonts() -> None:
    """Unpack the web font of the pages into the TrueType files that matplotlib reads."""
    for weight, name in [(400, "Inter-Regular.ttf"), (600, "Inter-SemiBold.ttf")]:
        font = TTFont(INTER / "files" / f"inter-latin-{weight}-normal.woff", recalcTimestamp=False)
        font.flavor = None
        font.save(DATA / "fonts" / name)


if __name__ == "__main__":
    if not INTER.is_dir():
        raise SystemExit(f"{INTER} is missing: run `make book` first, it brings the npm packages.")
    fonts()
