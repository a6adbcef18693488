import keras
import numpy as np
import pytest
from backend_functions import assert_close, to_numpy

from keras_rbi.optimizers import RectifiedAdam
from keras_rbi.training.averaged_weights import EvaluateAveragedWeights

INPUTS = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
TARGETS = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")


class Recording(keras.callbacks.Callback):
    """The weights at the end of each step and epoch, and those that a test is made with."""

    def __init__(self):
        super().__init__()
        self.steps, self.epochs, self.tested = [], [], []

    def kernel(self):
        return to_numpy(self.model.trainable_variables[0]).copy()

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        self.steps.append(self.kernel())

    def on_test_batch_begin(self, batch, logs=None):
        self.tested.append(self.kernel())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.kernel())


@pytest.mark.filterwarnings("ignore:.*lifted.*")
def test_validation_is_by_the_average_and_training_goes_on_without():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(RectifiedAdam(0.1, use_ema=True, ema_momentum=0.8), "mse", run_eagerly=False)
    recording = Recording()
    model.fit(
        INPUTS,
        TARGETS,
        batch_size=4,
        epochs=2,
        validation_data=(INPUTS, TARGETS),
        validation_batch_size=12,
        callbacks=[EvaluateAveragedWeights(), recording],
        verbose=0,
    )
    averages = [recording.steps[0]]
    for value in recording.steps[1:]:
        averages.append(0.8 * averages[-1] + 0.2 * value)
    for tested, expected in zip(recording.tested, (averages[2], averages[5]), strict=True):
        assert_close(tested, expected, 1e-6)
    for kept, step in zip(recording.epochs, recording.steps[2::3], strict=True):
        np.testing.assert_array_equal(kept, step)
    assert_close(model.trainable_variables[0], averages[5], 1e-6)
