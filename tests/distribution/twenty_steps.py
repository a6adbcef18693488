"""Losses of twenty steps and the weights after them, on devices that the arguments name.

python twenty_steps.py one|devices|mirrored|workers|processes global|replica [GROUP]
"""

# ruff: noqa: E402

import json
import os
import sys

HOW, SCOPE, GROUP = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None
BACKEND = os.environ["KERAS_BACKEND"]
if BACKEND == "tensorflow":
    import tensorflow as tf

    if HOW == "mirrored":
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
    strategy = {
        "one": tf.distribute.get_strategy,
        "mirrored": lambda: tf.distribute.MirroredStrategy(
            ["/cpu:0", "/cpu:1"], tf.distribute.ReductionToOneDevice()
        ),
        "workers": tf.distribute.MultiWorkerMirroredStrategy,
    }[HOW]()
if BACKEND == "torch" and HOW == "processes":
    import torch.distributed as dist

    dist.init_process_group("gloo")

import keras
import numpy as np

import keras_rbi

if BACKEND == "jax" and HOW == "processes":
    keras.distribution.initialize(
        os.environ["ADDRESS"], int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
    )
if BACKEND == "jax" and HOW != "one":
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))

STEPS, BATCH = 20, 16
IMAGES = np.random.default_rng(0).integers(0, 256, (5 * BATCH, 16, 16, 3)).astype("uint8")
LABELS = np.random.default_rng(1).integers(0, 3, 5 * BATCH)


def made():
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(8, 3)]
    )
    model = keras_rbi.RBIModel(
        backbone, num_classes=3, embedding_dim=8, relations="batch", variant="0.1",
        relation_dropout=0.0, preprocessing=None, relation_scope=SCOPE, group_size=GROUP,
    )  # fmt: skip
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    return model


class Losses(keras.callbacks.Callback):
    """The loss of each step: the log is the mean since the epoch began."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        mean = float(logs["loss"])
        before = sum(self.found[len(self.found) - batch :])
        self.found.append(mean * (batch + 1) - before)


def halves(model):
    """On one device, what two replicas do: each relates its half, by its own moments."""
    relate = model.relate

    def of_both(features, images, mask, training):
        count = keras.ops.shape(images)[0] // 2
        return keras.ops.concatenate(
            [
                relate(features[part], images[part], None, training)
                for part in (slice(None, count), slice(count, None))
            ]
        )

    model.relate = of_both


losses = Losses()
if BACKEND == "tensorflow":
    with strategy.scope():
        model = made()
else:
    model = made()
images, labels, batch = IMAGES, LABELS, BATCH
if BACKEND in ("torch", "jax") and HOW == "processes":
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    batch //= world
    own = np.arange(len(images)).reshape(-1, world, batch)[:, rank].ravel()
    images, labels = images[own], labels[own]
    if BACKEND == "torch":
        from keras_rbi.distribution.torch_training import train_together

        train_together(model)
if HOW == "one" and SCOPE == "replica":
    model.__dict__["relate"] = model.relate
    halves(model)


def fit_by_workers():
    """What `fit` does, which fails under this strategy: docs/scaling.md."""

    @tf.function
    def step(rows):
        return strategy.reduce("MEAN", strategy.run(model.train_step, (rows,))["loss"], axis=None)

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch)
    batches = strategy.experimental_distribute_dataset(dataset.with_options(options))
    for _ in range(STEPS // 5):
        model.reset_metrics()
        for number, rows in enumerate(batches):
            losses.on_train_batch_end(number, {"loss": step(rows)})


if HOW == "workers":
    fit_by_workers()
else:
    model.fit(
        images,
        labels,
        batch_size=batch,
        epochs=STEPS // 5,
        shuffle=False,
        verbose=0,
        callbacks=[losses],
    )
# What replicas average of their moments is of one device alone where relations are of all.
variables = model.weights if SCOPE == "global" else model.trainable_weights
weights = [keras.ops.convert_to_numpy(each).ravel().tolist() for each in variables]
if int(os.environ.get("RANK", 0)) == 0:
    print("\n" + json.dumps({"losses": losses.found, "weights": weights}))
