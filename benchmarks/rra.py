"""Residual relationship attention: `keras_rbi.layers.RRA` against the paper's literal tensors.

    KERAS_BACKEND=jax python benchmarks/rra.py --json rra-jax.json
    KERAS_BACKEND=torch OMP_NUM_THREADS=1 python benchmarks/rra.py

The literal form makes the batch x batch x units tensors of eqs. 5 to 11 as they are printed. Both
forms get the same weights, and normalise by moving statistics: in training mode the sum of
squares of a normalised output is a constant, whose gradient is rounding noise.

On PyTorch its own layers stand beside them, on the same features: one head of
`nn.MultiheadAttention`, the `nn.TransformerEncoderLayer` of BatchFormer (four heads, a
feed-forward layer as wide as the features), and where `torch_geometric` is installed its
`TransformerConv` (one head, with beta and the relations as features of edges) on the complete
graph. What they compute differs, so only times are compared.

Three to five minutes on two cores, ten on PyTorch, and up to 6 GiB of memory
(--memory-limit-gib).
"""

import importlib.util
import json
import math
import sys
from typing import Any

import keras
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

from keras_rbi.layers import RRA, TwoPassBatchNormalization

LITERAL = "literal"
ATTENTION, ENCODER, GRAPH = "MultiheadAttention", "TransformerEncoderLayer", "TransformerConv"
HEADS_OF_BATCH_FORMER = 4
# How many times as fast as the layers of others, and at which batch sizes (None: at every one).
SPEED_OF_OTHERS = ((ATTENTION, 1.0, None), (ENCODER, 1.4, None), (GRAPH, 5.0, (128,)))
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


def forms() -> tuple[str, ...]:
    """Ours, the literal one, and the layers of others that are here."""
    if keras.backend.backend() != "torch":
        return OURS, LITERAL
    graphs = (GRAPH,) if importlib.util.find_spec("torch_geometric") else ()
    return OURS, LITERAL, ATTENTION, ENCODER, *graphs


def layer_of_others(form: str, features: Any, relations: Any) -> tuple[Any, tuple[Any, ...]]:
    """A layer of PyTorch or PyTorch Geometric as wide as the features, and its inputs."""
    import torch

    batch, units = features.shape
    if form == ATTENTION:
        # Without a mask of keys (None), and without the weights of the attention.
        return torch.nn.MultiheadAttention(units, 1), (features,) * 3 + (None, False)
    if form == ENCODER:
        layer = torch.nn.TransformerEncoderLayer(units, HEADS_OF_BATCH_FORMER, units, dropout=0.0)
        return layer, (features,)
    from torch_geometric.nn import TransformerConv

    images = torch.arange(batch)
    edges = torch.stack([images.repeat_interleave(batch), images.repeat(batch)])
    layer = TransformerConv(units, units, beta=True, edge_dim=1)
    return layer, (features, edges, relations.reshape(-1, 1))


def build_of_others(case: Case, features: Any, relations: Any) -> Call:
    """A call of a layer of others, or of its gradient by the features and all weights."""
    import torch

    layer, inputs = layer_of_others(case.form, features, relations)
    weights = dict(layer.eval().named_parameters())

    def theirs(features: Any, *values: Any) -> Any:
        here = tuple(features if one is inputs[0] else one for one in inputs)
        named = dict(zip(weights, values, strict=True))
        output = torch.func.functional_call(layer, named, here)
        return output[0] if isinstance(output, tuple) else output

    arguments = (features, *weights.values())
    return compiled(theirs, arguments, range(len(arguments)) if case.gradient else ())


def build(case: Case) -> Call:
    """Compiles a form of RRA, or a layer of others, on features of `case.size` values."""
    features, relations = (
        ops.convert_to_tensor(array) for array in inputs_of(case.batch, case.size)
    )
    if case.form not in (OURS, LITERAL):
        return build_of_others(case, features, relations)
    normalization = TwoPassBatchNormalization(epsilon=NORMALIZATION_EPSILON)
    layer = RRA(case.size, kernel_initializer="orthogonal", normalization=normalization)
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
    """Speed against the literal form and layers of others, and the memory of the forward pass."""
    targets = []
    for gradient in (False, True):
        pair = [
            find(figures, batch=BATCH_OF_SPEED_TARGET, gradient=gradient, form=form).get(
                "median_ms"
            )
            for form in (OURS, LITERAL)
        ]
        name = Case(OURS, "features", gradient, BATCH_OF_SPEED_TARGET, units).passes
        times = None if None in pair else pair[1] / pair[0]
        text = f"speed against the literal form, B = {BATCH_OF_SPEED_TARGET}, {name}"
        targets.append(target(text, times, SPEED_TARGET, at_most=False, unit="times"))
    for form, bound, batches in SPEED_OF_OTHERS:
        for row in figures:
            if (
                row["form"] != form
                or not row["gradient"]
                or row["batch"] not in (batches or (row["batch"],))
            ):
                continue
            ours = find(figures, form=OURS, gradient=True, batch=row["batch"]).get("median_ms")
            theirs = row.get("median_ms")
            times = None if None in (ours, theirs) else theirs / ours
            text = f"speed against {form}, B = {row['batch']}, forward + backward"
            targets.append(target(text, times, bound, at_most=False, unit="times"))
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
        [Case(form, "features", gradient, batch, options.units) for form in forms()]
        for batch in options.batch_sizes
        for gradient in (False, True)
    ]
    figures = run(__file__, build, groups, options, alike=(OURS, LITERAL))
    report("RRA", options, figures, targets_of(figures, options.units))


if __name__ == "__main__":
    sys.exit(main())
