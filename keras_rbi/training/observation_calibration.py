"""How sure a run's predictions from several images may be, as its folder keeps it."""

import json
from pathlib import Path

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.evaluation.extract_features import extract_features
from keras_rbi.evaluation.observation_calibration import (
    ObservationCalibration,
    calibrate_observations,
)
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


def observation_calibration(path: str | Path) -> ObservationCalibration:
    """How sure the predictions of a run's model from several images may be.

    Args:
        path: The run folder, or the `.keras` file in one.

    Returns:
        An `ObservationCalibration`; one of temperatures of 1 where the run's validation images had
        no observations, or too few.

    Raises:
        ValueError: If the file of the run is damaged.
    """
    file = RunFolder.around(Path(path)).observations
    if not file.is_file():
        return ObservationCalibration()
    try:
        return ObservationCalibration.from_dict(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{str(file)!r} is damaged: {error}. Bring it back, or take it away to predict "
            "without calibration."
        ) from error
