"""Orders of parts, against recorded ones and a search order by order."""

import keras
import numpy as np
import pytest
from backend_functions import assert_close, compiled, to_numpy
from p2p_literal import order_of

from keras_rbi.models.p2p_net import PartAligner
from keras_rbi.models.p2p_net.part_aligner import orders_of

RULES = ("intended", "official")


def orders(parts, centers, matching="intended"):
    """The orders of cases, each with means of its own."""
    aligner = PartAligner(matching)
    aligner.build((None, *parts.shape[1:]))
    aligner.count.assign(1.0)
    found = []
    for image, means in zip(parts, centers, strict=True):
        aligner.centers.assign(means)
        found.append(to_numpy(aligner(image[None].astype("float32")))[0])
    return np.array(found)


@pytest.mark.parametrize("matching", RULES)
@pytest.mark.parametrize("name", ["match", "match_3parts"])
def test_orders_are_the_recorded_ones(parity, name, matching):
    numbers = parity("p2p_heads.npz")
    found = orders(numbers[f"{name}/parts"], numbers[f"{name}/centers"], matching)
    np.testing.assert_array_equal(found, numbers[f"{name}/order_{matching}"])
    if matching == "intended":
        known = numbers[f"{name}/order_true"]
        # Which part is which, and not where it stood.
        shuffled = known[:, 0] >= 0
        np.testing.assert_array_equal(found[shuffled], known[shuffled])


@pytest.mark.parametrize("matching", RULES)
def test_nothing_to_go_by_leaves_the_order(parity, matching):
    numbers = parity("p2p_heads.npz")
    parts, centers = numbers["match_degenerate/parts"], numbers["match_degenerate/centers"]
    np.testing.assert_array_equal(
        orders(parts, centers, matching), numbers["match_degenerate/order"]
    )


@pytest.mark.parametrize("matching", RULES)
def test_means_are_the_recorded_ones(parity, matching):
    numbers = parity("p2p_heads.npz")
    aligner = PartAligner(matching)
    for step, parts in enumerate(numbers["prototype_sequence/parts"]):
        found = to_numpy(aligner(parts, training=True))
        np.testing.assert_array_equal(found, numbers[f"prototype_sequence/{matching}/order"][step])
        assert_close(aligner.centers, numbers[f"prototype_sequence/{matching}/centers"][step])
        assert float(to_numpy(aligner.count)) == numbers["prototype_sequence/count"][step]


@pytest.mark.parametrize("matching", RULES)
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_orders_are_those_of_a_search(count, matching):
    rng = np.random.default_rng(count)
    centers = np.abs(rng.normal(size=(20, count, 6))).astype("float32")
    shuffles = np.array([rng.permutation(count) for _ in centers])
    parts = centers[np.arange(20)[:, None], shuffles] + rng.uniform(0, 0.1, centers.shape)
    expected = [order_of(*case, matching) for case in zip(parts, centers, strict=True)]
    found = orders(parts, centers, matching)
    np.testing.assert_array_equal(found, expected)
    if matching == "intended" and count > 2:
        np.testing.assert_array_equal(found, np.argsort(shuffles, axis=1))


def test_the_official_rule_tries_fifteen_orders():
    tried, answered = orders_of(4, "official")
    assert len(tried) == 15
    digits = " ".join("".join(map(str, order)) for order in tried)
    assert digits == ("0123 0132 0312 0213 2013 0231 2301 3012 2130 3210 1302 1320 1203 3201 1032")
    assert answered[0].tolist() == [0, 1, 2, 3]
    assert answered[-1].tolist() == [3, 2, 0, 1]


def test_learns_in_training_alone_as_compiled_too():
    parts = np.abs(np.random.default_rng(0).normal(size=(3, 4, 5))).astype("float32")
    aligner = PartAligner()
    aligner.build(parts.shape)
    call = compiled(lambda parts: aligner(parts, training=False), ((None, 4, 5), "float32"))
    np.testing.assert_array_equal(to_numpy(call(parts)), [[0, 1, 2, 3]] * 3)
    np.testing.assert_array_equal(to_numpy(aligner.centers), 0.0)
    aligner(parts, training=True)
    assert_close(aligner.centers, parts.mean(0))
    assert not aligner.trainable_variables


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="matching"):
        PartAligner("best")
    with pytest.raises(ValueError, match="2 to 6 parts"):
        PartAligner().build((None, 7, 3))
    assert PartAligner.from_config(PartAligner("official").get_config()).matching == "official"
    assert keras.saving.get_registered_name(PartAligner) == "keras_rbi>PartAligner"
