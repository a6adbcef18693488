"""Programs that compare heads and recipes pair rows by seed, and read their data as said."""

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def row_of_form(model, seed, accuracy, rate=0.032, split="test", **sizes):
    return {
        **{"regime": "scratch-40", "model": model, "seed": str(seed), "split": split},
        "rate": str(rate),
        "accuracy": str(accuracy),
        **{f"batch_{size}": str(sizes.get(f"batch_{size}", accuracy)) for size in (1, 32, 128)},
    }


def test_forms_are_compared_with_the_backbone_of_the_same_seed(program):
    rows = [
        *(row_of_form("alone", seed, value) for seed, value in enumerate((80.0, 70.0, 60.0))),
        row_of_form("default", 2, 29.0),
        row_of_form("default", 0, 82.0, batch_1=81.0),
        row_of_form("default", 1, 71.0),
        # Of a seed that the backbone has not run.
        row_of_form("default", 7, 99.0),
        # At rates of their own; the backbone's is not that of its regime.
        *(row_of_form("default", seed, 75.0, rate=0.064) for seed in (0, 1)),
        row_of_form("alone", 0, 10.0, rate=0.064),
    ]
    found, other = program("default_form").differences(rows)
    # Differences 2, 1 and -31: mean -9 1/3, standard deviation 18.77, t of two degrees 4.303.
    assert found[:6] == ["scratch-40", "default", "0.032", "3", "70.0 at 0.032", "60.7"]
    assert found[6:] == ["-9.33 [-55.96, +37.30]", "1", "1.0"]
    assert other[:6] == ["scratch-40", "default", "0.064", "2", "75.0 at 0.032", "75.0"]


def test_the_backbone_has_the_rate_that_suits_it_on_validation_images(program):
    rows = [
        row_of_form("alone", 0, 80.0),
        *(row_of_form("alone", seed, 70.0, rate=0.064) for seed in (0, 1)),
        *(row_of_form("default", seed, 71.0 + seed) for seed in (0, 1)),
        # Means of 60 and 61.
        *(row_of_form("alone", 100 + n, x, split="validation") for n, x in enumerate((50, 70))),
        row_of_form("alone", 100, 61.0, rate=0.064, split="validation"),
        # Another's.
        row_of_form("default", 100, 99.0, split="validation"),
    ]
    (found,) = program("default_form").differences(rows)
    assert found[:6] == ["scratch-40", "default", "0.032", "2", "70.0 at 0.064", "71.5"]


def test_a_long_tail_and_wrong_labels_are_as_said(program):
    form = program("default_form")
    regime = form.Regime(10, 1, 0.1, image_size=16, imbalance=5.0)
    _, labels, names = form.training_images(regime, seed=0)
    counts = np.sort(np.bincount(labels, minlength=len(names)))[::-1]
    shares = 5.0 ** (-np.arange(len(names)) / (len(names) - 1))
    np.testing.assert_array_equal(counts, np.round(10 * shares))
    plain = form.training_images(form.Regime(10, 1, 0.1, image_size=16), seed=0)[1]
    noisy = form.training_images(form.Regime(10, 1, 0.1, image_size=16, wrong=0.4), seed=0)[1]
    # A label that is drawn is the right one once in 22 times.
    assert 0.25 < np.mean(plain != noisy) < 0.5


def test_recipes_are_compared_with_ours_of_the_same_seed(program):
    def row(way, seed, accuracy):
        return {
            **{"way": way, "per_class": "40", "seed": str(seed), "rate": "", "split": "test"},
            "accuracy": str(accuracy),
            "seconds": "10",
        }

    rows = [row("ours", 0, 80.0), row("ours", 1, 76.0), row("guide", 0, 50.0), row("guide", 1, 48)]
    table = program("recipes").table_of(rows)
    cells = [list(column.cells) for column in table.columns]
    # Differences 30 and 28: mean 29, t of one degree 12.706 times a standard error of 1.
    assert [column[1] for column in cells][4:7] == ["2", "49.0", "+29.0 [+16.3, +41.7]"]
    assert cells[5][0] == "78.0"
