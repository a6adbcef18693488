"""Names of classes are read off data, and off what it was made from."""

import importlib.util

import numpy as np
import pytest

from keras_rbi.models.labels import check_classes, read_labels

NAMES = ["owl", "robin", "wren"]
LABELS = np.arange(12) % 3
needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)


def tf_set(names=NAMES, labels=LABELS):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((np.zeros((12, 4, 4, 3), "uint8"), labels)).batch(4)
    if names:
        # As Keras's `image_dataset_from_directory` does.
        data.class_names = names
    return data


STEPS = {
    "none": lambda data: data,
    "prefetch": lambda data: data.prefetch(1),
    "map": lambda data: data.map(lambda x, y: (x, y)),
    "parallel map": lambda data: data.map(lambda x, y: (x, y), num_parallel_calls=2),
    "many": lambda data: data.unbatch().shuffle(4).batch(2).cache().map(lambda *b: b).prefetch(1),
    "repeat": lambda data: data.repeat(),
    "concatenate": lambda data: data.concatenate(tf_set()),
    "options": lambda data: data.with_options(type(data.options())()),
}


@needs_tensorflow
@pytest.mark.parametrize("step", STEPS)
def test_names_of_a_tf_data_set_outlive_its_steps(step):
    labels, _ = read_labels(STEPS[step](tf_set()))
    assert labels.class_names == NAMES
    assert labels.num_classes == 3


@needs_tensorflow
def test_two_sets_of_other_names_have_none():
    both = tf_set().concatenate(tf_set(["a", "b", "c"])).prefetch(1)
    labels, _ = read_labels(both)
    assert (labels.num_classes, labels.class_names) == (3, None)
    labels, _ = read_labels(tf_set(None).prefetch(1))
    assert (labels.num_classes, labels.class_names) == (3, None)


@needs_tensorflow
def test_names_do_not_outlive_one_hot_labels_of_other_classes():
    import tensorflow as tf

    mapped = tf_set().map(lambda x, y: (x, tf.one_hot(y // 2, 2)))
    labels, _ = read_labels(mapped)
    assert (labels.num_classes, labels.class_names, labels.one_hot) == (2, None, True)
    same = tf_set().map(lambda x, y: (x, tf.one_hot(y, 3)))
    assert read_labels(same)[0].class_names == NAMES


@needs_torch
def test_names_of_a_torch_set_outlive_subsets():
    import torch

    class Photos(torch.utils.data.Dataset):
        classes = NAMES

        def __len__(self):
            return 12

        def __getitem__(self, index):
            return np.zeros((4, 4, 3), "uint8"), int(LABELS[index])

    subset = torch.utils.data.Subset(torch.utils.data.Subset(Photos(), range(9)), range(6))
    labels, _ = read_labels(torch.utils.data.DataLoader(subset, batch_size=3))
    assert labels.class_names == NAMES


@pytest.mark.parametrize(
    "rows",
    [[[1, 1, 0], [0, 0, 1]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[0.3, -2.0, 4.0]]],
    ids=["several", "none", "no probabilities"],
)
def test_rows_that_tell_no_single_class_are_refused(rows):
    with pytest.raises(ValueError, match=r"sum to 1.*binary_crossentropy"):
        read_labels(np.zeros((len(rows), 4, 4, 3)), np.array(rows))


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64"])
def test_one_hot_rows_and_probabilities_tell_their_classes(dtype):
    rows = np.eye(3).astype(dtype)
    if dtype != "int64":
        rows = rows * 0.7 + np.array(0.1, dtype)
    labels, _ = read_labels(np.zeros((3, 4, 4, 3)), rows.astype(dtype))
    assert (labels.num_classes, labels.one_hot) == (3, True)


@pytest.mark.parametrize("names", ["wren", {"wren", "owl"}, frozenset(["wren", "owl"])], ids=repr)
def test_names_without_an_order_are_refused(names):
    with pytest.raises(ValueError, match="must be a list of names"):
        check_classes(None, names)
