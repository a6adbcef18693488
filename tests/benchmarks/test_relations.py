"""The program that measures relations at inference: it resumes, and makes table and figure."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def relations(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("relations")


def figures(accuracy):
    rows = [{"relations": "self", "batch_size": None, "accuracy": accuracy}]
    rows += [
        {"relations": "batch", "batch_size": size, "accuracy": accuracy + size / 1000}
        for size in (1, 8)
    ]
    rows.append(
        {
            "relations": "references",
            "batch_size": None,
            "accuracy": accuracy + 0.1,
            "select": "random",
            "per_class": 1,
            "keep": "images",
        }
    )
    changed = {"self": 0.0, "batch": accuracy / 10, "references": 0.0}
    return {"rows": rows, "changed": changed, "relations_error": 0.002, "test_images": 2200}


def test_runs_that_are_done_are_not_repeated(relations, tmp_path, monkeypatch):
    measured = []

    def measure(settings):
        measured.append((settings.variant, settings.seed))
        if len(measured) == 3:
            raise KeyboardInterrupt
        return figures(0.5)

    monkeypatch.setattr(relations, "measure_run", measure)
    arguments = ["--json", str(tmp_path / "r.json"), "--seeds", "0", "1"]
    with pytest.raises(KeyboardInterrupt):
        relations.main(arguments)
    relations.main(arguments)
    assert measured == [
        ("residual", 0),
        ("paper", 0),
        ("residual", 1),
        ("residual", 1),
        ("paper", 1),
    ]
    relations.main(arguments)
    assert len(measured) == 5
    # Other settings are other runs.
    relations.main([*arguments, "--epochs", "2"])
    assert len(measured) == 9


def test_table_and_figure_give_mean_and_deviation_over_seeds(
    relations, tmp_path, monkeypatch, capsys
):
    accuracies = iter([0.5, 0.7, 0.6, 0.8])
    monkeypatch.setattr(relations, "measure_run", lambda _: figures(next(accuracies)))
    page, picture = tmp_path / "page.md", tmp_path / "figure.png"
    page.write_text("before\n<!-- table: begin -->\n<!-- table: end -->\nafter\n")
    arguments = ["--json", tmp_path / "r.json", "--page", page, "--figure", picture]
    relations.main([*map(str, arguments), "--seeds", "0", "1"])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    # Default: 0.5 and 0.6; paper: 0.7 and 0.8. The deviation of two is their difference / sqrt(2).
    assert '| "self" | 55.0 ± 7.1 | 75.0 ± 7.1 |' in text
    assert '| "batch", test batches of 8 | 55.8 ± 7.1 | 75.8 ± 7.1 |' in text
    assert '| "references", 1 a class, random | 65.0 ± 7.1 | 85.0 ± 7.1 |' in text
    assert '| predictions that batch composition changes, "batch" | 5.5 ± 0.7 | 7.5 ± 0.7 |' in text
    assert "mean ± standard deviation over 2 seeds" in text
    assert "2,200 test images" in text
    assert "off by 2.0e-03 on average" in text
    assert "![Accuracy by relations and test batch size](figure.png)" in text
    assert picture.stat().st_size > 5000
    assert '"batch", test batches of 8' in capsys.readouterr().out
    assert len(json.loads((tmp_path / "r.json").read_text())["runs"]) == 4


class FakeOutputs:
    """Of four images, the first gets another class in a batch than it has alone."""

    def __init__(self, extracted):
        self.own = np.eye(3)[extracted.labels]

    def alone(self, mode):
        return self.own

    def each_batch(self, mode, size, order):
        assert (size, sorted(order)) == (32, [0, 1, 2, 3])
        outputs = self.own.copy()
        outputs[0] = np.roll(outputs[0], 1)
        return outputs


@pytest.mark.parametrize(("mode", "share"), [("batch", 0.25), ("references", 0.0)])
def test_the_share_of_answers_that_company_changes(relations, monkeypatch, mode, share):
    monkeypatch.setattr(relations, "RelatedOutputs", FakeOutputs)
    extracted = relations.ExtractedFeatures(None, np.array([0, 1, 2, 0]))
    assert relations.share_changed(extracted, mode) == share
