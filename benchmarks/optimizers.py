"""A step of `RectifiedAdam` beside one of Keras's Adam.

    KERAS_BACKEND=torch python benchmarks/optimizers.py --json optimizers-torch.json

300 variables of 10 million values in all, as a large backbone has them; steps are taken in turns
in one process. TensorFlow and JAX compile them as `fit` does.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from measure import Call, console_for_tables, machine
from rich.table import Table

import keras_rbi
from keras_rbi.evaluation.cost import interleaved_times

VARIABLES, SHAPE = 300, (33, 1010)
PEER, OURS = "Adam", "RectifiedAdam"
BAR = 1.1


def a_step(optimizer: keras.Optimizer, count: int, shape: tuple[int, ...]) -> Call:
    """A call that moves variables by one step; it has finished when it returns."""
    generator = np.random.default_rng(0)

    def values() -> list[Any]:
        return [generator.random(shape, np.float32) for _ in range(count)]

    variables = [keras.Variable(value) for value in values()]
    gradients = [keras.ops.convert_to_tensor(value) for value in values()]
    optimizer.build(variables)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph = tf.function(lambda: optimizer.apply(gradients, variables))
        return lambda: graph()
    if keras.backend.backend() == "jax":
        import jax

        @jax.jit
        def step(state: Any, trainable: Any) -> Any:
            return optimizer.stateless_apply(state, gradients, trainable)

        held = [[v.value for v in optimizer.variables], [v.value for v in variables]]

        def call() -> None:
            trainable, state = jax.block_until_ready(step(*held))
            held[:] = [state, trainable]

        return call
    return lambda: optimizer.apply(gradients, variables)


def measure(count: int, shape: tuple[int, ...], repeats: int) -> dict[str, float]:
    """Median milliseconds of a step of each, and the median ratio of neighbours."""
    calls = {
        PEER: a_step(keras.optimizers.Adam(1e-3), count, shape),
        OURS: a_step(keras_rbi.RectifiedAdam(1e-3), count, shape),
    }
    for call in calls.values():
        call()
    times = interleaved_times(calls, repeats)
    ratios = np.divide(times[OURS], times[PEER])
    milliseconds = {name: 1e3 * statistics.median(found) for name, found in times.items()}
    return {**milliseconds, "ratio": float(np.median(ratios))}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and prints the peer beside ours and the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--variables", type=int, default=VARIABLES)
    add("--shape", type=int, nargs="+", default=SHAPE, help="of each (default: 33 1010)")
    add("--repeats", type=int, default=30)
    add("--json", type=Path, metavar="FILE", help="write the numbers and the machine to a file")
    options = parser.parse_args(arguments)

    found = measure(options.variables, tuple(options.shape), options.repeats)
    about = machine()
    table = Table(
        "backend", f"{PEER}, ms", f"{OURS}, ms", "ratio", "bar", title=f"A step, {about['cpu']}"
    )
    met = "met" if found["ratio"] <= BAR else "not met"
    table.add_row(
        keras.backend.backend(),
        f"{found[PEER]:.1f}",
        f"{found[OURS]:.1f}",
        f"{found['ratio']:.2f}",
        f"at most {BAR}: {met}",
    )
    console_for_tables().print(table)
    if options.json:
        options.json.write_text(json.dumps({"machine": about, **found}, indent=2), "utf-8")


if __name__ == "__main__":
    main()
