"""Files decoded by TensorFlow, compared with how the package reads them."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_rbi.datasets.reading import decode_image
from keras_rbi.export.image_bytes import decode_images

pytest.importorskip("tensorflow")


def picture(width, height, mode="RGB"):
    """A photograph's frequencies: smooth, with edges and a little noise."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:height, :width]
    waves = [120 + 70 * np.sin(row / 17 + k) + 40 * np.cos(column / (9 + 2 * k)) for k in range(3)]
    pixels = np.stack(waves, axis=-1) + 60 * ((row // 23 + column // 31) % 2)[..., None] - 30
    noisy = np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype("uint8")
    return Image.fromarray(noisy).convert(mode)


def both(image, kind, side, **kwargs):
    file = io.BytesIO()
    image.save(file, kind, **kwargs)
    content = file.getvalue()
    ours = decode_image(content, "picture", side).astype("float32")
    return decode_images(np.array([content], object), (side, side, 3)).numpy()[0], ours


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_png_of_the_models_size_is_read_to_the_bit(mode):
    theirs, ours = both(picture(32, 32, mode), "PNG", 32)
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize(("width", "height"), [(150, 90), (20, 30), (64, 300)])
def test_a_resized_png_is_within_a_grey_level(width, height):
    theirs, ours = both(picture(width, height), "PNG", 32)
    assert np.abs(theirs - ours).max() <= 1


@pytest.mark.parametrize("side", [32, 60])
def test_a_jpeg_is_within_a_grey_level(side):
    theirs, ours = both(picture(120, 120), "JPEG", side, quality=90)
    difference = np.abs(theirs - ours)
    assert difference.max() <= 1
    assert difference.mean() <= 0.25
    assert theirs.std() > 20
