"""The benchmark programs run, their forms agree, and their measuring measures."""

import importlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MIB = 2**20

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured on Linux only"
)


@pytest.fixture(autouse=True)
def path_of_programs(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def program(name):
    return importlib.import_module(name)


@pytest.mark.parametrize(
    ("outputs", "reference", "expected"),
    [
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([3.0, -5.0], [3.0, -5.0], 0.0),
        ([1.0, -12.0], [2.0, -10.0], 0.2),
    ],
)
def test_relative_difference_of_one_array(outputs, reference, expected):
    arrays = (ops.convert_to_tensor(values) for values in (outputs, reference))
    assert program("measure").relative_difference(*arrays) == pytest.approx(expected)


def test_relative_difference_of_several_arrays_is_the_worst():
    outputs = [ops.convert_to_tensor([1.0]), ops.convert_to_tensor([9.0, 30.0])]
    reference = [ops.convert_to_tensor([1.0]), ops.convert_to_tensor([10.0, 40.0])]
    assert program("measure").relative_difference(outputs, reference) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("value", "at_most", "met"),
    [(9.0, True, True), (10.0, True, True), (11.0, True, False), (9.0, False, False)],
)
def test_a_target_is_met_or_missed_by_its_value(value, at_most, met):
    assert program("measure").target("speed", value, 10.0, at_most, "times")["met"] is met


def test_a_target_that_was_not_measured_is_neither():
    assert program("measure").target("speed", None, 10.0, True, "times")["met"] is None


@pytest.mark.parametrize(
    ("code", "limit", "seconds", "expected"),
    [
        ("print('noise'); print('{\"peak_bytes\": 7}')", 4.0, 60.0, {"peak_bytes": 7}),
        ("x = b'1' * 2**28; import time; time.sleep(60)", 0.125, 60.0, {"note": "over 0.125 GiB"}),
        ("import time; time.sleep(60)", 4.0, 0.5, {"note": "over 0.5 s"}),
        ("raise MemoryError('cannot allocate')", 4.0, 60.0, {"note": "out of memory"}),
        (
            "raise ValueError('no such form')",
            4.0,
            60.0,
            {"note": "failed: ValueError: no such form"},
        ),
    ],
)
def test_a_fresh_process_gives_its_figures_or_a_reason(code, limit, seconds, expected):
    command = [sys.executable, "-c", code]
    assert program("measure").in_fresh_process(command, limit * 2**30, seconds) == expected


@pytest.mark.parametrize("gradients_of", [(), (0,), (0, 1)])
def test_compiled_gives_the_output_or_its_gradients(gradients_of):
    one, two = ops.convert_to_tensor([1.0, 2.0]), ops.convert_to_tensor([3.0, 5.0])
    output = program("measure").compiled(lambda a, b: a * b, (one, two), gradients_of)()
    if not gradients_of:
        np.testing.assert_allclose(ops.convert_to_numpy(output), [3.0, 10.0])
        return
    # The sum of a²b² has the gradients 2ab² and 2a²b.
    expected = [[18.0, 100.0], [6.0, 40.0]]
    for position, gradient in zip(gradients_of, output, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(gradient), expected[position])


def test_literal_and_gram_errors_are_those_of_numpy():
    rpe = program("rpe")
    images = rpe.images_of(4, 8, "float32")
    rows = images.reshape(4, -1).astype("float64")
    expected = np.mean((rows[:, None] - rows[None]) ** 2, axis=-1)
    for form in (rpe.literal_errors, rpe.gram_errors):
        errors = ops.convert_to_numpy(form(ops.convert_to_tensor(images)))
        np.testing.assert_allclose(errors, expected, rtol=1e-5, atol=0.05)


def run_program(name, arguments, tmp_path):
    file = tmp_path / f"{name}.json"
    program(name).main([*arguments, "--repeats", "2", "--json", str(file)])
    return json.loads(file.read_text())


