"""Several devices measure 1,001 images as one does, to the last."""

import numpy as np
import pytest
from made_devices import BACKEND, LOGICAL_DEVICES, printed_by

PROGRAM = """
import json
import keras
import numpy as np

import keras_rbi
from keras_rbi.datasets import ImageSequence
from keras_rbi.datasets.image_data import ImageData

images = np.random.default_rng(0).integers(0, 256, (1001, 8, 8, 3)).astype("uint8")
# The last image alone is of a class of its own.
labels = np.append(np.arange(1000) % 2, 2)


def made(relations):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(8, 3)]
    )
    model = keras_rbi.RBIModel(
        backbone, num_classes=3, embedding_dim=8, relations=relations, variant="0.1",
        preprocessing=None,
    )
    loss = "sparse_categorical_crossentropy"
    right = keras.metrics.SparseCategoricalAccuracy(name="right")
    model.compile(loss=loss, weighted_metrics=[loss, right, LastClass(name="last")])
    return model


class Pixels(ImageData):
    labels, class_names, image_size = labels, ["a", "b", "c"], 8

    def image(self, index):
        return images[index]


class LastClass(keras.metrics.Sum):
    def update_state(self, y_true, y_pred, sample_weight=None):
        of_last = keras.ops.cast(keras.ops.equal(keras.ops.reshape(y_true, (-1,)), 2), "float32")
        super().update_state(of_last, sample_weight)


def measured(model, data):
    found = model.evaluate(data, verbose=0, return_dict=True)
    return [found["sparse_categorical_crossentropy"], found["right"], found["last"]]


data = ImageSequence(Pixels(), 16, shuffle=False)
filled = data.with_batch_size(16, "mask")
found = {relations: [measured(made(relations), data)] for relations in ("self", "batch")}
if keras.backend.backend() == "jax":
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    for relations, rows in found.items():
        rows.append(measured(made(relations), filled))
else:
    devices = ["/cpu:0", "/cpu:1"]
    with tf.distribute.MirroredStrategy(devices, tf.distribute.ReductionToOneDevice()).scope():
        several = {relations: made(relations) for relations in found}
    for relations, rows in found.items():
        # TensorFlow gives each of two devices its share of 9 images too.
        rows.append(measured(several[relations], data.as_tf_dataset()))
print("\\n" + json.dumps(found))
"""


@pytest.mark.skipif(BACKEND == "torch", reason="there each process measures by itself")
@pytest.mark.nightly
def test_no_image_is_dropped_and_none_counts_twice():
    found = printed_by(LOGICAL_DEVICES + PROGRAM, 4)
    for one, several in found.values():
        assert one[2] == several[2] == 1
        np.testing.assert_allclose(several, one, atol=1e-5)
    assert found["self"][0][0] != found["batch"][0][0]
