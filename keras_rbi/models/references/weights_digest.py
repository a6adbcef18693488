"""A digest of weights, by which a change is seen."""

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from keras import ops

from keras_rbi.models.references.references import DIGEST_BYTES


def weights_digest(weights: Iterable[Any]) -> np.ndarray:
    """A checksum of weights that is the same on every backend.

    Args:
        weights: Keras variables.

    Returns:
        uint8 array of shape `(4,)`.
    """
    digest = 0
    for weight in weights:
        values = np.asarray(ops.convert_to_numpy(weight)).astype("float32", copy=False)
        flat: Any = np.ascontiguousarray(values).reshape(-1)
        digest = zlib.crc32(memoryview(flat).cast("B"), digest)
    return np.frombuffer(digest.to_bytes(DIGEST_BYTES, "little"), "uint8")
