"""JSON that every program reads, one line where memory ends, and no measure of images once seen."""

import doctest
import json

import pytest
from small_runs import SMALL

import keras_rbi.evaluation
from keras_rbi import disk_errors, memory_errors, strict_json
from keras_rbi.memory_errors import is_of_memory

pytestmark = pytest.mark.usefixtures("untraced")


def strictly(text):
    """What a program reads that knows JSON and no more."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_run_that_diverges_is_told_and_leaves_json(ask, birds):
    given = [*SMALL[:-1], "1", "--learning-rate", "1e30", "--output", "far", "--json", "--quiet"]
    code, printed, told = ask("train", *given)
    metrics = strictly(printed)
    assert code == 0
    assert metrics["test_calibration_error"] is None
    assert ["diverged" in line and "1e+30" in line for line in told] == [True]
    strictly((birds / "far" / "metrics.json").read_text("utf-8"))
    code, printed, _ = ask("evaluate", "far", "--batch-sizes", 4, "--output", "measured", "--json")
    assert code == 0
    assert None in [row["loss"] for row in strictly(printed)["rows"]]
    strictly((birds / "measured" / "evaluation.json").read_text("utf-8"))
    code, printed, _ = ask("predict", "far", "birds", "--json")
    assert code == 0
    assert {one["probability"] for row in strictly(printed) for one in row["top"]} == {None}


def test_another_seed_does_not_draw_what_a_run_was_trained_on(ask, finished_run):
    code, printed, _ = ask("evaluate", "run", "--seed", 1, "--orders", 1, "--json")
    assert code == 2
    told = strictly(printed)["error"]
    assert "are training or validation images of the run 'run'" in told
    assert "Leave out --seed" in told
    code, printed, _ = ask("evaluate", "run", "--orders", 1, "--json")
    assert (code, strictly(printed)["warnings"]) == (0, [])


def test_a_batch_of_more_images_than_there_are_is_one_of_all(ask, finished_run):
    sizes = "2,4,1000000000000"
    code, printed, _ = ask("evaluate", "run", "--orders", 2, "--batch-sizes", sizes, "--json")
    assert code == 0
    rows = [row for row in strictly(printed)["rows"] if row["relations"] == "batch"]
    assert [row["batch_size"] for row in rows[-2:]] == [10**12] * 2
    # In one batch of all, the order is nothing.
    assert rows[-1]["loss"] == pytest.approx(rows[-2]["loss"], abs=1e-6)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 286. GiB for an array"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 3 bytes."),
    ],
)
def test_where_memory_ends_one_line_says_what_to_do(ask, finished_run, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(keras_rbi.evaluation, "extract_features", refuse)
    code, printed, _ = ask("evaluate", "run", "--json", "--quiet")
    assert code == 2
    assert "not enough memory" in strictly(printed)["error"]
    code, printed, told = ask("evaluate", "run", "--quiet")
    assert (code, printed) == (2, "")
    assert ["--batch-size" in line for line in told] == [True]


@pytest.mark.parametrize("module", [disk_errors, memory_errors, strict_json])
def test_examples_give_what_they_show(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_other_errors_are_not_of_memory():
    assert not is_of_memory(ValueError("There is no memory of this image."))
