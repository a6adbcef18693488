"""Residual relationship attention: `keras_rbi.layers.RRA` against the paper's literal tensors.

    KERAS_BACKEND=jax python benchmarks/rra.py --json rra-jax.json

The literal form makes the batch x batch x units tensors of eqs. 5 to 11 as they are printed. Both
forms get the same weights, and normalise by moving statistics: in training mode the sum of
squares of a normalised output is a constant, whose gradient is rounding noise.

Three to five minutes on two cores, and up to 6 GiB of memory (--memory-limit-gib).
"""

import json
import math
import sys
from typing import Any

import numpy as np
from keras import ops
from measure import (
    MIB,
    OURS,
    Call,
    Case,
    compiled,
    find,
    parser,
    peaks_of_case,
    report,
    run,
    target,
)

from keras_rbi.layers import RRA

LITERAL = "literal"
FORMS = (OURS, LITERAL)
NORMALIZATION_EPSILON = 1e-5
BATCH_OF_SPEED_TARGET = 256
SPEED_TARGET = 10.0


def literal_rra(
    features: Any,
    relations: Any,
    query_kernel: Any,
    key_kernel: Any,
    value_kernel: Any,
    residual_kernel: Any,
    gate_kernel: Any,
    gamma: Any,
    beta: Any,
) -> Any:
    """Eqs. 3 to 13 as printed; source i is the first axis, target j the second."""
    batch, units = features.shape[0], query_kernel.shape[-1]
    shape = (batch, batch, units)
    query = ops.broadcast_to(ops.expand_dims(features @ query_kernel, 1), shape)
    key = ops.broadcast_to(ops.expand_dims(features @ key_kernel, 0), shape)
    value = ops.broadcast_to(ops.expand_dims(features @ value_kernel, 1), shape)
    relations = ops.broadcast_to(ops.expand_dims(relations, -1), shape)
    logits = ops.sum(query * (key + relations), axis=-1) / math.sqrt(units)
    weights = ops.expand_dims(ops.softmax(logits, axis=0), -1)
    embeddings = ops.sum(weights * (value + relations), axis=0)
    residual = features @ residual_kernel
    joined = ops.concatenate([embeddings, residual, embeddings - residual], axis=-1)
    gate = ops.sigmoid(joined @ gate_kernel)
    mixed = (1.0 - gate) * embeddings + gate * residual
    # A moving mean of 0 and a moving variance of 1, those of a new layer.
    return gamma * mixed / math.sqrt(1.0 + NORMALIZATION_EPSILON) + beta


def inputs_of(batch: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Features, and relations such as RPE gives: 1 to itself, about 0.2 to a stranger."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(batch, units)).astype("float32")
    relations = generator.uniform(0.1, 0.3, size=(batch, batch)).astype("float32")
    relations = (relations + relations.T) / 2.0
    np.fill_diagonal(relations, 1.0)
    return features, relations


def build(case: Case) -> Call:
    """Compiles a form of RRA on features of `case.size` values."""
    features, relations = (
        ops.convert_to_tensor(array) for array in inputs_of(case.batch, case.size)
    )
    layer = RRA(case.size, kernel_initializer="orthogonal", epsilon=NORMALIZATION_EPSILON)
    layer.build(features.shape, relations.shape)
    state = [ops.copy(variable.value) for variable in layer.non_trainable_variables]
    generator = np.random.default_rng(1)
    weights = [
        ops.convert_to_tensor(
            (generator.normal(size=variable.shape) / math.sqrt(case.size)).astype("float32")
        )
        for variable in layer.trainable_variables
    ]

    def ours(features: Any, relations: Any, *weights: Any) -> Any:
        return layer.stateless_call(list(weights), state, features, relations)[0]

    arguments = (features, relations, *weights)
    wanted = (0, *range(2, len(arguments))) if case.gradient else ()
    return compiled(ours if case.form == OURS else literal_rra, arguments, wanted)


def targets_of(figures: list[dict[str, Any]], units: int) -> list[dict[str, Any]]:
    """Speed at one batch size, both passes, and the memory of the forward pass at each."""
    targets = []
    for gradient in (False, True):
        pair = [
            find(figures, batch=BATCH_OF_SPEED_TARGET, gradient=gradient, form=form).get(
                "median_ms"
            )
            for form in FORMS
        ]
        name = Case(OURS, "features", gradient, BATCH_OF_SPEED_TARGET, units).passes
        times = None if None in pair else pair[1] / pair[0]
        text = f"speed against the literal form, B = {BATCH_OF_SPEED_TARGET}, {name}"
        targets.append(target(text, times, SPEED_TARGET, at_most=False, unit="times"))
    for row in figures:
        if row["form"] != OURS or row["gradient"]:
            continue
        batch = row["batch"]
        bound = 4 * 4 * (batch**2 + 4 * batch * units) / MIB
        peak = row["peak_bytes"] / MIB if "peak_bytes" in row else None
        text = f"peak of the forward pass in 4 (B² + 4 B D) floats, B = {batch}"
        targets.append(target(text, peak, bound, at_most=True, unit="MiB"))
    return targets


def main(arguments: list[str] | None = None) -> None:
    options_parser = parser(__doc__)
    options_parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128, 256, 512])
    options_parser.add_argument("--units", type=int, default=1024)
    options = options_parser.parse_args(arguments)
    if options.peak_of:
        print(json.dumps(peaks_of_case(build, Case(**json.loads(options.peak_of)))))
        return
    groups = [
        [Case(form, "features", gradient, batch, options.units) for form in FORMS]
        for batch in options.batch_sizes
        for gradient in (False, True)
    ]
    figures = run(__file__, build, groups, options)
    report("RRA", options, figures, targets_of(figures, options.units))


if __name__ == "__main__":
    sys.exit(main())
