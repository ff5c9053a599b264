"""Who may import whom, the only copy; and what every file of code keeps to."""

import ast
import io
import json
import tokenize
from pathlib import Path

import pytest
from notebooks import ROOT, chapters

MAY_ENTER = {  # room -> rooms of fcn it may enter; all may use what fcn/__init__.py defines
    "__init__": set(),
    "expect": set(),
    "palette": set(),
    "metrics": {"expect"},
    "one_by_one": {"expect"},
    "upsampling": {"expect"},
    "checkerboard": {"expect", "upsampling"},
    "skips": {"expect", "upsampling"},
    "scenes": {"expect"},
    "datasets": {"expect"},
    "backbones": {"expect", "one_by_one"},
    "predict": {"expect"},
    "training": {"expect", "metrics", "datasets", "predict"},
    "viz": {"palette"},
    "widgets": {"viz"},
}
IN_INIT = {"VOID", "data_path", "results"}
ONLY_IN = {  # library -> rooms that may import it: each takes long, or draws
    "matplotlib": {"viz", "widgets"},
    "timm": {"backbones", "one_by_one"},
    "torchvision": {"backbones", "one_by_one", "training"},
}
WITHOUT_TORCH = {"__init__", "palette", "viz", "widgets"}
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_SCRIPT = 30, 270, 320  # lines: of code, of all, of all outside of fcn

ROOMS = sorted((ROOT / "fcn").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "data").rglob("*.py"), *(ROOT / "book").rglob("*.py")])


def name(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def room(path: Path) -> str:
    """Return the room of a file of fcn: its own name, or that of its folder."""
    return path.stem if path.parent.name == "fcn" else path.parent.name


def imports(source: str) -> dict[str, int]:
    """Return the dotted names that a source imports, `from fcn import viz` as fcn.viz, and their lines."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module}.{alias.name}": node.lineno for alias in node.names}
    return found


def entered(source: str) -> dict[str, int]:
    """Return the rooms of fcn that a source enters, and the lines."""
    names = {tuple(dotted.split(".")): line for dotted, line in imports(source).items()}
    return {parts[1]: line for parts, line in names.items() if parts[0] == "fcn" and parts[1] not in IN_INIT}


def wrong_ways(path: Path, source: str) -> list[str]:
    """Return each import of a file of fcn that its room may not make."""
    here, wrong = room(path), []
    for other, line in entered(source).items():
        if other != here and other not in MAY_ENTER[here]:
            wrong.append(f"{name(path)}:{line}: {here} enters {other}")
    for dotted, line in imports(source).items():
        library = dotted.split(".")[0]
        strange = library in {"", "book", "tests", "notebooks", "data", "record"}
        if strange or here not in ONLY_IN.get(library, {here}) or (library == "torch" and here in WITHOUT_TORCH):
            wrong.append(f"{name(path)}:{line}: {here} imports {dotted}")
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
        wrong.append(f"{name(path)} has {source.count(chr(10))} lines")
    return wrong


def bad_habits(path: Path, source: str) -> list[str]:
    """Return where a file of fcn seeds for all, asserts, or leaves something public without words or an example."""
    tree, wrong = ast.parse(source), []
    forked = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and "fork_rng" in ast.unparse(block.items[0])
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        seeds = called and called.attr in {"manual_seed", "seed"} and id(node) not in forked
        if seeds and not ast.unparse(called.value).startswith("torch.Generator("):
            wrong.append(f"{name(path)}:{node.lineno}: seeds for everybody")
        if isinstance(node, ast.Assert):
            wrong.append(f"{name(path)}:{node.lineno}: a bare assert")
    if not ast.get_docstring(tree):
        wrong.append(f"{name(path)} has no docstring")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            words = ast.get_docstring(node) or ""
            if not words or (isinstance(node, ast.FunctionDef) and ">>>" not in words):
                wrong.append(
                    f"{name(path)}:{node.lineno}: {node.name} needs {'an example' if words else 'a docstring'}"
                )
    return wrong


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_a_room_enters_only_the_rooms_that_it_may(path):
    assert room(path) in MAY_ENTER, f"Give {name(path)} a place in MAY_ENTER."
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
    libraries = {dotted.split(".")[0] for dotted in imports(source)}
    assert not libraries & {"tests", "book"}
    assert not [dotted for dotted in imports(source) if dotted.startswith("fcn.") and "._" in dotted]
    if path.is_relative_to(ROOT / "book"):
        assert "fcn" not in libraries
        assert path.is_relative_to(ROOT / "book" / "_ext") or not libraries & {"sphinx", "docutils"}


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_a_chapter_enters_rooms_by_their_public_names(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        source = "".join(line for line in cell["source"] if not line.lstrip().startswith("%"))
        if "find_spec" in source:  # the setup cell
            continue
        assert set(entered(source)) <= MAY_ENTER.keys()
        assert not [dotted for dotted in imports(source) if "._" in dotted]


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
        ("fcn/training/fit.py", "from notebooks import ROOT", "training imports notebooks.ROOT"),
    ],
)
def test_a_wrong_way_is_found(file, source, found):
    (line,) = wrong_ways(ROOT / file, source)
    assert found in line


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""D."""\ntorch.manual_seed(0)', ":2: seeds for everybody"),
        ('"""D."""\nnp.random.seed(0)', ":2: seeds for everybody"),
        ('"""D."""\nassert True', ":2: a bare assert"),
        ("x = 1", "has no docstring"),
        ('"""D."""\ndef f():\n    """Say."""', ":2: f needs an example"),
        ('"""D."""\nclass A:\n    pass', ":2: A needs a docstring"),
    ],
)
def test_a_bad_habit_is_found(source, found):
    (line,) = bad_habits(Path("some.py"), source)
    assert found in line


def test_chance_of_ones_own_is_no_bad_habit():
    source = '"""D."""\ntorch.Generator().manual_seed(0)\nwith torch.random.fork_rng([]):\n    torch.manual_seed(0)'
    assert bad_habits(Path("some.py"), source) == []


def test_what_is_too_long_is_found():
    long = "def f():\n" + '    """Words\n\n    do not count."""\n' + "    # nor this\n\n" + "    x = 1\n" * 30
    (line,) = long_ones(Path("some.py"), long, most=100)
    assert "f has 31 lines" in line
    assert long_ones(Path("some.py"), long.replace("    x = 1\n", "", 1), most=100) == []
    assert "some.py has 101 lines" in long_ones(Path("some.py"), "x = 1\n" * 101, most=100)[0]
