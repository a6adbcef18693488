"""Relation matrices, influence and the flow of a batch against computations by hand."""

import doctest
import importlib

import keras
import numpy as np
import pytest
from backend_functions import gradients, to_numpy
from keras import layers, ops

import keras_rbi
from keras_rbi.explanations import RelationMatrix, grad_cam, influence, relation_matrix
from keras_rbi.explanations.class_activation import at_image_size
from keras_rbi.explanations.relation_matrix import across_groups, asymmetry, diagonal_dominance
from keras_rbi.figures import integration_flow, plot_influence, plot_relation_matrix
from keras_rbi.figures.integration_flow import strips
from keras_rbi.models import backbone_classifier, batch_attention

pytestmark = pytest.mark.usefixtures("untraced")

SIDE = 16


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3)).astype("uint8")


def small_model(**arguments):
    pixels = keras.Input((SIDE, SIDE, 3))
    places = layers.Conv2D(6, 3, strides=4, activation="tanh")(pixels)
    model = keras_rbi.RBIModel(
        keras.Model(pixels, places, name="small"),
        num_classes=3,
        embedding_dim=8,
        preprocessing=None,
        variant="0.1",
        **arguments,
    )
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * (0.1 if "query" in weight.path else 0.5))
    return model


@pytest.fixture(scope="module")
def model():
    return small_model()


def test_numbers_by_hand():
    matrix = np.array([[4.0, 1.0, 3.0], [1.0, 4.0, 0.0], [1.0, 0.0, 4.0]])
    # Means 4 and 1; of the pairs only 3 and 1 differ: sqrt(2 * 4) / sqrt(2 * 4 + 2 * 16).
    assert diagonal_dominance(matrix) == pytest.approx(0.6)
    assert asymmetry(matrix) == pytest.approx(np.sqrt(8 / 40))
    assert diagonal_dominance(np.eye(3)) == 1.0
    assert diagonal_dominance(np.ones((3, 3))) == 0.0
    assert asymmetry(np.eye(3)) == 0.0
    assert asymmetry(np.triu(np.ones((3, 3)))) == pytest.approx(1.0)
    assert diagonal_dominance(np.zeros((2, 2))) == 0.0


def test_matrices_are_those_of_the_equations(model, images):
    found = relation_matrix(model, images)
    features = model.feature_model().predict(images, verbose=0).astype("float64")
    query, key = (to_numpy(layer.kernel) for layer in (model.rra.query_dense, model.rra.key_dense))
    q, k = features @ query, features @ key
    for relations, weights in [
        (found.relations, found.attention),
        (0.0, found.attention_without_rpe),
    ]:
        logits = (q @ k.T + relations * q.sum(1, keepdims=True)) / np.sqrt(8)
        expected = np.exp(logits) / np.exp(logits).sum(0)
        np.testing.assert_allclose(weights, expected, atol=1e-5)
    np.testing.assert_allclose(np.diagonal(found.relations), 1.0, atol=1e-6)
    assert model.relations == "self"


def test_groups_are_laid_out_along_the_diagonal():
    weights = np.arange(1.0, 11.0).reshape(5, 2)
    expected = np.zeros((5, 5))
    expected[:2, :2], expected[2:4, 2:4], expected[4, 4] = [[1, 2], [3, 4]], [[5, 6], [7, 8]], 9
    np.testing.assert_array_equal(across_groups(weights), expected)


def test_the_figure_has_the_matrices_and_the_images(images):
    rng = np.random.default_rng(0)
    matrix = RelationMatrix(*rng.uniform(size=(3, 4, 4)))
    figure = plot_relation_matrix(matrix, images)
    panels = figure.axes[:3]
    expected = (matrix.relations, matrix.attention_without_rpe, matrix.attention)
    for axes, values in zip(panels, expected, strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), values)
        assert len(axes.child_axes) == 8
        np.testing.assert_array_equal(axes.child_axes[0].images[0].get_array(), images[0])
        assert f"{diagonal_dominance(values):.2f}" in axes.get_title()


def score(model, features, relations, row, number):
    combined = model.rra(features, relations, training=False)
    return ops.matmul(combined, model.get_layer("classifier").kernel)[row, number]


@pytest.fixture(scope="module")
def found(model, images):
    return influence(model, images, target=1, top=3, class_number=2)


def test_effects_are_those_of_leaving_images_out(model, images, found):
    bias = to_numpy(model.get_layer("classifier").bias)[2]
    predictions = model.feature_model().predict(images, verbose=0)
    scores = {}
    mode = model.relations
    model.relations = "batch"
    for left_out in (None, 0, 2, 3):
        kept = [number for number in range(4) if number != left_out]
        relations = model.rpe(images[kept], training=False)
        features = ops.convert_to_tensor(predictions[kept])
        value = score(model, features, relations, kept.index(1), 2)
        scores[left_out] = float(to_numpy(value)) + bias
    model.relations = mode
    assert found.score == pytest.approx(scores[None], abs=1e-4)
    for source in (0, 2, 3):
        assert found.effects[source] == pytest.approx(scores[None] - scores[source], abs=1e-4)
    assert np.isnan(found.effects[1])
    by_size = sorted((0, 2, 3), key=lambda source: -abs(found.effects[source]))
    assert found.sources.tolist() == by_size
    weights = batch_attention(model, images).weights
    np.testing.assert_allclose(found.attention, weights[:, 1], atol=1e-5)
    # The model predictions by itself alone, and has a softmax.
    alone = keras.Model(model.input, model.get_layer("rra").output).predict(images[1:2], verbose=0)
    kernel = to_numpy(model.get_layer("classifier").kernel)
    assert found.score_alone == pytest.approx(float(alone[0] @ kernel[:, 2]) + bias, abs=1e-4)


