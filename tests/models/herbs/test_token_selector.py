"""Which tokens are selected, in which order, and what is learned through it."""

import keras
import numpy as np
import pytest
from backend_functions import compiled, gradients, to_numpy
from keras import ops

from keras_rbi.models.herbs import TokenSelector
from keras_rbi.models.herbs.token_selector import token_order


def ordered(logits):
    """By a stable sort of the scores that the backend computes."""
    tensor = ops.convert_to_tensor(logits)
    predicted = ops.argmax(ops.mean(tensor, axis=1), axis=-1)
    of_class = ops.one_hot(predicted, logits.shape[-1])
    scores = ops.sum(ops.softmax(tensor, axis=-1) * ops.expand_dims(of_class, 1), axis=-1)
    return np.argsort(-to_numpy(scores), axis=1, kind="stable")


@pytest.mark.parametrize("ties", ["none", "some", "all"])
@pytest.mark.parametrize(("tokens", "classes"), [(1, 2), (9, 3), (5, 5), (2304, 4)])
def test_the_order_is_that_of_a_stable_sort(tokens, classes, ties):
    logits = np.random.default_rng(0).normal(size=(5, tokens, classes)).astype("float32")
    if ties != "none":
        logits = np.round(logits) if ties == "some" else np.zeros_like(logits)
    expected = ordered(logits)
    np.testing.assert_array_equal(to_numpy(token_order(ops.convert_to_tensor(logits))), expected)
    order = compiled(token_order, ((None, tokens, classes), "float32"))(logits)
    np.testing.assert_array_equal(to_numpy(order), expected)


@pytest.mark.parametrize("count", [1, 4, 6])
def test_tokens_go_in_that_order_and_learn(count):
    rng = np.random.default_rng(0)
    features, logits = (rng.normal(size=(3, 6, width)).astype("float32") for width in (4, 2))
    logits[:, 3:] = logits[:, :3]
    order = ordered(logits)[:, :, None]
    sizes = (count, count, 6 - count)
    factors = [
        rng.normal(size=(3, size, width)).astype("float32")
        for size, width in zip(sizes, (4, 2, 2), strict=True)
    ]
    select = TokenSelector(count)
    found = select(ops.convert_to_tensor(features), ops.convert_to_tensor(logits))
    taken = [np.take_along_axis(rows, order, axis=1) for rows in (features, logits)]
    expected = (taken[0][:, :count], taken[1][:, :count], taken[1][:, count:])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), theirs)

    def weighted(features, logits):
        parts = zip(select(features, logits), factors, strict=True)
        return sum(ops.sum(ops.multiply(part, factor)) for part, factor in parts)

    of_features, of_logits = gradients(weighted, features, logits)
    wanted = np.zeros_like(features)
    np.put_along_axis(wanted, order[:, :count], factors[0], axis=1)
    np.testing.assert_array_equal(of_features, wanted)
    wanted = np.zeros_like(logits)
    np.put_along_axis(wanted, order, np.concatenate(factors[1:], axis=1), axis=1)
    np.testing.assert_array_equal(of_logits, wanted)


def test_the_first_of_equal_classes_is_the_one_that_counts():
    logits = np.zeros((1, 2, 3), "float32")
    logits[0, 0, 1] = logits[0, 1, 2] = 1.0
    np.testing.assert_array_equal(to_numpy(token_order(keras.ops.array(logits))), [[0, 1]])
