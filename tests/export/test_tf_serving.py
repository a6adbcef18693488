"""What TensorFlow Serving would do with an export: merge, pad, ask over gRPC and REST, warm up."""

import base64
import concurrent.futures
import http.server
import importlib.util
import io
import json
import re
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import small_model
from PIL import Image

tensorflow = pytest.importorskip("tensorflow")
apis = pytest.importorskip("tensorflow_serving.apis")
grpc = pytest.importorskip("grpc")

from keras_rbi.export import export_for_tf_serving  # noqa: E402

if keras.config.backend() != "tensorflow":
    pytest.skip("the same SavedModel from every backend: tested once", allow_module_level=True)

APPLICATION = Path(__file__).parents[2] / "applications" / "serving"


def program(name):
    sys.path.insert(0, str(APPLICATION))
    try:
        spec = importlib.util.spec_from_file_location(name, APPLICATION / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(APPLICATION))


@pytest.fixture(scope="module")
def model():
    return small_model.model(relation_dropout=0.0)


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    model.set_references(small_model.images(6, seed=9))
    made = export_for_tf_serving(
        model, folder, "dogs", relations="references", top_k=2, model_card="# Dogs"
    )
    # Beside the model, where the server passes it over.
    assert (made.path / "README.md").read_text("utf-8") == "# Dogs"
    model.relations = "references"
    assert made.path == folder / "dogs" / "1"
    return folder


@pytest.fixture(scope="module")
def signatures(served):
    loaded = tensorflow.saved_model.load(str(served / "dogs" / "1"))
    yield loaded.signatures
    # Its variables live as long as it does.
    del loaded


def file_of(image, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=95)
    return file.getvalue()


def test_the_folder_is_as_the_server_wants_it(served):
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    names = {str(path.relative_to(served)) for path in served.rglob("*") if path.is_file()}
    assert {"models.config", "batching.config", "dogs/1/saved_model.pb"} <= names
    assert not [name for name in names if "unfinished" in name]
    config = text_format.Parse(
        (served / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
    )
    (entry,) = config.model_config_list.config
    assert (entry.name, entry.base_path) == ("dogs", "/models/dogs")
    batching = (served / "batching.config").read_text()
    sizes = [int(size) for size in re.findall(r"allowed_batch_sizes: (\d+)", batching)]
    assert sizes == [1, 8, 32]
    assert re.search(r"max_batch_size \{ value: 32 \}", batching)


def test_warm_up_requests_are_answered(served, service):
    from tensorflow_serving.apis import prediction_log_pb2, prediction_service_pb2_grpc

    file = served / "dogs" / "1" / "assets.extra" / "tf_serving_warmup_requests"
    stub = prediction_service_pb2_grpc.PredictionServiceStub(service)
    asked = []
    for record in tensorflow.data.TFRecordDataset(str(file)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        prediction = stub.Predict(request)
        rows = tensorflow.make_ndarray(prediction.outputs["probabilities"])
        asked.append((request.model_spec.signature_name, len(rows)))
        assert np.isfinite(rows).all()
    assert asked == [("serve", 1), ("classify", 1), ("classify", 8), ("classify", 32)]


@pytest.mark.parametrize("allowed", [[8], [4, 8]])
def test_merged_and_padded_requests_get_the_answers_that_they_get_alone(model, signatures, allowed):
    """TensorFlow's own batching kernel, which TensorFlow Serving's library is made of."""
    signature = signatures["serving_default"]

    def prediction(images):
        size = tensorflow.shape(images)[:1]
        return signature(images=images)["probabilities"], tensorflow.tile(size, size)

    # Kernels share queues by name.
    with tensorflow.name_scope(f"allowed_{len(allowed)}"):
        batched = tensorflow.nondifferentiable_batch_function(
            num_batch_threads=1,
            max_batch_size=8,
            batch_timeout_micros=500_000,
            allowed_batch_sizes=allowed,
        )(prediction)
        call = tensorflow.function(
            batched,
            input_signature=[tensorflow.TensorSpec((None, 16, 16, 3), tensorflow.float32)],
        )
        rows = small_model.images(5).astype("float32")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            parts = list(pool.map(call, [rows[:3], rows[3:]]))
    expected = model.predict(rows, batch_size=1, verbose=0)
    sizes = np.concatenate([size for _, size in parts])
    np.testing.assert_array_equal(sizes, 8, "the two requests were not merged and padded")
    found = np.concatenate([rows for rows, _ in parts])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.fixture(scope="module")
def service(signatures):
    """A PredictionService on loopback with TensorFlow Serving's messages."""
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            inputs = {
                name: tensorflow.constant(tensorflow.make_ndarray(value))
                for name, value in request.inputs.items()
            }
            outputs = signatures[request.model_spec.signature_name or "serving_default"](**inputs)
            prediction = predict_pb2.PredictResponse()
            for name, value in outputs.items():
                prediction.outputs[name].CopyFrom(tensorflow.make_tensor_proto(value.numpy()))
            return prediction

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None)


def test_the_grpc_client_gets_the_models_answers(model, service):
    images = small_model.images(3)
    predictions = program("grpc_client").classify(service, "dogs", [file_of(row) for row in images])
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(predictions["probabilities"], expected, atol=1e-5)
    names = [small_model.NAMES[number].encode() for number in expected.argmax(axis=-1)]
    assert list(predictions["top_k_names"][:, 0]) == names


@pytest.fixture(scope="module")
def rest(signatures):
    """The part of TensorFlow Serving's REST interface that the client uses."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.path == "/v1/models/dogs:predict"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            files = [
                base64.b64decode(row["image_bytes"]["b64"], validate=True)
                for row in body["instances"]
            ]
            outputs = signatures[body["signature_name"]](image_bytes=tensorflow.constant(files))
            columns = {
                name: [
                    [item.decode() if isinstance(item, bytes) else item for item in row]
                    for row in value.numpy().tolist()
                ]
                for name, value in outputs.items()
            }
            rows = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            content = json.dumps({"predictions": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_rest_client_and_the_load_script_get_the_models_answers(model, rest):
    images = small_model.images(3)
    files = [file_of(row) for row in images]
    predictions = program("rest_client").classify(rest, "dogs", files)
    expected = model.predict(images, verbose=0)
    found = [prediction["probabilities"] for prediction in predictions]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert predictions[0]["top_k_names"][0] == small_model.NAMES[int(expected[0].argmax())]
    seconds, difference = program("load").load(rest, "dogs", files, requests=20, clients=4)
    assert len(seconds) == 20
    assert difference <= 1e-5


def test_batch_relations_and_versions_that_exist_are_refused(model, served):
    with pytest.raises(ValueError, match="one client's images"):
        export_for_tf_serving(model, served, "dogs", relations="batch")
    with pytest.raises(ValueError, match="exists"):
        export_for_tf_serving(model, served, "dogs", version=1)
    with pytest.raises(ValueError, match="must increase"):
        export_for_tf_serving(model, served, "dogs", allowed_batch_sizes=(8, 4))
    for name in ("../dogs", "a/b", "..", ""):
        with pytest.raises(ValueError, match="without separators"):
            export_for_tf_serving(model, served, name)


def test_a_configuration_that_is_none_is_told_before_anything_is_written(model, tmp_path):
    (tmp_path / "models.config").write_text("model: {", "utf-8")
    with pytest.raises(ValueError, match=r"models\.config' is no configuration"):
        export_for_tf_serving(model, tmp_path, "dogs")
    assert [file.name for file in tmp_path.iterdir()] == ["models.config"]
