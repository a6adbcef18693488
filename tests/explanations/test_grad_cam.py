"""Class activation maps against gradients image by image, and differences in NumPy."""

import doctest
import importlib

import keras
import numpy as np
import pytest
from backend_functions import gradients, to_numpy
from keras import layers, ops

import keras_rbi
from keras_rbi.explanations import grad_cam
from keras_rbi.explanations.class_activation import at_image_size, class_activation
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.score_gradients import own_gradients
from keras_rbi.models.baselines import backbone_classifier

SIDE = 16


def some_images(count=4):
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3)).astype("uint8")


def small_backbone(tokens=False):
    images = keras.Input((SIDE, SIDE, 3))
    first = layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh", name="first")(images)
    second = layers.Conv2D(4, 3, padding="same", activation="tanh", name="second")(first)
    places = layers.Add(name="sum")([first, second])
    places = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(places)
    if tokens:
        places = layers.Reshape((16, 6))(places)
    return keras.Model(images, places, name="small")


def small_model(tokens=False, **arguments):
    arguments = {"relations": "batch", "classifier_activation": "softmax", **arguments}
    model = keras_rbi.RBIModel(
        small_backbone(tokens), num_classes=3, embedding_dim=8, preprocessing=None, **arguments
    )
    # The same on all backends, with queries so small that attention mixes the images.
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        scale = 0.1 if "query" in weight.path else 0.5
        # In a branch that counts.
        scale *= 8 if "integration" in weight.path else 1
        weight.assign(rng.normal(size=weight.shape) * scale)
    return model


def literal_score(model, images, place, row, class_number):
    """Function of the whole batch's maps that gives one image's score, by the layers' names."""
    backbone = model.backbone
    above = None
    if place is not backbone.output:
        above = keras.Model([backbone.input, place], backbone.output)
    pixels = ops.cast(ops.convert_to_tensor(images), "float32")

    def score(maps):
        last = maps if above is None else above([pixels, maps], training=False)
        rows = ops.mean(last, axis=tuple(range(1, len(last.shape) - 1)))
        features = model.get_layer("embedding")(rows)
        combined = model.rra(features, model.rpe(pixels, training=False), training=False)
        combined = features + model.integration.scale / 8 * combined
        head = model.get_layer("classifier")
        return (ops.matmul(combined, head.kernel) + head.bias)[row, class_number]

    return score


@pytest.mark.parametrize(
    ("place", "relations"), [("last", "batch"), ("second", "batch"), ("tokens", "self")]
)
def test_each_map_is_of_the_images_own_score_and_features(place, relations):
    model, images = small_model(place == "tokens"), some_images()
    tensor = (
        model.backbone.output
        if place in ("last", "tokens")
        else model.backbone.get_layer(place).output
    )
    classes = [2, 0, 1, 1]
    layer = None if place in ("last", "tokens") else place
    parts = ModelParts(model, layer)
    features, found = own_gradients(parts, images, classes, "combined", relations)
    maps = keras.Model(model.backbone.input, tensor).predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(features, maps.reshape(features.shape), atol=1e-4)
    model.relations = relations
    for row, number in [(0, 2), (3, 1)]:
        (each,) = gradients(literal_score(model, images, tensor, row, number), maps)
        expected = each[row].reshape(features.shape[1:])
        assert np.abs(expected).max() > 1e-4
        np.testing.assert_allclose(found[row], expected, atol=2e-6 + 1e-4 * np.abs(expected).max())


def test_the_sum_of_scores_would_give_other_channel_weights():
    model, images = small_model(), some_images()
    classes = [2, 0, 1, 1]
    maps = model.backbone.predict(images.astype("float32"), verbose=0)

    def summed(maps):
        scores = [
            literal_score(model, images, model.backbone.output, row, number)(maps)
            for row, number in enumerate(classes)
        ]
        return scores[0] + scores[1] + scores[2] + scores[3]

    mixed = gradients(summed, maps)[0].mean((1, 2))
    own = own_gradients(ModelParts(model), images, classes, "combined", None)[1].mean((1, 2))
    assert np.abs(mixed - own).max() > 0.5 * np.abs(own).max()


def test_agrees_with_differences():
    model, images = small_model(), some_images()
    parts = ModelParts(model)
    prepared, maps = parts.to_map(images)
    _, found = own_gradients(parts, images, 1, "combined", "batch")
    relations = parts.relations(images)

    def score(maps, row):
        features = parts.to_features(prepared, ops.convert_to_tensor(maps))
        return float(to_numpy(parts.scores(features, relations, "combined"))[row, 1])

    step = 0.05
    for row, y, x, channel in [(0, 1, 2, 3), (3, 0, 0, 5), (2, 3, 3, 0)]:
        up, down = maps.copy(), maps.copy()
        up[row, y, x, channel] += step
        down[row, y, x, channel] -= step
        slope = (score(up, row) - score(down, row)) / (2 * step)
        assert found[row, y, x, channel] == pytest.approx(slope, abs=2e-4, rel=0.02)


