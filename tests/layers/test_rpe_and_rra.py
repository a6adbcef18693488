"""RPE and RRA in models: what holds only for the two together."""

import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy

from keras_rbi.layers import RPE, RRA

SIZE, CLASSES = (16, 16, 3), 5
AS_PRINTED = {"epsilon": 1e-8, "normalize": False}
# PyTorch compiles for a minute.
SLOW_TO_COMPILE = [pytest.mark.nightly] if keras.backend.backend() == "torch" else []


def random_images(batch, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(batch, *SIZE)).astype("uint8")


def random_labels(batch, seed=1):
    return np.random.default_rng(seed).integers(0, CLASSES, size=batch)


def small_model(rpe=None, width=16, pool=keras.layers.Flatten, **settings):
    images = keras.Input(SIZE, dtype="uint8")
    features = pool()(keras.layers.Rescaling(1 / 255.0)(images))
    features = keras.layers.Dense(width)(features)
    features = RRA(width, **settings)(features, RPE(**(rpe or {}))(images))
    classes = keras.layers.Dense(CLASSES, activation="softmax", dtype="float32")(features)
    return keras.Model(images, classes)


@keras.saving.register_keras_serializable(package="keras_rbi_tests")
class SubclassedModel(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rpe = RPE(group_size=3)
        self.flatten = keras.layers.Flatten()
        self.rra = RRA(16, gate="feature", use_bias=True, group_size=3)

    def call(self, images, training=None):
        features = self.flatten(keras.ops.cast(images, "float32") / 255.0)
        return self.rra(features, self.rpe(images, training=training), training=training)


@pytest.mark.parametrize("make_model", [small_model, SubclassedModel])
def test_saved_and_loaded_models_are_the_same(make_model, tmp_path):
    model, images = make_model(), random_images(7)
    model(images)
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.5, 1.5, size=weight.shape) for weight in model.weights])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
    np.testing.assert_array_equal(to_numpy(loaded(images)), to_numpy(model(images)))


def test_weights_saved_in_one_model_are_loaded_into_another(tmp_path):
    model, other = small_model(), small_model()
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(other.weights, model.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


def test_related_to_self_a_model_answers_alike_in_every_batch():
    model = small_model({"inference_relations": "self"}, inference_relations="self")
    images = random_images(8)
    one_by_one = model.predict(images, batch_size=1, verbose=0)
    assert_close(model.predict(images, batch_size=4, verbose=0), one_by_one)


def test_a_model_with_groups_answers_as_with_batches_of_that_size():
    grouped, model = small_model({"group_size": 3}, group_size=3), small_model()
    grouped.set_weights(model.get_weights())
    images = random_images(7)
    expected = model.predict(images, batch_size=3, verbose=0)
    assert_close(grouped.predict(images, batch_size=7, verbose=0), expected)


def losses_of_two_epochs(jit_compile):
    keras.utils.set_random_seed(0)
    # No relation dropout: TensorFlow draws other random numbers in compiled functions.
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    images, labels = random_images(64), random_labels(64)
    history = model.fit(images, labels, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return history.history["loss"]


@pytest.mark.parametrize("jit_compile", [pytest.param(True, marks=SLOW_TO_COMPILE)])
def test_a_compiled_model_trains_as_one_that_is_not(jit_compile):
    losses = losses_of_two_epochs(jit_compile)
    assert losses[0] != losses[1]
    np.testing.assert_allclose(losses, losses_of_two_epochs(False), rtol=1e-5)


def fresh_model_as_printed():
    # Means over noise are much alike, so that the decibels they share dwarf their differences:
    # the moments of a one-pass normalisation in float32 are NaN there.
    return small_model(AS_PRINTED, width=32, pool=keras.layers.GlobalAveragePooling2D)


def test_twenty_fresh_models_as_printed_train_a_step_without_a_nan():
    model = fresh_model_as_printed()
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    for seed in range(20):
        keras.utils.set_random_seed(seed)
        # The weights of a fresh model, without compiling it.
        model.set_weights(fresh_model_as_printed().get_weights())
        loss = model.train_on_batch(random_images(32, seed), random_labels(32, seed))
        assert np.isfinite(loss), seed
        for weight in model.weights:
            assert np.isfinite(to_numpy(weight)).all(), (seed, weight.path)


def test_a_model_as_printed_trains_under_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small_model(AS_PRINTED)
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    history = model.fit(random_images(32), random_labels(32), batch_size=16, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert all(np.isfinite(to_numpy(weight)).all() for weight in model.weights)
