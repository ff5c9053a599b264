"""Who may import whom, the only copy; and what every file of code keeps to."""

import ast
import io
import json
import re
import tokenize
from pathlib import Path

import pytest
from notebooks import ROOT, chapters

MAY_ENTER = {  # room -> rooms of fcn it may enter; all may use what fcn/__init__.py defines
    "__init__": set(),
    "expect": set(),
    "palette": set(),
    "files": set(),
    "metrics": {"expect"},
    "calibration": {"expect"},
    "one_by_one": {"expect"},
    "upsampling": {"expect"},
    "checkerboard": {"expect", "upsampling"},
    "skips": {"expect", "upsampling"},
    "scenes": {"expect"},
    "datasets": {"expect", "files", "palette"},
    "doctor": {"datasets", "expect", "files", "palette"},
    "backbones": {"expect", "one_by_one"},
    "answers": {"expect"},
    "training": {"expect", "files", "metrics", "datasets", "answers"},
    "predict": {"expect", "files", "palette", "answers", "backbones", "skips", "training"},
    "export": {"expect", "files", "palette", "metrics", "answers", "training", "predict"},
    "runs": {"answers", "backbones", "datasets", "expect", "files", "metrics", "palette", "skips", "training", "viz"},
    "commands": {"datasets", "doctor", "export", "predict", "runs", "training"},
    "__main__": {"commands"},
    "viz": {"palette"},
    "widgets": {"viz"},
}
IN_INIT = {"VOID", "data_path", "results"}
ONLY_IN = {  # library -> rooms that may import it: each takes long, or draws
    "matplotlib": {"viz", "widgets"},
    "timm": {"backbones", "one_by_one"},
    "torchvision": {"backbones", "datasets", "one_by_one", "training"},
}
WITHOUT_TORCH = {"__init__", "palette", "viz", "widgets"}
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_SCRIPT = 30, 270, 320  # lines: of code, of all, of all outside of fcn

ROOMS = sorted((ROOT / "fcn").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "data").rglob("*.py"), *(ROOT / "book").rglob("*.py")])
SEEDS = {"manual_seed", "manual_seed_all", "seed", "seed_all"}
OURS = {"book", "notebooks", "pages", "tests", "conftest"}  # what neither fcn nor data may import


