"""What a batch is where several devices share it, on two that are made of one processor."""

import numpy as np
import pytest
from made_devices import BACKEND, LOGICAL_DEVICES, printed_by

PROGRAM = """
import json
import numpy as np
import keras

import keras_rbi

images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3)).astype("uint8")
labels = np.arange(16) % 2


def compiled(scope="global"):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(8, 3)]
    )
    model = keras_rbi.RBIModel(
        backbone, num_classes=2, embedding_dim=8, relations="batch", relation_dropout=0.0,
        variant="0.1", classifier_activation=None, preprocessing=None,
        relation_scope=scope,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss)
    return model


def rows(model, batch_size):
    return model.predict(images, batch_size=batch_size, verbose=0).tolist()


def trained():
    model = compiled()
    model.fit(images, labels, batch_size=16, shuffle=False, epochs=2, verbose=0)
    return model


if keras.backend.backend() == "jax":
    one = trained()
    found = [rows(one, 16), rows(one, 8)]
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    two = trained()
    # A last batch of 7 cannot be shared, nor a first.
    for batch_size in (8, 15):
        for use in (two.evaluate, lambda images, labels, **given: two.predict(images, **given)):
            try:
                use(images[:15], labels[:15], batch_size=batch_size, verbose=0)
            except ValueError as error:
                assert "last_batch='mask'" in str(error)
            else:
                raise AssertionError("a batch of 7 was shared")
else:
    one = compiled()
    found = [rows(one, 16), rows(one, 8)]
    devices = ["/cpu:0", "/cpu:1"]
    with tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice()).scope():
        two = compiled()
        apart = compiled("replica")
    # Of batches of 13 and 3 images the replicas have unequal shares.
    found += [rows(apart, 16), rows(one, 13), rows(two, 13)]
print("\\n" + json.dumps([rows(two, 16), *found]))
"""


@pytest.mark.skipif(BACKEND == "torch", reason="there a process that predicts is by itself")
def test_devices_share_a_batch():
    found = printed_by(LOGICAL_DEVICES + PROGRAM, 2)
    shared, whole, halves, *more = map(np.array, found)
    assert np.abs(whole - halves).max() > 1e-3
    np.testing.assert_allclose(shared, whole, atol=1e-5)
    if more:
        apart, unequal, shared_unequal = more
        np.testing.assert_allclose(apart, halves, atol=1e-5)
        np.testing.assert_allclose(shared_unequal, unequal, atol=1e-5)
