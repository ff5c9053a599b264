"""What the head of a page says of it: title, description, fonts to fetch early. See book/_templates/layout.html."""

import re

from docutils import nodes

EARLY_FONTS = ["source-serif-4-latin-wght-normal.woff2", "inter-latin-wght-normal.woff2"]
LONGEST = 200  # characters of a description


def describe(app, pagename, templatename, context, doctree) -> None:
    """Give the template a page's title and description: the first paragraph of its text, in whole sentences."""
    book = app.config.html_title
    title = re.sub(r"<[^>]+>", "", context.get("title") or "")
    context["page_title"] = book if not title or title == book else f"{title} · {book}"
    lead = next(iter(doctree.findall(nodes.paragraph)), None) if doctree else None
    context["page_description"] = shortened(lead.astext()) if lead else context["page_title"]
    context["early_fonts"] = EARLY_FONTS
    context["metatags"] = ""  # a second viewport


def shortened(text: str) -> str:
    """Return the first sentences of a text, as many as fit."""
    kept = ""
    for sentence in re.split(r"(?<=[.?!])\s+", " ".join(text.split())):
        if kept and len(kept) + 1 + len(sentence) > LONGEST:
            break
        kept = f"{kept} {sentence}".strip()
    return kept
