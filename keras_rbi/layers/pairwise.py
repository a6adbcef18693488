"""Mean squared differences between pairs of images, exact and in little memory."""

import math
from typing import Any

import keras
from keras import ops

from keras_rbi.types import Tensor

# 256 squares of at most 255 stay below 2**24, up to which float32 holds every integer.
EXACT_PRODUCT_LENGTH = 256
# Values of those products held at a time: few on TensorFlow, which works on ten parts of a loop
# at once; elsewhere as many as make up for the cost of dispatching a part.
EXACT_VALUES_AT_A_TIME = 3 * (2**14 if keras.backend.backend() == "tensorflow" else 2**18)
# The same for products with references, cut up as if so many rows came at a time.
REFERENCE_VALUES_AT_A_TIME = 2**21
# Where a function is traced, how many do come is open.
ROWS_EXPECTED = 32
# Differences held at a time: 2 MiB, which a core's cache holds, but never so few pixels that the
# loop itself takes longer than the differences.
DIFFERENCES_AT_A_TIME = 2**19
SMALLEST_CHUNK = 16


def pairwise_mean_squared_error(pixels: Tensor) -> Tensor:
    """Mean squared difference of every pair of rows, eq. 1.

    uint8 pixels go through matrix products in which every partial result is an integer
    that float32 holds; all others through the differences themselves. A pair of equal
    rows has an error of exactly 0 either way, which a plain Gram matrix does not give.

    Args:
        pixels: Tensor of shape `(..., batch, pixels)`, of any dtype.

    Returns:
        float32 tensor of shape `(..., batch, batch)`.
    """
    if keras.backend.standardize_dtype(pixels.dtype) == "uint8":
        total = _sum_over_pixels(_exact_squared_differences, pixels, _exact_chunk(pixels))
    else:
        total = _sum_over_pixels(_squared_differences, pixels, _differences_chunk(pixels))
    return total / ops.cast(ops.shape(pixels)[-1], "float32")


