import warnings

import keras
import numpy as np
import pytest
from backend_functions import assert_close, compiled, gradients, once, to_numpy
from keras.src.testing import TestCase
from literal import numeric_gradients, relationship_position_encoding

from keras_rbi.layers import RPE

SETTINGS_AS_PRINTED = {"epsilon": 1e-8, "normalize": False}


def random_images(batch=4, size=(6, 5), channels=3, dtype="uint8", max_value=255.0, seed=0):
    images = np.random.default_rng(seed).uniform(0, max_value, size=(batch, *size, channels))
    if "int" in dtype:
        return np.rint(images).astype(dtype)
    return to_numpy(keras.ops.cast(images, dtype)) if dtype != "float64" else images


def relations_of(images, mask=None, training=None, **settings):
    return to_numpy(RPE(**settings)(images, mask=mask, training=training))


def relations_of_new_shape(images, **settings):
    return to_numpy(once(RPE(**settings))(images))


def expected_relations(images, max_value=255.0, epsilon=None, normalize=True):
    epsilon = max_value / 255.0 if epsilon is None else epsilon
    return relationship_position_encoding(images, max_value, epsilon, normalize)


@pytest.mark.parametrize("batch", [1, 2, 7, 32])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_equals_literal_at_every_batch_size(batch, dtype):
    images = random_images(batch, dtype=dtype)
    np.testing.assert_allclose(
        relations_of_new_shape(images, **SETTINGS_AS_PRINTED),
        expected_relations(images, **SETTINGS_AS_PRINTED),
        rtol=1e-5,
    )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16", "float32", "float64"])
