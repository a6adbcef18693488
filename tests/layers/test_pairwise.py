import keras
import numpy as np
import pytest
from backend_functions import assert_close, compiled, once, to_numpy
from literal import mean_squared_error

from keras_rbi.layers.pairwise import (
    DIFFERENCES_AT_A_TIME,
    EXACT_PRODUCT_LENGTH,
    EXACT_VALUES_AT_A_TIME,
    SMALLEST_CHUNK,
    pairwise_mean_squared_error,
)

FULL_SIZE = 224 * 224 * 3


def random_pixels(batch, count, dtype="uint8"):
    pixels = np.random.default_rng(count).uniform(0, 256, size=(batch, count))
    return np.floor(pixels).astype(dtype) if dtype == "uint8" else pixels.astype(dtype)


def errors_of(pixels):
    return to_numpy(once(pairwise_mean_squared_error)(keras.ops.convert_to_tensor(pixels)))


def exact_chunk(batch):
    products = EXACT_VALUES_AT_A_TIME // (batch * (EXACT_PRODUCT_LENGTH + batch))
    return max(1, products) * EXACT_PRODUCT_LENGTH


CHUNK_OF_5 = exact_chunk(5)


@pytest.mark.parametrize(
    "count",
    [
        1,
        EXACT_PRODUCT_LENGTH - 1,
        EXACT_PRODUCT_LENGTH,
        EXACT_PRODUCT_LENGTH + 1,
        CHUNK_OF_5 - 1,
        CHUNK_OF_5,
        2 * CHUNK_OF_5 + 300,
    ],
)
def test_whole_number_form_equals_literal_at_the_edges_of_its_chunks(count):
    pixels = random_pixels(5, count)
    np.testing.assert_allclose(errors_of(pixels), mean_squared_error(pixels), rtol=1e-6)


def test_whole_number_form_equals_literal_where_chunks_are_smallest():
    pixels = random_pixels(800, 2 * EXACT_PRODUCT_LENGTH + 1)
    assert exact_chunk(len(pixels)) == EXACT_PRODUCT_LENGTH
    errors = errors_of(pixels)
    for row in (0, 400, 799):
        expected = np.mean((pixels.astype("float64") - pixels[row]) ** 2, axis=1)
        np.testing.assert_allclose(errors[row], expected, rtol=1e-6)


CHUNK_OF_32 = DIFFERENCES_AT_A_TIME // 32**2


@pytest.mark.parametrize("count", [1, CHUNK_OF_32 - 1, CHUNK_OF_32, 2 * CHUNK_OF_32 + 7])
def test_difference_form_equals_literal_at_the_edges_of_its_chunks(count):
    pixels = random_pixels(32, count, "float32")
    np.testing.assert_allclose(errors_of(pixels), mean_squared_error(pixels), rtol=1e-5)


def test_difference_form_equals_literal_where_chunks_are_smallest():
    pixels = random_pixels(200, 2 * SMALLEST_CHUNK + 1, "float32")
    assert len(pixels) ** 2 * SMALLEST_CHUNK > DIFFERENCES_AT_A_TIME
    np.testing.assert_allclose(errors_of(pixels), mean_squared_error(pixels), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_extreme_images_are_exact(dtype):
    pixels = np.zeros((2, 8 * EXACT_PRODUCT_LENGTH), dtype)
    pixels[1] = 255
    assert errors_of(pixels).tolist() == [[0.0, 255.0**2], [255.0**2, 0.0]]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_equal_images_of_full_size_have_no_error(dtype):
    pixels = random_pixels(3, FULL_SIZE, dtype)
    pixels[2] = pixels[0]
    errors = errors_of(pixels)
    assert np.diag(errors).tolist() == [0.0, 0.0, 0.0]
    assert errors[0, 2] == errors[2, 0] == 0.0
    assert errors[0, 1] == errors[2, 1] > 0.0


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("pixel", [0, 70_000, FULL_SIZE - 1])
def test_one_grey_level_in_one_pixel_of_full_size_is_exact(dtype, pixel):
    pixels = np.floor(random_pixels(2, FULL_SIZE, "float32"))
    pixels[1] = pixels[0]
    pixels[:, pixel] = [200.0, 201.0]
    errors = errors_of(pixels.astype(dtype))
    np.testing.assert_allclose(errors[0, 1], 1.0 / FULL_SIZE, rtol=1e-6)


def test_near_duplicates_of_full_size_are_right_between_0_and_1():
    pixels = random_pixels(2, FULL_SIZE, "float32") / np.float32(256)
    pixels[1] = pixels[0] + np.float32(1e-3)
    np.testing.assert_allclose(errors_of(pixels)[0, 1], mean_squared_error(pixels)[0, 1], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_random_images_of_full_size_equal_literal(dtype):
    pixels = random_pixels(3, FULL_SIZE, dtype)
    np.testing.assert_allclose(errors_of(pixels), mean_squared_error(pixels), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16"])
def test_result_is_float32(dtype):
    pixels = keras.ops.cast(random_pixels(2, 30), dtype)
    assert keras.backend.standardize_dtype(pairwise_mean_squared_error(pixels).dtype) == "float32"


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_leading_axes_are_batches_of_their_own(dtype):
    pixels = random_pixels(12, 300, dtype).reshape(2, 2, 3, 300)
    errors = errors_of(pixels)
    assert errors.shape == (2, 2, 3, 3)
    for index in np.ndindex(2, 2):
        np.testing.assert_allclose(errors[index], mean_squared_error(pixels[index]), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_open_dimensions_give_the_same_in_a_compiled_function(dtype):
    function = compiled(pairwise_mean_squared_error, ((None, None), dtype))
    for batch, count in ((1, 40), (3, exact_chunk(3) + 5), (40, 1000)):
        pixels = random_pixels(batch, count, dtype)
        assert_close(function(pixels), mean_squared_error(pixels), 1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_result_is_symmetric_to_the_last_bit(dtype):
    errors = errors_of(random_pixels(7, 1000, dtype))
    np.testing.assert_array_equal(errors, errors.T)
