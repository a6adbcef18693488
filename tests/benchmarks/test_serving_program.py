"""`benchmarks/serving.py` measures the service, and what it promises holds."""

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
for package in ("fastapi", "onnx", "onnxruntime", "prometheus_client", "uvicorn"):
    pytest.importorskip(package)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("serving")


def test_quantiles_are_those_of_the_hundred_and_of_what_was_lost(program):
    found = program.quantiles([*range(1, 100), float("inf")])
    assert found == {"count": 100, "p50": 50.5, "p99": 99.0, "max": float("inf")}


@pytest.mark.nightly
def test_a_good_client_hardly_waits_for_hostile_ones(program, tmp_path):
    program.main(["worst", "--seconds", "60", "--json", str(tmp_path / "worst.json")])
    found = json.loads((tmp_path / "worst.json").read_text())
    assert found["beside"]["p99"] < program.TARGET_SECONDS
    assert found["peak_bytes"] < 3 * 2**30
    assert found["seconds_to_stop"] < 60
    assert all(case["times"] for case in found["cases"].values())


@pytest.mark.nightly
def test_answers_are_right_and_memory_is_flat_under_load(program, tmp_path):
    program.main(["load", "--json", str(tmp_path / "load.json")])
    found = json.loads((tmp_path / "load.json").read_text())
    assert found["wrong"] == []
    assert found["growth"] < program.TARGET_GROWTH


def test_what_the_page_waits_for_is_measured(program, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "serving"))
    import mean_color

    file = mean_color.write(tmp_path / "m.onnx", explains=True)
    counts = ["--requests", "2", "--references", "60", "--json", str(tmp_path / "page.json")]
    program.main(["page", "--model", str(file), *counts])
    found = json.loads((tmp_path / "page.json").read_text())
    assert {name: each["count"] for name, each in found.items() if isinstance(each, dict)} == {
        "an answer": 2,
        "an answer with look-alikes": 2,
        "its map": 2,
        "two classes compared, with a reference of each": 2,
        "the nearest references": 2,
        "look-alikes alone": 2,
    }
