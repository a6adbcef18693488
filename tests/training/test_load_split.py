"""The batches of a run are those that its settings ask for."""

import dataclasses

import numpy as np
import pytest
import released

from keras_rbi.training import TrainingSettings, load_split

TYPEFACES = TrainingSettings(backbone="SmallCNN", image_size=16, per_class=2, batch_size=8)


def split_of(settings=TYPEFACES, split="train", **changes):
    return load_split(dataclasses.replace(settings, **changes).resolved(), split)


def test_typefaces_are_augmented_only_where_asked_for():
    plain, flipped = split_of(), split_of(augment="paper")
    assert plain.augment is None
    assert (plain[0][0] != flipped[0][0]).any()
    assert split_of(split="validation", augment="paper").augment is None


@pytest.mark.filterwarnings("ignore:.* is not as it should be")
def test_photographs_are_flipped_and_rotated_unless_told_otherwise(tmp_path):
    released.cub_200_2011(tmp_path)
    birds = dataclasses.replace(TYPEFACES, dataset="cub_200_2011", data_dir=str(tmp_path))
    assert split_of(birds).augment.__name__ == "flip_and_rotate"
    assert split_of(birds, augment="none").augment is None
    shown = [split_of(birds, augment=name)[0][0] for name in ("paper", "torchvision")]
    assert (shown[0] != shown[1]).any()


def test_training_images_are_drawn_as_asked_for_and_others_are_not():
    shuffled, balanced = split_of(), split_of(sampling="balanced")
    assert sorted(shuffled.labels) == sorted(balanced.labels) == sorted([*range(22)] * 2)
    assert (shuffled.sampling, balanced.sampling) == ("shuffled", "balanced")
    pk = split_of(sampling="pk", images_per_class=2)
    assert all(len(set(pk[index][1])) == 4 for index in range(len(pk)))
    by_default = split_of(sampling="pk")
    assert np.unique(by_default[0][1], return_counts=True)[1].tolist() == [4, 4]
    assert split_of(split="validation", sampling="pk").sampling == "shuffled"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling": "often"}, "sampling='often'"),
        ({"images_per_class": 2}, "sampling='shuffled'"),
        ({"sampling": "pk", "images_per_class": 3}, "images_per_class=3 and batch_size=8"),
    ],
)
def test_unfit_sampling_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TYPEFACES, **changes).resolved()


def test_an_unknown_augmentation_is_named():
    with pytest.raises(ValueError, match="augment='much'"):
        dataclasses.replace(TYPEFACES, augment="much").resolved()
