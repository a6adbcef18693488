"""tf.data's and PyTorch's loaders give what the sequence gives."""

import importlib.util

import numpy as np
import pytest

from keras_rbi.datasets import ImageSequence, Mixing, Typefaces

KINDS = {
    "as_tf_dataset": lambda loader: [[part.numpy() for part in batch] for batch in loader],
    "as_torch_dataloader": lambda loader: [[part.numpy() for part in batch] for batch in loader],
}
PACKAGES = {"as_tf_dataset": "tensorflow", "as_torch_dataloader": "torch"}
SEQUENCES = {
    "kept": {},
    "whole": {"last_batch": "drop", "augment": "paper"},
    "padded": {"last_batch": "pad"},
    "pk": {"batch_size": None, "sampling": "pk", "classes_per_batch": 3, "images_per_class": 2},
    "mixed": {"one_hot": True, "mix": Mixing(mixup=0.2)},
}


def sequence_of(**arguments):
    data = Typefaces("train", per_class=1, image_size=16)
    return ImageSequence(data, **({"batch_size": 8, "seed": 3, "workers": 1} | arguments))


def epochs_of(sequence, count):
    epochs = []
    for _ in range(count):
        epochs.append([sequence[index] for index in range(len(sequence))])
        sequence.on_epoch_end()
    return epochs


def check_epoch(got, expected):
    assert len(got) == len(expected)
    for batch, wanted in zip(got, expected, strict=True):
        assert len(batch) == len(wanted)
        for part, other in zip(batch, wanted, strict=True):
            assert part.dtype == other.dtype
            np.testing.assert_array_equal(part, other)


@pytest.fixture(params=PACKAGES)
def kind(request):
    pytest.importorskip(PACKAGES[request.param])
    return request.param


@pytest.mark.parametrize("arguments", SEQUENCES.values(), ids=SEQUENCES)
def test_epochs_are_those_of_the_sequence(kind, arguments):
    loader = getattr(sequence_of(**arguments), kind)()
    for expected in epochs_of(sequence_of(**arguments), 2):
        assert len(loader) == len(expected)
        check_epoch(KINDS[kind](loader), expected)


def test_an_iteration_that_is_broken_off_begins_its_epoch_again(kind):
    sequence = sequence_of()
    loader = getattr(sequence, kind)()
    next(iter(loader))
    check_epoch(KINDS[kind](loader), epochs_of(sequence_of(), 1)[0])
    assert sequence.epoch == 0


def test_resumed_epochs_go_on(kind):
    sequence = sequence_of()
    sequence.resume(epoch=2, step=1)
    loader = getattr(sequence, kind)()
    plain = sequence_of()
    plain.epoch = 2
    second, third = epochs_of(plain, 2)
    check_epoch(KINDS[kind](loader), second[1:])
    check_epoch(KINDS[kind](loader), third)


def test_shapes_are_known_where_they_are_fixed():
    pytest.importorskip("tensorflow")
    for last_batch, rows in (("keep", None), ("pad", 8)):
        images, labels = sequence_of(last_batch=last_batch).as_tf_dataset().element_spec[:2]
        assert images.shape.as_list() == [rows, 16, 16, 3]
        assert labels.shape.as_list() == [rows]


def test_fit_takes_the_loader_of_its_backend(kind):
    import keras

    if keras.backend.backend() != PACKAGES[kind]:
        pytest.skip("for the backend of that loader")
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(22)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    history = model.fit(getattr(sequence_of(), kind)(), epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_missing_package_is_named(kind, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=rf"{kind}\(\) needs {PACKAGES[kind]}.*pip install"):
        getattr(sequence_of(), kind)()
