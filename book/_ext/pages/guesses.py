"""What runs under "Guess before you run" is folded on the page, until the reader has guessed."""

from docutils import nodes

OPENED = '<details class="answer" open><summary>See what it says</summary>'  # the layout's script closes it


def fold_answers(doctree) -> None:
    """Fold the outputs of the cells between a guess and the next words. Without script and on paper they are open.

    A list in a guess is a choice: book.js makes its items buttons that open the answer.
    """
    for guess in doctree.findall(nodes.block_quote):
        if not guess.astext().startswith("Guess before you run"):
            continue
        for choice in guess.findall(nodes.bullet_list):
            choice["classes"].append("options")
        after = guess.parent[guess.parent.index(guess) + 1 :]
        for cell in after:
            if not isinstance(cell, nodes.Element) or cell.get("nb_element") != "cell_code":
                break
            for output in cell.findall(nodes.container):
                if output.get("nb_element") == "cell_code_output":
                    output.insert(0, nodes.raw("", OPENED, format="html"))
                    output.append(nodes.raw("", "</details>", format="html"))
