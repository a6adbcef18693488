"""How sure a run's predictions from several images may be, as its folder keeps it."""

import json
from pathlib import Path

from keras_rbi.evaluation.observation_calibration import ObservationCalibration
from keras_rbi.training.run_folder import RunFolder


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
