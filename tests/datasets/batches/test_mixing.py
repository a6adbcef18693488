import itertools

import keras
import numpy as np
import pytest

from keras_rbi.datasets import ImageData, ImageSequence, Mixing

BATCH, SIDE = 6, 16
IMAGES = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)
LABELS = np.eye(BATCH, dtype="float32")


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(5))
def test_mixup_gives_convex_combinations_of_images_and_of_labels_alike(seed):
    images, labels = Mixing(mixup=1.0)(IMAGES, LABELS, rng(seed))
    assert (images.dtype, labels.dtype) == ("uint8", "float32")
    # With one class for each image, the row of labels gives the shares of the images.
    assert labels.min() >= 0.0
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, atol=1e-6)
    assert np.all((labels > 0.0).sum(axis=1) <= 2)
    expected = np.tensordot(labels.astype("float64"), IMAGES.astype("float64"), axes=1)
    np.testing.assert_allclose(images, expected, atol=0.5001)


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_pastes_one_rectangle_of_another_image(seed):
    images, labels = Mixing(cutmix=1.0)(IMAGES, LABELS, rng(seed))
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, atol=1e-6)
    for number, (image, row) in enumerate(zip(images, labels, strict=True)):
        pasted = np.any(image != IMAGES[number], axis=-1)
        if not pasted.any():
            continue
        (other,) = (c for c in range(BATCH) if c != number and row[c] > 0.0)
        rows, columns = (np.flatnonzero(pasted.any(axis=axis)) for axis in (1, 0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.testing.assert_array_equal(image[box], IMAGES[other][box])
        # The layer's rectangle has real corners: up to a row and a column are cut off.
        area = len(rows) * len(columns)
        assert abs(row[other] * SIDE**2 - area) <= 2 * SIDE + 1


def test_white_stays_white():
    white = np.full_like(IMAGES, 255)
    for mix in (Mixing(mixup=1.0), Mixing(cutmix=1.0)):
        np.testing.assert_array_equal(mix(white, LABELS, rng())[0], white)


def test_the_generator_alone_decides():
    keras.utils.set_random_seed(1)
    first = Mixing(0.5, 0.5)(IMAGES, LABELS, rng(3))
    keras.utils.set_random_seed(2)
    again, other = (Mixing(0.5, 0.5)(IMAGES, LABELS, rng(seed)) for seed in (3, 4))
    for ours, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(ours, same)
        assert not np.array_equal(ours, different)


def test_both_take_turns():
    kinds = set()
    for seed in range(8):
        images, _ = Mixing(1.0, 1.0)(IMAGES, LABELS, rng(seed))
        values_of_the_batch = (np.abs(images[:, None].astype(int) - IMAGES[None]) == 0).any(axis=1)
        kinds.add(bool(values_of_the_batch.mean() > 0.99))
    assert kinds == {True, False}


class Numbered(ImageData):
    """Image number n is n everywhere."""

    def __init__(self, count):
        self.labels = np.arange(count) % 3
        self.class_names = ["a", "b", "c"]
        self.image_size = 2

    def image(self, index):
        return np.full((2, 2, 3), index, np.uint8)


def test_labels_of_a_sequence_can_be_one_hot():
    numbers, rows = (ImageSequence(Numbered(7), 4, one_hot=each)[0][1] for each in (False, True))
    assert (rows.shape, rows.dtype) == ((4, 3), "float32")
    np.testing.assert_array_equal(rows.argmax(axis=1), numbers)
    np.testing.assert_array_equal(rows.sum(axis=1), 1.0)


@pytest.mark.parametrize("workers", [1, 3])
def test_fit_sees_the_mixture_of_seed_epoch_and_batch(workers):
    seen = {}

    class Recording(ImageSequence):
        def __getitem__(self, index):
            batch = super().__getitem__(index)
            seen[self.epoch, index] = batch
            return batch

    settings = {"batch_size": 4, "seed": 5, "one_hot": True, "mix": Mixing(0.5, 0.5)}
    inputs = keras.Input((2, 2, 3))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "categorical_crossentropy")
    sequence = Recording(Numbered(10), workers=workers, **settings)
    model.fit(sequence, epochs=2, shuffle=False, verbose=0)
    expected = ImageSequence(Numbered(10), **settings)
    for epoch, index in itertools.product((1, 2), range(3)):
        expected.epoch = epoch
        for ours, theirs in zip(expected[index], seen[epoch, index], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_mixing_is_of_seed_epoch_and_batch_and_kept_by_another_batch_size():
    def first_batch(epoch):
        sequence = ImageSequence(Numbered(8), 4, "once", one_hot=True, mix=Mixing(mixup=0.5))
        sequence.epoch = epoch
        return sequence.with_batch_size(4)[0][1]

    np.testing.assert_array_equal(first_batch(2), first_batch(2))
    assert not np.array_equal(first_batch(2), first_batch(3))


def test_unfit_arguments_are_named():
    with pytest.raises(ValueError, match="neither"):
        Mixing()
    for alpha in (0.0, 1.5):
        with pytest.raises(ValueError, match=f"cutmix={alpha}"):
            Mixing(cutmix=alpha)
    with pytest.raises(ValueError, match="one_hot=True"):
        ImageSequence(Numbered(4), mix=Mixing(mixup=0.5))
