"""The program that swaps labels and counts which of them are doubted."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from keras_rbi import backbones, evaluation
from keras_rbi.datasets import Typefaces

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("label_issues")


def test_labels_are_swapped_within_families(program):
    data = Typefaces("train", per_class=10)
    labels = program.swapped(data, 0.1, seed=0)
    changed = labels != data.labels
    assert changed.sum() == 22
    family = dict(zip(data.labels.tolist(), data.coarse_labels.tolist(), strict=True))
    for label, right in zip(labels[changed].tolist(), data.labels[changed].tolist(), strict=True):
        assert family[label] == family[right]
    np.testing.assert_array_equal(labels, program.swapped(data, 0.1, seed=0))


def test_scores_are_counts(program, monkeypatch):
    monkeypatch.setattr(program, "FIRST", 3)
    right = np.array([0, 0, 1, 1, 2, 2])
    labels = np.array([1, 0, 0, 1, 0, 1])
    issues = [
        evaluation.LabelIssue(index, int(labels[index]), suggested, 0.1, 0.9)
        # Wrong and named; right; wrong, and named wrongly; wrong, but the fourth.
        for index, suggested in ((0, 0), (1, 1), (2, 2), (4, 2))
    ]
    assert program.scores(issues, labels, right) == {
        "wrong": 4,
        "suspects": 4,
        "precision": 2 / 3,
        "recall": 2 / 4,
        "suggestions_right": 1 / 2,
        "precision_of_all": 3 / 4,
        "recall_of_all": 3 / 4,
    }


def test_it_runs_and_repeats_nothing(program, tmp_path, monkeypatch, capsys):
    built = []

    def get(name, weights, image_size):
        built.append(weights)
        return backbones.SmallCNN((image_size, image_size, 3))

    monkeypatch.setattr(program.backbones, "get", get)
    out = tmp_path / "issues.json"
    arguments = ["--per-class", "6", "--seeds", "0", "--image-size", "16", "--json", str(out)]
    program.main(arguments)
    program.main(arguments)
    assert built == ["imagenet"]
    (run,) = json.loads(out.read_text())["runs"]
    assert run["wrong"] == 13
    assert 0 <= run["precision"] <= 1
    assert "Of the first 100 suspects" in capsys.readouterr().out
