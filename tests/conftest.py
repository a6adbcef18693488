"""What all tests share: the backend, the seed, and the files of parity with other systems."""

import contextlib
import gc
import importlib.util
import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if importlib.util.find_spec("torch"):
    # Before TensorFlow: the other order can crash the process.
    import torch  # noqa: F401

# Before Keras, so that it finds a backend that is installed.
import keras_rbi  # noqa: F401

PARITY_DIRECTORY_VARIABLE = "KERAS_RBI_PARITY_DIR"


def pytest_collection_finish():
    # What is imported stays, and Keras collects garbage often: for each layer that it quantizes,
    # and whenever it clears a session. It need not walk a million objects for that.
    gc.freeze()


@pytest.fixture(autouse=True)
def seed():
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture
def parity():
    """Loader of a file of numbers that another system has computed."""
    import numpy as np

    directory = os.environ.get(PARITY_DIRECTORY_VARIABLE)
    if not directory:
        pytest.skip(f"{PARITY_DIRECTORY_VARIABLE} does not name the folder of parity files")

    def load(name):
        path = Path(directory) / name
        if not path.is_file():
            pytest.skip(f"{PARITY_DIRECTORY_VARIABLE} has no {name}")
        with np.load(path, allow_pickle=False) as file:
            return dict(file)

    return load


@contextlib.contextmanager
def steps_as_they_are_written():
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def untraced():
    """Steps of TensorFlow that run as they are written, for all tests of a file.

    A graph takes it seconds to trace, or half a minute for a method of many heads, and is traced
    anew for each size of a batch and each mode. What is not about graphs uses this; that each
    method trains and predicts in one, the tests of its own show.
    """
    with steps_as_they_are_written():
        yield


@pytest.fixture
def untraced_test():
    """As `untraced`, for one test."""
    with steps_as_they_are_written():
        yield
