import math

import pytest
from backend_functions import to_numpy

from keras_rbi.training import TrainingSettings
from keras_rbi.training.learning_rate import learning_rate


def rates(steps, first_epoch=0, **settings):
    """Rates at some steps of 5 epochs of 4 steps that peak at 2."""
    settings = TrainingSettings(epochs=5, learning_rate=2.0, **settings).resolved()
    rate = learning_rate(settings, 4, first_epoch)
    return [float(to_numpy(rate(step))) if callable(rate) else rate for step in steps]


def cosine(share):
    return 1.0 + math.cos(math.pi * share)


def test_default_is_half_a_cosine():
    assert rates([0, 5, 10, 20, 21]) == pytest.approx([2.0, cosine(0.25), 1.0, 0.0, 0.0], abs=1e-6)


def test_constant_is_a_number():
    assert rates([0, 19], schedule="constant") == [2.0, 2.0]


def test_warm_up_rises_from_zero_and_the_cosine_takes_the_rest():
    # 1.5 epochs are 6 steps; 14 are left.
    expected = [0.0, 2 / 6, 10 / 6, 2.0, 1.0, cosine(13 / 14)]
    assert rates([0, 1, 5, 6, 13, 19], warmup_epochs=1.5) == pytest.approx(expected, abs=1e-6)


def test_warm_up_to_a_constant():
    got = rates([0, 1, 2, 4, 19], warmup_epochs=1, schedule="constant")
    assert got == pytest.approx([0.0, 0.5, 1.0, 2.0, 2.0])


def test_a_later_stage_goes_on():
    whole = rates(range(20), warmup_epochs=1.0)
    assert rates(range(12), first_epoch=2, warmup_epochs=1.0) == pytest.approx(whole[8:], abs=1e-6)
