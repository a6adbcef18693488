"""What regimes train on: tails, wrong labels, draws and batches, each counted."""

import numpy as np
import pytest

from applications.paper.regimes.batch_orders import batch_orders
from applications.paper.regimes.rates import rates_of_steps
from applications.paper.regimes.regime import REGIMES, Regime
from applications.paper.regimes.seeds import CONFIRMING, FINDING, SEARCH, pool_of
from applications.paper.regimes.tail import tail
from applications.paper.regimes.training_images import training_images
from applications.paper.regimes.wrong_labels import wrong_labels

CLASSES = 22


def pool(per_class):
    return np.tile(np.arange(CLASSES), per_class)


def test_a_tail_falls_off_exponentially():
    labels = np.repeat(np.arange(3), 100)
    kept = tail(labels, 25.0, np.random.default_rng(0))
    counts = np.bincount(labels[kept])
    # 100, 100 / sqrt(25) and 100 / 25, in an order that is drawn.
    assert sorted(counts) == [4, 20, 100]
    assert list(kept) == sorted(kept)
    for label, count in enumerate(counts):
        own = kept[labels[kept] == label]
        np.testing.assert_array_equal(own, 100 * label + np.arange(count))
    assert len({tuple(np.bincount(labels[tail(labels, 25.0, np.random.default_rng(seed))]))
                for seed in range(9)}) > 1  # fmt: skip


def test_even_the_rarest_class_keeps_an_image():
    labels = np.repeat(np.arange(2), 10)
    assert sorted(np.bincount(labels[tail(labels, 1000.0, np.random.default_rng(0))])) == [1, 10]


def test_wrong_labels_are_as_many_as_said():
    labels = np.full(20_000, 3)
    changed = wrong_labels(labels, 0.4, 10, np.random.default_rng(0))
    shares = np.bincount(changed, minlength=10) / len(labels)
    # A tenth of what is drawn is right.
    assert shares[3] == pytest.approx(0.6 + 0.04, abs=0.01)
    assert np.delete(shares, 3) == pytest.approx(0.04, abs=0.005)
    np.testing.assert_array_equal(wrong_labels(labels, 0.0, 10, np.random.default_rng(0)), labels)


def test_few_images_are_among_more_of_the_same_seed():
    labels = pool(20)
    few, some = (training_images(Regime("", count), labels, 7) for count in (3, 9))
    assert set(few[0]) < set(some[0])
    np.testing.assert_array_equal(np.bincount(few[1]), np.full(CLASSES, 3))
    other, _ = training_images(Regime("", 9), labels, 8)
    assert set(other) != set(some[0])


def test_wrong_labels_are_those_of_the_images_that_are_drawn():
    labels = pool(50)
    numbers, found = training_images(Regime("", 40, wrong=0.2), labels, 1)
    right = np.mean(found == labels[numbers])
    assert 0.75 < right < 0.87


def test_batches_are_as_the_sampler_has_them():
    rng = np.random.default_rng(0)
    labels = pool(4)
    shuffled = batch_orders(Regime("", batch=11, images_seen=88 * 3), labels, rng)
    assert shuffled.shape == (24, 11)
    np.testing.assert_array_equal(np.bincount(shuffled.ravel()), np.full(88, 3))
    together = batch_orders(
        Regime("", sampling="pk", batch=8, images_per_class=4, images_seen=80), labels, rng
    )
    for batch in labels[together]:
        assert sorted(np.bincount(batch, minlength=CLASSES))[-3:] == [0, 4, 4]
    rare = np.repeat(np.arange(2), [30, 2])
    balanced = batch_orders(Regime("", sampling="balanced", batch=8, images_seen=320), rare, rng)
    assert np.bincount(rare[balanced.ravel()])[1] == 160


def test_rates_fall_along_half_a_cosine_or_stay():
    rates = rates_of_steps(0.2, 4)
    np.testing.assert_allclose(rates, [0.2, 0.1 * (1 + 2**-0.5), 0.1, 0.1 * (1 - 2**-0.5)])
    np.testing.assert_allclose(rates_of_steps(0.2, 3, constant=True), 0.2)


def test_seeds_that_choose_find_and_confirm_share_no_images():
    pools = [{pool_of(seed) for seed in seeds} for seeds in (SEARCH, FINDING, CONFIRMING)]
    assert all(len(one) == 1 for one in pools)
    assert len(set.union(*pools)) == 3


@pytest.mark.parametrize("name", REGIMES)
def test_a_regime_has_whole_batches(name):
    regime = REGIMES[name]
    assert regime.batch % (regime.images_per_class or 1) == 0
    # Loops of so many steps are compiled.
    assert regime.trained != "frozen" or regime.steps % 100 == 0
