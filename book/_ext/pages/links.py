"""Each mention of another chapter becomes a link to it. The notebooks keep the plain words."""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref

ONE = re.compile(r"\bchapter (\d+)\b", re.I)
SEVERAL = re.compile(r"\bchapters (?:\d+(?:, | and | to |))+", re.I)


def link_chapters(app, doctree) -> None:
    """Link "chapter 3", and the numbers of "chapters 1, 2 and 4", where they stand in the text of another page."""
    names = {str(int(name[:2])): name for name in app.env.found_docs if re.match(r"\d\d_", name)}
    here = app.env.docname
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, nodes.literal | nodes.literal_block | nodes.title) or is_link(text):
            continue
        parts, end = [], 0
        for start, stop, number in mentions(text.astext()):
            name = names.get(number)
            if not name or name == here:
                continue
            parts += [nodes.Text(text[end:start]), nodes.reference("", text[start:stop], refuri=f"{name}.html")]
            end = stop
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def is_link(node) -> bool:
    """Say whether a node is part of a link, or of a choice in a guess, whose items become buttons."""
    if node is None:
        return False
    choice = isinstance(node, nodes.list_item) and isinstance(node.parent.parent, nodes.block_quote)
    return choice or isinstance(node, nodes.reference | pending_xref) or is_link(node.parent)


def mentions(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, number) of what is to be a link."""
    found = [(match.start(), match.end(), match[1]) for match in ONE.finditer(text)]
    for several in SEVERAL.finditer(text):
        for digit in re.finditer(r"\d+", several[0]):
            place = several.start() + digit.start()
            found.append((place, place + len(digit[0]), digit[0]))
    return sorted(found)
