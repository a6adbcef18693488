"""What holds of every classifier, whatever its method: modes, masks, saving and the steps."""

import keras
import numpy as np
import pytest
from backend_functions import to_numpy
from every_classifier import CLASSES, EVERY, LABELS, NAMES, PLAIN, RELATED, batch, made, predicted
from keras import ops

pytestmark = pytest.mark.usefixtures("untraced")

MODES = ["self", "batch", "references"]


@pytest.fixture(scope="module", params=RELATED)
def related(request):
    """A model with relations and references, which tests leave as it was."""
    model = made(request.param)
    model.set_references(batch(CLASSES, seed=5), np.arange(CLASSES))
    return model


@pytest.fixture(scope="module", params=EVERY)
def model(request):
    """Any model, likewise; with references where it relates to some."""
    model = made(request.param)
    if model.rra is not None:
        model.set_references(batch(CLASSES, seed=5), np.arange(CLASSES))
    return model


def modes_of(model):
    return [None] if model.relations is None else MODES


@pytest.mark.parametrize("mode", MODES)
def test_a_prediction_stands_alone_but_in_a_batch(related, mode):
    images = batch()
    with related.use_relations(mode):
        together = predicted(related, images)
        other = predicted(related, np.concatenate([images[:1], batch(5, seed=9)]))
        one = predicted(related, images[:1])
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)
    change = max(np.abs(rows[0] - together[0]).max() for rows in (other, one))
    assert change > 1e-4 if mode == "batch" else change < 1e-5


@pytest.mark.parametrize("kind", PLAIN)
def test_a_model_without_relations_takes_each_image_by_itself(kind):
    model = made(kind)
    together = predicted(model, batch())
    np.testing.assert_allclose(predicted(model, batch()[2:3])[0], together[2], atol=1e-5)
    with model.use_relations() as mode:
        assert mode == "self"
    with pytest.raises(ValueError, match="Make another model"), model.use_relations("batch"):
        pass
    with pytest.raises(ValueError, match="do not relate"):
        model.set_references(batch())


def test_references_move_predictions_and_come_from_their_images(related):
    with related.use_relations("self"):
        alone = predicted(related, batch())
    with related.use_relations("references"):
        beside = predicted(related, batch())
    assert np.abs(beside - alone).max() > 1e-4
    references = batch(CLASSES, seed=5)
    with related.use_relations("batch"):
        expected = [
            predicted(related, np.concatenate([image[None], references]))[0] for image in batch()
        ]
    np.testing.assert_allclose(beside, expected, atol=1e-5)


def fail_within(model, mode):
    with model.use_relations(mode) as told:
        assert told == model.relations == model.rra.inference_relations == mode
        raise RuntimeError("on purpose")


def test_a_mode_lasts_as_long_as_its_block(related):
    own = related.relations
    for mode in MODES:
        with pytest.raises(RuntimeError, match="on purpose"):
            fail_within(related, mode)
        assert related.relations == related.rpe.inference_relations == own
    with pytest.raises(ValueError, match="must be one of"), related.use_relations("everything"):
        pass
    assert related.relations == own


@pytest.mark.parametrize("kind", RELATED)
def test_references_must_be_there(kind):
    model = made(kind)
    own = model.relations
    with pytest.raises(ValueError, match="no references"), model.use_relations("references"):
        pass
    assert model.relations == own


def test_a_masked_row_changes_no_other(model):
    for mode in modes_of(model):
        with model.use_relations(mode):
            alone = predicted(model, batch())
            for filling in (batch(2, seed=3), np.zeros((2, *batch().shape[1:]), "uint8")):
                rows = {
                    "images": np.concatenate([batch(), filling]),
                    "mask": np.arange(8) < 6,
                }
                np.testing.assert_allclose(predicted(model, rows)[:6], alone, atol=2e-6)
                called = model(rows["images"], mask=rows["mask"])
                np.testing.assert_allclose(to_numpy(called)[:6], alone, atol=2e-6)


