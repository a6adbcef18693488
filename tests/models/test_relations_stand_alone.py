"""With relations "self" and "references", no image's prediction depends on the others.

What a server does to requests is done here to a trained model: merging, reordering, padding with
copies, and neighbours chosen with ill intent.
"""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_rbi

CLASSES, SIDE = 4, 16
MODES = ["self", "references"]
TRIES = 20


def images_of_classes(count, seed):
    """Gratings whose angle is the class, hard to tell apart in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    angles = labels * 0.35 + rng.normal(0, 0.12, count)
    row, column = np.mgrid[:SIDE, :SIDE]
    phases = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    waves = np.cos(angles)[:, None, None] * row + np.sin(angles)[:, None, None] * column
    grey = 128 + 60 * np.sin(waves + phases) + rng.normal(0, 25, (count, SIDE, SIDE))
    pixels = np.clip(grey, 0, 255).astype("uint8")
    return np.repeat(pixels[..., None], 3, axis=-1), labels


TRAIN, TRAIN_LABELS = images_of_classes(96, 0)
TEST, _ = images_of_classes(12, 1)


@pytest.fixture(scope="module")
def model():
    """Trained without relation dropout: its predictions have come to depend on the batch."""
    keras.utils.set_random_seed(0)
    model = keras_rbi.RBIModel(
        keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(8, 16)),
        num_classes=CLASSES,
        embedding_dim=16,
        variant="0.1",
        relation_dropout=0.0,
    )
    model.compile(
        keras_rbi.optimizers.RectifiedAdam(1e-2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(TRAIN, TRAIN_LABELS, epochs=8, batch_size=16, verbose=0)
    model.set_references(TRAIN, TRAIN_LABELS, per_class=2)
    return model


def predictions(model, images, batch_size=None):
    return model.predict(images, batch_size=batch_size or len(images), verbose=0)


def noise(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3)).astype("uint8")


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(1, 12)))
def test_a_row_is_the_same_to_the_bit_whatever_the_order_of_the_others(model, mode, order):
    model.relations = mode
    expected = predictions(model, TEST)
    np.testing.assert_array_equal(predictions(model, TEST[[0, *order]])[0], expected[0])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=8, deadline=None)
@given(batch_size=st.sampled_from([1, 2, 5, 12]), seed=st.integers(0, 2**32 - 1))
def test_a_row_is_the_same_in_any_batch_and_place_and_company(model, mode, batch_size, seed):
    model.relations = mode
    expected = predictions(model, TEST)[0]
    others = noise(12, seed)
    place = seed % 12
    others[place] = TEST[0]
    np.testing.assert_allclose(predictions(model, others, batch_size)[place], expected, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_padding_with_copies_or_with_anything_changes_nothing(model, mode):
    model.relations = mode
    expected = predictions(model, TEST[:3])
    white = np.full((5, SIDE, SIDE, 3), 255, "uint8")
    for padding in (np.repeat(TEST[:1], 5, axis=0), np.repeat(TEST[2:3], 5, axis=0), white):
        padded = predictions(model, np.concatenate([TEST[:3], padding]))[:3]
        np.testing.assert_allclose(padded, expected, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_an_image_that_holds_no_numbers_spoils_no_other(model, mode):
    model.relations = mode
    images = TEST.astype("float32")
    expected = predictions(model, images)
    images[4:6] = np.array([np.nan, np.inf]).reshape(2, 1, 1, 1)
    spoilt = predictions(model, images)
    others = [number for number in range(12) if number not in (4, 5)]
    np.testing.assert_array_equal(spoilt[others], expected[others])


def test_self_is_batch_at_batch_size_one(model):
    model.relations = "batch"
    expected = predictions(model, TEST, 1)
    model.relations = "self"
    np.testing.assert_allclose(predictions(model, TEST), expected, atol=1e-5)


def neighbourhoods():
    """What an adversary sends along: random images, one class only, copies, noise, extremes."""
    rng = np.random.default_rng(0)
    for number in range(TRIES):
        kind = number % 5
        if kind == 0:
            yield TRAIN[rng.choice(len(TRAIN), 7)]
        elif kind == 1:
            yield TRAIN[rng.choice(np.flatnonzero(number // 5 % CLASSES == TRAIN_LABELS), 7)]
        elif kind == 2:
            yield np.repeat(TRAIN[rng.choice(len(TRAIN), 1)], 7, axis=0)
        elif kind == 3:
            yield noise(7, number)
        else:
            yield np.full((7, SIDE, SIDE, 3), rng.integers(256), "uint8")


def flipped(model, mode):
    """Of the test images, those whose class some neighbours change; and the largest change."""
    model.relations = mode
    flips, largest = set(), 0.0
    expected = predictions(model, TEST, 1) if mode == "batch" else predictions(model, TEST)
    for neighbours in neighbourhoods():
        # The images each with the neighbours: a batch of 8 apiece.
        batches = [np.concatenate([image[None], neighbours]) for image in TEST]
        got = predictions(model, np.concatenate(batches), 8)[::8]
        flips |= set(np.flatnonzero(got.argmax(axis=1) != expected.argmax(axis=1)))
        largest = max(largest, float(np.abs(got - expected).max()))
    return flips, largest


def test_neighbours_that_flip_an_answer_exist_in_a_batch_and_in_no_other_mode(
    model, record_property
):
    flips, change = flipped(model, "batch")
    record_property("flipped_in_batch", f"{len(flips)} of {len(TEST)}")
    assert flips
    assert change > 0.1
    for mode in MODES:
        flips, change = flipped(model, mode)
        assert not flips
        assert change < 1e-5
