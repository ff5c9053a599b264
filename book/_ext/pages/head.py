"""What the head of a page says of it: title, description, fonts to fetch early. See book/_templates/layout.html."""

import posixpath
import re
from html import unescape

from docutils import nodes

EARLY_FONTS = ["source-serif-4-latin-wght-normal.woff2", "inter-latin-wght-normal.woff2"]
NAMES = {"search": "Search", "404": "No such page"}  # pages without a text of their own
SUBJECT = "Semantic segmentation with fully convolutional networks"
SOCIAL = "A scene of a pink dog and a penguin, a shapeless answer to it, and one that has legs and a tail."
ITALIC = "source-serif-4-latin-wght-italic.woff2"
LONGEST, NEIGHBOUR = 200, 140  # characters of a page's description, and of what the pages beside it say of it


def describe(app, pagename, templatename, context, doctree) -> None:
    """Give the template a page's title and description: the first paragraph of its text, in whole sentences."""
    book = app.config.html_title
    title = NAMES.get(pagename) or unescape(re.sub(r"<[^>]+>", "", context.get("title") or ""))
    context["page_title"] = f"{SUBJECT if title in ('', book) else title} · {book}"
    leads = {name: about.get("lead", "") for name, about in app.env.metadata.items()}
    context["page_description"] = shortened(leads.get(pagename) or context["page_title"])
    for side in ("prev", "next"):
        if context.get(side):
            name = posixpath.normpath(posixpath.join(posixpath.dirname(pagename), context[side]["link"]))
            context[f"{side}_lead"] = shortened(leads.get(name.removesuffix(".html"), ""), NEIGHBOUR)
    context["social_alt"] = SOCIAL
    context["early_fonts"] = EARLY_FONTS + [ITALIC] * slanted(doctree) if pagename != "404" else []
    context["metatags"] = ""  # a second viewport


def slanted(doctree) -> bool:
    """Say whether a page shows so much in italics at once that its lines would move when that font came late."""
    paragraphs = list(doctree.findall(nodes.paragraph))[:10] if doctree else []
    return sum(1 for each in paragraphs for _ in each.findall(nodes.emphasis)) > 5


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the first sentences of a text, as many as fit, and one at least."""
    kept = ""
    for sentence in re.split(r"(?<=[.?!])\s+", " ".join(text.split())):
        if kept and len(kept) + 1 + len(sentence) > longest:
            break
        kept = f"{kept} {sentence}".strip()
    return kept
