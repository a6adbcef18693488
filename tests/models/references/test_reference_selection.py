import numpy as np
import pytest

from keras_rbi.models.references.reference_selection import (
    class_numbers,
    confusable,
    herding,
    sample_of_each_class,
)


def batches(labels, size=4):
    """Images whose only pixel is their number."""
    images = np.arange(len(labels)).reshape(-1, 1, 1, 1)
    for begin in range(0, len(labels), size):
        yield images[begin : begin + size], np.asarray(labels)[begin : begin + size]


def sample(labels, count, seed=0, num_classes=3):
    images, classes = sample_of_each_class(
        batches(labels), num_classes, count, np.random.default_rng(seed)
    )
    return [int(image.item()) for image in images], classes


def test_a_sample_has_so_many_images_of_each_class_and_they_are_of_it():
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 0])
    numbers, classes = sample(labels, 2)
    assert classes.tolist() == [0, 0, 1, 1, 2, 2]
    assert labels[numbers].tolist() == classes.tolist()
    assert len(set(numbers)) == 6


def test_a_class_with_fewer_images_gives_all_and_one_with_none_gives_none():
    numbers, classes = sample([0, 0, 2, 0], 2)
    assert classes.tolist() == [0, 0, 2]
    assert numbers[-1] == 2


def test_every_image_is_as_likely_to_be_in_the_sample():
    counts = np.zeros(10)
    for seed in range(2000):
        numbers, _ = sample(np.zeros(10, int), 3, seed)
        counts[numbers] += 1
    # 600 of each are expected; the standard deviation is sqrt(2000 * 0.3 * 0.7) = 20.5.
    assert np.all(np.abs(counts - 600) < 5 * 20.5)


def test_one_seed_gives_one_sample():
    labels = np.random.default_rng(0).integers(0, 3, 50)
    assert sample(labels, 4)[0] == sample(labels, 4)[0]
    assert sample(labels, 4)[0] != sample(labels, 4, seed=1)[0]


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="empty"):
        sample([], 2)


def test_labels_of_every_form_are_numbers():
    expected = [2, 0, 1]
    assert class_numbers(np.array([2, 0, 1]), 3).tolist() == expected
    assert class_numbers(np.array([[2.0], [0.0], [1.0]]), 3).tolist() == expected
    assert class_numbers(np.eye(3)[expected], 3).tolist() == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 3]), "from 0 to 3"),
        (np.array([-1, 0]), "from -1 to 0"),
        (np.array([0.5, 1]), "integers"),
        (np.array([[0.5, 0.5, 0.0]]), "not mixed"),
        (np.array([[1.0, 1.0, 0.0]]), "not mixed"),
        (np.eye(4), "one-hot rows of 3"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        class_numbers(labels, 3)


def test_herding_takes_in_each_step_what_brings_the_mean_closest():
    features = np.random.default_rng(0).normal(size=(12, 4))
    mean, chosen = features.mean(axis=0), []
    for _ in range(5):
        distances = {
            number: np.linalg.norm(features[[*chosen, number]].mean(axis=0) - mean)
            for number in range(12)
            if number not in chosen
        }
        chosen.append(min(distances, key=distances.get))
    assert herding(features, 5).tolist() == chosen


def test_herding_takes_no_row_twice_and_no_more_than_there_are():
    assert sorted(herding(np.zeros((3, 2)), 5)) == [0, 1, 2]


def test_confusable_takes_the_closest_call_and_wrong_answers_last():
    scores = np.array(
        [
            [0.9, 0.1, 0.0],  # sure
            [0.1, 0.8, 0.1],  # wrong, by far
            [0.5, 0.4, 0.1],  # the closest call
            [0.6, 0.1, 0.3],
            [0.4, 0.45, 0.15],  # wrong, barely
        ]
    )
    assert confusable(scores, 0, 5).tolist() == [2, 3, 0, 4, 1]
    assert confusable(scores, 0, 2).tolist() == [2, 3]
