import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy
from keras.src.testing import TestCase
from literal import batch_normalization, moving_moments

from keras_rbi.layers import TwoPassBatchNormalization


def random_rows(shape=(6, 5), seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape).astype("float32")


def built_layer(width=5, seed=1, **settings):
    """A layer whose weights are anything but zeros and ones."""
    layer = TwoPassBatchNormalization(**settings)
    layer.build((None, width))
    random = np.random.default_rng(seed)
    layer.set_weights([random.uniform(0.5, 1.5, size=weight.shape) for weight in layer.weights])
    return layer


def weights_of(layer):
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {name: to_numpy(getattr(layer, name)).astype("float64") for name in names}


@pytest.mark.parametrize("training", [True, False])
def test_equals_literal(training):
    layer, rows = built_layer(), random_rows()
    expected = batch_normalization(rows.astype("float64"), weights_of(layer), training)
    assert_close(layer(rows, training=training), expected)


@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 5)])
@pytest.mark.parametrize("settings", [{}, {"center": False}, {"scale": False}])
def test_equals_that_of_keras_on_ordinary_features(shape, settings):
    ours = TwoPassBatchNormalization(**settings)
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, **settings)
    for step in range(2):
        rows = random_rows(shape, seed=step)
        expected = to_numpy(theirs(rows, training=True))
        assert_close(ours(rows, training=True), expected)
    for our_weight, their_weight in zip(ours.weights, theirs.weights, strict=True):
        assert our_weight.name == their_weight.name
        assert_close(our_weight, to_numpy(their_weight))
    assert_close(ours(rows), to_numpy(theirs(rows)))


def test_features_with_a_large_offset_are_normalised():
    rows = (208.0 + 0.05 * np.random.default_rng(0).normal(size=(32, 64))).astype("float32")
    exact = rows.astype("float64")
    expected = (exact - exact.mean(axis=0)) / np.sqrt(exact.var(axis=0) + 1e-5)
    outputs = to_numpy(TwoPassBatchNormalization()(rows, training=True))
    # A mean of 208 is held to 1.5e-5, and the deviation is 0.05: each rounding costs 3e-4.
    np.testing.assert_allclose(outputs, expected, atol=2e-3)


def test_moving_averages_take_a_tenth_of_the_moments_of_a_step():
    layer, rows = built_layer(), random_rows()
    mean, variance = moving_moments(rows.astype("float64"), weights_of(layer))
    layer(rows, training=True)
    assert_close(layer.moving_mean, mean)
    assert_close(layer.moving_variance, variance)


def test_momentum_and_epsilon_are_those_that_were_asked_for():
    layer, rows = built_layer(momentum=0.5, epsilon=0.1), random_rows()
    before, exact = weights_of(layer), rows.astype("float64")
    assert_close(
        layer(rows, training=True),
        batch_normalization(exact, before, training=True, epsilon=0.1),
    )
    mean, variance = moving_moments(exact, before, momentum=0.5)
    assert_close(layer.moving_mean, mean)
    assert_close(layer.moving_variance, variance)


@pytest.mark.parametrize("filling", [0.0, 1e30, np.nan, np.inf])
def test_masked_rows_are_as_if_left_out_in_training(filling):
    mask = np.array([True, False, True, True, False, True])
    rows = random_rows()
    rows[~mask] = filling
    masked, left_out = built_layer(), built_layer()
    outputs = to_numpy(masked(rows, training=True, mask=mask))
    assert_close(outputs[mask], to_numpy(left_out(rows[mask], training=True)))
    for weight, expected in zip(masked.weights, left_out.weights, strict=True):
        assert_close(weight, to_numpy(expected))


def test_masked_rows_of_sets_are_as_if_left_out():
    mask = np.array([[True, False, True], [True, True, False]])
    rows = random_rows((2, 3, 5))
    masked, left_out = built_layer(), built_layer()
    outputs = to_numpy(masked(rows, training=True, mask=mask))
    assert_close(outputs[mask], to_numpy(left_out(rows[mask], training=True)))
    assert_close(masked.moving_variance, to_numpy(left_out.moving_variance))


def test_one_row_is_normalised_to_beta_in_training():
    layer = built_layer()
    outputs = layer(random_rows((1, 5)), training=True)
    assert_close(outputs, to_numpy(layer.beta)[None])


@pytest.mark.parametrize("frozen", [True, False])
def test_moving_moments_are_used_and_kept_at_inference_and_when_frozen(frozen):
    layer, rows = built_layer(), random_rows()
    layer.trainable = not frozen
    before = weights_of(layer)
    outputs = layer(rows, training=frozen)
    assert_close(outputs, batch_normalization(rows.astype("float64"), before, training=False))
    np.testing.assert_array_equal(weights_of(layer)["moving_mean"], before["moving_mean"])
    np.testing.assert_array_equal(weights_of(layer)["moving_variance"], before["moving_variance"])


@pytest.mark.parametrize("training", [True, False])
def test_rows_of_any_number_of_axes_share_the_statistics(training):
    rows = random_rows()
    flat, sets = built_layer(), built_layer()
    expected = to_numpy(flat(rows, training=training))
    outputs = to_numpy(sets(rows.reshape(2, 3, 5), training=training))
    assert_close(outputs.reshape(6, 5), expected)
    assert_close(sets.moving_mean, to_numpy(flat.moving_mean))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_moments_are_float32_under_mixed_precision(policy):
    half = policy.removeprefix("mixed_")
    # The squares of these overflow float16.
    rows = np.array([[300.0], [308.0]], "float32")
    layer = TwoPassBatchNormalization(dtype=policy)
    outputs = layer(rows, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == half
    assert_close(keras.ops.cast(outputs, "float32"), [[-1.0], [1.0]], 1e-2)
    assert_close(layer.moving_mean, [30.4])


@pytest.mark.parametrize(("name", "value"), [("axis", 1), ("renorm", True), ("synchronized", True)])
def test_arguments_of_keras_that_it_does_not_have_are_refused(name, value):
    with pytest.raises(ValueError, match=f"does not take `{name}`.*Received: {name}={value}"):
        TwoPassBatchNormalization(**{name: value})


@pytest.mark.parametrize("shape", [(6, 1), (6, 5), ()])
def test_a_mask_of_another_rank_is_refused(shape):
    with pytest.raises(ValueError, match=r"Received: .*mask of shape"):
        built_layer()(random_rows(), training=True, mask=np.ones(shape, "bool"))


def test_config_round_trip():
    layer = TwoPassBatchNormalization(
        momentum=0.7, epsilon=1e-3, scale=False, beta_initializer="ones", name="normalization"
    )
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, TwoPassBatchNormalization)
    assert again.get_config() == layer.get_config()
    assert (again.momentum, again.epsilon, again.scale) == (0.7, 1e-3, False)


def test_saved_and_loaded_in_a_model(tmp_path):
    model = keras.Sequential([keras.Input((5,)), built_layer()])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(loaded(random_rows())), to_numpy(model(random_rows())))


class KerasLayerTest(TestCase):
    def test_satisfies_keras(self):
        self.run_layer_test(
            TwoPassBatchNormalization,
            init_kwargs={"momentum": 0.8, "beta_regularizer": "l2"},
            input_shape=(4, 5),
            call_kwargs={"training": True},
            expected_output_shape=(4, 5),
            expected_num_trainable_weights=2,
            expected_num_non_trainable_weights=2,
            expected_num_losses=1,
            supports_masking=True,
        )
