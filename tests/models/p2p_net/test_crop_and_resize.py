"""Parts cut out of images, against recorded crops and pixels one by one."""

import numpy as np
import pytest
from backend_functions import to_numpy
from p2p_literal import crop

from keras_rbi.models.p2p_net.crop_and_resize import crop_and_resize

# Coordinates of pixels are float32.
TOLERANCE = 5e-5


@pytest.mark.parametrize("number", range(8))
def test_crops_are_the_recorded_ones(parity, number):
    numbers = parity("p2p_heads.npz")
    image, box, expected = (numbers[f"crop/{number}/{key}"] for key in ("image", "box", "output"))
    found = crop_and_resize(image.transpose(1, 2, 0)[None], box[None, None], expected.shape[1:])
    np.testing.assert_allclose(
        to_numpy(found)[0, 0].transpose(2, 0, 1), expected, rtol=0, atol=TOLERANCE
    )


def test_parts_of_a_padded_image_are_the_recorded_ones(parity):
    numbers = parity("p2p_heads.npz")
    images = (numbers["image_u8"].astype("float32") / 255 - 0.5) / 0.5
    boxes = numbers["proposal/boxes"] - 224
    found = to_numpy(crop_and_resize(images.transpose(0, 2, 3, 1), boxes, (224, 224)))
    found = found.transpose(0, 1, 4, 2, 3).astype("float64")
    grid = numbers["crop224/grid"]
    np.testing.assert_allclose(
        found[..., grid[:, None], grid], numbers["crop224/values"], rtol=0, atol=TOLERANCE
    )
    for name, statistic in (("mean", np.mean), ("std", np.std)):
        np.testing.assert_allclose(
            statistic(found, axis=(3, 4)), numbers[f"crop224/{name}"], rtol=0, atol=TOLERANCE
        )


def test_each_pixel_is_between_four_and_zero_outside():
    images = np.random.default_rng(0).normal(size=(2, 9, 7, 3)).astype("float32")
    boxes = np.array([[[1, 2, 8, 6], [-3, -2, 4, 3]], [[5, 4, 12, 11], [2, 3, 3, 4]]])
    found = to_numpy(crop_and_resize(images, boxes, (5, 4)))
    for image, of_image, crops in zip(images, boxes, found, strict=True):
        for box, each in zip(of_image, crops, strict=True):
            np.testing.assert_allclose(each, crop(image, box, (5, 4)), rtol=0, atol=TOLERANCE)


def test_a_side_of_one_pixel_is_the_first():
    image = np.arange(12.0, dtype="float32").reshape(1, 3, 4, 1)
    found = to_numpy(crop_and_resize(image, np.array([[[1, 1, 3, 4]]]), (1, 2)))
    np.testing.assert_array_equal(found.ravel(), [5.0, 7.0])
