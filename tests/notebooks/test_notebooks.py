"""The notebooks: what they show was computed by what they hold, and they still run."""

import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SMALL = 400_000  # bytes, with the pictures


def source_of(cell):
    return "".join(cell["source"])


def test_there_are_three():
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_was_run_whole_and_is_small(path):
    content = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert path.stat().st_size < SMALL
    assert "without a GPU, in minutes" in source_of(content["cells"][0])
    assert '%pip install --quiet "keras-rbi[' in source_of(cells[0])
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert not any(output.get("name") == "stderr" for output in outputs)
    # Each cell that comes after the data shows something.
    assert all(cell["outputs"] for cell in cells[2:])


@pytest.mark.nightly
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_runs(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    notebook = nbformat.read(path, as_version=4)
    shown = [[each.output_type for each in cell.get("outputs", [])] for cell in notebook.cells]
    client.NotebookClient(
        notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    again = [
        [each.output_type for each in cell.get("outputs", []) if each.get("name") != "stderr"]
        for cell in notebook.cells
    ]
    assert again == shown
