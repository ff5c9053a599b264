"""make's one-line answers where a machine lacks something, each tried with the real Makefile."""

import os
import shutil
import subprocess
import sys

import pytest
from notebooks import ROOT

OLD_PYTHON = """#!/bin/sh
case "$2" in *version_info*) exit 1;; *) echo 3.9.2;; esac
"""
PYTHON_WITHOUT_VENV = f"""#!/bin/sh
case "$1" in -m) exit 1;; esac
exec {sys.executable} "$@"
"""


@pytest.fixture
def make(tmp_path):
    """Return a function that runs make in a folder with the Makefile and nothing installed."""
    for name in (
        "Makefile",
        "requirements.txt",
        "pyproject.toml",
        "package.json",
        "package-lock.json",
        "_config.yml",
    ):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book" / "_toc.yml", tmp_path / "book")

    def run(*arguments, **environment):
        return subprocess.run(
            ["make", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def script(folder, text):
    path = folder / "python"
    path.write_text(text)
    path.chmod(0o755)
    return f"PYTHON={path}"


def only_line(answer) -> str:
    """Return the one line on stderr besides make's own."""
    assert answer.returncode != 0
    (line,) = [line for line in answer.stderr.splitlines() if not line.startswith("make: ***")]
    return line


@pytest.mark.parametrize("goal", ["book", "test"])
def test_an_old_python_is_named_with_what_is_needed(make, tmp_path, goal):
    line = only_line(make(goal, script(tmp_path, OLD_PYTHON)))
    assert "needs Python 3.11 or newer" in line
    assert "is 3.9.2" in line
    assert "make PYTHON=" in line


def test_a_missing_python_is_named(make):
    assert "is missing" in only_line(make("book", "PYTHON=no-such-python"))


def test_a_python_without_venv_is_named_with_the_package_that_brings_it(make, tmp_path):
    assert "apt-get install python3-venv" in only_line(make("book", script(tmp_path, PYTHON_WITHOUT_VENV)))
    assert not (tmp_path / ".venv").exists()


def test_without_a_network_one_line_asks_for_it(make):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    line = only_line(make("book", f"PYTHON={sys.executable}", **nowhere))
    assert "is there a network" in line
    assert ".venv/install.log" in line


@pytest.mark.parametrize("mirror", ["answers", "is away"])
def test_on_a_machine_without_a_browser_continuous_integration_brings_one_or_ends_at_once(tmp_path, mirror):
    folder, brought = tmp_path / "bin", f"touch {tmp_path}/bin/chromium; chmod +x {tmp_path}/bin/chromium"
    folder.mkdir()
    for name in ("bash", "dirname", "touch", "chmod"):
        (folder / name).symlink_to(shutil.which(name))
    commands = {
        "apt-get": brought if mirror == "answers" else "exit 100",
        "id": "echo 0",
        "sleep": ":",
        "make": "echo $*",
    }
    for name, body in commands.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    answer = subprocess.run(
        [folder / "bash", ROOT / ".ci" / "run"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if mirror == "answers":
        assert (folder / "chromium").exists()
        assert answer.stdout == "test\nlighthouse\n"
    else:
        assert answer.returncode == 1
        assert "no Chromium" in answer.stderr
        assert answer.stdout == ""
