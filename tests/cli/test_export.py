"""`keras-rbi export` from run folders, with and without RBI."""

import json

import keras
import numpy as np
import pytest
import typer.testing

import keras_rbi
from keras_rbi.cli.main import app
from keras_rbi.models.baselines import backbone_classifier
from keras_rbi.training import RunFolder, TrainingSettings

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

if keras.config.backend() != "tensorflow":
    pytest.skip("what the command adds is the same on every backend", allow_module_level=True)
pytest.importorskip("tf2onnx")

NAMES = keras_rbi.datasets.typefaces.load("test", per_class=1).class_names


@pytest.fixture(params=["rbi", "backbone alone"])
def run(request, tmp_path):
    """The folder of a run that has ended, without the training."""
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(8, 16))
    if request.param == "rbi":
        model = keras_rbi.RBIModel(backbone, class_names=NAMES, embedding_dim=16)
    else:
        model = backbone_classifier(backbone, len(NAMES))
    folder = RunFolder(tmp_path / "run")
    settings = TrainingSettings(image_size=16, per_class=4, rbi=request.param == "rbi")
    folder.write_settings(settings.resolved(), NAMES)
    model.save(folder.model)
    return folder.path


def invoke(*arguments):
    return typer.testing.CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_a_run_is_exported_with_its_class_names_and_the_cost_is_told(run):
    file = run / "exported" / "model.onnx"
    done = invoke(run, "--format", "onnx", "--precision", "int8")
    assert done.exit_code == 0, done.output
    assert "Top-1 accuracy on 1000 test images" in done.output
    session = runtime.InferenceSession(file)
    about = json.loads(session.get_modelmeta().custom_metadata_map["keras_rbi"])
    assert about["class_names"] == NAMES
    assert about["precision"] == "int8"
    (rows,) = session.run(["probabilities"], {"images": np.zeros((2, 16, 16, 3), "float32")})
    np.testing.assert_allclose(rows.sum(axis=-1), 1, atol=1e-2)


@pytest.mark.parametrize("run", ["rbi"], indirect=True)
def test_one_prediction_for_several_images_and_what_a_page_shows(run):
    calibration = {"temperatures": {"1": 1.0, "4": 0.5}}
    (run / "observations.json").write_text(json.dumps(calibration))
    file = run / "exported" / "model.onnx"
    done = invoke(run, "--format", "onnx", "--inputs", "observations")
    assert done.exit_code == 0, done.output
    session = runtime.InferenceSession(file)
    about = json.loads(session.get_modelmeta().custom_metadata_map["keras_rbi"])
    assert about["observation_temperatures"] == calibration["temperatures"]
    assert session.get_inputs()[0].shape == ["observations", "images", 16, 16, 3]
    done = invoke(run, "--format", "onnx", "--outputs", "probabilities, features,maps")
    assert done.exit_code == 0, done.output
    ends = [end.name for end in runtime.InferenceSession(file).get_outputs()]
    assert ends == ["probabilities", "features", "maps"]


def test_mistakes_end_the_command_with_one_line(tmp_path):
    model = backbone_classifier(keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(8,)), 3)
    model.save(tmp_path / "m.keras")
    done = invoke(
        tmp_path / "m.keras",
        *("--output", tmp_path / "m.onnx", "--format", "onnx", "--relations", "batch"),
    )
    assert done.exit_code == 2
    assert (
        done.stderr.strip().splitlines()[-1].startswith("Error: Only a model with relations, such")
    )
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--format", "onnx"), ("--inputs", "images,sets"), ("--precision", "float16")],
)
def test_what_the_layout_for_tensorflow_serving_settles_is_refused(tmp_path, arguments):
    done = invoke(tmp_path / "m.keras", "--tf-serving", "dogs", *arguments)
    assert done.exit_code == 2
    assert " ".join(arguments) in done.stderr.splitlines()[-1]
