import keras
import numpy as np
import pytest
from backend_functions import compiled, to_numpy

from keras_rbi.layers.relation_sets import (
    check_group_size,
    check_inference_relations,
    cut,
    join,
    pairs_in_use,
    rows_in_use,
)


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (1, 4), (6, 3), (7, 3), (7, 7), (3, 8)])
def test_groups_are_consecutive_rows_and_zeros_fill_the_last(batch, size):
    rows = np.arange(1.0, 1.0 + 2 * batch, dtype="float32").reshape(batch, 2)
    groups = to_numpy(cut(keras.ops.convert_to_tensor(rows), size))
    count = -(-batch // size)
    assert groups.shape == (count, size, 2)
    flat = groups.reshape(-1, 2)
    np.testing.assert_array_equal(flat[:batch], rows)
    np.testing.assert_array_equal(flat[batch:], 0.0)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_splitting_keeps_the_dtype(dtype):
    groups = cut(keras.ops.ones((3, 2), dtype=dtype), 2)
    assert keras.backend.standardize_dtype(groups.dtype) == dtype


@pytest.mark.parametrize(("batch", "size"), [(1, 4), (6, 3), (7, 3), (3, 8)])
def test_joining_undoes_splitting(batch, size):
    rows = keras.ops.convert_to_tensor(np.random.default_rng(0).normal(size=(batch, 2, 3)))
    joined = join(cut(rows, size), size, batch)
    np.testing.assert_array_equal(to_numpy(joined), to_numpy(rows))


def test_an_open_batch_is_split_and_joined_in_a_compiled_function():
    function = compiled(
        lambda rows: join(cut(rows, 3) + 1.0, 3, keras.ops.shape(rows)[0]),
        ((None, 2), "float32"),
    )
    for batch in (1, 3, 7):
        rows = np.random.default_rng(batch).normal(size=(batch, 2)).astype("float32")
        np.testing.assert_array_equal(to_numpy(function(rows)), rows + np.float32(1.0))


def test_without_a_mask_all_rows_are_in_use():
    assert to_numpy(rows_in_use(None, keras.ops.zeros((3, 2)))).tolist() == [True, True, True]


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_a_mask_of_any_dtype_tells_the_rows_in_use(dtype):
    mask = keras.ops.convert_to_tensor(np.array([1, 0, 1], dtype))
    assert to_numpy(rows_in_use(mask, keras.ops.zeros((3, 2)))).tolist() == [True, False, True]


def test_pairs_in_use_have_both_rows_in_use():
    mask = np.array([[True, False, True], [False, True, True]])
    pairs = to_numpy(pairs_in_use(keras.ops.convert_to_tensor(mask)))
    np.testing.assert_array_equal(pairs, [np.outer(row, row) for row in mask])


@pytest.mark.parametrize("value", [None, 1, 32, np.int64(32)])
def test_valid_group_sizes_are_returned_as_integers_of_python(value):
    size = check_group_size(value)
    assert size == value
    assert type(size) in (int, type(None))


@pytest.mark.parametrize("value", [0, -3, 2.0, True, "8"])
def test_other_group_sizes_are_refused(value):
    with pytest.raises(ValueError, match=f"positive integer.*Received: .*{value!r}"):
        check_group_size(value)


@pytest.mark.parametrize("value", ["batch", "self"])
def test_valid_inference_relations_are_returned(value):
    assert check_inference_relations(value) == value


@pytest.mark.parametrize("value", ["Self", None, 1])
def test_other_inference_relations_are_refused_with_the_choices(value):
    with pytest.raises(
        ValueError, match=f"'batch', 'self'.*Received: inference_relations={value!r}"
    ):
        check_inference_relations(value)
