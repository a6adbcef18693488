"""What a service shows beside a run's answers comes from the run's own images."""

import importlib.util
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import make_birds

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from keras_rbi.cli.beside_model import beside_model
from keras_rbi.cli.output import asked
from keras_rbi.datasets.files.reading import read_image
from keras_rbi.serving.onnx_model import OnnxModel
from keras_rbi.training import RunFolder
from keras_rbi.training.images_to_show import evenly, images_to_show
from keras_rbi.training.run_files import read_files

NAMES = ("robin", "wren", "later")


def mean_color():
    path = Path(__file__).parents[1] / "serving" / "mean_color.py"
    spec = importlib.util.spec_from_file_location("mean_color", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A copy of a run and of its data, with a model of its classes in ONNX."""
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    make_birds(tmp_path)
    monkeypatch.chdir(tmp_path)
    kept = RunFolder(folder).settings
    content = json.loads(kept.read_text("utf-8"))
    content["settings"]["dataset"] = str(tmp_path / "birds")
    kept.write_text(json.dumps(content), "utf-8")
    (folder / "serving").mkdir()
    mean_color().write(folder / "serving" / "m.onnx", 16, names=NAMES, explains=True)
    return folder


def model_of(run):
    return OnnxModel(run / "serving" / "m.onnx")


def test_references_are_training_images_with_their_features(run, capsys):
    model = model_of(run)
    beside = beside_model(run, model, 5, None)
    shown = beside.references
    assert len(shown) == 5
    assert sorted(np.bincount(shown.labels).tolist()) == [2, 3]
    train = {name: one for name, (one, _) in read_files(RunFolder(run).files, "train").items()}
    for label, name, feature, content in zip(
        shown.labels, shown.names, shown.features, shown.files, strict=True
    ):
        assert train[name] == NAMES[label]
        pixels = read_image(Path("birds") / name, 16)
        mean = pixels.astype("float64").mean((0, 1))
        np.testing.assert_allclose(feature, mean / np.linalg.norm(mean), atol=1e-5)
        assert Image.open(io.BytesIO(content)).size == (16, 16)
    # Two validation images say nothing of a threshold.
    assert beside.confidence is None
    # What was made is there, whatever becomes of the data.
    shutil.rmtree("birds")
    assert beside_model(run, model, 5, None).references.names == shown.names


def test_a_run_whose_data_is_gone_is_served_without(run, capsys, monkeypatch):
    monkeypatch.setattr(asked, "quiet", False)
    shutil.rmtree("birds")
    (run / "README.md").write_text("# Card", "utf-8")
    beside = beside_model(run, model_of(run), 5, None)
    assert (beside.references, beside.confidence, beside.card) == (None, None, "# Card")
    told = " ".join(capsys.readouterr().err.split())
    assert "No look-alikes, and no telling what is sure" in told
    # The next start looks again.
    assert not list((run / "serving").glob("*.page.json"))


def test_as_many_references_as_are_asked_for_at_this_start(run):
    model = model_of(run)
    assert len(beside_model(run, model, 3, None).references) == 3
    assert len(beside_model(run, model, 5, None).references) == 5
    made = (run / "serving" / "m.references.npz").stat().st_mtime_ns
    assert len(beside_model(run, model, 5, None).references) == 5
    assert beside_model(run, model, 0, None).references is None
    assert (run / "serving" / "m.references.npz").stat().st_mtime_ns == made
    assert len(beside_model(run, model, 2, None).references) == 2
    # After a start without any.
    shutil.rmtree(run / "serving")
    (run / "serving").mkdir()
    mean_color().write(run / "serving" / "m.onnx", 16, names=NAMES, explains=True)
    assert beside_model(run, model, 0, None).references is None
    assert len(beside_model(run, model, 4, None).references) == 4


def test_observations_are_as_calibrated_as_the_run_says_now(run):
    # Also where the data is gone, and where the run was measured again since the first start.
    kept = run / "observations.json"
    for temperature, gone in ((0.5, False), (0.25, False), (2.0, True)):
        kept.write_text(json.dumps({"temperatures": {"1": 1.0, "4": temperature}}), "utf-8")
        if gone:
            shutil.rmtree("birds")
            shutil.rmtree(run / "serving")
            (run / "serving").mkdir()
            mean_color().write(run / "serving" / "m.onnx", 16, names=NAMES, explains=True)
        found = beside_model(run, model_of(run), 2, None).calibration
        assert found.temperature(4) == temperature
    kept.write_text("{", "utf-8")
    with pytest.raises(ValueError, match=r"observations\.json' is damaged"):
        beside_model(run, model_of(run), 2, None)


def test_as_many_of_each_class_as_there_is_room_for():
    labels = np.array([0] * 50 + [1] * 3 + [2] * 20)
    counts = np.bincount(labels[evenly(labels, 23, seed=1)])
    assert counts.tolist() == [10, 3, 10]
    assert evenly(labels, 100, seed=1) == list(range(73))
    assert evenly(labels, 23, seed=1) != evenly(labels, 23, seed=2)


def test_a_class_that_the_model_has_not_is_refused(run):
    with pytest.raises(ValueError, match="'wren'"):
        images_to_show(run, "train", 5, 16, ["robin", "owl"])
