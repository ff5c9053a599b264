"""The glossary: each of its terms has an address, and each chapter links a term where it enters."""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

from pages.links import is_link

PAGE = "glossary"
ENTRY = re.compile(r"([^\n:#][^\n]*)\n:[ \t]+([^\n]+\]\([^\n]+)")
NOT_PROSE = nodes.literal | nodes.literal_block | nodes.title | nodes.math | nodes.raw
FORM = "a line 'term, other name', and below it ': what it is. [Chapter N](NN_name.ipynb#section).'"


def entries(source: Path) -> dict[str, dict]:
    """Return each term of the glossary's source, by its first name: id, names, and what it is, in plain words."""
    found = {}
    blocks = re.split(r"\n\s*\n", source.read_text(encoding="utf-8").strip()) if source.exists() else []
    for block in blocks[2:]:  # behind the title and what it is
        match = ENTRY.fullmatch(block)
        if not match:
            raise ExtensionError(f"{source.name}: expected {FORM}; got {block[:80]!r}.")
        names = [name.strip() for name in re.split(r",\s+", match[1])]
        plain = re.sub(r"^\*[^*]+\*\s*|\s*\[[^\]]+\]\([^)]+\)\.?", "", match[2]).replace("*", "").strip()
        found[names[0]] = {"id": identity(names[0]), "names": names, "text": plain}
    if len({entry["id"] for entry in found.values()}) < len(found):
        raise ExtensionError(f"{source.name}: two terms have one address; let their first names differ in letters.")
    return found


def identity(name: str) -> str:
    return "term-" + re.sub(r"[^\w가-힣]+", "-", name.replace("×", "x").lower()).strip("-")


def name_terms(app, doctree) -> None:
    """Give the terms of the glossary their addresses, and say of the Korean words that they are Korean."""
    for item in doctree.findall(nodes.definition_list_item):
        item[0]["ids"] = [identity(re.split(r",\s+", item[0].astext())[0])]
        for korean in list(item.findall(nodes.emphasis))[:1]:
            words = nodes.raw("", f'<span lang="ko">{escape(korean.astext())}</span>', format="html")
            korean.parent.replace(korean, words)


def link_terms(app, doctree) -> None:
    """Link each term where the chapter introduces it, in italics; if it does not, a name of several words or with a
    capital at its first mention, since a single common word may be meant otherwise."""
    source = Path(app.env.doc2path(PAGE))
    app.env.note_dependency(str(source))
    known = entries(source)
    by_name = {name.lower(): first for first, entry in known.items() for name in entry["names"]}
    longest_first = sorted(by_name, key=len, reverse=True)  # no IoU within a mean IoU
    wanted = "|".join(re.escape(name).replace("'", "['’]") for name in longest_first)
    pattern = re.compile(rf"(?<![\w-])({wanted})s?(?![\w-])", re.I)
    italic, plain = {}, {}  # first name of a term -> where it stands
    for text in filter(is_prose, doctree.findall(nodes.Text)):
        for match in pattern.finditer(text):
            first = by_name[match[1].lower().replace("’", "'")]
            if isinstance(text.parent, nodes.emphasis) and match[0] == text:
                italic.setdefault(first, (text, match))
            elif re.search(r"[\s\dA-Z-]", match[0][1:]):
                plain.setdefault(first, (text, match))
    places = {}
    for first, (text, match) in (plain | italic).items():
        address = f"{PAGE}.html#{known[first]['id']}"
        link = nodes.reference("", match[0], refuri=address, reftitle=known[first]["text"], classes=["term"])
        places.setdefault(text, []).append((match.start(), match.end(), link))
    for text, links in places.items():
        parts, end = [], 0
        for start, stop, link in sorted(links, key=lambda each: each[0]):
            parts += [nodes.Text(text[end:start]), link]
            end = stop
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def is_prose(text: nodes.Text) -> bool:
    node = text.parent
    if is_link(text):
        return False
    while node is not None:
        if isinstance(node, NOT_PROSE) or node.get("nb_element") == "cell_code" or "sources" in node.get("ids", []):
            return False
        node = node.parent
    return True