def test_rra_program(tmp_path, capsys):
    arguments = ["--batch-sizes", "3", "5", "--units", "8", "--no-memory"]
    result = run_program("rra", arguments, tmp_path)
    assert result["backend"] == keras.backend.backend()
    assert len(result["figures"]) == 2 * 2 * len(program("rra").forms())
    for row in result["figures"]:
        assert len(row["milliseconds"]) == 2
        assert row["min_ms"] <= row["median_ms"] <= row["max_ms"]
    same = [row for row in result["figures"] if row["form"] in ("ours", "literal")]
    assert all(row["difference_from_ours"] < 1e-5 for row in same)
    others = ("MultiheadAttention", "TransformerEncoderLayer")
    for one in result["targets"]:
        assert (one["met"] is not None) == any(name in one["target"] for name in others)
    printed = capsys.readouterr().out
    assert "literal" in printed
    assert "not measured: speed" in printed


def test_rpe_program(tmp_path, capsys):
    arguments = ["--batch-sizes", "32", "--image-size", "8", "--no-memory"]
    result = run_program("rpe", arguments, tmp_path)
    assert len(result["figures"]) == 3 * 3
    literal = [row for row in result["figures"] if row["form"] == "literal"]
    assert all(row["difference_from_ours"] < 1e-5 for row in literal)
    speed, *memory = result["targets"]
    assert speed["met"] == (speed["value"] <= 1.0)
    assert [one["met"] for one in memory] == [None, None]
    exact = [row for row in result["near_duplicates"] if row["form"] == "ours"]
    assert len(exact) == 2
    assert all(row["error_db_printed"] < 1e-3 for row in exact)
    assert "Gram" in capsys.readouterr().out


def test_peaks_come_from_fresh_processes_and_forms_over_the_limit_are_skipped(tmp_path, capsys):
    arguments = ["--batch-sizes", "3", "--units", "8", "--memory-limit-gib", "0.01"]
    result = run_program("rra", arguments, tmp_path)
    assert {row["note"] for row in result["figures"]} == {"over 0.01 GiB"}
    assert "skipped: over 0.01 GiB" in capsys.readouterr().out


def test_peak_of_a_case_grows_with_what_the_form_holds():
    case = {"form": "literal", "inputs": "features", "gradient": False, "batch": 64, "size": 512}
    # In a process of its own: this one may have room left from other tests.
    command = [sys.executable, str(BENCHMARKS / "rra.py"), "--peak-of", json.dumps(case)]
    measure = program("measure")
    peaks = measure.in_fresh_process(command, 8 * measure.GIB)
    # One batch x batch x units tensor is 8 MiB.
    assert peaks["peak_bytes"] > 8 * MIB
    assert peaks["floor_bytes"] < 8 * MIB


def test_steps_of_optimizers_are_taken_in_turns(tmp_path, capsys):
    arguments = ["--variables", "3", "--shape", "4", "2", "--repeats", "2"]
    program("optimizers").main([*arguments, "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert {"Adam", "RectifiedAdam", "ratio", "machine"} == set(found)
    assert f"{found['ratio']:.2f}" in capsys.readouterr().out


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="the layers are PyTorch's")
@pytest.mark.parametrize("form", ["MultiheadAttention", "TransformerEncoderLayer"])
def test_a_layer_of_others_computes_what_it_computes_alone(form):
    torch = pytest.importorskip("torch")
    rra, measure = program("rra"), program("measure")
    torch.manual_seed(0)
    call = rra.build(measure.Case(form, "features", False, 5, 8))
    features, _ = (torch.as_tensor(array) for array in rra.inputs_of(5, 8))
    torch.manual_seed(0)
    layer, inputs = rra.layer_of_others(form, features, None)
    expected = layer.eval()(*inputs)
    expected = expected[0] if isinstance(expected, tuple) else expected
    torch.testing.assert_close(call(), expected.detach())
