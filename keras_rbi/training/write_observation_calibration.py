"""Finding how sure a run's predictions from several images may be, for its folder."""

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.evaluation.extract_features import extract_features
from keras_rbi.evaluation.observation_calibration import calibrate_observations
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.models.head_activation import head_activation
from keras_rbi.training.run_folder import RunFolder

BATCH = 32


def write_observation_calibration(
    folder: RunFolder, model: keras.Model, validation: ImageSequence
) -> None:
    """Finds the temperatures on validation images, where these have observations, and keeps them.

    Args:
        folder: The run's.
        model: The trained model.
        validation: Its validation images.
    """
    observations = validation.observations
    if observations is None:
        return
    extracted = extract_features(model, validation)
    outputs = own_outputs(extracted, BATCH, np.arange(len(extracted)))
    probabilities = probabilities_of(outputs, head_activation(model))
    found = calibrate_observations(probabilities, extracted.labels, observations)
    folder.write_json(folder.observations, found.as_dict())
