"""What export_model writes, refuses and removes, on every backend."""

import importlib
import json
import sys

import keras
import numpy as np
import pytest
import small_model

import keras_rbi
from keras_rbi.export import ExportError, export_model, formats, writing
from keras_rbi.export.verification import outputs_without_keras

BACKEND = keras.config.backend()


@pytest.fixture(scope="module")
def model():
    return small_model.model()


def test_onnx_gives_the_models_answers_and_tells_of_itself(model, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model.relations = "batch"
    try:
        export = model.export(tmp_path / "m.onnx", "onnx", relations="self", verbose=False)
        assert model.relations == "batch"
    except ValueError as error:
        pytest.skip(str(error))
    finally:
        model.relations = "self"
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    session = runtime.InferenceSession(tmp_path / "m.onnx")
    (entry,) = session.get_inputs()
    assert (entry.name, entry.type, entry.shape) == (
        "images",
        "tensor(float)",
        ["batch", 16, 16, 3],
    )
    ends = [(end.name, end.shape) for end in session.get_outputs()]
    assert ends == [
        ("probabilities", ["batch", 4]),
        ("top_k_classes", ["batch", 4]),
        ("top_k_probabilities", ["batch", 4]),
    ]
    images = small_model.images(7).astype("float32")
    probabilities, classes, best = session.run(None, {"images": images})
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(classes[:, 0], np.argmax(expected, axis=-1))
    np.testing.assert_allclose(best, -np.sort(-expected, axis=-1), atol=1e-5)
    about = json.loads(session.get_modelmeta().custom_metadata_map["keras_rbi"])
    assert about["class_names"] == small_model.NAMES
    assert about["relations"] == "self"
    assert about["image_shape"] == [16, 16, 3]
    assert set(export.verification.differences) >= {"batch of 1", "batch of 5", "batch of 32"}


def test_batch_relations_are_refused_unless_asked_for_by_name(tmp_path):
    paper = small_model.model(variant="paper")
    with pytest.raises(ValueError, match="other users' requests"):
        paper.export(tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "tflite"}, "`format` must be one of"),
        ({"format": "onnx", "path": "m.onx"}, "must end with '.onnx'"),
        ({"relations": "mates"}, "`relations` must be one of .*relations='mates'"),
        ({"inputs": ()}, "`inputs` must be one or several of"),
        ({"outputs": "logits"}, "`outputs` must be one or several of"),
        ({"format": "onnx", "path": "m.onnx", "inputs": "image_bytes"}, "has one input"),
        ({"precision": "float16"}, "has the precisions 'float32'"),
        ({"class_names": ["a"]}, "has 4 classes"),
        ({"top_k": 0}, "`top_k` must be a positive integer"),
        ({"relations": "references"}, "no references"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(model, tmp_path, arguments, message):
    path = tmp_path / arguments.pop("path", "m")
    with pytest.raises(ValueError, match=message):
        export_model(model, path, **arguments)
    assert not list(tmp_path.iterdir())


def test_what_is_not_installed_is_told_with_its_extra(monkeypatch):
    monkeypatch.setattr(formats, "_missing", lambda packages: [*packages])
    with pytest.raises(ValueError, match=r"onnx and onnxruntime.*keras-rbi\[onnx\]"):
        formats.backend_for("onnx", "jax")
    with pytest.raises(ValueError, match=r"needs torch.*keras-rbi\[torch\]"):
        formats.backend_for("torch", "jax")


def test_the_backend_in_force_is_taken_where_it_can(monkeypatch):
    monkeypatch.setattr(formats, "_missing", lambda packages: [])
    assert formats.backend_for("onnx", "torch") == "torch"
    assert formats.backend_for("onnx", "jax") == "tensorflow"
    assert formats.backend_for("torch", "jax") == "torch"


def test_what_answers_otherwise_is_removed_with_the_numbers(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    right, wrong = small_model.model(), small_model.model()
    wrong.layers[-1].bias.assign(np.arange(4, dtype="float32"))
    writer = writing.write_here
    module = importlib.import_module("keras_rbi.export.export_model")
    monkeypatch.setattr(module, "write_here", lambda model, *rest: writer(wrong, *rest))
    if BACKEND == "jax" or not _can_write_onnx():
        pytest.skip(f"no ONNX is written on {BACKEND}")
    (tmp_path / "m.onnx").write_text("of before")
    with pytest.raises(ExportError, match=r"batch of 5: 0\.\d+.*removed"):
        export_model(right, tmp_path / "m.onnx", "onnx", verbose=False)
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_text() == "of before"


def _can_write_onnx():
    try:
        return formats.backend_for("onnx", BACKEND) == BACKEND
    except ValueError:
        return False


def test_a_classifier_without_rbi_gets_a_softmax_where_it_gives_logits(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    images = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images)))
    model = keras.Model(images, outputs)
    export_model(model, tmp_path / "m", class_names=["a", "b", "c"], verbose=False)
    served = tensorflow.saved_model.load(str(tmp_path / "m")).signatures["serving_default"]
    rows = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 3)).astype("float32")
    logits = model.predict(rows, verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    prediction = served(images=tensorflow.constant(rows))
    np.testing.assert_allclose(prediction["probabilities"].numpy(), expected, atol=1e-5)
    assert prediction["top_k_names"].numpy()[0, 0] == b"abc"[expected[0].argmax()].to_bytes(
        1, "big"
    )


def test_a_process_that_fails_says_why(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(ExportError, match=r"reload the exported model failed.*absent.onnx"):
        outputs_without_keras(tmp_path / "absent.onnx", "onnx", [])


def test_keras_is_not_there_when_an_export_is_reloaded(monkeypatch, tmp_path):
    from keras_rbi.export import run_without_keras

    job = tmp_path / "job.json"
    np.savez(tmp_path / "inputs.npz", **{"0:images": np.zeros(1)})
    job.write_text(
        json.dumps(
            {
                "run": str(tmp_path / "run.py"),
                "path": "",
                "inputs": str(tmp_path / "inputs.npz"),
                "predictions": str(tmp_path / "predictions.npz"),
            }
        )
    )

    (tmp_path / "run.py").write_text(
        """
import numpy as np

def run(path):
    try:
        import keras
    except ImportError:
        return (lambda name, values: {"ok": np.ones(1)}), "{}"
"""
    )
    monkeypatch.setitem(sys.modules, "keras", sys.modules["keras"])
    run_without_keras.main(str(job))
    assert np.load(tmp_path / "predictions.npz")["0:ok"] == 1


def test_the_model_keeps_its_relations(model):
    assert model.relations == "self"
    assert keras_rbi.export.FORMATS["onnx"].suffix == ".onnx"