def name(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def room(path: Path) -> str:
    """Return the room of a file of fcn: its own name, or that of its folder."""
    return Path(path.relative_to(ROOT / "fcn").parts[0]).stem


def imports(source: str) -> list[tuple[str, int]]:
    """Return the dotted names that a source imports, `from fcn import viz` as fcn.viz, each with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [(f"{module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def entered(source: str) -> list[tuple[str, int]]:
    """Return the rooms of fcn that a source enters, each with its line; a bare `import fcn` enters none by name."""
    names = [(dotted.split("."), line) for dotted, line in imports(source)]
    return [(parts[1], line) for parts, line in names if parts[0] == "fcn" and parts[1:] and parts[1] not in IN_INIT]


def wrong_ways(path: Path, source: str) -> list[str]:
    """Return each import of a file of fcn that its room may not make."""
    here, wrong = room(path), []
    for other, line in entered(source):
        if other != here and other not in MAY_ENTER[here]:
            wrong.append(f"{name(path)}:{line}: {here} enters {other}")
    for dotted, line in imports(source):
        library = dotted.split(".")[0]
        strange = library in OURS | {"", "data", "record"}
        if strange or here not in ONLY_IN.get(library, {here}) or (library == "torch" and here in WITHOUT_TORCH):
            wrong.append(f"{name(path)}:{line}: {here} imports {dotted}")
    return wrong


def wrong_from_outside(where: str, source: str, forbidden: set[str]) -> list[str]:
    """Return each import from outside of fcn of what is forbidden, private, or no room at all."""
    wrong = [f"{where}:{line}: there is no fcn.{other}" for other, line in entered(source) if other not in MAY_ENTER]
    for dotted, line in imports(source):
        library, *rest = dotted.split(".")
        if library in forbidden or (library == "fcn" and any(part.startswith("_") for part in rest)):
            wrong.append(f"{where}:{line}: imports {dotted}")
    return wrong


def lines_of_code(source: str) -> set[int]:
    """Return the numbers of the lines that hold code: no blank ones, comments or docstrings."""
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for t in tokens if t.type not in quiet for line in range(t.start[0], t.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
        if documented:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def long_ones(path: Path, source: str, most: int) -> list[str]:
    """Return what is too long to be read in one go."""
    lines, wrong = lines_of_code(source), []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            count = len(lines & set(range(node.lineno, node.end_lineno + 1)))
            if count > LONGEST_FUNCTION:
                wrong.append(f"{name(path)}:{node.lineno}: {node.name} has {count} lines")
    if source.count("\n") > most:
        wrong.append(f"{name(path)}:{most + 1}: the file has {source.count(chr(10))} lines, {most} at most")
    return wrong


def seeds_for_all(path: Path, tree: ast.Module) -> list[str]:
    """Return where a file of fcn seeds more than a generator that it just made; training may in a fork."""
    forked = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and any("fork_rng(" in ast.unparse(item) for item in block.items)
        for node in ast.walk(block)
        if {"training", "runs"} & {*path.parts}
    }
    wrong = []
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and id(node) not in forked):
        called = ast.unparse(node.func)
        just_made = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call)
        just_made = just_made and ast.unparse(node.func.value.func) == "torch.Generator"
        if called.split(".")[-1] in SEEDS and not just_made:
            wrong.append(f"{name(path)}:{node.lineno}: {called} seeds for everybody")
    return wrong


def bad_habits(path: Path, source: str) -> list[str]:
    """Return where a file of fcn seeds for all, asserts, or leaves something public without words or an example."""
    tree = ast.parse(source)
    wrong = seeds_for_all(path, tree)
    wrong += [f"{name(path)}:{n.lineno}: a bare assert" for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    if not ast.get_docstring(tree):
        wrong.append(f"{name(path)}:1: the file has no docstring")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            words = ast.get_docstring(node) or ""
            if not words or (isinstance(node, ast.FunctionDef) and ">>>" not in words):
                wrong.append(
                    f"{name(path)}:{node.lineno}: {node.name} needs {'an example' if words else 'a docstring'}"
                )
    return wrong


def test_every_room_has_its_place_and_no_place_is_left_empty():
    assert {room(path) for path in ROOMS} == MAY_ENTER.keys()


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_a_room_enters_only_the_rooms_that_it_may(path):
    assert room(path) in MAY_ENTER, f"{name(path)}:1: give {room(path)} a place in MAY_ENTER"
    assert wrong_ways(path, path.read_text()) == []


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_a_room_is_read_in_one_sitting_and_a_function_seen_at_once(path):
    assert long_ones(path, path.read_text(), LONGEST_FILE) == []


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_no_global_seed_no_bare_assert_and_words_and_an_example_for_all_that_is_public(path):
    assert bad_habits(path, path.read_text()) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_what_lies_in_data_and_book_uses_fcn_from_outside(path):
    source = path.read_text()
    assert long_ones(path, source, LONGEST_SCRIPT) == []
    forbidden = {"book", "tests", "conftest"} if path.is_relative_to(ROOT / "book") else OURS
    if path.is_relative_to(ROOT / "book"):
        forbidden |= {"fcn", "data", "record"}
        if not path.is_relative_to(ROOT / "book" / "_ext"):
            forbidden |= {"sphinx", "sphinxcontrib", "docutils"}
    assert wrong_from_outside(name(path), source, forbidden) == []


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_a_chapter_enters_rooms_by_their_public_names(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    wrong = []
    for count, cell in enumerate(cells, start=1):
        source = re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", "".join(cell["source"]))  # no Python: %pip, !ls
        wrong += wrong_from_outside(f"{name(path)}: code cell {count}", source, OURS | {"data", "record"})
    assert wrong == []


@pytest.mark.parametrize(
    ("file", "source", "found"),
    [
        ("fcn/metrics.py", "from fcn.viz import panel", "metrics enters viz"),
        ("fcn/metrics.py", "from fcn import viz", "metrics enters viz"),
        ("fcn/viz/labels.py", "from fcn.metrics import errors", "viz enters metrics"),
        ("fcn/viz/labels.py", "import torch", "viz imports torch"),
        ("fcn/skips.py", "import matplotlib.pyplot as plt", "skips imports matplotlib.pyplot"),
        ("fcn/skips.py", "def f():\n    import timm", "skips imports timm"),
        ("fcn/skips.py", "from . import metrics", "skips imports ."),
        ("fcn/skips.py", "x = 1\nimport timm\n", "fcn/skips.py:2: skips imports timm"),
        ("fcn/viz/more/x.py", "import fcn.metrics", "fcn/viz/more/x.py:1: viz enters metrics"),
        ("fcn/training/fit.py", "from notebooks import ROOT", "training imports notebooks.ROOT"),
    ],
)
def test_a_wrong_way_is_found(file, source, found):
    (line,) = wrong_ways(ROOT / file, source)
    assert found in line


def test_a_wrong_way_is_found_as_often_as_it_is_taken():
    source = "import timm\nimport timm\nfrom fcn.viz import row\nfrom fcn.viz import row"
    assert len(wrong_ways(ROOT / "fcn" / "metrics.py", source)) == 4


def test_the_own_room_the_rooms_it_may_enter_and_the_package_itself_are_no_wrong_way():
    source = "import fcn\nfrom fcn import VOID, data_path\nfrom fcn.viz.figure import row\nfrom fcn import palette"
    assert wrong_ways(ROOT / "fcn" / "viz" / "tables.py", source) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 1\nfrom fcn.metrics import _right", "some:2: imports fcn.metrics._right"),
        ("from fcn._hidden import right", "there is no fcn._hidden"),
        ("from fcn import painting", "some:1: there is no fcn.painting"),
        ("import notebooks", "some:1: imports notebooks"),
        ("from tests.test_book import chapter", "some:1: imports tests.test_book.chapter"),
    ],
)
def test_a_wrong_way_from_outside_is_found(source, found):
    assert found in wrong_from_outside("some", source, OURS)[0]


def test_public_names_of_rooms_and_records_are_no_wrong_way_from_outside():
    source = (
        "import fcn\nfrom fcn import VOID, viz\nfrom fcn.training.batches import chance\nfrom record import store"
    )
    assert wrong_from_outside("some", source, OURS) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""D."""\ntorch.manual_seed(0)', ":2: torch.manual_seed seeds for everybody"),
        ('"""D."""\nmanual_seed(0)', ":2: manual_seed seeds for everybody"),
        ('"""D."""\ntorch.cuda.manual_seed_all(0)', ":2: torch.cuda.manual_seed_all seeds for everybody"),
        ('"""D."""\ngenerator.manual_seed(0)', ":2: generator.manual_seed seeds for everybody"),
        ('"""D."""\nwith torch.random.fork_rng([]):\n    torch.manual_seed(0)', ":3: torch.manual_seed seeds"),
        ('"""D."""\nnp.random.seed(0)', ":2: np.random.seed seeds for everybody"),
        ('"""D."""\nassert True', ":2: a bare assert"),
        ("x = 1", "some.py:1: the file has no docstring"),
        ('"""D."""\ndef f():\n    """Say."""', ":2: f needs an example"),
        ('"""D."""\nclass A:\n    pass', ":2: A needs a docstring"),
    ],
)
def test_a_bad_habit_is_found(source, found):
    (line,) = bad_habits(Path("some.py"), source)
    assert found in line


def test_chance_of_ones_own_is_no_bad_habit():
    source = (
        '"""D."""\ntorch.Generator(str(d)).manual_seed(0)\nwith torch.random.fork_rng([]):\n    torch.manual_seed(0)'
    )
    assert bad_habits(ROOT / "fcn" / "training" / "some.py", source) == []


def test_what_is_too_long_is_found():
    long = "def f():\n" + '    """Words\n\n    do not count."""\n' + "    # nor this\n\n" + "    x = 1\n" * 30
    (line,) = long_ones(Path("some.py"), long, most=100)
    assert "f has 31 lines" in line
    assert long_ones(Path("some.py"), long.replace("    x = 1\n", "", 1), most=100) == []
    assert (
        "some.py:101: the file has 101 lines, 100 at most" in long_ones(Path("some.py"), "x = 1\n" * 101, most=100)[0]
    )
