"""Layers and models whose axes are of one length, which no sum may take for each other."""

import herbs_literal
import keras
import numpy as np
import p2p_literal
import pytest
from backend_functions import assert_close, once, to_numpy
from keras import ops
from small_stages import convolutions, images, predicted

from keras_rbi.models import HERBS, P2PNet, ScaledResidual
from keras_rbi.models.herbs.herbs_heads import herbs_heads

SIZE = 4
WAYS = ("eager", "open batch", "fixed batch")


def run(connect, arrays, way):
    """What a function of tensors gives when called, or in a functional model that predicts."""
    if way == "eager":
        outputs = once(lambda *tensors: connect(tensors))(*map(ops.convert_to_tensor, arrays))
        return keras.tree.map_structure(to_numpy, outputs)
    fixed = way == "fixed batch"
    inputs = [
        keras.Input(batch_shape=array.shape if fixed else (None, *array.shape[1:]))
        for array in arrays
    ]
    model = keras.Model(inputs, connect(inputs))
    return model.predict(arrays, batch_size=len(arrays[0]), verbose=0)


def random_weights(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(0.5, 2, shape) if "var" in name else rng.normal(0, 0.4, shape)
        for name, shape in shapes.items()
    }


def assert_all_close(found, expected):
    for ours, theirs in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        assert_close(ours, theirs)


def herbs_case(tokens, selected):
    """Heads with random weights, those weights, and tokens of two stages."""
    rng = np.random.default_rng(0)
    shapes = herbs_literal.weight_shapes(tokens, (SIZE, SIZE), SIZE, SIZE, selected)
    weights = random_weights(shapes)
    stages = [rng.normal(size=(SIZE, count, SIZE)).astype("float32") for count in tokens]
    inputs = [keras.Input(stage.shape[1:]) for stage in stages]
    heads = keras.Model(inputs, herbs_heads(inputs, SIZE, SIZE, selected, dropout=0.0))
    for name, variable in herbs_literal.variables(heads).items():
        variable.assign(herbs_literal.in_our_layout(name, weights[name], variable))
    return heads, weights, stages


@pytest.mark.parametrize(("tokens", "selected"), [((16, SIZE), (2, 2)), ((SIZE, SIZE), (1, 3))])
@pytest.mark.parametrize("way", WAYS)
def test_heads_of_herbs(way, tokens, selected):
    heads, weights, stages = herbs_case(tokens, selected)
    found = run(lambda tensors: heads(list(tensors)), stages, way)
    for name, values in herbs_literal.herbs(stages, weights, selected).items():
        assert_all_close(found[name], values)


@pytest.mark.parametrize("way", WAYS)
def test_combiner_of_herbs(way):
    # 4 joints.
    selected = (60 * SIZE, 4 * SIZE)
    heads, weights, stages = herbs_case(selected, selected)
    tokens = np.random.default_rng(1).normal(size=(SIZE, 64 * SIZE, SIZE)).astype("float32")
    combiner = heads.get_layer("combiner")
    found = run(lambda tensors: combiner(tensors[0]), [tokens], way)
    expected = herbs_literal.herbs(stages, weights, selected, combined=tokens)["features"]
    assert_close(found, expected)


def p2p_net(weights):
    backbone = convolutions((SIZE // 2, SIZE, 2 * SIZE))
    model = P2PNet(
        backbone, SIZE, None, num_parts=SIZE, units=SIZE, dropout=0.0, preprocessing=None
    )
    for name, variable in p2p_literal.variables(model).items():
        variable.assign(p2p_literal.in_our_layout(weights[name]))
    return model


@pytest.mark.parametrize("way", WAYS)
def test_heads_of_p2p_net(way):
    rng = np.random.default_rng(0)
    weights = random_weights(p2p_literal.weight_shapes(2 * SIZE, SIZE, SIZE, SIZE))
    model, literal = p2p_net(weights), p2p_literal.P2P(weights, SIZE)
    literal.centers, literal.count = rng.uniform(size=(SIZE, SIZE)), 1.0
    model.aligner.centers.assign(literal.centers)
    model.aligner.count.assign(1.0)
    widths = (SIZE // 2, SIZE, 2 * SIZE)
    maps = [rng.normal(size=(SIZE, width, SIZE, SIZE)) for width in widths]
    part_maps = [rng.normal(size=(SIZE * SIZE, width, SIZE, SIZE)) for width in widths]
    arrays = [each.transpose(0, 2, 3, 1).astype("float32") for each in (*maps, *part_maps)]
    # The parts beside their images, so that `predict` has as many of each.
    arrays[3:] = [each.reshape(SIZE, SIZE, *each.shape[1:]) for each in arrays[3:]]

    def connect(tensors):
        given = [ops.reshape(each, (-1, *each.shape[2:])) for each in tensors[3:]]
        details = model.embed_parts(tensors[:3], given, training=False)
        outputs = model.classify(model.attend(details, None, training=False), training=False)
        del outputs["part_logits"]
        return {**outputs, "scores": model.proposer(tensors[2])}

    found = run(connect, arrays, way)
    expected = literal.prediction(maps, part_maps)
    for name in ("logits", "embeddings", "aligned", "order", "probabilities"):
        assert_all_close(found[name], expected[name])
    assert_close(found["scores"], literal.propose(maps[2]))


@pytest.mark.parametrize("way", WAYS)
def test_scaled_residual(way):
    rng = np.random.default_rng(0)
    features, branch = (rng.normal(size=(SIZE, SIZE)).astype("float32") for _ in range(2))
    layer = ScaledResidual()
    layer.build(features.shape, branch.shape)
    scale = rng.normal(size=SIZE)
    layer.scale.assign(scale)
    found = run(lambda tensors: layer(*tensors), [features, branch], way)
    assert_close(found, features + scale * branch)


def test_herbs():
    size, tokens, selected = 16, (64, 16), (16, 16)
    model = HERBS(
        convolutions((8, size)),
        size,
        relations=None,
        units=size,
        num_selected=selected,
        preprocessing=None,
    )
    weights = random_weights(herbs_literal.weight_shapes(tokens, (8, size), size, size, selected))
    for name, variable in herbs_literal.variables(model).items():
        variable.assign(herbs_literal.in_our_layout(name, weights[name], variable))
    batch = images(size) / np.float32(255)
    stages = [to_numpy(each) for each in model.get_layer("stages")(ops.convert_to_tensor(batch))]
    assert [stage.shape for stage in stages] == [(size, 64, 8), (size, 16, size)]
    expected = herbs_literal.herbs(stages, weights, selected)["probabilities"]
    assert_close(predicted(model, batch), expected)
    assert_close(model(batch), expected)


def test_p2p_net():
    weights = random_weights(p2p_literal.weight_shapes(2 * SIZE, SIZE, SIZE, SIZE))
    model = p2p_net(weights)
    batch = images(SIZE) / np.float32(255)
    maps = model.get_layer("stages")(ops.convert_to_tensor(batch))
    maps = [to_numpy(each).transpose(0, 3, 1, 2) for each in maps]
    parts = [np.repeat(each, SIZE, axis=0) for each in maps]
    expected = p2p_literal.P2P(weights, SIZE).prediction(maps, parts)["probabilities"]
    assert_close(predicted(model, batch), expected)
    assert_close(model(batch), expected)
