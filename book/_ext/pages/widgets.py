"""Moving figures of the pages: a still until their script has come, and their pictures in files of their own."""

import base64
import re
from html import unescape
from pathlib import Path

from docutils import nodes

from pages.figures import stored_beside_page, written

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
PICTURE = re.compile(r'src="data:image/(\w+);base64,([A-Za-z0-9+/=]+)"')


def add_still(app, bundle, models, model_id) -> None:
    """Show the frame that a moving figure opens on until its script comes, and where none does (print, no script)."""
    value = first_html_with_picture(models, model_id)
    if not value:
        return
    stills = []
    for img, theme in zip(re.findall("<img [^>]+>", value), ["only-light", "only-dark"], strict=True):
        kind, data = PICTURE.search(img).groups()
        alt = unescape(re.search(r'alt="([^"]*)"', img)[1])
        uri = stored_beside_page(app, base64.b64decode(data), f".{kind}")
        stills.append(nodes.image(uri=uri, alt=alt, classes=["widget-still", theme], loading="lazy"))
    for raw in bundle.findall(nodes.raw):
        if VIEW in raw.astext():
            raw.parent[:0] = stills
            return


def first_html_with_picture(models, model_id) -> str:
    state = models.get(model_id.removeprefix("IPY_MODEL_"), {}).get("state", {})
    if PICTURE.search(str(state.get("value", ""))):
        return state["value"]
    children = state.get("children", [])
    if state.get("selected_index"):  # of a figure that does not open on its first picture
        children = [children[state["selected_index"]]]
    found = (first_html_with_picture(models, child) for child in children)
    return next(filter(None, found), "")


def unpack_frames(app, pagename, templatename, context, doctree) -> None:
    """Take the pictures out of the widgets' state into files, and the state out of the head: pages stay small."""
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == STATE:
            context["widget_state"] = re.sub(
                PICTURE.pattern.replace('"', r'\\"'),
                lambda match: f'loading=\\"lazy\\" src=\\"{frame_file(app, context, *match.groups())}\\"',
                attributes["body"],
            )


def frame_file(app, context, kind: str, data: str) -> str:
    path = written(Path(app.outdir, "_images"), base64.b64decode(data), f".{kind}")  # where its still lies, too
    return context["pathto"](f"_images/{path.name}", 1)
