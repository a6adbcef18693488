"""The last batch of an epoch: kept, left out or filled."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_rbi
from keras_rbi.datasets import ImageData, ImageSequence, Mixing


class Random(ImageData):
    class_names = ("a", "b", "c")
    image_size = 16

    def __init__(self, count, size=16):
        rng = np.random.default_rng(count)
        self.labels = rng.integers(0, 3, count)
        self.images = rng.integers(0, 256, (count, size, size, 3)).astype(np.uint8)

    def image(self, index):
        return self.images[index]


@settings(deadline=None)
@given(count=st.integers(1, 20), batch_size=st.integers(1, 8))
def test_padding_fills_the_last_batch_and_says_so(count, batch_size):
    padded = ImageSequence(Random(count, 1), batch_size, last_batch="pad")
    kept = padded.with_batch_size(batch_size, last_batch="keep")
    assert len(padded) == len(kept) == -(-count // batch_size)
    for index in range(len(kept)):
        images, labels, weights = padded[index]
        own = len(kept[index][0])
        assert images.shape[0] == len(labels) == len(weights) == batch_size
        assert weights.tolist() == [1.0] * own + [0.0] * (batch_size - own)
        np.testing.assert_array_equal(images[:own], kept[index][0])
        np.testing.assert_array_equal(labels[:own], kept[index][1])
        first = np.concatenate([kept[n][0] for n in range(len(kept))])
        for place in range(batch_size - own):
            np.testing.assert_array_equal(images[own + place], first[place % count])
    assert padded.num_images == count == len(padded.labels)


@settings(deadline=None)
@given(count=st.integers(1, 20), batch_size=st.integers(1, 8))
def test_dropping_leaves_whole_batches(count, batch_size):
    if count < batch_size:
        with pytest.raises(ValueError, match="No batch is left"):
            ImageSequence(Random(count, 1), batch_size, last_batch="drop")
        return
    dropped = ImageSequence(Random(count, 1), batch_size, last_batch="drop")
    kept = dropped.with_batch_size(batch_size, "keep")
    assert len(dropped) == count // batch_size
    for index in range(len(dropped)):
        np.testing.assert_array_equal(dropped[index][0], kept[index][0])
        assert len(dropped[index][1]) == batch_size
    assert dropped.num_images == len(dropped.labels) == batch_size * len(dropped)


def compiled(model):
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        weighted_metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="exact")],
    )
    return model


def test_loss_and_accuracy_of_rbi_are_those_of_the_batch_without_its_filling():
    keras.utils.set_random_seed(0)
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    model = compiled(keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8, variant="0.1"))
    padded = ImageSequence(Random(5), 8, shuffle=False, last_batch="pad")
    told = model.evaluate(padded, verbose=0, return_dict=True)
    data = Random(5)
    likelihoods = model.predict(data.images, verbose=0)
    entropy = -np.log(likelihoods[np.arange(5), data.labels]).mean()
    accuracy = np.mean(likelihoods.argmax(-1) == data.labels)
    assert told == pytest.approx(
        {"loss": entropy, "exact": entropy, "accuracy": accuracy}, rel=1e-4
    )


def test_weighted_metrics_of_several_batches_are_exact():
    model = linear()
    padded = ImageSequence(Random(11), 4, last_batch="pad")
    told = model.evaluate(padded, verbose=0, return_dict=True)
    data = Random(11)
    likelihoods = model.predict(data.images, verbose=0)
    entropy = -np.log(likelihoods[np.arange(11), data.labels]).mean()
    assert told["exact"] == pytest.approx(entropy, rel=1e-4)
    accuracy = np.mean(likelihoods.argmax(-1) == data.labels)
    assert told["accuracy"] == pytest.approx(accuracy, rel=1e-4)


def linear():
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    features = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    return compiled(keras.Model(images, keras.layers.Dense(3, "softmax")(features)))


def test_training_on_a_filled_batch_is_training_on_its_own_images():
    def trained(last_batch):
        model = linear()
        model.fit(
            ImageSequence(Random(5), 8, shuffle="once", last_batch=last_batch),
            shuffle=False,
            verbose=0,
        )
        return model.get_weights()

    for padded, kept in zip(trained("pad"), trained("keep"), strict=True):
        np.testing.assert_allclose(padded, kept, rtol=1e-5, atol=1e-6)


def test_accuracy_by_relations_counts_every_image_once():
    keras.utils.set_random_seed(0)
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8, variant="0.1")
    rows = [
        keras_rbi.evaluation.accuracy_by_relations(
            model, ImageSequence(Random(7), 4, last_batch=last_batch), batch_sizes=(3,)
        )
        for last_batch in ("keep", "drop", "pad")
    ]
    assert rows[0] == rows[1] == rows[2]


def test_filling_may_be_mixed_in():
    sequence = ImageSequence(Random(5), 4, one_hot=True, mix=Mixing(mixup=0.5), last_batch="pad")
    images, labels, weights = sequence[1]
    assert (images.shape, labels.shape) == ((4, 16, 16, 3), (4, 3))
    assert weights.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_an_unknown_way_is_named():
    with pytest.raises(ValueError, match="last_batch"):
        ImageSequence(Random(4), last_batch="cut")
