"""Whole sentences in brackets are asides: on wide screens the style sheet sets them into the margin."""

import re

from docutils import nodes

OPENED = re.compile(r"(?:^|(?<=[.?!:] ))\((?=[A-Z])")
OTHER = "\0"  # stands for what is no plain text: a formula, a link


def mark_asides(doctree) -> None:
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if isinstance(paragraph.parent, nodes.section):
            parts = marked(paragraph.children)
            paragraph.children = []
            paragraph += parts


def marked(children: list) -> list:
    """Return a paragraph's parts with each aside in a node of its own, its brackets apart."""
    texts = [child.astext() if isinstance(child, nodes.Text) else OTHER for child in children]
    opened, closed = spans("".join(texts))
    parts, aside, place = [], None, 0
    for child, text in zip(children, texts, strict=True):
        here, start = parts if aside is None else aside, 0
        if text == OTHER:
            here.append(child)
        for at in range(len(text)) if text != OTHER else ():
            if place + at in opened | closed:
                here.append(nodes.Text(text[start:at]))
                if place + at in opened:
                    here = aside = nodes.inline("", "", bracket("("), classes=["aside"])
                else:
                    aside.append(bracket(")"))
                    parts.append(aside)
                    here, aside = parts, None
                start = at + 1
        if text != OTHER:
            here.append(nodes.Text(text[start:]))
        place += len(text)
    return parts


def bracket(sign: str) -> nodes.inline:
    return nodes.inline("", sign, classes=["bracket"])


def spans(text: str) -> tuple[set[int], set[int]]:
    """Return where asides begin and where they end: at brackets that belong together, around whole sentences."""
    opened, closed, place = set(), set(), 0
    while match := OPENED.search(text, place):
        depth = 0
        for end in range(match.start(), len(text)):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            if depth == 0:
                break
        place = end + 1 if depth == 0 else match.end()
        if depth == 0 and text[end - 1] in ".?!":
            opened.add(match.start())
            closed.add(end)
    return opened, closed
