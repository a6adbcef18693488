"""The programs on observations and on classes that come later run, and go on where they stopped."""

import csv
import importlib
from pathlib import Path

import numpy as np
import pytest

from keras_rbi.training import run_data

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL = ["--seeds", "0", "--epochs", "1", "--image-size", "16"]


@pytest.fixture
def program(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run(name, *arguments, **constants):
        module = importlib.import_module(name)
        for constant, value in constants.items():
            monkeypatch.setattr(module, constant, value)
        file = tmp_path / f"{name}.csv"
        for _ in range(2):
            module.main(["--csv", str(file), *SMALL, *arguments])
        return list(csv.DictReader(file.open(encoding="utf-8")))

    return run


def test_observations(program, monkeypatch):
    for split in run_data.TYPEFACES_PER_CLASS:
        monkeypatch.setitem(run_data.TYPEFACES_PER_CLASS, split, 4)
    draws = {"mean": 2, "related within, mean": 1}
    rows = program("observations", "--per-class", "4", SIZES=(1, 4), IMAGES=4, DRAWS=draws)
    assert [(row["model"], row["predictions"], row["images"]) for row in rows] == [
        (model, kind, size)
        for model, kind in [
            ("default", "mean"),
            ("within sets", "mean"),
            ("within sets", "related within, mean"),
        ]
        for size in ("1", "4")
    ]
    assert all(0 <= float(row["top1"]) <= 100 for row in rows)


@pytest.mark.nightly
def test_adding_classes(program):
    ways = {"held back to 1 point": (0.01, False)}
    options = ["--per-class", "3", "--test-images", "2", "--few", "2"]
    rows = program("adding_classes", *options, FEW=(2,), WAYS=ways, VALIDATION=2)
    assert [row["way"] for row in rows] == ["imprinted", *ways, "all from the start"]
    for row in rows:
        # The classes have as many test images: all is the mean over them.
        old, new, every = (float(row[name]) for name in ("old_after", "new_after", "all_after"))
        assert np.isclose(every, (16 * old + 6 * new) / 22, atol=0.02)
