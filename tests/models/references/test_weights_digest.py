import zlib

import keras
import numpy as np

from keras_rbi.models.references.weights_digest import weights_digest


def test_the_digest_is_that_of_the_bytes_of_all_weights_in_float32():
    values = [np.arange(6.0).reshape(2, 3), np.float32(7.5), np.array([-0.25])]
    variables = [keras.Variable(value, dtype="float32") for value in values]
    data = b"".join(np.asarray(value, "<f4").tobytes() for value in values)
    expected = zlib.crc32(data).to_bytes(4, "little")
    assert weights_digest(variables).tobytes() == expected


def test_the_smallest_change_changes_it():
    variable = keras.Variable(np.ones(1000), dtype="float32")
    before = weights_digest([variable]).tolist()
    values = np.ones(1000, "float32")
    values[500] = np.nextafter(np.float32(1), np.float32(2))
    variable.assign(values)
    assert weights_digest([variable]).tolist() != before
