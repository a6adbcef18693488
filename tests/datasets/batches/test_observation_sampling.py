"""Batches of whole observations."""

import numpy as np
import pytest

from keras_rbi.datasets import ImageSequence, Typefaces
from keras_rbi.training import TrainingSettings


@pytest.fixture(scope="module")
def data():
    typefaces = Typefaces("train", per_class=6, image_size=16)
    # Of each class one thing has four images, and another two.
    seen = {}
    typefaces.observations = []
    for label in typefaces.labels.tolist():
        seen[label] = seen.get(label, 0) + 1
        typefaces.observations.append("large" if seen[label] <= 4 else "small")
    return typefaces


def test_a_batch_is_so_many_observations_of_so_many_images(data):
    batches = ImageSequence(
        data, 8, sampling="observations", images_per_observation=4, workers=0, seed=3
    )
    assert len(batches) == -(-len(data) // 8)
    names = np.array(
        [f"{label} {name}" for label, name in zip(data.labels, data.observations, strict=True)]
    )
    for epoch in (1, 2):
        batches.epoch = epoch
        groups = names[batches._order].reshape(-1, 4)
        assert all(len({*group}) == 1 for group in groups)
        # In turn: none comes a second time before all have come once.
        assert np.unique(groups[:, 0], return_counts=True)[1].max() == 1
        for group, chosen in zip(groups, batches._order.reshape(-1, 4), strict=True):
            assert len({*chosen}) == (4 if group[0].endswith("large") else 2)
    smaller = batches.with_batch_size(4)
    assert all(len({*smaller[number][1].tolist()}) == 1 for number in range(3))
    assert ImageSequence(data, 8, shuffle=False).observations == data.observations


def test_what_cannot_be_drawn_is_refused(data):
    with pytest.raises(ValueError, match="must divide `batch_size`"):
        ImageSequence(data, 8, sampling="observations", images_per_observation=3)
    with pytest.raises(ValueError, match="takes 50 observations of 1 images, and the data has 44"):
        ImageSequence(data, 50, sampling="observations", images_per_observation=1)
    with pytest.raises(ValueError, match="is for sampling='observations'"):
        ImageSequence(data, 8, images_per_observation=4)
    unknown = Typefaces("train", per_class=1, image_size=16)
    with pytest.raises(ValueError, match="it is not known which are"):
        ImageSequence(unknown, 8, sampling="observations", images_per_observation=4)


def test_settings_of_observations():
    settings = TrainingSettings(sampling="observations").resolved()
    assert settings.images_per_observation == 4
    with pytest.raises(ValueError, match="is for sampling='observations'"):
        TrainingSettings(images_per_observation=4).resolved()
    with pytest.raises(ValueError, match=r"`group_size`.* are settings of RBI"):
        TrainingSettings(group_size=4, rbi=False).resolved()
