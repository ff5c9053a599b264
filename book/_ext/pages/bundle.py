"""One style sheet and one script for all pages, of what the theme and the extensions bring and the pages use."""

import io
import json
import logging
import posixpath
import re
import subprocess
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

# In the order in which they count; the book's own come last.
STYLES = [
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "copybutton.css",
    "mystnb.*.css",
    "vendor/katex/katex.min.css",
    "katex-math.css",
]
OWN = "book.css"
SCRIPTS = [
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "scripts/pydata-sphinx-theme.js",
    "book.js",
]
ICONS = "vendor/fontawesome/webfonts/fa-solid-900.woff2"

# The theme measures all code of a page at once, and so lays it all out; book.js does it where the reader comes near.
MEASURED = re.compile(r"\w+\.tabIndex=\w+\.scrollWidth>\w+\.clientWidth\|\|\w+\.scrollHeight>\w+\.clientHeight\?0:-1")

logging.getLogger("fontTools").setLevel(logging.WARNING)


def bundle(static: Path) -> None:
    """Write page.css, of what the pages and scripts can use of all styles, page.js, and the icons that they name."""
    script = ";\n".join(one(static, name).read_text(encoding="utf-8") for name in SCRIPTS)
    script, count = MEASURED.subn("0", script)
    if not count:
        raise ExtensionError("pydata-sphinx-theme.js has changed: where it measures code was not found.")
    (static / "page.js").write_text(re.sub(r"(?m)^//# sourceMappingURL=.*$", "", script), encoding="utf-8")
    for page in static.parent.glob("*.html"):  # titles say as much as tooltips, without 24 KiB of script
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(' data-bs-toggle="tooltip"', ""), encoding="utf-8")
    sheet = static / "page.css"
    sheet.write_text("\n".join(rebased(one(static, name), static) for name in STYLES), encoding="utf-8")
    styles = purged(sheet, static) + rebased(static / OWN, static)
    sheet.write_text(styles, encoding="utf-8")
    shrink_icons(static / ICONS, styles)


def one(static: Path, pattern: str) -> Path:
    found = list(static.glob(pattern))
    if len(found) != 1:
        raise ExtensionError(f"Expected one {pattern} below {static}; found {len(found)}. (See pages/bundle.py.)")
    return found[0]


def rebased(sheet: Path, static: Path) -> str:
    """Return a style sheet whose addresses start at the folder of page.css, without imports and source maps."""
    text = sheet.read_text(encoding="utf-8")
    text = re.sub(r"@charset[^;]*;|@import[^;]*;|/\*# sourceMappingURL=.*?\*/", "", text)
    folder = sheet.parent.relative_to(static).as_posix()

    def moved(match):
        quote, address = match.groups()
        if address.startswith(("data:", "#", "/")):
            return match[0]
        return f"url({quote}{posixpath.normpath(posixpath.join(folder, address))}{quote})"

    return re.sub(r"""url\((["']?)([^)"']+)\1\)""", moved, text)


def purged(sheet: Path, static: Path) -> str:
    """Return the rules of a style sheet that a page or a script of the pages can use (purgecss)."""
    program = Path(__file__).resolve().parents[3] / "node_modules/purgecss/bin/purgecss.js"
    used_by = [*static.parent.glob("*.html"), static / "page.js"]
    call = [katex.NODEJS_BINARY, program, "--css", sheet, "--font-face", "--keyframes", "--content", *used_by]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExtensionError(f"purgecss failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)[0]["css"]


def shrink_icons(font: Path, styles: str) -> None:
    """Keep of the icon font what the styles show: a dozen of two thousand."""
    icons = subset.Subsetter()
    icons.populate(unicodes=[int(code, 16) for code in re.findall(r'"\\(f[0-9a-f]{3})"', styles)])
    whole = TTFont(io.BytesIO(font.read_bytes()), recalcTimestamp=False)
    icons.subset(whole)
    whole.flavor = "woff2"
    whole.save(font)
