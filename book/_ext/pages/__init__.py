"""What the book's pages need beyond Jupyter Book: no foreign addresses, dark figures, captions, light widgets."""

import json
from pathlib import Path

from docutils import nodes

from pages.address import describe_place, learn
from pages.asides import mark_asides
from pages.figures import add_dark, add_legend, group, mark_captions
from pages.files import check_npm, finish
from pages.guesses import fold_answers
from pages.head import describe
from pages.landing import show_chapters
from pages.links import link_chapters
from pages.terms import PAGE as GLOSSARY
from pages.terms import link_terms, name_terms
from pages.widgets import STATE, VIEW, place_figure, without_manager


def improve_notebook(app, doctree) -> None:
    """Give each picture of a chapter its dark twin and description, and each figure that answers its place."""
    source = Path(app.env.doc2path(app.env.docname))
    mark_captions(doctree)
    if source.suffix == ".ipynb":
        mark_asides(doctree)
    link_chapters(app, doctree)
    if app.env.docname == app.config.root_doc:
        show_chapters(app, doctree)
    if app.env.docname == GLOSSARY:
        name_terms(app, doctree)
    lead = next((each for each in doctree.findall(nodes.paragraph) if isinstance(each.parent, nodes.section)), None)
    app.env.metadata[app.env.docname]["lead"] = lead.astext() if lead else ""
    if source.suffix != ".ipynb":
        return
    link_terms(app, doctree)
    notebook = json.loads(source.read_text(encoding="utf-8"))
    models = notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    for cell in doctree.findall(lambda node: node.get("nb_element") == "cell_code" if is_element(node) else False):
        outputs = [out for out in notebook["cells"][cell["cell_index"]]["outputs"] if "data" in out]
        bundles = [node for node in cell.findall(nodes.container) if node.get("nb_element") == "mime_bundle"]
        pictures = [picture for pair in zip(bundles, outputs, strict=True) for picture in add_dark(app, *pair)]
        if len({picture["own_alt"] for picture in pictures}) > 1:
            group(bundles, cell["cell_metadata"], pictures, outputs)
        for bundle, output in zip(bundles, outputs, strict=True):
            if VIEW in output["data"]:
                place_figure(app, bundle, models, output["data"][VIEW]["model_id"])
        add_legend(bundles, outputs)
    fold_answers(doctree)


def tell_neighbours(app, env) -> list[str]:
    """Have every page written anew if what others say of a page has changed: its title, its lead."""
    said = {name: (env.titles[name].astext(), env.metadata[name].get("lead")) for name in sorted(env.found_docs)}
    changed = getattr(env, "said_of_pages", said) != said
    env.said_of_pages = said
    return list(said) if changed else []


def is_element(node) -> bool:
    return isinstance(node, nodes.Element)


def setup(app):
    app.connect("config-inited", learn)
    app.connect("builder-inited", check_npm)
    app.connect("doctree-read", improve_notebook, priority=400)  # before Sphinx collects the pictures
    app.connect("env-updated", tell_neighbours)
    app.connect("html-page-context", without_manager, priority=600)  # after myst-nb has added the widgets' state
    app.connect("html-page-context", describe, priority=900)
    app.connect("html-page-context", describe_place, priority=900)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