def test_equals_literal_for_every_dtype(dtype):
    images = random_images(dtype=dtype)
    np.testing.assert_allclose(relations_of(images), expected_relations(images), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("channels_first", [False, True])
def test_equals_literal_for_any_channels_and_their_place(channels, channels_first):
    images = random_images(channels=channels)
    arranged = np.moveaxis(images, -1, 1) if channels_first else images
    np.testing.assert_allclose(
        relations_of_new_shape(arranged), expected_relations(images), rtol=1e-5
    )


@pytest.mark.parametrize("max_value", [1.0, 255.0])
@pytest.mark.parametrize("epsilon", [None, 1e-8, 0.5])
@pytest.mark.parametrize("normalize", [True, False])
def test_equals_literal_for_every_setting(max_value, epsilon, normalize):
    images = random_images(dtype="float32", max_value=max_value)
    settings = {"max_value": max_value, "epsilon": epsilon, "normalize": normalize}
    np.testing.assert_allclose(
        relations_of(images, **settings), expected_relations(images, **settings), rtol=1e-5
    )


def test_default_epsilon_is_one_grey_level_of_the_scale():
    images = random_images(dtype="float32")
    scaled = (images / 255.0).astype("float32")
    assert_close(relations_of(scaled, max_value=1.0), relations_of(images))


def test_an_image_is_at_1_with_itself_and_at_48_decibels_unnormalised():
    images = random_images()
    np.testing.assert_allclose(np.diag(relations_of(images)), 1.0, rtol=1e-6)
    decibels = np.diag(relations_of(images, normalize=False))
    np.testing.assert_allclose(decibels, 20.0 * np.log10(255.0), rtol=1e-6)


def test_an_image_is_at_208_decibels_with_itself_as_printed():
    np.testing.assert_allclose(
        np.diag(relations_of(random_images(), **SETTINGS_AS_PRINTED)), 208.13, atol=5e-3
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_equal_images_are_related_like_an_image_with_itself(dtype):
    images = random_images(dtype=dtype)
    images[3] = images[1]
    relations = relations_of(images, **SETTINGS_AS_PRINTED)
    assert relations[1, 3] == relations[3, 1] == relations[0, 0]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_one_grey_level_in_one_pixel_of_a_full_size_image_is_told_exactly(dtype):
    images = random_images(2, size=(224, 224))
    images[1] = images[0]
    images[:, 100, 50, 1] = [200, 201]
    decibels = relations_of_new_shape(images.astype(dtype), **SETTINGS_AS_PRINTED)[0, 1]
    # A relative error of 1e-6 in the mean squared error is 4.4e-6 decibels.
    rounding = 2.0 * np.spacing(np.float32(decibels))
    expected = expected_relations(images, **SETTINGS_AS_PRINTED)[0, 1]
    assert abs(decibels - expected) < 4.4e-6 + rounding


def test_relations_are_symmetric():
    relations = relations_of(random_images())
    np.testing.assert_array_equal(relations, relations.T)


def test_masked_rows_and_columns_are_0_and_change_no_other():
    images = random_images(dtype="float32")
    mask = np.array([True, False, True, False])
    expected = expected_relations(images) * np.outer(mask, mask)
    images[~mask] = np.nan
    assert_close(relations_of(images, mask), expected)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(("batch", "size"), [(7, 3), (6, 3), (2, 3), (7, 1)])
def test_groups_equal_calls_on_the_groups(batch, size, dtype):
    images = random_images(batch, dtype=dtype)
    relations = relations_of_new_shape(images, group_size=size)
    assert relations.shape == (batch, size)
    for start in range(0, batch, size):
        group = images[start : start + size]
        rows = relations[start : start + size]
        assert_close(rows[:, : len(group)], expected_relations(group))
        np.testing.assert_array_equal(rows[:, len(group) :], 0.0)


def test_masked_rows_of_groups_are_0():
    images = random_images()
    mask = np.array([True, False, True, True])
    relations = relations_of(images, mask, group_size=3)
    np.testing.assert_array_equal(relations[1], 0.0)
    np.testing.assert_array_equal(relations[:3, 1], 0.0)
    assert_close(relations[[0, 2]][:, [0, 2]], expected_relations(images[[0, 2]]))


@pytest.mark.parametrize("settings", [{}, {"group_size": 2}, {"inference_relations": "self"}])
def test_sets_equal_calls_on_the_sets(settings):
    sets = random_images(8).reshape(2, 4, 6, 5, 3)
    relations = relations_of_new_shape(sets, **settings)
    assert_close(relations, [expected_relations(images) for images in sets])


def test_masked_rows_of_sets_are_0():
    sets = random_images(6).reshape(2, 3, 6, 5, 3)
    mask = np.array([[True, True, False], [False, True, True]])
    expected = [
        expected_relations(images) * np.outer(rows, rows)
        for images, rows in zip(sets, mask, strict=True)
    ]
    assert_close(relations_of(sets, mask), expected)


@pytest.mark.parametrize("settings", [{}, SETTINGS_AS_PRINTED], ids=["default", "as printed"])
def test_relations_to_self_are_the_diagonal_at_inference(settings):
    images = random_images()
    relations = relations_of(images, inference_relations="self", **settings)
    assert_close(relations[:, 0], np.diag(expected_relations(images, **settings)))


def test_masked_relations_to_self_are_0():
    mask = np.array([True, False, True, True])
    relations = relations_of(random_images(), mask, inference_relations="self")
    np.testing.assert_allclose(relations, [[1.0], [0.0], [1.0], [1.0]], rtol=1e-6)


def test_images_are_related_to_each_other_in_training():
    images = random_images()
    assert_close(
        relations_of(images, training=True, inference_relations="self"),
        expected_relations(images),
    )


def test_a_mask_raises_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        RPE()(random_images(), mask=np.array([True, False, True, True]))


def test_inference_relations_can_be_changed():
    layer = RPE()
    layer.inference_relations = "self"
    assert layer(random_images()).shape == (4, 1)
    with pytest.raises(ValueError, match="Received: inference_relations='none'"):
        layer.inference_relations = "none"


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_open_dimensions_give_the_same_in_a_compiled_function(dtype):
    function = compiled(RPE(), ((None, None, None, 3), dtype))
    for batch, size in ((1, (6, 5)), (7, (6, 5)), (4, (50, 70))):
        images = random_images(batch, size, dtype=dtype)
        assert_close(function(images), expected_relations(images))


def test_an_open_batch_gives_the_same_groups_in_a_compiled_function():
    function = compiled(RPE(group_size=3), ((None, 6, 5, 3), "float32"))
    for batch in (1, 7):
        images = random_images(batch, dtype="float32")
        assert_close(function(images), relations_of_new_shape(images, group_size=3), 1e-6)


def test_an_open_batch_gives_relations_to_self_in_a_compiled_function():
    function = compiled(RPE(inference_relations="self"), ((None, 6, 5, 3), "uint8"))
    for batch in (1, 5):
        np.testing.assert_allclose(
            to_numpy(function(random_images(batch))), np.ones((batch, 1)), rtol=1e-6
        )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_relations_are_float32_and_the_same_under_mixed_precision(policy, dtype):
    images = random_images(dtype=dtype)
    relations = relations_of(images, dtype=policy, **SETTINGS_AS_PRINTED)
    assert relations.dtype == "float32"
    np.testing.assert_array_equal(relations, relations_of(images, **SETTINGS_AS_PRINTED))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_relations_are_the_same_inside_a_mixed_precision_model(policy):
    images = random_images(dtype="float32")
    inputs = keras.Input((6, 5, 3))
    outputs = RPE(dtype=policy, **SETTINGS_AS_PRINTED)(inputs)
    assert outputs.dtype == "float32"
    model = keras.Model(inputs, outputs)
    np.testing.assert_array_equal(
        to_numpy(model(images)), relations_of(images, **SETTINGS_AS_PRINTED)
    )


def gradient_of_weighted_sum(images, weights, settings):
    layer = RPE(**settings)
    return gradients(
        lambda images: keras.ops.sum(keras.ops.multiply(layer(images), weights)), images
    )[0]


def numeric_gradient_of_weighted_sum(images, weights, settings):
    return numeric_gradients(
        lambda images: (weights * expected_relations(images, **settings)).sum(), images, step=1e-4
    )[0]


@pytest.mark.parametrize("settings", [{}, SETTINGS_AS_PRINTED], ids=["default", "as printed"])
def test_gradient_equals_finite_differences_of_literal(settings):
    images = random_images(3, size=(2, 2), channels=1, dtype="float32")
    weights = np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    # An image's relation to itself is constant; its differences would be those of a kink.
    off_diagonal = weights * (1.0 - np.eye(3))
    assert_close(
        gradient_of_weighted_sum(images, weights, settings),
        numeric_gradient_of_weighted_sum(images, off_diagonal, settings),
    )


@pytest.mark.parametrize("settings", [{}, SETTINGS_AS_PRINTED], ids=["default", "as printed"])
def test_equal_images_add_nothing_to_the_gradient(settings):
    images = random_images(3, size=(2, 2), channels=1, dtype="float32")
    images[1] = images[0]
    weights = np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    without_pair = weights * np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]])
    assert_close(
        gradient_of_weighted_sum(images, weights, settings),
        numeric_gradient_of_weighted_sum(images, without_pair, settings),
    )


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), True, "255"])
@pytest.mark.parametrize("name", ["max_value", "epsilon"])
def test_values_that_are_not_positive_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive number.*{value!r}"):
        RPE(**{name: value})


