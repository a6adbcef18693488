"""The batches of a run are those that its settings ask for."""

import dataclasses

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


def test_an_unknown_augmentation_is_named():
    with pytest.raises(ValueError, match="augment='much'"):
        dataclasses.replace(TYPEFACES, augment="much").resolved()
