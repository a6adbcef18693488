"""Images as they come."""

import warnings

import numpy as np
import pytest
from PIL import Image

from keras_rbi.datasets import DatasetWarning, ImageFiles, from_lists, load, read_image


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1"])
def test_images_of_all_modes_become_rgb(tmp_path, mode):
    file = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    Image.new("RGB", (9, 9), (200, 200, 200)).convert(mode).save(file)
    assert read_image(file, 8).shape == (8, 8, 3)


def test_rotated_photographs_stand_upright(tmp_path):
    picture = Image.fromarray(np.repeat(np.arange(8, dtype=np.uint8)[:, None] * 30, 8, 1))
    exif = Image.Exif()
    exif[0x0112] = 3
    picture.save(tmp_path / "x.png", exif=exif)
    upright = read_image(tmp_path / "x.png", 8)[..., 0]
    assert upright[0, 0] > upright[-1, 0]


def test_unreadable_images_are_named(tmp_path):
    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(whole)
    for name, content in (("empty", b""), ("text", b"words"), ("cut", whole.read_bytes()[:3000])):
        file = tmp_path / f"{name}.png"
        file.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}.png.*cannot be read"):
            read_image(file, 8)
    with pytest.raises(ValueError, match="no image"):
        read_image(tmp_path / "none.png", 8)


def test_16_bit_greys_are_scaled_and_not_clipped(tmp_path):
    greys = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    for name in ("x.png", "x.tif"):
        Image.fromarray(greys).save(tmp_path / name)
        image = read_image(tmp_path / name, 8)
        np.testing.assert_array_equal(image[..., 1], greys // 256)


def test_12_bits_in_a_file_of_16_are_told(tmp_path):
    greys = np.linspace(0, 4095, 64).reshape(8, 8).astype(np.uint16)
    Image.fromarray(greys).save(tmp_path / "dark.png")
    with pytest.warns(DatasetWarning, match=r"no grey above 4095.*Multiply its pixels by 16"):
        read_image(tmp_path / "dark.png", 8)


def test_deep_greys_beyond_16_bits_and_floats_are_named(tmp_path):
    Image.fromarray(np.full((8, 8), 70000, np.int32)).save(tmp_path / "deep.tif")
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "float.tif")
    for name, message in (("deep", "beyond 16 bits"), ("float", "floating-point")):
        with pytest.raises(ValueError, match=rf"{name}.tif.*{message}"):
            read_image(tmp_path / f"{name}.tif", 8)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_of_an_animation_the_first_picture_is_taken(tmp_path, suffix):
    pictures = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    file = tmp_path / f"x{suffix}"
    options = {} if suffix != ".webp" else {"lossless": True}
    pictures[0].save(file, save_all=True, append_images=pictures[1:], **options)
    assert Image.open(file).n_frames == 3
    np.testing.assert_array_equal(read_image(file, 4), np.full((4, 4, 3), [255, 0, 0]))


def smooth(width, height):
    """A photograph's kind of picture: colours that change slowly, and an edge."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(x / (40 + 9 * k) + k) * np.cos(y / 50) for k in range(3)]
    pixels = np.stack(waves, axis=-1)
    pixels[height // 3 :, : width // 2] *= 0.5
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(3000, 1500), (900, 700), (300, 200), (60, 50)])
def test_large_jpegs_decoded_at_a_smaller_scale_are_all_but_the_same(tmp_path, size, progressive):
    file = tmp_path / "x.jpg"
    smooth(*size).save(file, quality=92, progressive=progressive)
    with Image.open(file) as image:
        whole = image.convert("RGB").resize((112, 112), Image.Resampling.BILINEAR)
    difference = np.abs(read_image(file, 112).astype(int) - np.asarray(whole))
    if min(size) < 2 * 1.7 * 112:
        assert difference.max() == 0
    assert difference.mean() < 1.0
    assert np.percentile(difference, 99) < 8


def test_large_jpegs_are_decoded_at_a_smaller_scale(tmp_path, monkeypatch):
    file = tmp_path / "x.jpg"
    smooth(1600, 1600).save(file)
    sizes = []
    resize = Image.Image.resize

    def remember(image, *arguments, **kwargs):
        sizes.append(image.size)
        return resize(image, *arguments, **kwargs)

    monkeypatch.setattr(Image.Image, "resize", remember)
    read_image(file, 100)
    read_image(file, 240)
    assert sizes == [(200, 200), (800, 800)]


def test_a_turned_photograph_loses_the_bottom_of_the_file(tmp_path):
    pixels = np.full((40, 30, 3), 50, np.uint8)
    pixels[-10:] = 250
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "x.png", exif=exif)
    assert read_image(tmp_path / "x.png", 8, cut_bottom=10).max() == 50
    assert read_image(tmp_path / "x.png", 8)[:, 0].min() == 250


def test_decompression_bombs_are_refused(tmp_path, monkeypatch):
    Image.new("1", (150, 100)).save(tmp_path / "x.png")
    read_image(tmp_path / "x.png", 8)
    # Pillow warns above its limit and refuses above twice its limit.
    for limit in (14_000, 7_000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with pytest.raises(ValueError, match=r"x.png.*too large"):
                read_image(tmp_path / "x.png", 8)


@pytest.fixture
def spoilt(tmp_path):
    """Two classes of six images, of which one is cut short, one is no image and one is missing."""
    paths = []
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        paths.append(tmp_path / f"{number}.jpg")
        Image.fromarray(pixels).save(paths[-1])
    paths[1].write_bytes(paths[1].read_bytes()[:-200])
    paths[4].write_text("words")
    paths[8].unlink()
    return from_lists(paths, ["a"] * 6 + ["b"] * 6, ["train"] * 12)


def test_an_unreadable_image_is_raised_with_its_path_when_it_is_asked_for(spoilt):
    data = ImageFiles(spoilt, "trainval", 8)
    with pytest.raises(ValueError, match=r"1.jpg' cannot be read.*truncated"):
        data.image(1)
    with pytest.raises(ValueError, match=r"4.jpg' cannot be read"):
        data.check_headers()
    assert data.image(0).shape == (8, 8, 3)


def test_skipped_images_are_counted_and_named(spoilt):
    done = []
    with pytest.warns(DatasetWarning, match=r"3 of 12 trainval images.*left out.*1.jpg.*8.jpg"):
        data = ImageFiles(
            spoilt, "trainval", 8, on_error="skip", progress=lambda *step: done.append(step)
        )
    assert [path.name for path in data.skipped] == ["1.jpg", "4.jpg", "8.jpg"]
    assert len(data) == len(data.paths) == 9
    assert data.labels.tolist() == [0] * 4 + [1] * 5
    assert done == [("trainval", number, 12) for number in range(1, 13)]
    for index, path in enumerate(data.paths):
        np.testing.assert_array_equal(data.image(index), read_image(path, 8))


def test_data_with_no_readable_image_is_an_error(spoilt):
    for number in range(12):
        spoilt.path(number).write_text("words")
    with pytest.raises(ValueError, match="None of the 12"):
        ImageFiles(spoilt, "trainval", 8, on_error="skip")


def test_missing_files_are_told_when_the_data_is_loaded(tmp_path):
    rows = ["path,label,split"] + [f"{n}.png,{n % 2},train" for n in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    with pytest.warns(DatasetWarning, match=r"8 files are missing: 0.png"):
        load(tmp_path / "t.csv")