def mean_squared_error_to(pixels: Tensor, references: Tensor) -> Tensor:
    """Mean squared difference of every row of pixels to every reference, eq. 1.

    Pixels are rounded to integers, as references are, so that every partial result is a
    integer that float32 holds: a row equal to a reference has an error of exactly 0. No
    row's result depends on another row, nor how the work is cut up on the size of the batch.

    Args:
        pixels: Tensor of shape `(batch, pixels)`, of any dtype, values of 0..255.
        references: uint8 tensor of shape `(references, pixels)`, both known.

    Returns:
        float32 tensor of shape `(batch, references)`.
    """
    count, length = references.shape
    pixels = ops.round(ops.cast(pixels, "float32"))
    values = count * (EXACT_PRODUCT_LENGTH + ROWS_EXPECTED)
    chunk = EXACT_PRODUCT_LENGTH * max(1, REFERENCE_VALUES_AT_A_TIME // values)
    batch = ops.shape(pixels)[0]

    def add_part(index: Any, total: Tensor) -> Tensor:
        start = (0, index * chunk)
        return total + _exact_squared_differences_to(
            ops.slice(pixels, start, (batch, chunk)), ops.slice(references, start, (count, chunk))
        )

    parts = length // chunk
    begin = ops.zeros((batch, count), dtype="float32")
    if length % chunk:
        rest = parts * chunk
        begin = _exact_squared_differences_to(pixels[:, rest:], references[:, rest:])
    if parts:
        begin = ops.fori_loop(0, parts, add_part, begin)
    return begin / length


def _sum_over_pixels(term: Any, pixels: Tensor, chunk: Any) -> Tensor:
    """Sum of `term(part)` over consecutive parts of `chunk` pixels.

    A loop of the backend rather than one of Python: unrolled, XLA keeps the results of
    all the parts at the same time.
    """
    *leading, batch, count = ops.shape(pixels)
    parts = count // chunk
    # XLA compiles the loop even where it is never entered: its parts must be there for all that.
    size = min(chunk, count) if isinstance(parts, int) else ops.minimum(chunk, count)

    def add_part(index: Any, total: Tensor) -> Tensor:
        start = (*[0] * (len(leading) + 1), index * chunk)
        return total + term(ops.slice(pixels, start, (*leading, batch, size)))

    rest = term(pixels[..., parts * chunk :])
    if isinstance(parts, int) and parts == 0:
        return rest
    return ops.fori_loop(0, parts, add_part, rest)


def _differences_chunk(pixels: Tensor) -> Any:
    sets, batch = _sizes_to_expect(pixels)
    return _affordable(DIFFERENCES_AT_A_TIME, sets * batch * batch, SMALLEST_CHUNK)


def _exact_chunk(pixels: Tensor) -> Any:
    sets, batch = _sizes_to_expect(pixels)
    values = sets * batch * (EXACT_PRODUCT_LENGTH + batch)
    return EXACT_PRODUCT_LENGTH * _affordable(EXACT_VALUES_AT_A_TIME, values, 1)


def _sizes_to_expect(pixels: Tensor) -> tuple[Any, Any]:
    """How many sets of how many rows there are, or are likely to be."""
    *leading, batch, _ = ops.shape(pixels)
    if keras.backend.backend() == "torch" and not all(
        isinstance(size, int) for size in (*leading, batch)
    ):
        # PyTorch's tracers take the number of parts for a constant, and with it the batch.
        return 1, ROWS_EXPECTED
    return math.prod(leading), batch


def _affordable(budget: int, values: Any, smallest: int) -> Any:
    """How often so many values fit the budget, and `smallest` at least."""
    if isinstance(values, int):
        return max(smallest, budget // max(1, values))
    return ops.maximum(smallest, budget // ops.maximum(1, values))


def _squared_differences(pixels: Tensor) -> Tensor:
    pixels = ops.cast(pixels, "float32")
    differences = ops.expand_dims(pixels, -2) - ops.expand_dims(pixels, -3)
    return ops.sum(ops.square(differences), axis=-1)


def _exact_squared_differences(pixels: Tensor) -> Tensor:
    pixels = _cut_into_products(pixels)
    gram = ops.matmul(pixels, ops.swapaxes(pixels, -2, -1))
    squares = ops.diagonal(gram, axis1=-2, axis2=-1)
    # In this order no sum exceeds 256 squares of 255.
    squared = (ops.expand_dims(squares, -1) - gram) + (ops.expand_dims(squares, -2) - gram)
    return ops.sum(squared, axis=-3)


def _exact_squared_differences_to(pixels: Tensor, references: Tensor) -> Tensor:
    pixels, references = _cut_into_products(pixels), _cut_into_products(references)
    gram = ops.matmul(pixels, ops.swapaxes(references, -2, -1))
    squares = ops.sum(ops.square(pixels), axis=-1, keepdims=True)
    reference_squares = ops.expand_dims(ops.sum(ops.square(references), axis=-1), -2)
    return ops.sum((squares - gram) + (reference_squares - gram), axis=-3)


def _cut_into_products(pixels: Tensor) -> Tensor:
    """Rows `(..., batch, pixels)` as float32 factors `(..., products, batch, 256)`."""
    *leading, batch, count = ops.shape(pixels)
    products = (count + EXACT_PRODUCT_LENGTH - 1) // EXACT_PRODUCT_LENGTH
    if not isinstance(count, int) or count % EXACT_PRODUCT_LENGTH:
        no_padding = [(0, 0)] * (len(leading) + 1)
        pixels = ops.pad(pixels, [*no_padding, (0, EXACT_PRODUCT_LENGTH - 1)])
        pixels = pixels[..., : products * EXACT_PRODUCT_LENGTH]
    pixels = ops.reshape(pixels, (*leading, batch, products, EXACT_PRODUCT_LENGTH))
    # Moved while they are bytes. A bfloat16 or TF32 factor holds 0..255 exactly too.
    return ops.cast(ops.swapaxes(pixels, -3, -2), "float32")
