"""Every backbone of the catalogue runs, trains, and is the same in another process."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.backbones import available

# One of each kind that is quick; the others take minutes and gigabytes. TensorFlow runs them
# without tracing, which takes longer than the step; JAX takes longer without compiling.
QUICK = {"SmallCNN", "MobileNetV3Small"}
# Enough for every model of keras.applications, and whole patches; a Swin has sides of its own.
SMALL_SIDE = 96
SIDE_OF_PATCHES_OF_14 = 98
# Weights and gradients here, and the weights there twice while they are read.
BYTES_FOR_A_PARAMETER = 24
LOAD = """
import sys, keras, keras_rbi, numpy as np
model = keras.models.load_model(sys.argv[1])
model.run_eagerly = sys.argv[4] == "True"
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


def names():
    for info in available():
        yield pytest.param(info, id=info.name, marks=[] if info.name in QUICK else [nightly])


nightly = pytest.mark.nightly


def side_for(info):
    if info.name.startswith("swin"):
        return info.image_size
    in_14 = info.name.startswith("dinov2") or "patch14" in info.name
    return SIDE_OF_PATCHES_OF_14 if in_14 else SMALL_SIDE


@pytest.mark.parametrize("info", names())
def test_runs_trains_and_survives_a_file(info, tmp_path):
    if info.source == "keras_hub":
        pytest.importorskip("keras_hub", reason="keras_hub is not installed")
    if info.name == "NASNetMobile" and keras.backend.backend() == "torch":
        pytest.skip("keras.applications does not build NASNetMobile on PyTorch")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if info.parameters * BYTES_FOR_A_PARAMETER > memory:
        pytest.skip(f"{info.parameters:,} parameters take more memory than there is to train them")
    side = side_for(info)
    backbone = keras_rbi.backbones.get(info.name, image_size=side)
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8)
    images = np.random.default_rng(0).integers(0, 256, (4, side, side, 3)).astype("uint8")
    eagerly = info.name not in QUICK and keras.backend.backend() != "jax"
    # A free step of a deep network that nothing has trained yet overflows what comes after it.
    optimizer = keras.optimizers.SGD(0.01, global_clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=eagerly)
    before = [weight.numpy().copy() for weight in model.trainable_weights[:1]]
    loss = model.train_on_batch(images, np.array([0, 1, 2, 0]))
    assert np.isfinite(loss)
    assert any(
        not np.array_equal(old, new.numpy())
        for old, new in zip(before, model.trainable_weights, strict=False)
    )
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(expected.sum(1), 1.0, rtol=1e-4)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "rows.npy")]
    environment = os.environ | {"KERAS_BACKEND": keras.backend.backend()}
    subprocess.run([sys.executable, "-c", LOAD, *paths, str(eagerly)], check=True, env=environment)
    np.testing.assert_allclose(np.load(paths[-1]), expected, atol=1e-6)
