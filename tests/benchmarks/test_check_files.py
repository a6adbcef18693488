"""`benchmarks/check_files.py` makes files, measures the command on them and draws the line."""

import csv
import importlib
import sys
from pathlib import Path

import pytest

from keras_rbi.datasets.files.equal_files import equal_files
from keras_rbi.datasets.files.image_folder import read_folder

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("check_files")


def test_files_are_so_many_and_of_different_content(program, tmp_path):
    for count in (7, 23):
        program.make_files(tmp_path, count, 5)
        records = read_folder(tmp_path)
        assert len(records.files) == len({path.read_bytes() for path in tmp_path.rglob("*.jpg")})
        assert len(records.files) == count
        assert len(records.class_names) == 5
    assert equal_files(records) == []


def test_the_line_goes_through_the_two_largest_folders(program):
    rows = [
        {"files": 10, "seconds": 9.0, "processor_seconds": 5.0, "peak_mib": 9.0},
        {"files": 100, "seconds": 2.0, "processor_seconds": 1.0, "peak_mib": 60.0},
        {"files": 200, "seconds": 3.0, "processor_seconds": 1.5, "peak_mib": 70.0},
    ]
    found = program.extrapolated(rows, 1000)
    # A second and 10 MiB for every 100 files.
    assert found == {
        "files": 1000,
        "seconds": 11.0,
        "processor_seconds": 5.5,
        "peak_mib": 150.0,
        "measured": 0,
    }


def test_it_writes_the_curve(program, tmp_path, capsys):
    out = tmp_path / "curve.csv"
    arguments = ["--counts", "30", "60", "--classes", "3", "--folder", str(tmp_path)]
    program.main([*arguments, "--csv", str(out)])
    rows = list(csv.DictReader(out.open()))
    assert [row["files"] for row in rows] == ["30", "60", "1000000"]
    assert all(float(row["seconds"]) > 0.0 for row in rows[:2])
    # An interpreter with NumPy takes no less, and this no more.
    assert all(20.0 < float(row["peak_mib"]) < 1000.0 for row in rows[:2])
    assert [row["measured"] for row in rows] == ["1", "1", "0"]
    assert "60" in capsys.readouterr().out
    # What was made is taken away.
    assert [path.name for path in tmp_path.iterdir()] == ["curve.csv"]
