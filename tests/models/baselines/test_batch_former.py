"""BatchFormer against a literal form and against PyTorch's encoder layer."""

import keras
import numpy as np
import pytest
from backend_functions import compiled
from keras import ops

from keras_rbi.models import TwoStreams
from keras_rbi.models.baselines import BatchFormer

WIDTH, HEADS = 8, 4


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(6, WIDTH)).astype("float32")


@pytest.fixture
def layer():
    """One without dropout and with random values for every weight, biases and norms too."""
    layer = BatchFormer(HEADS, dropout=0.0)
    layer.build((None, WIDTH))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(scale=0.5, size=w.shape) for w in layer.weights])
    return layer


def weights_of(layer):
    attention = layer.attention
    width = layer.output_dense.units
    projections = {
        name: (
            ops.convert_to_numpy(dense.kernel).reshape(width, width),
            ops.convert_to_numpy(dense.bias).reshape(width),
        )
        for name, dense in (
            ("query", attention.query_dense),
            ("key", attention.key_dense),
            ("value", attention.value_dense),
            ("result", attention.output_dense),
            ("hidden", layer.hidden_dense),
            ("output", layer.output_dense),
        )
    }
    norms = {
        name: [ops.convert_to_numpy(value) for value in (norm.gamma, norm.beta)]
        for name, norm in (("first", layer.attention_norm), ("second", layer.output_norm))
    }
    return projections | norms


def literal(features, weights, heads=HEADS):
    """The encoder layer, image by image and head by head."""

    def project(name, rows):
        kernel, bias = weights[name]
        return rows @ kernel + bias

    def normalised(name, rows):
        gamma, beta = weights[name]
        deviations = rows - rows.mean(-1, keepdims=True)
        return gamma * deviations / np.sqrt((deviations**2).mean(-1, keepdims=True) + 1e-5) + beta

    query, key, value = (project(name, features) for name in ("query", "key", "value"))
    attended = np.zeros_like(features)
    size = features.shape[1] // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for image in range(len(features)):
            logits = [query[image, part] @ other / np.sqrt(size) for other in key[:, part]]
            shares = np.exp(logits) / np.exp(logits).sum()
            attended[image, part] = shares @ value[:, part]
    mixed = normalised("first", features + project("result", attended))
    hidden = np.maximum(project("hidden", mixed), 0.0)
    return normalised("second", mixed + project("output", hidden))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_it_is_the_literal_one_of_as_many_images_as_features_or_heads(heads):
    features = np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
    layer = BatchFormer(heads, dropout=0.0)
    layer.build((None, 4))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(scale=0.5, size=w.shape) for w in layer.weights])
    expected = literal(features, weights_of(layer), heads)
    found = ops.convert_to_numpy(layer(features, training=True))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for images in (None, 4):
        inputs = keras.Input(batch_shape=(images, 4))
        model = keras.Model(inputs, layer(inputs))
        train = compiled(
            lambda rows, model=model: model(rows, training=True), ((images, 4), "float32")
        )
        np.testing.assert_allclose(ops.convert_to_numpy(train(features)), expected, atol=1e-5)


def test_it_is_the_literal_encoder_layer(layer, features):
    outputs = ops.convert_to_numpy(layer(features, training=True))
    np.testing.assert_allclose(outputs, literal(features, weights_of(layer)), atol=1e-5)


def test_it_is_the_encoder_layer_of_pytorch(layer, features):
    torch = pytest.importorskip("torch")
    weights = weights_of(layer)
    encoder = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, WIDTH, dropout=0.0)
    # Every projection is of y = x W^T + b there, and the first three are stacked.
    stacked = [
        np.concatenate([weights[name][part].T for name in ("query", "key", "value")])
        for part in (0, 1)
    ]
    values = {
        "self_attn.in_proj_weight": stacked[0],
        "self_attn.in_proj_bias": stacked[1],
        "self_attn.out_proj.weight": weights["result"][0].T,
        "self_attn.out_proj.bias": weights["result"][1],
        "linear1.weight": weights["hidden"][0].T,
        "linear1.bias": weights["hidden"][1],
        "linear2.weight": weights["output"][0].T,
        "linear2.bias": weights["output"][1],
        "norm1.weight": weights["first"][0],
        "norm1.bias": weights["first"][1],
        "norm2.weight": weights["second"][0],
        "norm2.bias": weights["second"][1],
    }
    encoder.load_state_dict(
        {name: torch.tensor(np.ascontiguousarray(value)) for name, value in values.items()}
    )
    with torch.no_grad():
        # (sequence, batch, features): the images are the sequence.
        expected = encoder(torch.tensor(features)[:, None]).cpu().numpy()[:, 0]
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(features, training=True)), expected, atol=1e-5
    )


def test_after_training_features_go_through_as_they_are(layer, features):
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(features)), features)


def test_dropout_draws_anew_in_training(features):
    layer = BatchFormer()
    first, second = (ops.convert_to_numpy(layer(features, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_it_comes_back_from_its_config(features):
    layer = BatchFormer(2, dropout=0.25, seed=3, name="mates")
    again = BatchFormer.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.num_heads, again.dropout, again.seed, again.name) == (2, 0.25, 3, "mates")


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"num_heads": 0}, (None, 8), "num_heads"),
        ({"dropout": 1.0}, (None, 8), "dropout"),
        ({"num_heads": 3}, (None, 8), "num_heads=3"),
        ({}, (None, 4, 8), "Pool maps"),
    ],
)
def test_errors_say_what_is_wrong(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        BatchFormer(**arguments).build(shape)


def test_two_streams_are_one_below_the_other_in_training_only(features):
    layer = TwoStreams()
    in_training = ops.convert_to_numpy(layer(features, -features, training=True))
    np.testing.assert_array_equal(in_training, np.concatenate([features, -features]))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(features, -features)), features)
    assert layer(keras.Input((8,)), keras.Input((8,))).shape == (None, 8)
