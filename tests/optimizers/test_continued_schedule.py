import math

import keras
import pytest
from backend_functions import to_numpy

from keras_rbi.optimizers import ContinuedSchedule, RectifiedAdam

CosineDecay = keras.optimizers.schedules.CosineDecay


@pytest.mark.parametrize("step", [0, 1, 5, 9])
def test_goes_on_where_the_first_stage_ended(step):
    schedule = ContinuedSchedule(CosineDecay(2.0, decay_steps=10), steps_done=4)
    expected = 1.0 + math.cos(math.pi * min(step + 4, 10) / 10)
    assert float(to_numpy(schedule(step))) == pytest.approx(expected, abs=1e-6)


def test_survives_saving_with_its_optimizer():
    optimizer = RectifiedAdam(ContinuedSchedule(CosineDecay(2.0, decay_steps=10), steps_done=5))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert float(to_numpy(again.learning_rate)) == pytest.approx(1.0)
