"""A model that relates to references: the service tells whom an image attended to, and maps."""

import io
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from pictures import png
from PIL import Image

from keras_rbi.cli.serve import _of_run
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.score_gradients import own_gradients
from keras_rbi.serving.beside import references_file

sys.path.append(str(Path(__file__).parents[1] / "export"))
import small_model

httpx = pytest.importorskip("httpx")
for package in ("fastapi", "onnx", "onnxruntime", "prometheus_client", "uvicorn"):
    pytest.importorskip(package)
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="the file is the same, whatever backend wrote it"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The Keras model, the address of its service, and where it is served from."""
    from running_service import running

    from keras_rbi.serving.limits import Limits

    folder = tmp_path_factory.mktemp("references")
    model = small_model.model(variant="0.1")
    model.set_references(small_model.images(7, seed=9), np.arange(7) % 4, per_class=2)
    model.relations = "references"
    model.save(folder / "birds.keras")
    onnx, beside = _of_run(folder / "birds.keras", None, 0)
    with running(onnx, Limits(deadline=0.0), beside) as (url, _):
        yield model, url, folder


def ask(url, image, **parameters):
    return httpx.post(url, files=[("images", ("a.png", png(image)))], params=parameters).json()


def attention(model, images):
    rows = keras.ops.convert_to_tensor(images.astype("float32"))
    features = model.embed(rows, training=False)
    relations = model.encode_relations(rows, training=False)
    weights = model.attention(features, relations).weights
    alone = model.classify(model.without_attention(features), training=False)
    return keras.ops.convert_to_numpy(weights)[0], keras.ops.convert_to_numpy(alone)[0]


def test_it_tells_whom_an_image_attended_to_and_what_speaks_for_a_class(served):
    model, url, _ = served
    about = httpx.get(f"{url}/model").json()
    assert (about["attends"], about["maps"], about["references"]) == (True, True, 7)
    image = small_model.images(1, seed=4)
    weights, alone = attention(model, image)
    probabilities = model.predict(image, verbose=0)[0]
    answer = ask(f"{url}/explain", image[0], **{"class": small_model.NAMES, "attended": 3})
    (found,) = answer["explanations"]
    attended = found["attended"]
    assert attended["itself"] == pytest.approx(weights[0], abs=1e-4)
    best = np.argsort(-weights[1:], kind="stable")[:3]
    assert [each["reference"] for each in attended["references"]] == best.tolist()
    shares = [each["share"] for each in attended["references"]]
    np.testing.assert_allclose(shares, weights[1:][best], atol=1e-4)
    names = [small_model.NAMES[model.references.labels[number]] for number in best]
    assert [each["class"] for each in attended["references"]] == names
    assert attended["without"][0]["class"] == small_model.NAMES[alone.argmax()]
    assert attended["changed"] == pytest.approx(np.abs(probabilities - alone).max(), abs=1e-4)
    # It has something to tell.
    assert attended["changed"] > 0.01
    for number, each in enumerate(found["maps"]):
        places, gradients = own_gradients(ModelParts(model), image, [number], "combined", None)
        expected = np.maximum((gradients.mean((1, 2), keepdims=True) * places).sum(-1)[0], 0)
        np.testing.assert_allclose(each["rows"], expected / (expected.max() or 1), atol=1e-4)


def test_look_alikes_are_those_that_it_attends_to(served):
    model, url, _ = served
    image = small_model.images(1, seed=6)
    weights, _ = attention(model, image)
    (found,) = ask(f"{url}/predict", image[0], references=1)["predictions"]
    labels = np.array(model.references.labels)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3]
    for entry in found["top"]:
        of_class = np.flatnonzero(labels == small_model.NAMES.index(entry["class"]))
        (each,) = entry["references"]
        assert each["reference"] == of_class[np.argmax(weights[1:][of_class])]
        assert each["share"] == pytest.approx(weights[1:][each["reference"]], abs=1e-4)
    content = httpx.get(f"{url}/{each['photograph']}").content
    stored = keras.ops.convert_to_numpy(model.references.images)[each["reference"]]
    shown = np.asarray(Image.open(io.BytesIO(content)), float)
    # As JPEG, which changes colours a little.
    assert np.abs(shown - stored).mean() < 12


def test_what_it_stores_is_written_again_where_it_is_gone(served, tmp_path):
    _, _, folder = served
    shutil.copytree(folder, tmp_path / "copy")
    onnx, beside = _of_run(tmp_path / "copy" / "birds.keras", None, 0)
    assert (len(beside.references), onnx.attends_to) == (7, 7)
    references_file(onnx.path).unlink()
    _, beside = _of_run(tmp_path / "copy" / "birds.keras", None, 0)
    assert beside.references.labels.tolist() == [0, 0, 1, 1, 2, 2, 3]
