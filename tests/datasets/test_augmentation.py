"""Named ways of augmenting images."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_rbi.datasets import ImageSequence, Typefaces, augmentation, flip_and_rotate
from keras_rbi.datasets.augmentation import (
    ALL,
    AUGMENTATIONS,
    crop_and_flip,
    crop_box,
    jitter_colors,
    rand_augment,
)

PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
FILL = (9, 8, 7)


def picture(image=PHOTOGRAPH):
    return Image.fromarray(image)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_recipes_are_a_matter_of_the_generator_alone(name):
    augment = AUGMENTATIONS[name]
    original = PHOTOGRAPH.copy()
    first, again, other = (augment(PHOTOGRAPH, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == PHOTOGRAPH.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(PHOTOGRAPH, original)


def test_a_name_is_as_good_as_its_function():
    data = Typefaces("train", per_class=1)
    named, given_ = (
        ImageSequence(data, 4, augment=augment, workers=0)[0][0]
        for augment in ("paper", flip_and_rotate)
    )
    np.testing.assert_array_equal(named, given_)


@pytest.mark.parametrize("unknown", ["autoaugment", 3])
def test_unknown_names_are_told(unknown):
    with pytest.raises(ValueError, match="'torchvision'"):
        ImageSequence(Typefaces("train", per_class=1), augment=unknown)


@settings(deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), seed=st.integers(0, 2**32))
def test_crops_lie_within_the_image(width, height, seed):
    left, top, right, bottom = crop_box(width, height, np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_areas_and_ratios_of_crops_are_those_of_torchvision():
    rng = np.random.default_rng(0)
    boxes = np.array([crop_box(224, 224, rng) for _ in range(2000)])
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    whole = (widths == 224) & (heights == 224)
    areas, ratios = widths * heights / 224**2, widths / heights
    assert areas.min() == pytest.approx(0.08, abs=0.01)
    assert 0.95 < areas.max() <= 1.0
    # Rounding to pixels moves a ratio by up to two percent.
    assert 0.73 < ratios.min() < 0.77
    assert 1.31 < ratios.max() < 1.36
    assert whole.mean() < 0.02
    # Narrow and wide are alike frequent: ratios are drawn on a logarithmic scale.
    assert np.log(ratios).mean() == pytest.approx(0.0, abs=0.02)


def test_a_crop_shows_a_part_of_the_image_or_its_mirror():
    # Red tells the column, green the row.
    rows, columns = np.mgrid[0:40, 0:40]
    image = np.stack([columns * 6, rows * 6, rows * 0], -1).astype(np.uint8)
    for seed in range(20):
        left, top, right, bottom = crop_box(40, 40, np.random.default_rng(seed))
        shown = crop_and_flip(image, np.random.default_rng(seed)).astype(float) / 6
        across = sorted((shown[0, 0, 0], shown[0, -1, 0]))
        assert across == pytest.approx([left, right - 1], abs=0.6)
        assert (shown[0, 0, 1], shown[-1, 0, 1]) == pytest.approx((top, bottom - 1), abs=0.6)


def test_jitter_keeps_greys_grey_and_in_order():
    greys = np.repeat(np.arange(50, 90, dtype=np.uint8), 3).reshape(1, 40, 3)
    jittered = jitter_colors(greys, np.random.default_rng(0)).astype(int)
    np.testing.assert_array_equal(jittered[..., 0], jittered[..., 1])
    assert (np.diff(jittered[0, :, 0]) >= 0).all()
    assert 50 * 0.6 * 0.6 < jittered.mean() < 90 * 1.4 * 1.4


EXPECTED = {
    "identity": lambda image: image,
    "solarize": lambda image: np.where(image >= 178, 255 - image, image),
    "posterize": lambda image: image & 0b11111110,
    "brightness": lambda image: np.floor((image * 1.27).clip(0, 255)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_operations_are_as_calculated_at_magnitude_nine(name):
    result = np.asarray(ALL[name](picture(), 0.3, FILL)).astype(int)
    assert np.abs(result - EXPECTED[name](PHOTOGRAPH.astype(int))).max() <= 1


def test_shifts_move_what_is_there_and_fill_the_rest():
    # 0.3 of 150 pixels of 331 is 5.4 of 40 pixels.
    ramp = np.repeat(np.arange(40, dtype=np.uint8)[None, :, None] * 5, 40, 0).repeat(3, 2)
    moved = np.asarray(ALL["translate_x"](picture(ramp), 0.3, FILL))
    assert moved[20, 10, 0] == pytest.approx((10 + 5.44) * 5, abs=1.5)
    assert tuple(moved[20, -1]) == FILL
    downwards = ramp.transpose(1, 0, 2)
    moved = np.asarray(ALL["translate_y"](picture(downwards), -0.3, FILL))
    assert moved[20, 10, 0] == pytest.approx((20 - 5.44) * 5, abs=1.5)
    assert tuple(moved[0, 20]) == FILL
    sheared = np.asarray(ALL["shear_x"](picture(ramp), 0.3, FILL))
    assert sheared[30, 10, 0] == pytest.approx((10 + 0.09 * 30) * 5, abs=1.5)
    sheared = np.asarray(ALL["shear_y"](picture(downwards), 0.3, FILL))
    assert sheared[10, 30, 0] == pytest.approx((10 + 0.09 * 30) * 5, abs=1.5)


def test_two_operations_of_magnitude_nine_are_applied(monkeypatch):
    applied = []

    def record(name):
        def operation(image, strength, fill):
            applied.append((name, strength, fill))
            return image

        return operation

    for name in list(ALL):
        monkeypatch.setitem(ALL, name, record(name))
    rng = np.random.default_rng(0)
    for _ in range(700):
        rand_augment(PHOTOGRAPH, rng)
    assert len(applied) == 1400
    names, strengths, fills = zip(*applied, strict=True)
    assert set(strengths) == {0.3, -0.3}
    assert set(fills) == {tuple(np.rint(PHOTOGRAPH.mean((0, 1))).astype(int).tolist())}
    assert len(ALL) == 14
    for name in ALL:
        assert 60 < names.count(name) < 140


def test_the_example_gives_what_it_shows():
    results = doctest.testmod(augmentation, extraglobs={"np": np})
    assert results.attempted
    assert not results.failed
