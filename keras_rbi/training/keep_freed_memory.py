"""An allocator setting that keeps TensorFlow from returning freed memory."""

import ctypes
import platform

import keras

# Of `mallopt`, in glibc's malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3

MEBIBYTE = 2**20
# The most that glibc itself goes up to, when nobody has set them.
LARGEST_MMAP_THRESHOLD = 32 * MEBIBYTE
LARGEST_TRIM_THRESHOLD = 64 * MEBIBYTE


def keep_freed_memory() -> None:
    """Lets a process on TensorFlow reuse the memory of one step in the next one.

    TensorFlow 2.21 sets the process's `M_TRIM_THRESHOLD` to 128 KiB when it first reads from a
    Python generator, as `fit` does from a `keras.utils.PyDataset`. Since glibc stops adapting its
    thresholds once one is set, every tensor of more than 128 KiB is then mapped anew, page by page,
    and unmapped again: on processors, training takes two to three times as long. This sets the
    thresholds to the values that glibc would have adapted them to. They hold for the whole process,
    which is why `keras-rbi` does so by itself and `RBIModel.fit` does not.

    Does nothing on other backends and without glibc.

    Example:

    >>> keras_rbi.training.keep_freed_memory()
    """
    if keras.config.backend() != "tensorflow" or platform.libc_ver()[0] != "glibc":
        return
    _read_from_a_generator()
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    libc.mallopt(M_TRIM_THRESHOLD, LARGEST_TRIM_THRESHOLD)


def _read_from_a_generator() -> None:
    """TensorFlow sets its threshold once, and before ours, lest it undo it."""
    import tensorflow as tf

    one_number = tf.TensorSpec((), tf.int32)
    dataset = tf.data.Dataset.from_generator(lambda: iter([0]), output_signature=one_number)
    for _ in dataset:
        pass
