"""Several images of one thing, and one prediction: exports beside NumPy's mean of logarithms."""

import json

import keras
import numpy as np
import pytest
import small_model

from keras_rbi.evaluation import ObservationCalibration, observation_probabilities
from keras_rbi.export import FORMATS
from keras_rbi.export.formats import backend_for
from keras_rbi.export.options import export_options
from keras_rbi.export.run_without_keras import runner
from keras_rbi.export.writing import write_here

BACKEND = keras.config.backend()
KNOWN = ObservationCalibration({1: 1.25, 4: 0.5})
SIZES = (1, 3, 6)
# OpenVINO takes its time to convert.
NAMES = [pytest.param(n, marks=pytest.mark.nightly if n == "openvino" else []) for n in FORMATS]


def exported(model, name, path, relations=None):
    """The runtime's predictions of observations, and the metadata."""
    try:
        backend = backend_for(name, BACKEND)
    except ValueError as error:
        pytest.skip(str(error))
    if backend != BACKEND:
        pytest.skip(f"{name} is not written on {BACKEND}")
    path = path / f"model{FORMATS[name].suffix}"
    arguments = (relations, "observations", ("probabilities", "top_k"), 2, "float32", None)
    options = export_options(model, name, *arguments, observation_temperatures=KNOWN.temperatures)
    with pytest.MonkeyPatch.context() as patch:
        if relations is not None:
            patch.setattr(model, "relations", relations)
        write_here(model, path, options)
    predict, about = runner(FORMATS[name].run_file)(path)
    return (lambda images: predict("observations", images)), json.loads(about)


def observations(size):
    images = small_model.images(2 * size, seed=size).astype("float32")
    return images.reshape(2, size, *images.shape[1:])


def by_numpy(each):
    return observation_probabilities(each, KNOWN.temperature(each.shape[-2]))


@pytest.mark.parametrize("name", NAMES)
def test_every_format_predicts_once_for_all_images_of_a_thing(name, tmp_path):
    model = small_model.model()
    predict, about = exported(model, name, tmp_path)
    assert about["observation_temperatures"] == {"1": 1.25, "4": 0.5}
    assert about["inputs"] == ["observations"]
    for size in SIZES:
        images = observations(size)
        found = predict(images)
        each = model.predict(images.reshape(-1, *images.shape[2:]), verbose=0)
        expected = by_numpy(each.reshape(2, size, -1))
        np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
        np.testing.assert_array_equal(found["top_k_classes"][:, 0], expected.argmax(-1))
        # The images of the other thing, and their order, count for nothing.
        again = predict(images[1:, ::-1].copy())
        np.testing.assert_allclose(again["probabilities"], expected[1:], atol=1e-5)


@pytest.mark.parametrize("name", ["onnx", pytest.param("litert", marks=pytest.mark.nightly)])
def test_related_images_relate_within_their_observation(name, tmp_path):
    model = small_model.model(relation_dropout=0.0)
    predict, about = exported(model, name, tmp_path, "batch")
    assert about["relations"] == "batch"
    images = observations(3)
    model.relations = "batch"
    each = np.stack([np.asarray(model.predict_on_batch(one)) for one in images])
    np.testing.assert_allclose(predict(images)["probabilities"], by_numpy(each), atol=1e-5)
    model.relations = "self"
    alone = np.stack([np.asarray(model.predict_on_batch(one)) for one in images])
    assert np.abs(by_numpy(each) - by_numpy(alone)).max() > 1e-3


def test_integers_are_of_images():
    arguments = ("onnx", None, "observations", "probabilities", 1, "int8", None)
    with pytest.raises(ValueError, match="'int8' is of inputs='images'"):
        export_options(small_model.model(), *arguments)


def test_models_whose_images_never_relate_take_observations_and_no_sets():
    backbone = keras.Sequential(
        [keras.layers.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    )
    options = export_options(
        backbone, "tf_saved_model", None, "observations", "probabilities", 1, "float32", None
    )
    assert options.relations == "none"
    with pytest.raises(ValueError, match="do not relate"):
        export_options(
            backbone, "tf_saved_model", None, "sets", "probabilities", 1, "float32", None
        )


@pytest.mark.parametrize("temperatures", [{0: 1.0}, {1: 0.0}, {2: float("nan")}])
def test_temperatures_that_are_none_are_told(temperatures):
    with pytest.raises(ValueError, match="`observation_temperatures` must be a dictionary"):
        export_options(
            small_model.model(),
            *("tf_saved_model", None, "observations", "probabilities", 1, "float32", None),
            observation_temperatures=temperatures,
        )
