"""Whole sentences in brackets are asides: on wide screens the style sheet sets them into the margin."""

import re

from docutils import nodes

OPENED = re.compile(r"(?:^|(?<=[.?!:] ))\((?=[A-Z])")
CLOSED = re.compile(r"(?<=[.?!])\)")


def mark_asides(doctree) -> None:
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if isinstance(paragraph.parent, nodes.section):
            paragraph.children = marked(paragraph.children)
            for child in paragraph.children:
                child.parent = paragraph


def marked(children: list) -> list:
    """Return a paragraph's parts with each aside in a node of its own, its brackets apart."""
    parts, aside = [], None
    for child in children:
        rest = child.astext() if isinstance(child, nodes.Text) else None
        if rest is None:
            (parts if aside is None else aside).append(child)
            continue
        while rest:
            bracket = (OPENED if aside is None else CLOSED).search(rest)
            before, rest = (rest[: bracket.start()], rest[bracket.end() :]) if bracket else (rest, "")
            if before:
                (parts if aside is None else aside).append(nodes.Text(before))
            if bracket and aside is None:
                aside = nodes.inline("", "", nodes.inline("", "(", classes=["bracket"]), classes=["aside"])
            elif bracket:
                aside.append(nodes.inline("", ")", classes=["bracket"]))
                parts.append(aside)
                aside = None
    if aside is not None:  # never closed: as it was
        return children
    return parts
