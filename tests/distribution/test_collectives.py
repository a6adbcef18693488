"""What devices move between them, as the compiled program has it."""

import pytest
from made_devices import BACKEND, printed_by

PROGRAM = """
import collections, json, re
import jax
import keras
import numpy as np
import keras_rbi

keras.distribution.set_distribution(keras.distribution.DataParallel())
mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
shared = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
moves = re.compile(r" = \\S+ (all-gather|all-to-all|all-reduce|collective-permute)(?:-start)?[(]")


def counts(group_size, training):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(8, 3)]
    )
    model = keras_rbi.RBIModel(
        backbone, num_classes=3, embedding_dim=8, relations="batch", variant="0.1",
        relation_dropout=0.0, preprocessing=None, group_size=group_size,
    )
    weights, state = ([each.value for each in some] for some in
                      (model.trainable_variables, model.non_trainable_variables))

    def loss(weights, state, images):
        return model.stateless_call(weights, state, images, training=training)[0]

    def step(weights, state, images):
        return jax.grad(lambda *of: loss(*of)[:, 0].sum())(weights, state, images)

    images = jax.ShapeDtypeStruct((16, 16, 16, 3), "float32", sharding=shared)
    program = jax.jit(step if training else loss).lower(weights, state, images).compile().as_text()
    return collections.Counter(moves.findall(program))


print("\\n" + json.dumps([counts(group, training) for group in (None, 4, 2, 16)
                         for training in (False, True)]))
"""


@pytest.mark.skipif(BACKEND != "jax", reason="JAX alone compiles it whole")
@pytest.mark.nightly
def test_groups_within_a_share_move_no_image_and_no_feature():
    counts = printed_by(PROGRAM, 4)
    rows = [sum(count for move, count in each.items() if move != "all-reduce") for each in counts]
    sums = [each.get("all-reduce", 0) for each in counts]
    whole, quarters, halves, all_of_it = zip(rows[::2], rows[1::2], strict=True)
    assert min(whole) > 0
    assert min(all_of_it) > 0
    assert quarters == halves == (0, 0)
    # Gradients and moments are added up, and in prediction nothing is.
    assert sums[2] == sums[4] == 0
    assert min(sums[3], sums[5]) > 0
