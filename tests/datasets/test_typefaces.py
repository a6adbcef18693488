import shutil

import keras
import matplotlib
import numpy as np
import pytest

from keras_rbi.datasets import Typefaces, typefaces

FONTS = matplotlib.get_data_path() + "/fonts/ttf/"


def test_matplotlibs_typefaces_are_22_classes_in_5_families():
    data = Typefaces("test", per_class=3)
    assert len(data.class_names) == len(set(data.class_names)) == 22
    assert data.families == data.coarse_names
    assert np.bincount(data.labels).tolist() == [3] * 22
    assert np.bincount(data.coarse_labels).tolist() == [12, 12, 12, 12, 18]
    for label, family in zip(data.labels, data.coarse_labels, strict=True):
        assert data.class_names[label][:2].lower() == data.families[family][:2].lower().replace(
            "co", "cm"
        )


def test_images_depend_on_seed_split_and_number_alone():
    forwards, backwards = Typefaces(per_class=2), Typefaces(per_class=2)
    images = [forwards.image(number) for number in range(8)]
    for number in reversed(range(8)):
        np.testing.assert_array_equal(backwards.image(number), images[number])
    np.testing.assert_array_equal(Typefaces(per_class=5).image(3), images[3])
    for other in (Typefaces(per_class=2, seed=1), Typefaces("validation", per_class=2)):
        assert np.abs(other.image(3).astype(int) - images[3]).mean() > 5


def test_images_are_rgb_uint8_of_the_stated_greys():
    for size in (32, 64, 100):
        data = Typefaces(per_class=2, image_size=size)
        images = np.stack([data.image(number) for number in range(44)])
        assert images.shape == (44, size, size, 3)
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images[..., 0], images[..., 2])
        # Noise of at most 25 grey levels around paper of at least 150 and ink of at most 90.
        assert (np.percentile(images, 95, axis=(1, 2, 3)) > 150).all()
        assert (np.percentile(images, 1, axis=(1, 2, 3)) < 90).mean() > 0.9


def test_letters_fill_the_image():
    data = Typefaces(per_class=4)
    for number in range(len(data)):
        grey = data.image(number)[..., 0].astype(float)
        paper = np.median(grey)
        for quarter in (grey[:32, :32], grey[:32, 32:], grey[32:, :32], grey[32:, 32:]):
            assert (quarter < paper - 40).mean() > 0.01


@pytest.mark.parametrize("text", ["letters", "words"])
def test_texts_of_the_splits_are_disjoint(text):
    def texts(split):
        data = Typefaces(split, per_class=10, text=text)
        lines = [line for number in range(len(data)) for line in data.texts(number)]
        pieces = (
            " ".join(lines).split()
            if text == "words"
            else [line[begin : begin + 8] for line in lines for begin in range(0, len(line), 8)]
        )
        return set(pieces)

    train, validation, test = (texts(split) for split in ("train", "validation", "test"))
    assert min(map(len, (train, validation, test))) > 50
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_words_are_words_and_letters_mix_case():
    assert all(line.islower() for line in Typefaces(text="words", per_class=1).texts(0))
    letters = "".join("".join(Typefaces(per_class=1).texts(number)) for number in range(22))
    assert letters.isalpha()
    assert 0.4 < sum(map(str.isupper, letters)) / len(letters) < 0.6


def test_a_folder_of_typefaces_is_a_data_set(tmp_path):
    for name in ("DejaVuSans.ttf", "cmr10.ttf"):
        shutil.copy(FONTS + name, tmp_path)
    data = Typefaces(per_class=2, fonts=tmp_path)
    assert data.class_names == ["DejaVuSans", "cmr10"]
    assert data.families == ["DejaVu Sans", "cmr10"]
    assert data.image(1).shape == (64, 64, 3)


def test_unfit_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="no folder"):
        Typefaces(fonts=tmp_path / "none")
    with pytest.raises(ValueError, match="at least two typefaces"):
        Typefaces(fonts=tmp_path)
    shutil.copy(FONTS + "STIXNonUni.ttf", tmp_path)
    shutil.copy(FONTS + "cmr10.ttf", tmp_path)
    with pytest.raises(ValueError, match=r"STIXNonUni.*lacks the letters"):
        Typefaces(fonts=tmp_path)
    (tmp_path / "STIXNonUni.ttf").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be read as a typeface"):
        Typefaces(fonts=tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [{"split": "dev"}, {"text": "prose"}, {"per_class": 0}, {"image_size": 8}, {"per_class": 2.5}],
)
def test_unfit_arguments_are_named(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        Typefaces(**arguments)


def test_load_gives_batches_for_fit():
    batches = typefaces.load("train", per_class=2, image_size=32, batch_size=8)
    assert isinstance(batches, keras.utils.PyDataset)
    assert len(batches) == 6
    assert len(batches.class_names) == 22
    images, labels = batches[5]
    assert images.shape == (4, 32, 32, 3)
    assert labels.shape == (4,)
