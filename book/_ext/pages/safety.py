"""What a page may run and load: its own host's files, and the one script in its head, word for word."""

import base64
import hashlib
import re
from pathlib import Path

from sphinx.errors import ExtensionError

META = '<meta http-equiv="Content-Security-Policy"'
CHARSET = '<meta charset="utf-8" />'
LIVE = 'data-figure="live"'  # WebAssembly, and nothing else, may be compiled where networks run
INLINE = re.compile(r"<script>(.*?)</script>", re.S)


def guard(page: Path) -> None:
    """Give a page its Content-Security-Policy. Styles in elements are KaTeX's and those of tables."""
    text = page.read_text(encoding="utf-8")
    if META in text:
        return
    inline = INLINE.findall(text)
    if len(inline) != 1 or CHARSET not in text:
        raise ExtensionError(f"{page.name}: expected one script in the page, the head's; got {len(inline)}.")
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' 'sha256-{digest}'" + " 'wasm-unsafe-eval'" * (LIVE in text),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'self'",
    }
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())
    meta = f'{CHARSET}\n    {META} content="{policy}" />'
    page.write_text(text.replace(CHARSET, meta, 1), encoding="utf-8")
