"""Relationship position encoding: `keras_rbi.layers.RPE` against two other forms of it.

    KERAS_BACKEND=jax python benchmarks/rpe.py --json rpe-jax.json

The literal form subtracts every image from every other, a batch x batch x pixels tensor; the
Gram form is the usual |a|² + |b|² - 2 a.b in float32. Only the mean squared errors differ, all
three forms turn them into decibels alike. Images are uint8 (forward) and float32 (forward, and
the gradient with respect to the images).

Five to fifteen minutes on two cores, most of it to start a process for each peak, and up to 6 GiB
of memory (--memory-limit-gib).
"""

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from measure import (
    MIB,
    OURS,
    Call,
    Case,
    compiled,
    console_for_tables,
    find,
    parser,
    peaks_of_case,
    report,
    run,
    target,
)

from keras_rbi.layers import RPE
from keras_rbi.layers.rpe import peak_signal_to_noise_ratio

LITERAL, GRAM = "literal", "Gram"
FORMS = (OURS, LITERAL, GRAM)
MAX_VALUE = 255.0
GREY_LEVEL = 1.0
PRINTED_EPSILON = 1e-8
BATCH_OF_SPEED_TARGET = 32
IMAGES_OF_MEMORY_TARGET = 2


def literal_errors(images: Any) -> Any:
    """Mean squared errors of all pairs, eq. 1 as printed."""
    pixels = _rows(images)
    differences = ops.expand_dims(pixels, 1) - ops.expand_dims(pixels, 0)
    return ops.mean(ops.square(differences), axis=-1)


def gram_errors(images: Any) -> Any:
    """Mean squared errors of all pairs from float32 scalar products."""
    pixels = _rows(images)
    squares = ops.sum(ops.square(pixels), axis=-1)
    products = pixels @ ops.transpose(pixels)
    total = ops.expand_dims(squares, 0) + ops.expand_dims(squares, 1) - 2.0 * products
    return ops.maximum(total, 0.0) / pixels.shape[-1]


def _rows(images: Any) -> Any:
    return ops.cast(ops.reshape(images, (images.shape[0], -1)), "float32")


def form_of(name: str, epsilon: float = GREY_LEVEL) -> Callable[[Any], Any]:
    """A form of RPE: images to decibels."""
    if name == OURS:
        return RPE(MAX_VALUE, epsilon=epsilon, normalize=False)
    errors = {LITERAL: literal_errors, GRAM: gram_errors}[name]
    return lambda images: peak_signal_to_noise_ratio(errors(images), MAX_VALUE, epsilon)


def images_of(batch: int, size: int, dtype: str) -> np.ndarray:
    """Images of integers 0..255, as they come out of a file."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, size=(batch, size, size, 3), dtype="uint8").astype(dtype)


def build(case: Case) -> Call:
    """Compiles a form of RPE on images of `case.size` x `case.size` x 3."""
    images = ops.convert_to_tensor(images_of(case.batch, case.size, case.inputs))
    return compiled(form_of(case.form), (images,), (0,) if case.gradient else ())


def near_duplicate_errors(size: int) -> list[dict[str, Any]]:
    """How far each form is from float64 for two images that differ by one grey level of one pixel.

    In decibels, with an epsilon of one grey level and with the paper's.
    """
    images = images_of(2, size, "uint8")
    images[1] = images[0]
    images[1, 0, 0, 0] ^= 1
    rows = images.reshape(2, -1).astype("float64")
    root = math.sqrt(np.mean(np.square(rows[0] - rows[1])))
    figures = []
    for dtype in ("uint8", "float32"):
        tensor = ops.convert_to_tensor(images.astype(dtype))
        for form in FORMS:
            row = {"inputs": dtype, "form": form}
            for name, epsilon in (("grey_level", GREY_LEVEL), ("printed", PRINTED_EPSILON)):
                true = 20.0 * math.log10(MAX_VALUE / (root + epsilon))
                given = ops.convert_to_numpy(form_of(form, epsilon)(tensor))
                row[f"error_db_{name}"] = abs(float(given[0, 1]) - true)
            figures.append(row)
    return figures


def targets_of(figures: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """uint8 images: speed at one batch size, and working memory at each by two readings."""
    pair = [
        find(figures, inputs="uint8", batch=BATCH_OF_SPEED_TARGET, form=form).get("median_ms")
        for form in (OURS, GRAM)
    ]
    times = None if None in pair else pair[0] / pair[1]
    text = f"time on uint8 in times that of the Gram matrix, B = {BATCH_OF_SPEED_TARGET}"
    targets = [target(text, times, 1.0, at_most=True, unit="times")]
    for row in figures:
        if row["form"] != OURS or row["inputs"] != "uint8":
            continue
        peak = row["peak_bytes"] / MIB if "peak_bytes" in row else None
        for dtype, width in (("uint8", 1), ("float32", 4)):
            bound = IMAGES_OF_MEMORY_TARGET * row["batch"] * size * size * 3 * width / MIB
            text = f"peak on uint8 in {IMAGES_OF_MEMORY_TARGET} times the images as {dtype}"
            text += f", B = {row['batch']}"
            targets.append(target(text, peak, bound, at_most=True, unit="MiB"))
    return targets


def main(arguments: list[str] | None = None) -> None:
    options_parser = parser(__doc__)
    options_parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128, 512])
    options_parser.add_argument("--image-size", type=int, default=224)
    options = options_parser.parse_args(arguments)
    if options.peak_of:
        print(json.dumps(peaks_of_case(build, Case(**json.loads(options.peak_of)))))
        return
    groups = [
        [Case(form, inputs, gradient, batch, options.image_size) for form in FORMS]
        for batch in options.batch_sizes
        for inputs, gradient in (("uint8", False), ("float32", False), ("float32", True))
    ]
    figures = run(__file__, build, groups, options)
    duplicates = near_duplicate_errors(options.image_size)
    targets = targets_of(figures, options.image_size)
    report("RPE", options, figures, targets, near_duplicates=duplicates)
    for row in duplicates:
        console_for_tables().print(
            f"Near-duplicates, {row['inputs']}, {row['form']}: off by "
            f"{row['error_db_grey_level']:.1e} dB (epsilon of one grey level), "
            f"{row['error_db_printed']:.1e} dB (1e-8)"
        )


if __name__ == "__main__":
    sys.exit(main())