@pytest.mark.parametrize("kind", EVERY)
def test_batches_with_padding_go_through_keras(kind):
    model = made(kind)
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        weighted_metrics=["accuracy"],
        # Traced graphs of so many layers take their time.
        run_eagerly=keras.config.backend() == "tensorflow",
    )
    mask = np.arange(8) < 6
    rows = {"images": np.concatenate([batch(), batch(2, seed=3)]), "mask": mask}
    weights = mask.astype("float32")
    told = model.evaluate(rows, LABELS, sample_weight=weights, verbose=0, return_dict=True)
    found = model.predict(rows, verbose=0)
    right = found.argmax(1)[:6] == LABELS[:6]
    assert told["accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    before = [np.array(value) for value in model.get_weights()]
    history = model.fit(rows, LABELS, sample_weight=weights, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_is_made_again_from_its_config(model):
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [weight.path for weight in again.weights] == [weight.path for weight in model.weights]
    again.set_weights(model.get_weights())
    for mode in modes_of(model):
        with model.use_relations(mode), again.use_relations(mode):
            np.testing.assert_allclose(
                predicted(again, batch()), predicted(model, batch()), atol=1e-6
            )


def test_keras_clones_the_graph(model):
    """Of a model of any class but its own, Keras makes a functional one of the same layers."""
    for mode in modes_of(model)[:2]:
        with model.use_relations(mode):
            again = keras.models.clone_model(model)
            expected = predicted(model, batch())
        weights = {weight.path: weight for weight in model.weights}
        for weight in again.weights:
            # A copy: JAX gives away what it predicts with.
            weight.assign(np.array(keras.ops.convert_to_numpy(weights[weight.path])))
        np.testing.assert_allclose(predicted(again, batch()), expected, atol=1e-6)


def test_a_file_keeps_the_mode_and_the_references(model, tmp_path):
    path = tmp_path / "model.keras"
    for mode in modes_of(model):
        with model.use_relations(mode):
            model.save(path)
            expected = predicted(model, batch())
        loaded = keras.models.load_model(path)
        assert loaded.relations == mode
        assert loaded.class_names == NAMES
        np.testing.assert_allclose(predicted(loaded, batch()), expected, atol=1e-6)
    if model.references is not None:
        np.testing.assert_array_equal(
            to_numpy(loaded.references.images), to_numpy(model.references.images)
        )


def test_the_steps_compose_to_a_prediction(model):
    images = ops.convert_to_tensor(batch())
    for mode in modes_of(model):
        with model.use_relations(mode):
            expected = predicted(model, batch())
            packed = model.feature_model().predict_on_batch(batch())
            features = model.unpack(ops.convert_to_tensor(packed))
            relations = model.encode_relations(images, training=False)
            by_parts = model.classify(model.attend(features, relations, training=False))
            embedded = model.embed(images, training=False)
            by_steps = model.classify(model.relate(embedded, images, training=False))
        assert packed.shape == (6, *model.feature_model().output_shape[1:])
        np.testing.assert_allclose(to_numpy(by_parts), expected, atol=1e-5)
        np.testing.assert_allclose(to_numpy(by_steps), expected, atol=1e-5)


def test_logits_are_of_what_predicts(model):
    """Of a method with one last layer, predictions are their softmax."""
    images = ops.convert_to_tensor(batch())
    related = model.relate(model.embed(images), images)
    logits = to_numpy(model.logits(related))
    assert logits.shape == (6, CLASSES)
    if not hasattr(model, "heads"):
        scale = 1.0 if hasattr(model, "classifier") else 1 / 4
        found = to_numpy(ops.softmax(scale * logits))
        np.testing.assert_allclose(found, predicted(model, batch()), atol=1e-5)


def test_attributes_that_others_ask_for(model):
    assert model.num_classes == CLASSES
    assert model.class_names == NAMES
    assert model.output_shape == (None, CLASSES)
    assert (model.group_size, model.has_attention) == (None, model.rra is not None)
    assert model.relates_sets == (model.rra is not None)
    assert model.compute_output_spec(keras.KerasTensor((5, 32, 32, 3))).shape == (5, CLASSES)
    if model.proposes_parts:
        assert tuple(model.part_boxes(ops.convert_to_tensor(batch())).shape) == (6, 4, 4)
