"""Figures that answer, on the pages: a still, and a state that their script gets when it draws them, near the eye."""

import base64
import hashlib
import json
import re
import shutil
from html import unescape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

from pages.figures import stored_beside_page, written

FIGURES = Path(__file__).resolve().parents[3] / "fcn" / "widgets"
EXPORT = re.compile(r"^export (?=const |function )", re.M)
DEFAULT = "export default { render };"
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
PICTURE = re.compile(r'src="data:image/(\w+);base64,([A-Za-z0-9+/=]+)"')
NOT_ITS_OWN = {"layout", "tabbable", "tooltip", "still"}


def place_figure(app, bundle, models, model_id) -> None:
    """Put a still of a figure, for paper and for no script, and its place, which book.js fills."""
    state = models.get(model_id, {}).get("state", {})
    if "still" not in state:
        name = models.get(model_id, {}).get("model_name", "an unknown one")
        raise ExtensionError(f"{app.env.docname}: a widget of the pages is one of fcn.widgets; got {name}.")
    stills = []
    for img, theme in zip(re.findall("<img [^>]+>", state["still"]), ["only-light", "only-dark"], strict=True):
        kind, data = PICTURE.search(img).groups()
        alt = unescape(re.search(r'alt="([^"]*)"', img)[1])
        uri = stored_beside_page(app, base64.b64decode(data), f".{kind}")
        stills.append(nodes.image(uri=uri, alt=alt, classes=["widget-still", theme], loading="lazy"))
    for raw in list(bundle.findall(nodes.raw)):
        if VIEW in raw.astext():
            raw.parent[:0] = stills
            raw.replace_self(nodes.raw("", live(app, state), format="html"))


def live(app, state: dict) -> str:
    """Return the place of a figure; write its state, and the pictures in it, as files of their own."""
    name = state["_anywidget_id"].split(".")[-2]

    def apart(value):
        if isinstance(value, list):
            return [apart(each) for each in value]
        if isinstance(value, dict):
            return {key: apart(each) for key, each in value.items()}
        return PICTURE.sub(lambda found: filed(app, *found.groups()), value) if isinstance(value, str) else value

    kept = {key: apart(value) for key, value in state.items() if key[0] != "_" and key not in NOT_ITS_OWN}
    data = json.dumps(kept)
    key = hashlib.sha256(data.encode()).hexdigest()[:16]
    path = Path(app.outdir, "_static", "figures", f"state-{key}.js")  # not in the page: it comes with the script
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'fcnStates["{key}"] = {data};\n', encoding="utf-8")
    return f'<div class="fcn-figure" data-figure="{name}" data-state="{key}"></div>'


def filed(app, kind: str, data: str) -> str:
    path = written(Path(app.outdir, "_images"), base64.b64decode(data), f".{kind}")  # where its still lies, too
    return f'loading="lazy" src="{"../" * app.env.docname.count("/")}_images/{path.name}"'


def without_manager(app, pagename, templatename, context, doctree) -> None:
    """Leave out what the manager of Jupyter's widgets would need: the state of all of them."""
    context["script_files"] = [
        script for script in context.get("script_files", []) if getattr(script, "attributes", {}).get("type") != STATE
    ]


def write_figures(static: Path) -> None:
    """Write each figure's script, of what all share and its own, as one that loads from file:// too: no module."""
    folder = static / "figures"
    folder.mkdir(exist_ok=True)
    pages = "".join(page.read_text(encoding="utf-8") for page in static.parent.glob("*.html"))
    for state in folder.glob("state-*.js"):  # of an earlier build
        if f'data-state="{state.stem.removeprefix("state-")}"' not in pages:
            state.unlink()
    for source in FIGURES.glob("*.js"):
        if source.name != "shared.js":
            script = as_script(source.stem, source.read_text(encoding="utf-8"))
            (folder / source.name).write_text(script, encoding="utf-8")
    shutil.copy2(FIGURES / "shared.css", folder)


def as_script(name: str, own: str) -> str:
    """Return what all figures share and a figure's own source as one script."""
    if own.count(DEFAULT) != 1:
        raise ExtensionError(f"{name}.js must end with: {DEFAULT}")
    shared = (FIGURES / "shared.js").read_text(encoding="utf-8")
    script = EXPORT.sub("", f"{shared}\n{own}").replace(DEFAULT, f'fcnFigures["{name}"] = render;')
    return f"(() => {{\n{script}}})();\n"
