"""Layers and models that Keras has quantized, saved and loaded."""

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi import RPE, RRA

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`:UserWarning")

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype("uint8")


def layers_in_a_model():
    images = keras.Input((8, 8, 3))
    features = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    mode = {"inference_relations": "self"}
    return keras.Model(images, RRA(4, **mode)(features, RPE(**mode)(images)))


def classifier(**arguments):
    images = keras.Input((8, 8, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(6, 3)(images))
    return keras_rbi.RBIModel(backbone, 3, preprocessing="tf", **arguments)


MODELS = {
    "layers": layers_in_a_model,
    "embedding": lambda: classifier(variant="0.1", embedding_dim=4),
    "own_rra": lambda: classifier(variant="0.1", rra=RRA(4)),
}


@pytest.mark.parametrize(
    ("made", "mode"),
    [("layers", "int8"), ("embedding", "int4"), ("own_rra", "int8")],
)
def test_a_quantized_model_loads_as_it_was(made, mode, tmp_path):
    model = MODELS[made]()
    model.quantize(mode)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = keras.ops.convert_to_tensor(IMAGES)
    before, after = (keras.ops.convert_to_numpy(each(images)) for each in (model, loaded))
    np.testing.assert_array_equal(after, before)
    dtypes = [str(weight.dtype) for weight in loaded.weights]
    assert "int8" in dtypes
    assert dtypes == [str(weight.dtype) for weight in model.weights]


def test_a_model_that_is_not_quantized_says_nothing_of_it():
    model = classifier()
    assert "quantized" not in model.get_config()
    assert "quantized" not in model.rra.get_config()


def test_features_are_those_of_the_quantized_layers():
    model = classifier(variant="0.1", embedding_dim=4)
    model.feature_model().predict_on_batch(IMAGES)
    model.quantize("int8")
    features = model.feature_model().predict_on_batch(IMAGES)
    expected = keras.ops.convert_to_numpy(model.embed(keras.ops.cast(IMAGES, "float32")))
    np.testing.assert_allclose(features, expected, atol=1e-5)
