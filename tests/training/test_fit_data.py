import keras
import pytest

from keras_rbi.datasets import ImageSequence, Typefaces
from keras_rbi.training.fit_data import fit_data


@pytest.fixture
def model():
    layers = [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(22)]
    made = keras.Sequential(layers)
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def test_the_epochs_of_fit_are_the_same_on_every_backend(monkeypatch, model):
    asked = []
    make = ImageSequence._batch

    def remember(self, order, key, for_each):
        asked.append(key)
        return make(self, order, key, for_each)

    monkeypatch.setattr(ImageSequence, "_batch", remember)
    sequence = ImageSequence(Typefaces("train", per_class=1, image_size=16), 8, workers=0)
    for begin, end in ((0, 2), (2, 3)):
        asked.clear()
        data = fit_data(sequence, begin)
        model.fit(data, shuffle=False, initial_epoch=begin, epochs=end, verbose=0)
        # Keras and tf.data look at some batches more than once, for their shapes.
        trained_on = [(epoch + 1, index) for epoch in range(begin, end) for index in range(3)]
        assert asked[-len(trained_on) :] == trained_on


def test_tensorflow_gets_no_generator_that_is_tuned():
    sequence = ImageSequence(Typefaces("test", per_class=1, image_size=16), 8)
    data = fit_data(sequence)
    if keras.backend.backend() == "tensorflow":
        assert not data.options().autotune.enabled
    else:
        assert data is sequence


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="what else Keras takes, it does not look into"
)
def test_a_look_into_the_data_is_no_epoch():
    """However far it has been read ahead by the time the first epoch begins."""
    sequence = ImageSequence(Typefaces("train", per_class=1, image_size=16), 8, workers=0)
    expected = []
    for epoch in (4, 5):
        sequence.epoch = epoch
        expected.append([int(label) for index in range(3) for label in sequence[index][1]])
    for batches in (1, 3):
        data = fit_data(sequence, 3, looked_into=True)
        assert len(list(data.take(batches))) == batches
        found = [[int(label) for _, labels in data for label in labels] for _ in range(2)]
        assert found == expected
