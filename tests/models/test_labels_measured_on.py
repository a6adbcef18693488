"""Labels that are not classes of the model are refused of what is measured on, as in training."""

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.models.check_labels import check_labels

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype("uint8")
GOOD = np.arange(8) % 2
BAD = np.where(np.arange(8) == 1, 5, GOOD)
WIDE = np.eye(3, dtype="float32")[GOOD]
MESSAGES = {
    "beyond": (BAD, "do not fit 2 classes: they are counted from 0 to 1. Received: 5"),
    "below": (GOOD - 1, "must not be negative"),
    "wide": (WIDE, "do not fit 2 classes: one-hot labels are 3 wide"),
}


class Batches(keras.utils.PyDataset):
    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return IMAGES[part], self.labels[part]


def generator(labels, read=None):
    for index in range(2):
        if read is not None:
            read.append(index)
        yield Batches(labels)[index]


def tf_data(labels):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(4)


def loader(labels):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.as_tensor(IMAGES), torch.as_tensor(labels))
    return torch.utils.data.DataLoader(data, batch_size=4)


FORMS = {
    "arrays": lambda labels: (IMAGES, labels),
    "PyDataset": lambda labels: (Batches(labels),),
    "generator": lambda labels: (generator(labels),),
    "tf.data": lambda labels: (tf_data(labels),),
    "DataLoader": lambda labels: (loader(labels),),
}


def made(loss=None, compiled=True):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, num_classes=2, embedding_dim=8)
    if loss is not None:
        model.compile("sgd", loss)
    elif compiled:
        model.compile_as_the_paper_trains()
    return model


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("form", FORMS)
def test_they_are_refused_by_evaluate_and_before_an_epoch(form, kind, monkeypatch):
    labels, message = MESSAGES[kind]
    begun = []
    for name in ("fit", "evaluate"):
        monkeypatch.setattr(keras.Model, name, lambda *args, **kwargs: begun.append(args))
    for compiled in (True, False):
        with pytest.raises(ValueError, match=message) as raised:
            made(compiled=compiled).evaluate(*FORMS[form](labels))
        assert "\n" not in str(raised.value)
        data = FORMS[form](labels)
        with pytest.raises(ValueError, match=message):
            made(compiled=compiled).fit(
                IMAGES, GOOD, validation_data=data if len(data) > 1 else data[0]
            )
    assert not begun


@pytest.mark.parametrize("compiled", [True, False])
def test_a_generator_is_read_once(compiled):
    read = []
    made(compiled=compiled).evaluate(generator(GOOD, read), verbose=0)
    assert read == [0, 1]


def test_a_generator_validates_each_epoch_from_where_it_is():
    def endless():
        number = 0
        while True:
            read.append(number)
            yield IMAGES[:4], GOOD[:4]
            number += 1

    read = []
    history = made().fit(
        IMAGES, GOOD, epochs=2, validation_data=endless(), validation_steps=2, verbose=0
    )
    assert len(history.history["val_loss"]) == 2
    # In order, and none twice.
    assert read == list(range(len(read)))


def test_endless_tf_data_is_not_read_and_its_width_is_told():
    tf = pytest.importorskip("tensorflow")
    read = []

    def batches():
        while True:
            read.append(1)
            yield IMAGES[:4], WIDE[:4]

    spec = (tf.TensorSpec((4, 16, 16, 3), "uint8"), tf.TensorSpec((4, 3), "float32"))
    data = tf.data.Dataset.from_generator(batches, output_signature=spec).repeat()
    with pytest.raises(ValueError, match="3 wide"):
        made().evaluate(data, steps=1)
    assert not read


def test_reading_a_loader_draws_nothing():
    torch = pytest.importorskip("torch")
    data = loader(GOOD)
    before = torch.random.get_rng_state()
    assert check_labels(data, None, 2, "sparse_categorical_crossentropy") is data
    assert torch.equal(before, torch.random.get_rng_state())


def test_other_losses_take_other_labels():
    ignoring = keras.losses.SparseCategoricalCrossentropy(ignore_class=5)
    assert np.isfinite(made(ignoring).evaluate(IMAGES, BAD, verbose=0))
    values = np.zeros((8, 2), "float32") - 3
    assert np.isfinite(made("mse").evaluate(IMAGES, values, verbose=0))


def test_labels_of_a_compiled_model_are_refused_in_training_too():
    with pytest.raises(ValueError, match="do not fit 2 classes"):
        made().fit(IMAGES, BAD, verbose=0)
