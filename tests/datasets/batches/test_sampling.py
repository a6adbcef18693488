"""Which images an epoch has, and in which order."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_rbi.datasets import ImageData, ImageSequence
from keras_rbi.datasets.batches.sampling import (
    balanced_order,
    groups_in_turn,
    pk_order,
    shuffled_order,
)

some_labels = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(np.array)
seeds = st.integers(0, 2**31)


class Labelled(ImageData):
    """Image number n is n everywhere; the second class has no image."""

    image_size = 2

    def __init__(self, labels):
        self.labels = np.asarray(labels)
        self.class_names = ["a", "none", "b", "c"]

    def image(self, index):
        return np.full((2, 2, 3), index, np.uint8)


UNBALANCED = Labelled([0] * 20 + [2] * 3 + [3] * 7)


def numbers(sequence):
    return [int(n) for index in range(len(sequence)) for n in sequence[index][0][:, 0, 0, 0]]


def as_often(items, among):
    counts = Counter(items.tolist())
    often = [counts[item] for item in among.tolist()]
    return max(often) - min(often) <= 1


@given(labels=some_labels, seed=seeds)
def test_shuffled_has_every_image_once(labels, seed):
    order = shuffled_order(labels, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(labels)))


@given(labels=some_labels, seed=seeds)
def test_balanced_has_every_class_as_often(labels, seed):
    order = balanced_order(labels, np.random.default_rng(seed))
    classes = set(labels.tolist())
    each = math.ceil(len(labels) / len(classes))
    assert Counter(labels[order].tolist()) == dict.fromkeys(classes, each)
    for number in classes:
        drawn = order[labels[order] == number]
        assert as_often(drawn, np.flatnonzero(labels == number))


@given(labels=some_labels, seed=seeds, images=st.integers(1, 5), data=st.data())
def test_every_batch_of_pk_has_p_classes_with_k_images_each(labels, seed, images, data):
    there = np.unique(labels)
    classes = data.draw(st.integers(1, len(there)))
    order = pk_order(labels, classes, images, np.random.default_rng(seed))
    batches = order.reshape(-1, classes, images)
    assert len(batches) == math.ceil(len(labels) / (classes * images))
    for batch in batches:
        assert len(set(labels[batch[:, 0]].tolist())) == classes
        assert (labels[batch] == labels[batch[:, :1]]).all()
        for row in batch:
            of_class = np.count_nonzero(labels == labels[row[0]])
            assert len(set(row.tolist())) >= min(of_class, images)
    assert as_often(labels[batches[:, :, 0]].ravel(), there)
    for number in there:
        drawn = order[labels[order] == number]
        assert as_often(drawn, np.flatnonzero(labels == number))


def test_groups_do_not_repeat_a_member_over_the_end_of_a_round():
    for seed in range(20):
        groups = groups_in_turn(np.arange(5), 3, 10, np.random.default_rng(seed))
        assert all(len(set(group)) == 3 for group in groups.tolist())
        assert Counter(groups.ravel().tolist()) == dict.fromkeys(range(5), 6)


WAYS = {
    "shuffled": {"batch_size": 4},
    "balanced": {"sampling": "balanced", "batch_size": 4},
    "pk": {"sampling": "pk", "classes_per_batch": 2, "images_per_class": 3},
}


@pytest.mark.parametrize("way", WAYS)
def test_seed_and_epoch_tell_the_order(way):
    def order(seed, epoch, workers=1):
        sequence = ImageSequence(UNBALANCED, seed=seed, workers=workers, **WAYS[way])
        sequence.epoch = epoch
        return numbers(sequence)

    assert order(1, 2) == order(1, 2, workers=3)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
    once = ImageSequence(UNBALANCED, shuffle="once", **WAYS[way])
    first = numbers(once)
    once.on_epoch_end()
    assert numbers(once) == first


# Written down from NumPy's generator, which is one on every backend and machine.
def test_the_order_is_that_of_a_literal_draw():
    sequence = ImageSequence(UNBALANCED, 4, seed=3, sampling="balanced")
    sequence.epoch = 5
    rng = np.random.default_rng([3, 5])
    large, small, middle = np.arange(20), np.arange(20, 23), np.arange(23, 30)
    drawn = list(rng.permutation(large)[:10])
    rounds = np.concatenate([rng.permutation(small) for _ in range(4)])
    drawn += list(rounds[:10])
    rounds = np.concatenate([rng.permutation(middle) for _ in range(2)])
    drawn += list(rounds[:10])
    assert numbers(sequence) == rng.permutation(drawn).tolist()


def test_sequences_know_how_long_they_are():
    balanced = ImageSequence(UNBALANCED, 4, sampling="balanced")
    assert (balanced.num_images, len(balanced), len(balanced.labels)) == (30, 8, 30)
    pk = ImageSequence(UNBALANCED, sampling="pk", classes_per_batch=2, images_per_class=4)
    assert (pk.batch_size, pk.num_images, len(pk)) == (8, 32, 4)
    np.testing.assert_array_equal(pk.labels, np.concatenate([pk[n][1] for n in range(4)]))
    assert numbers(pk.with_batch_size(8)) == numbers(pk)


PK = {"sampling": "pk", "classes_per_batch": 2, "images_per_class": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampling": "often"}, "often"),
        ({"sampling": "balanced", "shuffle": False}, "shuffle=False"),
        ({"sampling": "pk"}, "classes_per_batch=None"),
        (PK | {"images_per_class": 0}, "images_per_class=0"),
        (PK | {"classes_per_batch": 4}, "have images, 3"),
        (PK | {"batch_size": 8}, "batch_size=8"),
        ({"images_per_class": 3}, "images_per_class=3"),
    ],
)
def test_unfit_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageSequence(UNBALANCED, **arguments)