def test_the_backbone_alone_is_explained_without_the_branch():
    model, images = small_model(), some_images()
    maps = model.backbone.predict(images.astype("float32"), verbose=0)
    kernels = [model.get_layer(name).kernel for name in ("embedding", "classifier")]
    embedding, classifier = (to_numpy(kernel).astype("float64") for kernel in kernels)
    predicted = model.predict(images, verbose=0).argmax(-1)
    found = own_gradients(ModelParts(model), images, None, "backbone", None)[1]
    slope = embedding @ classifier / 16
    expected = np.broadcast_to(slope.T[predicted][:, None, None], maps.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_the_backbone_alone_is_explained_by_its_residual():
    model, images = small_model(variant="0.1"), some_images()
    rra, head = model.rra, model.get_layer("classifier")
    maps = model.backbone.predict(images.astype("float32"), verbose=0)
    kernels = [model.get_layer("embedding").kernel, rra.residual_dense.kernel, head.kernel]
    embedding, residual, classifier = (to_numpy(kernel).astype("float64") for kernel in kernels)
    scale = to_numpy(rra.normalization.gamma) / np.sqrt(
        to_numpy(rra.normalization.moving_variance) + rra.normalization.epsilon
    )
    slope = (embedding @ residual * scale) @ classifier / 16
    predicted = model.predict(images, verbose=0).argmax(-1)
    found = own_gradients(ModelParts(model), images, None, "backbone", None)[1]
    expected = np.broadcast_to(slope.T[predicted][:, None, None], maps.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    raw = np.maximum((maps * expected).sum(-1), 0)
    shown = grad_cam(model, images, of="backbone")
    np.testing.assert_allclose(shown, at_image_size(raw, SIDE, SIDE), atol=1e-4)


def test_mates_without_weight_change_nothing():
    model, images = small_model(), some_images()
    others = images.copy()
    others[1:] = 255 - others[1:]

    def first_map(relations):
        return [grad_cam(model, batch, 1, relations=relations)[0] for batch in (images, others)]

    np.testing.assert_allclose(*first_map("self"), atol=1e-5)
    in_company = first_map("batch")
    assert np.abs(in_company[0] - in_company[1]).max() > 1e-3


def test_the_model_is_left_as_it_was():
    model, images = small_model(relations="self"), some_images()
    predictions = model.predict(images, verbose=0)
    grad_cam(model, images, relations="batch")
    assert model.relations == "self"
    np.testing.assert_array_equal(model.predict(images, verbose=0), predictions)
    assert model.get_layer("classifier").activation is keras.activations.softmax


def test_relates_to_references():
    model, images = small_model(relations="self"), some_images()
    model.set_references(255 - images[:2])
    maps = grad_cam(model, images, 0, relations="references")
    others = np.concatenate([images[:1], images[1:] // 2])
    again = grad_cam(model, others, 0, relations="references")
    np.testing.assert_allclose(maps[0], again[0], atol=1e-5)
    assert np.abs(maps[1] - again[1]).max() > 1e-3


@pytest.mark.parametrize("nested", [True, False])
def test_a_conventional_model(nested):
    images = some_images()
    backbone = small_backbone()
    if nested:
        model = backbone_classifier(backbone, 3)
    else:
        rows = layers.GlobalAveragePooling2D()(backbone.output)
        model = keras.Model(backbone.input, layers.Dense(3, name="classifier")(rows))
    maps = backbone.predict(images, verbose=0)
    kernel = to_numpy(model.get_layer("classifier").kernel)
    slopes = kernel[:, [1]].T[:, None, None]
    # Pooling is a mean: the gradient is the kernel over the number of places.
    raw = np.maximum((maps * slopes).sum(-1), 0)
    np.testing.assert_allclose(
        grad_cam(model, images, 1), at_image_size(raw, SIDE, SIDE), atol=1e-4
    )
    same = grad_cam(model, images, 1, of="backbone")
    np.testing.assert_array_equal(same, grad_cam(model, images, 1))


def test_formulas_by_hand():
    features = np.array([[[[1.0, 2.0], [3.0, -1.0]]]])
    slopes = np.array([[[[1.0, -1.0], [3.0, 2.0]]]])
    # Channel means are 2 and 0.5.
    assert class_activation(features, slopes, "grad_cam").tolist() == [[[3.0, 5.5]]]
    assert class_activation(features, slopes, "hires_cam").tolist() == [[[0.0, 7.0]]]
    assert class_activation(features, slopes, "layer_cam").tolist() == [[[1.0, 7.0]]]


def test_scaling():
    maps = np.array([[[0.0, 4.0]], [[0.0, 0.0]]])
    large = at_image_size(maps, 2, 4)
    assert large.dtype == np.float32
    # Half-pixel centres: 0, a quarter, three quarters, all.
    np.testing.assert_allclose(large[0], [[0, 0.25, 0.75, 1]] * 2, atol=1e-6)
    assert not large[1].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"of": "head"}, "of='head'"),
        ({"method": "cam"}, "method='cam'"),
        ({"classes": 3}, "from 0 to 2"),
        ({"classes": [0, 1]}, "each of the 4 images"),
        ({"layer": "classifier"}, "classifier"),
        ({"relations": "all"}, "all"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        grad_cam(small_model(), some_images(), **arguments)


def test_a_model_of_another_form_is_named():
    images = keras.Input((SIDE, SIDE, 3))
    with pytest.raises(ValueError, match="ends in a Dense layer"):
        grad_cam(keras.Model(images, layers.Flatten()(images)), some_images())


@pytest.mark.skipif(
    keras.config.backend() == "jax",
    reason="JAX compiles each operation anew; the other backends run the same",
)
@pytest.mark.parametrize("name", ["grad_cam", "class_activation", "gradients"])
def test_the_examples_give_what_they_show(name):
    module = importlib.import_module(f"keras_rbi.explanations.{name}")
    names = {"keras_rbi": keras_rbi, "np": np, "keras": keras}
    results = doctest.testmod(module, extraglobs=names)
    assert results.attempted
    assert not results.failed
