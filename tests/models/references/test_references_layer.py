"""Relations to references are those of a batch of the image and the references, literally."""

import keras
import numpy as np
import pytest
from backend_functions import assert_close, compiled, once, to_numpy
from literal import relationship_position_encoding, residual_relationship_attention

from keras_rbi.layers import RPE, RRA
from keras_rbi.layers.pairwise import (
    EXACT_PRODUCT_LENGTH,
    REFERENCE_VALUES_AT_A_TIME,
    ROWS_EXPECTED,
    mean_squared_error_to,
)
from keras_rbi.models.references.references import References
from keras_rbi.models.references.thumbnails import thumbnails

SHAPE = (6, 5, 3)


def random_images(count, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype("uint8")


def errors_to(pixels, references):
    pixels, references = map(keras.ops.convert_to_tensor, (pixels, references))
    return to_numpy(once(mean_squared_error_to)(pixels, references))


def literal_errors(pixels, references):
    differences = np.asarray(pixels, "float64")[:, None] - np.asarray(references, "float64")[None]
    return np.mean(differences**2, axis=-1)


CHUNK = EXACT_PRODUCT_LENGTH * max(
    1, REFERENCE_VALUES_AT_A_TIME // (4 * (EXACT_PRODUCT_LENGTH + ROWS_EXPECTED))
)


@pytest.mark.parametrize("length", [1, 255, 256, 257, CHUNK - 1, CHUNK, 2 * CHUNK + 300])
def test_errors_equal_literal_at_the_edges_of_chunks(length):
    rows = random_images(7, shape=(length,))
    pixels, references = rows[:3], rows[3:]
    expected = literal_errors(pixels, references)
    for dtype in ("uint8", "float32"):
        errors = errors_to(pixels.astype(dtype), references)
        # TensorFlow adds the products up one after the other.
        np.testing.assert_allclose(errors, expected, rtol=5e-6)


def test_one_grey_level_of_one_pixel_is_told_exactly_at_full_size():
    references = random_images(2, shape=(224 * 224 * 3,))
    pixels = references[:1].copy()
    pixels[0, 1000] ^= 1
    errors = errors_to(np.concatenate([references[:1], pixels]), references)
    assert errors[0, 0] == 0.0
    assert errors[1, 0] == pytest.approx(1 / references.shape[1], rel=1e-6)


def test_fractions_of_a_grey_level_are_rounded():
    references = random_images(2, shape=(300,))
    assert errors_to(references[:1] + np.float32(0.4), references)[0, 0] == 0.0


def test_rows_that_hold_anything_change_no_other_row():
    rows = random_images(5, shape=(700,))
    pixels, references = rows[:3].astype("float32"), rows[3:]
    expected = errors_to(pixels, references)
    pixels[1:] = np.array([[np.nan], [np.inf]])
    np.testing.assert_array_equal(errors_to(pixels, references)[0], expected[0])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_thumbnails_are_means_and_details_what_they_lose(data_format):
    images = random_images(3, shape=(7, 9, 2)).astype("float64")
    means = np.zeros((3, 2, 3, 2))
    rest = np.zeros((3, 6, 9, 2))
    for row in range(2):
        for column in range(3):
            square = images[:, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
            means[:, row, column] = square.mean(axis=(1, 2))
            rest[:, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3] = (
                square - means[:, row, column][:, None, None]
            )
    if data_format == "channels_first":
        images, means = np.moveaxis(images, -1, 1), np.moveaxis(means, -1, 1)
    got, details = thumbnails(keras.ops.convert_to_tensor(images), 3, data_format)
    assert_close(got, means)
    assert_close(details, (rest**2).mean(axis=(1, 2, 3)))


def test_errors_of_thumbnails_are_those_of_noise_on_equal_images():
    """Noise on two images is all detail: what is left of it in thumbnails is told apart."""
    rng = np.random.default_rng(0)
    images = np.clip(128 + rng.normal(0, 20, (6, 32, 32, 3)), 0, 255).astype("uint8")
    references = references_of(images[:3], thumbnail_factor=4)
    errors = to_numpy(references.errors(keras.ops.convert_to_tensor(images[3:])))
    expected = literal_errors(images[3:].reshape(3, -1), images[:3].reshape(3, -1))
    np.testing.assert_allclose(errors, expected, rtol=0.05)


def references_of(images, features=None, relations=None, thumbnail_factor=1):
    features = np.zeros((len(images), 1)) if features is None else features
    references = References(len(images), images.shape[1:], features.shape[1], thumbnail_factor)
    if thumbnail_factor == 1:
        references.images.assign(images)
    else:
        kept, details = thumbnails(images, thumbnail_factor, "channels_last")
        references.images.assign(keras.ops.cast(keras.ops.round(kept), "uint8"))
        references.details.assign(details)
    references.features.assign(features)
    if relations is not None:
        references.relations.assign(relations)
    return references


RPE_SETTINGS = [
    {},
    {"normalize": False, "epsilon": 1e-8},
    {"max_value": 1.0},
    {"group_size": 2},
]


@pytest.mark.parametrize("settings", RPE_SETTINGS)
def test_relations_are_those_of_a_batch_of_the_image_and_the_references(settings):
    images, kept = random_images(4), random_images(3, seed=1)
    kept[1] = images[2]
    layer = RPE(inference_relations="references", **settings)
    layer.relate_to(references_of(kept))
    level = layer.max_value / 255.0
    relations = to_numpy(layer(images * level if level != 1 else images))
    assert relations.shape == (4, 4)
    epsilon = settings.get("epsilon") or level
    for image, row in zip(images, relations, strict=True):
        batch = np.concatenate([image[None], kept]) * level
        expected = relationship_position_encoding(batch, layer.max_value, epsilon, layer.normalize)
        np.testing.assert_allclose(row, expected[0], rtol=1e-5, atol=1e-4)


def rra_and_weights(references, **settings):
    layer = RRA(5, inference_relations="references", **settings)
    layer.relate_to(references)
    layer.build((None, references.features_dim), (None, 1 + references.num_references))
    rng = np.random.default_rng(3)
    names = {
        "query_kernel": layer.query_dense.kernel,
        "key_kernel": layer.key_dense.kernel,
        "value_kernel": layer.value_dense.kernel,
        "residual_kernel": layer.residual_dense.kernel,
        "gate_kernel": layer.gate_dense.kernel,
        "gamma": layer.normalization.gamma,
        "beta": layer.normalization.beta,
        "moving_mean": layer.normalization.moving_mean,
        "moving_variance": layer.normalization.moving_variance,
    }
    weights = {}
    for name, variable in names.items():
        weights[name] = rng.uniform(0.2, 1.0, variable.shape) * rng.choice([-1, 1], variable.shape)
        if name == "moving_variance":
            weights[name] = np.abs(weights[name])
        variable.assign(weights[name])
    return layer, weights


@pytest.mark.parametrize("with_relations", [True, False])
@pytest.mark.parametrize("softmax_axis", [-2, -1])
@pytest.mark.parametrize("gate", ["image", "feature"])
def test_attention_is_that_of_a_batch_of_the_image_and_the_references(
    softmax_axis, gate, with_relations
):
    rng = np.random.default_rng(4)
    features, kept = rng.normal(size=(6, 7)), rng.normal(size=(3, 7))
    among = rng.normal(size=(3, 3))
    among = among + among.T
    relations = rng.normal(size=(6, 4))
    references = references_of(random_images(3), kept, among)
    layer, weights = rra_and_weights(references, softmax_axis=softmax_axis, gate=gate)
    outputs, scores = layer(
        features, relations if with_relations else None, return_attention_scores=True
    )
    assert scores.shape == (6, 4)
    for number in range(6):
        batch = np.concatenate([features[number : number + 1], kept])
        full = None
        if with_relations:
            full = np.zeros((4, 4))
            full[0], full[:, 0], full[1:, 1:] = relations[number], relations[number], among
        expected = residual_relationship_attention(batch, full, weights, softmax_axis)[0]
        np.testing.assert_allclose(to_numpy(outputs)[number], expected, rtol=1e-4, atol=1e-4)


def test_training_and_sets_are_as_without_references():
    references = references_of(random_images(3), np.ones((3, 7)))
    layer, _ = rra_and_weights(references)
    rng = np.random.default_rng(5)
    features, relations = rng.normal(size=(4, 7)), rng.normal(size=(4, 4))
    for rows, inputs in ((features[None], relations[None]), (features, relations)):
        training = rows.ndim == 2
        layer.inference_relations = "references"
        got = to_numpy(layer(rows, inputs, training=training))
        layer.inference_relations = "batch"
        expected = to_numpy(layer(rows, inputs, training=training))
        np.testing.assert_array_equal(got, expected)


def test_a_masked_row_is_0_and_changes_nothing():
    images, kept = random_images(4).astype("float32"), random_images(3, seed=1)
    rpe = RPE(inference_relations="references")
    references = references_of(kept, np.random.default_rng(0).normal(size=(3, 7)))
    rpe.relate_to(references)
    rra, _ = rra_and_weights(references)
    features = np.random.default_rng(1).normal(size=(4, 7)).astype("float32")
    mask = np.array([True, True, True, False])
    expected_relations = to_numpy(rpe(images))
    expected = to_numpy(rra(features, rpe(images)))
    images[3], features[3] = np.nan, np.inf
    relations = rpe(images, mask=mask)
    np.testing.assert_array_equal(to_numpy(relations)[3], 0.0)
    np.testing.assert_array_equal(to_numpy(relations)[:3], expected_relations[:3])
    outputs = to_numpy(rra(features, relations, mask=mask))
    np.testing.assert_array_equal(outputs[:3], expected[:3])


def test_an_open_batch_gives_the_same_in_a_compiled_function():
    kept = random_images(3, seed=1)
    references = references_of(kept, np.random.default_rng(0).normal(size=(3, 7)))
    rpe = RPE(inference_relations="references")
    rpe.relate_to(references)
    rra, _ = rra_and_weights(references)

    def prediction(images, features):
        return rra(features, rpe(images))

    function = compiled(prediction, ((None, *SHAPE), "uint8"), ((None, 7), "float32"))
    for batch in (1, 4):
        images = random_images(batch)
        features = np.random.default_rng(batch).normal(size=(batch, 7)).astype("float32")
        assert_close(function(images, features), to_numpy(prediction(images, features)))


def test_without_references_the_layers_say_what_to_call():
    with pytest.raises(ValueError, match="set_references"):
        RPE(inference_relations="references")(random_images(2))
    with pytest.raises(ValueError, match="set_references"):
        RRA(4, inference_relations="references")(np.ones((2, 3), "float32"))


def test_relations_of_another_number_of_references_are_refused():
    layer, _ = rra_and_weights(references_of(random_images(3), np.ones((3, 7))))
    with pytest.raises(ValueError, match=r"1 \+ references"):
        layer(np.ones((2, 7)), np.ones((2, 6)))


def test_references_come_back_from_their_config():
    references = References(3, (8, 8, 3), 4, 2, relations_error=0.5, name="kept")
    twin = References.from_config(references.get_config())
    assert twin.get_config() == references.get_config()
    assert [weight.shape for weight in twin.weights] == [
        (3, 4, 4, 3),
        (3, 4),
        (3, 3),
        (3,),
        (4,),
    ]
    assert not twin.trainable_weights
