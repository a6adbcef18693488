"""Evaluation and the options of an export ask every classifier in the same way."""

import keras
import numpy as np
import pytest
from every_classifier import CLASSES, EVERY, PLAIN, RELATED, batch, made, predicted

from keras_rbi.evaluation import attention_diagnostics, compare, evaluate_protocol
from keras_rbi.evaluation.classification_scores import classification_scores
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.extract_features import extract_features
from keras_rbi.evaluation.related_outputs import RelatedOutputs
from keras_rbi.export.options import export_options
from keras_rbi.models import batch_attention

pytestmark = pytest.mark.usefixtures("untraced")

COUNT = 10
IMAGES, LABELS = batch(COUNT), np.random.default_rng(0).integers(0, CLASSES, COUNT)


@pytest.fixture(scope="module", params=RELATED)
def related(request):
    model = made(request.param)
    model.set_references(batch(CLASSES, seed=5), np.arange(CLASSES))
    return model


def in_batches(model, mode, size, order):
    rows = np.empty((COUNT, CLASSES), "float32")
    with model.use_relations(mode):
        for begin in range(0, COUNT, size):
            part = order[begin : begin + size]
            rows[part] = predicted(model, IMAGES[part])
    return rows


def test_rows_of_the_protocol_are_predictions_in_the_same_batches(related):
    own = related.relations
    found = evaluate_protocol(related, (IMAGES, LABELS), batch_sizes=(4,), orders=[3])
    assert related.relations == own
    assert [row.relations for row in found.rows] == ["self", "batch", "batch", "references"]
    orders = {
        "any": np.arange(COUNT),
        "shuffled": shuffled_order(COUNT, 3),
        "sorted by class": np.argsort(LABELS, kind="stable"),
    }
    losses = set()
    for row in found.rows:
        size = row.batch_size or COUNT
        rows = in_batches(related, row.relations, size, orders[row.order])
        expected = classification_scores(rows, LABELS, "softmax").as_dict()
        for name, value in expected.items():
            assert getattr(row, name) == pytest.approx(value, rel=1e-4, abs=1e-6)
        losses.add(round(row.loss, 6))
    assert len(losses) == 4, "the modes and orders were to make a difference"


def test_answers_without_the_backbone_are_predictions(related):
    predictions = RelatedOutputs(extract_features(related, (IMAGES, LABELS)))
    order = shuffled_order(COUNT, 0)
    for size, rows in predictions.in_batches((2, 4, 5), order).items():
        np.testing.assert_allclose(rows, in_batches(related, "batch", size, order), atol=1e-5)
    for mode in ("self", "references"):
        expected = in_batches(related, mode, COUNT, order)
        np.testing.assert_allclose(predictions.alone(mode), expected, atol=1e-5)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_model_without_relations_has_one_row(kind):
    model = made(kind)
    (row,) = evaluate_protocol(model, (IMAGES, LABELS), batch_sizes=(4,), orders=1).rows
    scores = classification_scores(predicted(model, IMAGES), LABELS, "softmax")
    assert (row.relations, row.batch_size, row.orders) == ("none", None, 0)
    assert row.loss == pytest.approx(scores.loss, rel=1e-5)
    with pytest.raises(ValueError, match="attention"):
        attention_diagnostics(model, (IMAGES, LABELS), batch_size=5)
    with pytest.raises(ValueError, match="attention"):
        batch_attention(model, IMAGES)


def test_any_two_are_compared(related):
    plain = made("backbone_alone")
    for mode in ("self", "batch", "references"):
        with related.use_relations(mode):
            found = compare(related, plain, (IMAGES, LABELS), batch_size=5, repeats=0)
        assert (found.a.relations, found.b.relations) == (mode, "none")
        right = in_batches(related, mode, 5, shuffled_order(COUNT, 0)).argmax(1) == LABELS
        assert found.a.top1 == pytest.approx(right.mean())


def test_the_cost_of_any_is_measured(related):
    found = compare(related, made("backbone_alone"), (IMAGES, LABELS), batch_size=2, repeats=1)
    assert found.a.seconds_per_image > 0
    assert found.a.parameters == related.count_params()


def test_attention_is_that_of_the_model(related):
    own = related.relations
    for mode, width in (("self", 1), ("batch", COUNT), ("references", 1 + CLASSES)):
        found = batch_attention(related, IMAGES, mode)
        assert found.weights.shape == found.relations.shape == (COUNT, width)
        axis = 0 if mode == "batch" else 1
        np.testing.assert_allclose(found.weights.sum(axis), 1, atol=1e-5)
        assert found.beta.shape == (COUNT,)
        assert ((found.beta >= 0) & (found.beta <= 1)).all()
        assert len(found.features) == len(found.combined) == COUNT
        packed = related.feature_model().predict_on_batch(IMAGES)
        again = batch_attention(related, IMAGES, mode, packed)
        np.testing.assert_allclose(again.combined, found.combined, rtol=1e-5, atol=1e-5)
    assert related.relations == own


def test_attention_is_told_in_numbers(related):
    found = attention_diagnostics(related, (IMAGES, LABELS), batch_size=5)
    assert found.images == COUNT
    assert found.on_self + found.on_same_class + found.on_others == pytest.approx(1, abs=1e-5)
    order = shuffled_order(COUNT, 0)[:5]
    weights = batch_attention(related, IMAGES[order]).weights
    entropies = -(weights * np.log(weights)).sum(0) / np.log(5)
    np.testing.assert_allclose(found.relative_entropies[order], entropies, atol=1e-4)


@pytest.mark.parametrize("kind", EVERY)
def test_what_an_export_relates_is_settled(kind):
    """Relations of a batch go into a file by name only."""
    model = made(kind)

    def options(relations=None, inputs="images"):
        return export_options(
            model, "onnx", relations, inputs, ("probabilities",), 2, "float32", None
        )

    if model.relations is None:
        assert options().relations == options("none").relations == "none"
        for arguments in (("self",), ("batch",), ("references",), (None, "sets")):
            with pytest.raises(ValueError, match="Only a model with relations"):
                options(*arguments)
        return
    assert model.relations == ("batch" if kind == "rbi_paper" else "self")
    model.relations = "self"
    assert options().relations == "self"
    assert options(None, "sets").inputs == ("sets",)
    model.relations = "batch"
    with pytest.raises(ValueError, match="relations='batch' by name"):
        options()
    assert options(None, "sets").relations == "batch"
    for relations in ("self", "batch"):
        assert options(relations).relations == relations
    with pytest.raises(ValueError, match="no references"):
        options("references")
    model.set_references(batch(CLASSES, seed=5), np.arange(CLASSES))
    assert options("references").relations == "references"
    assert options("references").class_names == tuple(model.class_names)
    with pytest.raises(ValueError, match="4 classes"):
        export_options(
            model, "onnx", "self", "images", ("probabilities",), 2, "float32", ["a", "b"]
        )


def test_a_model_of_keras_is_measured_too():
    model = keras.Sequential(
        [keras.Input(IMAGES.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(CLASSES)]
    )
    (row,) = evaluate_protocol(model, (IMAGES, LABELS), batch_sizes=(4,), orders=1).rows
    assert row.relations == "none"
