"""What a model looks at, asked of every classifier in the same way."""

import keras
import numpy as np
import pytest
from backend_functions import to_numpy
from every_classifier import CLASSES, EVERY, PLAIN, RELATED, SIDE, batch, made, predicted
from keras import ops

from keras_rbi.explanations import grad_cam, influence, relation_matrix
from keras_rbi.figures import (
    embedding_map,
    integration_flow,
    plot_influence,
    plot_parts,
    plot_relation_matrix,
)
from keras_rbi.models import BackboneClassifier, batch_attention

pytestmark = pytest.mark.usefixtures("untraced")

IMAGES = batch(4)


@pytest.fixture(scope="module", params=RELATED)
def related(request):
    return made(request.param)


def logits_of(model, images, mode="batch", mask=None):
    """Logits by the steps of the model alone."""
    images = ops.convert_to_tensor(images)
    with model.use_relations(mode):
        features = model.embed(images, training=False)
        mask = None if mask is None else ops.convert_to_tensor(mask)
        return to_numpy(model.logits(model.relate(features, images, mask, training=False)))


@pytest.mark.parametrize("kind", EVERY)
def test_maps_of_what_speaks_for_a_class(kind):
    model = made(kind)
    own = model.relations
    for of in ("combined", "backbone"):
        maps = grad_cam(model, IMAGES, of=of)
        assert maps.shape == (4, SIDE, SIDE)
        assert maps.min() >= 0
        assert maps.max() <= 1
    of_classes = [grad_cam(model, IMAGES, number, of="combined") for number in range(CLASSES)]
    assert np.max(of_classes) > 0.5
    classes = predicted(model, IMAGES).argmax(1)
    np.testing.assert_allclose(
        grad_cam(model, IMAGES), [of_classes[c][row] for row, c in enumerate(classes)], atol=1e-4
    )
    if own is None:
        np.testing.assert_allclose(maps, grad_cam(model, IMAGES), atol=1e-6)
    assert model.relations == own


def test_maps_of_an_image_that_stands_alone_stand_alone(related):
    with related.use_relations("self"):
        together = grad_cam(related, IMAGES, [0, 1, 2, 3])
        alone = grad_cam(related, IMAGES[2:3], [2])
    np.testing.assert_allclose(together[2], alone[0], atol=1e-4)


def test_influence_is_the_score_with_and_without(related):
    own = related.relations
    found = influence(related, IMAGES, target=1, top=2)
    assert related.relations == own
    logits = logits_of(related, IMAGES)
    with related.use_relations("batch"):
        assert predicted(related, IMAGES)[1].argmax() == found.class_number
    number = found.class_number
    assert found.score == pytest.approx(logits[1, number], rel=1e-4, abs=1e-4)
    alone = logits_of(related, IMAGES, "self")[1, number]
    assert found.score_alone == pytest.approx(alone, rel=1e-4, abs=1e-4)
    for mate in (0, 2, 3):
        without = logits_of(related, IMAGES, mask=np.arange(4) != mate)[1, number]
        effect = logits[1, number] - without
        assert found.effects[mate] == pytest.approx(effect, rel=1e-3, abs=1e-4)
    assert np.nanmax(np.abs(found.effects)) > 1e-4
    weights = batch_attention(related, IMAGES).weights
    np.testing.assert_allclose(found.attention, weights[:, 1], atol=1e-5)
    assert found.maps.shape == (2, SIDE, SIDE)
    assert plot_influence(found, IMAGES, list("abcd")).axes


def test_matrices_are_those_of_the_batch(related):
    found = relation_matrix(related, IMAGES)
    attention = batch_attention(related, IMAGES)
    np.testing.assert_allclose(found.attention, attention.weights, atol=1e-6)
    np.testing.assert_allclose(found.relations, attention.relations, atol=1e-6)
    np.testing.assert_allclose(found.attention_without_rpe.sum(0), 1, atol=1e-5)
    assert np.abs(found.attention_without_rpe - found.attention).max() > 1e-5
    assert plot_relation_matrix(found, IMAGES).axes


def test_drawings_of_every_method(related):
    figure = integration_flow(related, IMAGES)
    assert "combined\nfeatures C" in [axes.get_title() for axes in figure.axes]
    images, labels = batch(12), np.arange(12) % CLASSES
    for mode in (None, "batch"):
        figure = embedding_map(related, images, labels, relations=mode)
        assert f'relations "{mode or related.relations}"' in figure.axes[1].get_title()
    if related.proposes_parts:
        assert plot_parts(related, IMAGES, list("abcd")).axes


@pytest.mark.parametrize("kind", PLAIN)
def test_what_looks_into_attention_needs_some(kind):
    model = made(kind)
    for look in (
        lambda: influence(model, IMAGES, 0),
        lambda: relation_matrix(model, IMAGES),
        lambda: integration_flow(model, IMAGES),
        lambda: embedding_map(model, IMAGES, np.arange(4)),
    ):
        with pytest.raises(ValueError, match="which has none"):
            look()


def test_classes_must_be_known_to_be_explained():
    backbone = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.Conv2D(4, 3)])
    with pytest.raises(ValueError, match="num_classes"):
        grad_cam(BackboneClassifier(backbone), IMAGES)
