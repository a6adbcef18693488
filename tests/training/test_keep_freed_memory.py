"""Memory is reused, counted in pages that the system had to hand out."""

import subprocess
import sys

import keras
import pytest

PAGES = """
import resource
import keras_rbi, keras
import numpy as np
import tensorflow as tf

{call}
for _ in tf.data.Dataset.from_generator(
    lambda: iter([0]), output_signature=tf.TensorSpec((), tf.int32)
):
    pass

def use():
    # Larger than NumPy's own cache; freed at once.
    np.ones(2**20, "float32")

use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is on Linux")
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="TensorFlow is what needs it")
def test_memory_of_a_step_is_reused_after_a_generator_was_read():
    script = PAGES.format(call="keras_rbi.training.keep_freed_memory()")
    command = [sys.executable, "-c", script]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # 4 MiB are 1,024 pages, at most, each time.
    assert int(output.split()[-1]) < 1024


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="says nothing of TensorFlow")
def test_other_backends_are_left_alone(monkeypatch):
    import ctypes

    from keras_rbi.training import keep_freed_memory

    monkeypatch.setattr(ctypes, "CDLL", None)
    keep_freed_memory()
