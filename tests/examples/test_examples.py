"""Every example runs, with small settings, and comes to what it says."""

import importlib.util
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
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


def test_tf_serving(run):
    apis = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
    grpc = pytest.importorskip("grpc")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the same SavedModel from every backend")
    import tensorflow as tf

    module, file = example("tf_serving"), str(run / "model.keras")
    here = module.main(file)
    served = tf.saved_model.load("served/mine/1").signatures

    class Service(apis.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            images = tf.constant(tf.make_ndarray(request.inputs["images"]))
            outputs = served[request.model_spec.signature_name](images=images)
            answer = module.predict_pb2.PredictResponse()
            answer.outputs["probabilities"].CopyFrom(
                tf.make_tensor_proto(outputs["probabilities"].numpy())
            )
            return answer

    server = grpc.server(ThreadPoolExecutor(1))
    apis.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        there = module.main(file, f"127.0.0.1:{port}")
    finally:
        server.stop(None)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3))
    expected = keras.models.load_model(file).predict(images, verbose=0)
    np.testing.assert_allclose(here, expected, atol=1e-5)
    np.testing.assert_allclose(there, expected, atol=1e-5)


def test_several_devices(capsys):
    model = example("several_devices").main(per_class=2, size=16)
    assert model.num_classes == 22
    assert "devices in 1 processes" in capsys.readouterr().out


def test_paper_settings(run):
    small = {name: value for name, value in SMALL.items() if name != "quick"}
    metrics = example("paper_settings").main(str(run.parent / "birds"), "paper", **small)
    assert metrics["settings"]["learning_rate"] == 1e-5
    assert metrics["settings"]["variant"] == "paper"


def test_ask_the_service(monkeypatch):
    for package in ("fastapi", "onnx", "onnxruntime", "prometheus_client", "uvicorn"):
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "serving"))
    import mean_color
    from PIL import Image

    from keras_rbi.serving.limits import Limits
    from keras_rbi.serving.onnx_model import OnnxModel
    from keras_rbi.serving.run import server

    Image.new("RGB", (9, 9), (204, 51, 0)).save("a.png")
    Image.new("RGB", (9, 9), (51, 153, 0)).save("b.png")
    service = server(OnnxModel(mean_color.write(Path("m.onnx"))), Limits(), "127.0.0.1", 0)
    ports = queue.Queue()
    service.when_started = ports.put
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    module, lines = example("ask_the_service"), []
    module.print = lambda *words: lines.append(" ".join(map(str, words)))
    try:
        module.main(f"http://127.0.0.1:{ports.get(timeout=60)}", "a.png", "b.png")
    finally:
        service.should_exit = True
        thread.join(30)
    printed = "\n".join(lines)
    assert "a.png" in printed
    assert "80.0 % red" in printed
    assert "60.0 % green" in printed
    # 0.8 * 0.2 against 0.2 * 0.6, without what blue has.
    share = (0.8 * 0.2) ** 0.5 / ((0.8 * 0.2) ** 0.5 + (0.2 * 0.6) ** 0.5 + 1e-7)
    assert f"If they show one thing: {100 * share:.1f} % red" in printed
