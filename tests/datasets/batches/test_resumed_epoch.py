"""What an epoch has left after its first batches is as it would have been."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_rbi.datasets import ImageData, ImageSequence, Mixing

WAYS = (
    {"batch_size": 4},
    {"batch_size": 4, "sampling": "balanced"},
    {"sampling": "pk", "classes_per_batch": 2, "images_per_class": 2},
)


class Numbered(ImageData):
    image_size = 2

    def __init__(self, count):
        self.labels = np.arange(count) % 3
        self.class_names = ["a", "b", "c"]

    def image(self, index):
        return np.full((2, 2, 3), index, np.uint8)


def jump(image, rng):
    return image + rng.integers(1, 100, dtype=np.uint8)


def epoch_of(sequence):
    return [[part.tolist() for part in sequence[index]] for index in range(len(sequence))]


@settings(deadline=None, max_examples=40)
@given(
    way=st.sampled_from(WAYS),
    last_batch=st.sampled_from(["keep", "drop", "pad"]),
    epoch=st.integers(0, 4),
    data=st.data(),
    workers=st.integers(0, 3),
)
def test_a_resumed_order_is_the_uninterrupted_one(way, last_batch, epoch, data, workers):
    through = ImageSequence(Numbered(23), seed=3, augment=jump, last_batch=last_batch, **way)
    for _ in range(epoch):
        through.on_epoch_end()
    step = data.draw(st.integers(0, len(through) - 1))
    resumed = ImageSequence(
        Numbered(23), seed=3, augment=jump, last_batch=last_batch, workers=workers, **way
    )
    resumed.resume(epoch, step)
    assert epoch_of(resumed) == epoch_of(through)[step:]
    batch = through.batch_size
    np.testing.assert_array_equal(resumed.labels, through.labels[step * batch :])
    assert resumed.num_images == through.num_images - step * batch
    resumed.on_epoch_end()
    through.on_epoch_end()
    assert epoch_of(resumed) == epoch_of(through)


def test_mixtures_go_on_too():
    def sequence():
        return ImageSequence(Numbered(9), 3, one_hot=True, mix=Mixing(mixup=0.5), workers=0)

    through, resumed = sequence(), sequence()
    resumed.resume(0, 2)
    assert epoch_of(resumed) == epoch_of(through)[2:]


@pytest.mark.parametrize("workers", [0, 2])
def test_training_that_is_resumed_within_an_epoch_ends_as_uninterrupted(workers):
    def model():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((2, 2, 3))
        flat = keras.layers.Flatten()(keras.layers.Rescaling(0.01)(inputs))
        built = keras.Model(inputs, keras.layers.Dense(3)(flat))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        built.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
        return built

    whole, parts = model(), model()
    sequence = ImageSequence(Numbered(22), 4, seed=3)
    sequence.resume(1, 0, before_fit=True)
    whole.fit(sequence, epochs=2, shuffle=False, verbose=0)

    interrupted = ImageSequence(Numbered(22), 4, seed=3)
    interrupted.epoch = 1
    for index in range(2):
        parts.train_on_batch(*interrupted[index])
    interrupted = ImageSequence(Numbered(22), 4, seed=3, workers=workers)
    interrupted.resume(1, 2, before_fit=True)
    parts.fit(interrupted, shuffle=False, verbose=0)
    interrupted.resume(2, before_fit=True)
    parts.fit(interrupted, shuffle=False, verbose=0)
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        assert np.abs(one).max() > 0.0


@pytest.mark.parametrize("step", [-1, 3])
def test_a_step_that_an_epoch_has_not_is_named(step):
    with pytest.raises(ValueError, match=f"step={step}"):
        ImageSequence(Numbered(9), 3).resume(0, step)
