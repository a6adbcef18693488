"""Files decoded by TensorFlow, compared with how the package reads them."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_rbi.datasets.files.reading import decode_image
from keras_rbi.export.image_bytes import decode_images

tensorflow = pytest.importorskip("tensorflow")


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


@pytest.mark.parametrize("side", [36, 60])
def test_a_jpeg_is_within_a_grey_level(side):
    theirs, ours = both(picture(120, 120), "JPEG", side, quality=90)
    difference = np.abs(theirs - ours)
    assert difference.max() <= 1
    assert difference.mean() <= 0.25
    assert theirs.std() > 20


@pytest.mark.parametrize(("width", "height", "side"), [(120, 120, 32), (512, 512, 64)])
def test_a_jpeg_that_is_read_at_a_smaller_scale_is_within_some_grey_levels(width, height, side):
    theirs, ours = both(picture(width, height), "JPEG", side, quality=90)
    difference = np.abs(theirs - ours)
    # Were it read as a whole, it would be within one.
    assert 1 < difference.max() <= 8
    assert difference.mean() <= 1.5


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8, 0, 9])
@pytest.mark.parametrize("big", [False, True])
def test_a_jpeg_is_turned_as_the_camera_was_held(orientation, big):
    exif = Image.Exif()
    exif.endian = ">" if big else "<"
    exif[0x010F], exif[0x0112] = "A maker", orientation
    theirs, ours = both(picture(90, 120), "JPEG", 32, quality=90, exif=exif)
    assert np.abs(theirs - ours).max() <= 1


def test_an_exif_segment_that_is_cut_off_is_no_error():
    file = io.BytesIO()
    picture(40, 40).save(file, "JPEG")
    content = file.getvalue()
    segment = b"Exif\x00\x00MM\x00*\x00\x00\xff\xff"
    broken = content[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    image = decode_images(np.array([broken + content[2:]], object), (32, 32, 3)).numpy()[0]
    plain = decode_images(np.array([content], object), (32, 32, 3)).numpy()[0]
    np.testing.assert_array_equal(image, plain)


def test_a_function_that_is_traced_once_reads_files_of_any_kind():
    files = []
    for kind, orientation in (("JPEG", 6), ("PNG", 1), ("JPEG", 1)):
        file, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = orientation
        picture(50, 70).save(file, kind, **({"exif": exif} if orientation > 1 else {}))
        files.append(file.getvalue())
    traced = tensorflow.function(
        lambda files: decode_images(files, (24, 24, 3)),
        input_signature=[tensorflow.TensorSpec((None,), tensorflow.string)],
    )
    expected = np.stack([decode_image(content, "picture", 24) for content in files])
    assert np.abs(traced(np.array(files, object)).numpy() - expected).max() <= 1
