"""Who may import whom: CONTRIBUTING.md's map, kept."""

import ast

import pytest
from notebooks import ROOT

MAY_IMPORT = {  # module -> rooms of fcn it may enter; every module may use fcn.data_path
    "__init__": set(),
    "one_by_one": set(),
    "backbones": {"one_by_one"},
    "metrics": set(),
    "scenes": set(),
    "upsampling": set(),
    "checkerboard": {"upsampling"},
    "skips": {"upsampling"},
    "training": {"metrics"},
    "viz": set(),
    "widgets": {"checkerboard", "viz", "widgets"},
}
MODULES = sorted((ROOT / "fcn").rglob("*.py"))


def room(path) -> str:
    return "widgets" if path.parent.name == "widgets" else path.stem


def imports(path) -> set[str]:
    """Return the dotted names that a file imports, `from fcn import viz` as fcn.viz."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import: write it out"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_enters_only_the_rooms_that_it_may(path):
    assert room(path) in MAY_IMPORT, f"Give {path.name} a place in CONTRIBUTING.md's map and in MAY_IMPORT."
    names = [name.split(".") for name in imports(path)]
    rooms = {parts[1] for parts in names if parts[0] == "fcn"} - {"data_path"}
    assert rooms <= MAY_IMPORT[room(path)]
    assert not {parts[0] for parts in names} & {"book", "tests", "notebooks", "data"}
    if room(path) not in {"viz", "widgets"}:
        assert "matplotlib" not in {parts[0] for parts in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_global_seed_no_bare_assert_and_a_docstring_for_all_that_is_public(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert)
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        assert not (called and node.func.attr in {"manual_seed", "seed"})
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"