def test_epsilon_is_below_max_value_with_normalize():
    with pytest.raises(ValueError, match=r"below `max_value`.*epsilon=2.0, max_value=1.0"):
        RPE(max_value=1.0, epsilon=2.0)
    assert RPE(max_value=1.0, epsilon=2.0, normalize=False).epsilon == 2.0


@pytest.mark.parametrize("shape", [(4, 12), (6, 5, 3), (2, 2, 4, 6, 5, 3)])
def test_other_ranks_are_refused_with_the_shape(shape):
    with pytest.raises(ValueError, match=rf"rank 4.*shape \({', '.join(map(str, shape))}\)"):
        RPE()(np.zeros(shape, "uint8"))


@pytest.mark.parametrize(("name", "value"), [("group_size", 0), ("inference_relations", "none")])
def test_other_choices_are_refused(name, value):
    with pytest.raises(ValueError, match=f"Received: .*{value!r}"):
        RPE(**{name: value})


def test_config_round_trip():
    layer = RPE(
        max_value=1.0, epsilon=0.01, normalize=False, group_size=4, inference_relations="self"
    )
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, RPE)
    assert again.get_config() == layer.get_config()
    assert again.get_config()["epsilon"] == 0.01


def test_values_may_be_numbers_of_numpy():
    layer = RPE(max_value=np.float32(1.0), epsilon=np.float64(0.5), group_size=np.int64(4))
    types = [type(layer.get_config()[name]) for name in ("max_value", "epsilon", "group_size")]
    assert types == [float, float, int]


def test_an_open_epsilon_stays_open_in_the_config():
    assert RPE().get_config()["epsilon"] is None


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        ((None, 6, 5, 3), {}, (None, None)),
        ((4, 6, 5, 3), {}, (4, 4)),
        ((4, 6, 5, 3), {"group_size": 3}, (4, 3)),
        ((None, 6, 5, 3), {"group_size": 3}, (None, 3)),
        ((2, 4, 6, 5, 3), {}, (2, 4, 4)),
    ],
)
def test_symbolic_outputs_have_the_shape_of_the_relations(shape, settings, expected):
    layer = RPE(**settings)
    outputs = layer(keras.KerasTensor(shape, dtype="uint8"))
    assert outputs.shape == expected == layer.compute_output_shape(shape)
    assert outputs.dtype == "float32"


class KerasLayerTest(TestCase):
    def test_satisfies_keras(self):
        self.run_layer_test(
            RPE,
            init_kwargs={},
            input_shape=(4, 6, 5, 3),
            input_dtype="uint8",
            expected_output_shape=(4, 4),
            expected_output_dtype="float32",
            expected_num_trainable_weights=0,
            expected_num_non_trainable_weights=0,
            expected_num_seed_generators=0,
            expected_num_losses=0,
        )
