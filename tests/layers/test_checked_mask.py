"""Masks of another shape than the images have, which would be broadcast into other ranks."""

import keras
import numpy as np
import pytest

from keras_rbi import RPE, RRA

IMAGES = np.zeros((4, 2, 2, 3), "uint8")
FEATURES = np.ones((4, 3), "float32")
CALLS = {
    "RPE": lambda mask: RPE()(IMAGES, mask=mask),
    "RPE in groups": lambda mask: RPE(group_size=2)(IMAGES, mask=mask),
    "RPE of sets": lambda mask: RPE()(IMAGES[None], mask=mask),
    "RRA": lambda mask: RRA(2)(FEATURES, mask=mask),
    "RRA to itself": lambda mask: RRA(2, inference_relations="self")(FEATURES, mask=mask),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("shape", [(4, 1), (3,), (1, 3), (1, 1, 4)], ids=str)
def test_a_mask_of_another_shape_is_refused(call, shape):
    with pytest.raises(ValueError, match="The mask must have a value for each image, shape"):
        CALLS[call](np.ones(shape, bool))


def test_symbolic_masks_are_looked_at_too():
    images, mask = keras.Input((2, 2, 3)), keras.Input((1,), dtype="bool")
    with pytest.raises(ValueError, match="a value for each image"):
        RPE()(images, mask=mask)


def test_a_mask_may_be_a_list():
    relations = keras.ops.convert_to_numpy(RPE()(IMAGES, mask=[1, 1, 0, 1]))
    np.testing.assert_allclose(relations, np.outer([1, 1, 0, 1], [1, 1, 0, 1]), atol=1e-6)
