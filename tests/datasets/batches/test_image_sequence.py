import threading

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


class SeenByTheModel(keras.metrics.Metric):
    """A number that the labels tell in the order in which they reach the model in an epoch."""

    def __init__(self, name="seen", **kwargs):
        super().__init__(name=name, **kwargs)
        self.digits = self.add_weight(name="digits", shape=(), dtype="int32", initializer="zeros")

    def update_state(self, labels, predictions, sample_weight=None):
        labels = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
        total = self.digits * 1
        for place in range(2):
            total = (total * 13 + labels[place] + 1) % 100003
        self.digits.assign(total)

    def result(self):
        return self.digits * 1


class Named(Numbered):
    """Every image is a class of its own, so that labels tell images apart."""

    def __init__(self, count):
        super().__init__(count)
        self.labels = np.arange(count)
        self.class_names = [str(number) for number in range(count)]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_fit_sees_the_order_of_seed_and_epoch(workers):
    """What reaches the model in each epoch, through Keras's own loaders and threads."""
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, keras.layers.Dense(8)(keras.layers.Flatten()(inputs)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=[SeenByTheModel()])

    def digits(labels):
        total = 0
        for label in labels.tolist():
            total = (total * 13 + label + 1) % 100003
        return total

    sequence = ImageSequence(Named(8), 2, seed=5, workers=workers)
    history = model.fit(sequence, epochs=4, shuffle=False, verbose=0).history["seen"]
    # Keras ends an epoch when fit begins, so the epochs of the first fit are 1, 2, 3 and 4.
    for epoch, seen in enumerate(history, start=1):
        expected = ImageSequence(Named(8), 2, seed=5)
        expected.epoch = epoch
        assert int(seen) == digits(expected.labels)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_may_be_asked_for_in_any_order(workers):
    sequence = ImageSequence(Numbered(20), 3, seed=1, workers=workers)
    expected = [sequence.labels[begin : begin + 3].tolist() for begin in range(0, 20, 3)]
    for index in (3, 0, 1, 1, 2, 6, -1, 5, 4, 0):
        assert sequence[index][1].tolist() == expected[index]
    sequence.on_epoch_end()
    assert sequence[1][1].tolist() == sequence.labels[3:6].tolist()


def test_the_next_batch_is_prepared_while_the_model_works():
    made = [threading.Event() for _ in range(12)]

    class Told(Numbered):
        def image(self, index):
            made[index].set()
            return super().image(index)

    sequence = ImageSequence(Told(12), 3, shuffle=False, workers=1)
    sequence[0]
    assert all(event.wait(10) for event in made[3:6])
    assert not any(event.is_set() for event in made[6:])


def test_the_first_batch_of_an_epoch_has_all_threads():
    asked = []

    class Told(Numbered):
        def image(self, index):
            asked.append(index)
            return super().image(index)

    sequence = ImageSequence(Told(64), 16, shuffle=False, workers=2)
    for _ in range(3):
        sequence[0]
        assert sorted(asked[:16]) == list(range(16))
        for index in range(1, 4):
            sequence[index]
        sequence.on_epoch_end()
        assert sorted(asked) == list(range(64))
        asked.clear()


def test_images_of_a_batch_must_be_alike():
    def to_floats(image, rng):
        return image / 2 if image[0, 0, 0] == 3 else image

    def to_half(image, rng):
        return image[:1] if image[0, 0, 0] == 3 else image

    for augment, received in ((to_floats, "float64"), (to_half, r"\(1, 2, 3\)")):
        sequence = ImageSequence(Numbered(6), 6, shuffle=False, augment=augment)
        with pytest.raises(ValueError, match=f"one dtype. Received: .*{received}"):
            sequence[0]


def test_images_of_any_one_dtype_are_stacked():
    sequence = ImageSequence(Numbered(5), 4, shuffle=False, augment=lambda image, rng: image / 2)
    for index, members in enumerate((range(4), range(4, 5))):
        images = sequence[index][0]
        assert images.dtype == np.float64
        np.testing.assert_array_equal(
            images, np.stack([np.full((2, 2, 3), number / 2) for number in members])
        )


def test_an_error_ahead_is_told_with_its_own_batch():
    class Broken(Numbered):
        def image(self, index):
            if index == 5:
                raise ValueError("image 5")
            return super().image(index)

    sequence = ImageSequence(Broken(8), 2, shuffle=False)
    assert len(sequence[0][0]) == len(sequence[1][0]) == 2
    with pytest.raises(ValueError, match="image 5"):
        sequence[2]
    assert len(sequence[3][0]) == 2


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
