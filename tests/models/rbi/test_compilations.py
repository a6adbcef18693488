"""How often a step is traced: once for full batches, and once more for a ragged last one."""

import keras
import numpy as np
import pytest

import keras_rbi

BATCH, IMAGES = 8, 20  # 8, 8 and 4
# JAX runs every step as it is where it compiles none.
JIT = [True] if keras.config.backend() == "jax" else [False, True]


class Traced(keras.layers.Layer):
    """Counts how often Python calls it, which in compiled steps is when they are traced."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.batches = []

    def call(self, inputs):
        self.batches.append(inputs.shape[0])
        return inputs


def traced_model(relations):
    inputs = keras.Input((8, 8, 3))
    counter = Traced()
    maps = keras.layers.Conv2D(4, 3, activation="relu")(counter(inputs))
    backbone = keras.Model(inputs, maps)
    model = keras_rbi.RBIModel(
        backbone, num_classes=3, preprocessing=None, variant="0.1", relations=relations
    )
    return model, counter


@pytest.mark.skipif(
    keras.config.backend() == "torch", reason="PyTorch runs steps as they are unless asked"
)
@pytest.mark.parametrize("relations", ["self", "batch"])
@pytest.mark.parametrize("jit_compile", JIT)
def test_a_ragged_last_batch_costs_one_more_trace(relations, jit_compile):
    model, counter = traced_model(relations)
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (IMAGES, 8, 8, 3)).astype("float32")
    y = rng.integers(0, 3, IMAGES)
    model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    model.predict(x, batch_size=BATCH, verbose=0)
    counter.batches.clear()
    # Nothing is left to trace: other epochs, other data, the ragged batch again and again.
    model.fit(x[::-1], y, batch_size=BATCH, epochs=2, verbose=0)
    model.predict(x, batch_size=BATCH, verbose=0)
    assert counter.batches == []


@pytest.mark.skipif(
    keras.config.backend() == "torch", reason="compiling takes a minute on this backend"
)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("count", [1, 2])
def test_few_small_images_are_compiled_too(count, dtype):
    """All their pixels fit into one part of RPE's loop, which is compiled for all that."""
    model, _ = traced_model("batch")
    x = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3)).astype(dtype)
    expected = np.asarray(keras.ops.convert_to_numpy(model(x, training=False)))
    model.compile(jit_compile=True)
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.nightly
@pytest.mark.skipif(keras.config.backend() != "torch", reason="others trace whole steps")
def test_pytorch_compiles_nothing_anew_for_other_sizes():
    from torch._dynamo.utils import counters

    model, _ = traced_model("self")
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (IMAGES, 8, 8, 3)).astype("float32")
    y = rng.integers(0, 3, IMAGES)
    for _ in range(2):
        model.fit(x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
        model.predict(x, batch_size=BATCH, verbose=0)
    compiled = counters["stats"]["unique_graphs"]
    assert compiled > 0
    for size in (5, 7):
        model.predict(x, batch_size=size, verbose=0)
    model.fit(x[::-1], y, batch_size=BATCH, shuffle=False, verbose=0)
    assert counters["stats"]["unique_graphs"] == compiled
