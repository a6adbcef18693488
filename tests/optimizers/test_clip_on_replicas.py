"""Replicas of TensorFlow clip the gradient of a whole batch, as one device does."""

import numpy as np
import pytest
from made_devices import BACKEND, LOGICAL_DEVICES, printed_by

PROGRAM = """
import json
import numpy as np
import keras_rbi

parts = np.random.default_rng(0).normal(0, 3, (8, 2, 3)).astype("float32")


def moved(strategy, **clipping):
    with strategy.scope():
        variable = keras.Variable(np.zeros(3, "float32"))
        optimizer = keras_rbi.RectifiedAdam(0.1, **clipping)
        optimizer.build([variable])

    @tf.function
    def step(parts):
        def of_one():
            context = tf.distribute.get_replica_context()
            several = context.num_replicas_in_sync == 2
            own = parts[context.replica_id_in_sync_group] if several else tf.reduce_sum(parts, 0)
            optimizer.apply([own], [variable])

        strategy.run(of_one)

    for each in parts:
        step(tf.constant(each))
    return keras.ops.convert_to_numpy(variable).tolist()


devices = ["/cpu:0", "/cpu:1"]
two = tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice())
strategies = (tf.distribute.get_strategy(), two)
clippings = ({}, {"global_clipnorm": 1.0}, {"clipnorm": 1.0}, {"clipvalue": 0.5})
print("\\n" + json.dumps([[moved(each, **given) for each in strategies] for given in clippings]))
"""


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others clip gradients of whole batches")
def test_replicas_clip_what_one_device_clips():
    found = np.array(printed_by(LOGICAL_DEVICES + PROGRAM, 1))
    np.testing.assert_allclose(found[:, 1], found[:, 0], atol=1e-6)
    for clipped in found[1:, 0]:
        assert np.abs(clipped - found[0, 0]).max() > 1e-3
