"""Every example runs, with small settings, and comes to what it says."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from small_runs import make_birds

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
SMALL = {"backbone": "SmallCNN", "weights": "none", "image_size": 16, "quick": False, "epochs": 1}


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a dozen images, as the example for folders leaves it."""
    folder = tmp_path_factory.mktemp("examples")
    make_birds(folder)
    example("your_own_folder").main(str(folder / "birds"), str(folder / "run"), **SMALL)
    return folder / "run"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_each_is_short_and_run_here():
    assert {f"test_{name}" for name in PROGRAMS} <= set(globals())
    for name in PROGRAMS:
        assert len((EXAMPLES / f"{name}.py").read_text("utf-8").splitlines()) < 60


def test_quickstart():
    assert 0 <= example("quickstart").main(per_class=2, epochs=1, file="m.keras") <= 1
    assert Path("m.keras").is_file()


def test_layers_in_your_own_model():
    module = example("layers_in_your_own_model")
    module.main(images=64, epochs=1)
    for model in (module.functional(3), module.Subclassed(3)):
        images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
        together, alone = model.predict(images, verbose=0), model.predict(images[:1], verbose=0)
        np.testing.assert_allclose(together[:1], alone, atol=1e-6)


def test_your_own_folder(run, capsys):
    example("your_own_folder").main(str(run.parent / "birds"), "again", **SMALL)
    printed = capsys.readouterr().out
    assert "Top-1 accuracy" in printed
    assert printed.count(".png") == 12


def test_explain_predictions(run):
    example("explain_predictions").main(str(run))
    assert {path.name for path in Path("explained").iterdir()} == {"maps.png", "relations.png"}


def test_observations(run, capsys):
    example("observations").main(str(run))
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "first",
        "second",
    ]


def test_add_a_class(capsys):
    found = example("add_a_class").main(per_class=4, epochs=1, size=16)
    assert 0 <= found <= 1


def test_export_and_serve(run):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    if keras.backend.backend() == "jax":
        pytest.skip("ONNX is written by TensorFlow or PyTorch")
    probabilities = example("export_and_serve").main(str(run / "model.keras"))
    model = keras.models.load_model(run / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3))
    np.testing.assert_allclose(probabilities, model.predict(images, verbose=0), atol=1e-5)


def test_several_devices(capsys):
    model = example("several_devices").main(per_class=2, size=16)
    assert model.num_classes == 22
    assert "devices in 1 processes" in capsys.readouterr().out


def test_paper_settings(run):
    small = {name: value for name, value in SMALL.items() if name != "quick"}
    metrics = example("paper_settings").main(str(run.parent / "birds"), "paper", **small)
    assert metrics["settings"]["learning_rate"] == 1e-5
    assert metrics["settings"]["variant"] == "paper"
