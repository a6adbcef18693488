import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_rbi.datasets import ImageData, ImageSequence


class Numbered(ImageData):
    """Image number n is n everywhere."""

    def __init__(self, count):
        self.labels = np.arange(count) % 3
        self.class_names = ["a", "b", "c"]
        self.image_size = 2

    def image(self, index):
        return np.full((2, 2, 3), index, np.uint8)


def numbers(sequence):
    return [int(n) for index in range(len(sequence)) for n in sequence[index][0][:, 0, 0, 0]]


@given(
    count=st.integers(1, 40),
    batch_size=st.integers(1, 12),
    seed=st.integers(0, 9),
    epoch=st.integers(0, 5),
)
def test_every_image_comes_once_in_an_epoch(count, batch_size, seed, epoch):
    sequence = ImageSequence(Numbered(count), batch_size, seed=seed)
    sequence.epoch = epoch
    assert sorted(numbers(sequence)) == list(range(count))
    labels = np.concatenate([sequence[index][1] for index in range(len(sequence))])
    np.testing.assert_array_equal(labels, np.array(numbers(sequence)) % 3)
    np.testing.assert_array_equal(labels, sequence.labels)


def test_samples_and_not_just_batches_are_shuffled_anew():
    sequence = ImageSequence(Numbered(40), 4)
    first = [frozenset(sequence[index][0][:, 0, 0, 0]) for index in range(10)]
    sequence.on_epoch_end()
    second = [frozenset(sequence[index][0][:, 0, 0, 0]) for index in range(10)]
    assert len(set(first) & set(second)) <= 1


def test_orders():
    def two_epochs(shuffle):
        sequence = ImageSequence(Numbered(20), 6, shuffle=shuffle)
        first = numbers(sequence)
        sequence.on_epoch_end()
        return first, numbers(sequence)

    assert two_epochs(False) == (list(range(20)), list(range(20)))
    once, again = two_epochs("once")
    assert once == again != list(range(20))


def test_a_resumed_order_is_the_uninterrupted_one():
    through = ImageSequence(Numbered(20), 6, seed=3)
    for _ in range(4):
        through.on_epoch_end()
    resumed = ImageSequence(Numbered(20), 6, seed=3)
    resumed.epoch = 4
    assert numbers(resumed) == numbers(through)


@pytest.mark.parametrize("workers", [1, 3])
def test_fit_sees_the_order_of_seed_and_epoch(workers):
    """What reaches the model in each epoch, through Keras's own loaders and threads."""
    seen = []

    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    class Recording(ImageSequence):
        def __getitem__(self, index):
            batch = super().__getitem__(index)
            seen.append((self.epoch, index, batch[0][:, 0, 0, 0].tolist()))
            return batch

    model.fit(Recording(Numbered(10), 4, seed=5, workers=workers), epochs=3, verbose=0)
    # Keras ends an epoch when fit begins, so the epochs of the first fit are 1, 2 and 3.
    expected = ImageSequence(Numbered(10), 4, seed=5)
    for epoch in (1, 2, 3):
        expected.epoch = epoch
        for index in range(3):
            assert (epoch, index, expected[index][0][:, 0, 0, 0].tolist()) in seen
    assert max(epoch for epoch, _, _ in seen) == 3


def test_augmentation_is_a_matter_of_seed_epoch_and_image():
    def jump(image, rng):
        return image + rng.integers(1, 100, dtype=np.uint8)

    def images(epoch, batch_size):
        sequence = ImageSequence(Numbered(12), batch_size, shuffle="once", augment=jump)
        sequence.epoch = epoch
        return numbers(sequence)

    assert images(0, 4) == images(0, 5) != images(1, 4)


def test_another_batch_size_keeps_the_order():
    sequence = ImageSequence(Numbered(20), 6, shuffle="once", seed=2)
    assert numbers(sequence.with_batch_size(1)) == numbers(sequence)
    assert len(sequence.with_batch_size(1)) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2.0}, "batch_size=2.0"),
        ({"shuffle": "often"}, "shuffle='often'"),
    ],
)
def test_unfit_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageSequence(Numbered(4), **arguments)


def test_an_empty_data_set_and_a_batch_too_far_are_named():
    with pytest.raises(ValueError, match="empty"):
        ImageSequence(Numbered(0))
    with pytest.raises(IndexError, match="batch 2"):
        ImageSequence(Numbered(4), 2)[2]
