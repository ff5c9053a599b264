"""data/checkpoints/export.py: what the live page gets of the networks. What it makes of it: browser/test_live.py."""

import json
import sys

import pytest
from notebooks import ROOT

CHECKPOINTS = ROOT / "data" / "checkpoints"
sys.path.append(str(CHECKPOINTS))

import export  # noqa: E402


def test_the_live_page_has_the_three_networks_of_chapter_5_and_the_one_of_chapter_6():
    assert list(json.loads((CHECKPOINTS / "live.json").read_text())) == list(export.NAMES)


@pytest.mark.parametrize("name", export.NAMES)
def test_what_the_live_page_is_told_of_a_network_is_what_the_network_says(name):
    told = json.loads((CHECKPOINTS / "live.json").read_text())[name]
    assert told == export.told(name, (CHECKPOINTS / f"{name}.onnx").read_bytes())


@pytest.mark.parametrize("name", ["fcn32s", "camvid-fcn8s"])
def test_a_graph_of_the_live_page_is_what_export_writes(name):
    assert export.graph(name) == (CHECKPOINTS / f"{name}.onnx").read_bytes()
