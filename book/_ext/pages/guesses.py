"""What runs under "Guess before you run" is folded on the page, until the reader has guessed."""

from docutils import nodes

OPENED = '<details class="answer" open><summary>See what it says</summary>'  # the layout's script closes it


def fold_answers(doctree) -> None:
    """Fold the outputs of the cells between a guess and the next words, and what these say of them.

    Without script and on paper all is open.

    A list in a guess is a choice: book.js makes its items buttons that open the answer.
    """
    for guess in list(doctree.findall(nodes.block_quote)):
        if not guess.astext().startswith("Guess before you run"):
            continue
        for choice in guess:
            if isinstance(choice, nodes.bullet_list | nodes.enumerated_list):
                choice["classes"].append("options")
        after = guess.parent[guess.parent.index(guess) + 1 :]
        for cell in after:
            if not isinstance(cell, nodes.Element) or cell.get("nb_element") != "cell_code":
                break
            for output in cell.findall(nodes.container):
                if output.get("nb_element") == "cell_code_output":
                    output.insert(0, nodes.raw("", OPENED, format="html"))
                    output.append(nodes.raw("", "</details>", format="html"))
        resolve(guess.parent, guess.parent.index(guess) + 1)


def resolve(section, place: int) -> None:
    """Mark captions and the first paragraph after the cells, which say how it came out: they come with the answer."""
    while place < len(section) and section[place].get("nb_element") == "cell_code":
        place += 1
    start = place
    while place < len(section) and isinstance(section[place], nodes.paragraph):
        place += 1
        if "caption-text" not in section[place - 1]["classes"]:
            break
    if place > start:
        section.insert(place, nodes.raw("", "</div>", format="html"))
        section.insert(start, nodes.raw("", '<div class="answer-text">', format="html"))