def test_maps_of_mates_are_of_their_pixels_for_the_targets_score(model, images, found):
    maps = model.backbone.predict(images.astype("float32"), verbose=0)
    relations = ops.convert_to_tensor(batch_attention(model, images).relations)
    mode = model.relations
    model.relations = "batch"

    def of_maps(maps):
        features = model.get_layer("embedding")(ops.mean(maps, axis=(1, 2)))
        return score(model, features, relations, 1, 2)

    (slopes,) = gradients(of_maps, maps)
    model.relations = mode
    for place, number in enumerate([*found.sources, 1]):
        weighted = (maps[number] * slopes[number].mean((0, 1))).sum(-1)
        towards, against = np.maximum(weighted, 0), np.maximum(-weighted, 0)
        if number != 1:
            assert found.directions[place] == (1 if towards.sum() > against.sum() else -1)
        turned = number != 1 and found.directions[place] < 0
        raw = (against if turned else towards)[None]
        shown = found.target_map if number == 1 else found.maps[place]
        np.testing.assert_allclose(shown, at_image_size(raw, SIDE, SIDE)[0], atol=2e-3)
    assert found.maps.any((1, 2)).all()
    own = grad_cam(model, images, 2, relations="batch")[1]
    np.testing.assert_allclose(found.target_map, own, atol=1e-4)


def test_the_figure_of_influence(images, found):
    figure = plot_influence(found, images, ["a", "b", "$c$"])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "target: image 1"
    assert titles[1].startswith(f"image {found.sources[0]}: ")
    bars = next(axes for axes in figure.axes if axes.patches)
    heights = [bar.get_height() for bar in bars.patches]
    np.testing.assert_allclose(heights, found.attention, rtol=1e-5)


def test_strips_are_in_standard_deviations():
    features = np.array([[0.0, 5.0], [2.0, 5.0]])
    assert strips(features).tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    wide = np.random.default_rng(0).normal(size=(4, 130))
    scaled = (wide - wide.mean(0)) / wide.std(0)
    # 64 columns: the first two of three features, the sources of two.
    np.testing.assert_allclose(strips(wide)[:, 0], np.clip(scaled[:, :3].mean(1), -2, 2))
    assert strips(wide).shape == (4, 64)


def test_the_flow_shows_the_steps_of_the_batch(model, images):
    figure = integration_flow(model, images, ["a", "b", "c"])
    by_title = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    attention = batch_attention(model, images)
    matrix = next(axes for title, axes in by_title.items() if title.startswith("RRA"))
    np.testing.assert_allclose(matrix.images[0].get_array(), attention.weights, atol=1e-5)
    shown = by_title["combined\nfeatures C"].images[0].get_array()
    np.testing.assert_allclose(shown, strips(attention.combined), atol=1e-3)
    classes = to_numpy(
        ops.matmul(attention.combined, model.get_layer("classifier").kernel)
        + model.get_layer("classifier").bias
    ).argmax(-1)
    map_ = by_title["CAM of the\ncombined"].images[1].get_array()
    expected = grad_cam(model, images, classes, relations="batch")[0]
    np.testing.assert_allclose(map_, expected, atol=1e-4)
    texts = [axes.texts[0].get_text() for axes in figure.axes if len(axes.texts) == 1]
    assert [text[0] for text in texts] == ["abc"[number] for number in classes]
    gates = [f"β = {beta:.2f}" for beta in attention.beta]
    assert [text.split(", ")[1] for text in texts] == gates
    assert len(set(gates)) > 1
    assert model.relations == "self"


def test_mistakes_are_named(model, images):
    for function in (relation_matrix, integration_flow):
        with pytest.raises(ValueError, match="at least two images"):
            function(model, images[:1])
    with pytest.raises(ValueError, match="target=4"):
        influence(model, images, 4)
    with pytest.raises(ValueError, match="top=4"):
        influence(model, images, 0, top=4)
    alone = backbone_classifier(keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3)), 3)
    with pytest.raises(ValueError, match="'backbone_alone' of class BackboneClassifier"):
        relation_matrix(alone, images)


@pytest.mark.skipif(
    keras.config.backend() == "jax",
    reason="JAX compiles each operation anew; the source backends run the same",
)
@pytest.mark.parametrize(
    "name",
    [
        "explanations.influence",
        "explanations.relation_matrix",
        "figures.integration_flow",
        "figures.plot_influence",
        "figures.plot_relation_matrix",
    ],
)
def test_the_examples_give_what_they_show(name):
    module = importlib.import_module(f"keras_rbi.{name}")
    results = doctest.testmod(module, extraglobs={"keras_rbi": keras_rbi, "np": np})
    assert results.attempted
    assert not results.failed
