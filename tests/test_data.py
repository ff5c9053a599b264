"""data_path finds data/, and what lies there is what data/README.md says."""

import hashlib
import re

import pytest
from notebooks import ROOT

from fcn import data_path


def test_data_path_finds_data_in_a_checkout():
    assert data_path("README.md") == ROOT / "data" / "README.md"


def test_a_missing_file_and_a_way_out_of_data_are_refused():
    with pytest.raises(FileNotFoundError, match=r"no 'results/none\.json'"):
        data_path("results/none.json")
    with pytest.raises(ValueError, match="leads out of data/"):
        data_path("../README.md")


def test_every_file_with_a_checksum_has_it():
    rows = re.findall(r"(?m)^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", (ROOT / "data" / "README.md").read_text())
    assert {name for name, _ in rows} == {f"fonts/{path.name}" for path in (ROOT / "data" / "fonts").glob("*.ttf")}
    for name, checksum in rows:
        assert hashlib.sha256(data_path(name).read_bytes()).hexdigest() == checksum
