"""Several photographs of one thing: one prediction for all of them.

    keras-rbi train
    python examples/observations.py runs/typefaces-1

The same as `keras-rbi predict RUN FOLDER --observations folders`.
"""

import sys
from pathlib import Path

from keras_rbi import evaluation, training


def main(run: str) -> None:
    """Predicts for two "observations" of the run's example images, of one and of two."""
    model, names = training.load_trained_model(Path(run))
    files = evaluation.find_images([Path(run, "examples")])
    things = {"first": files[:1], "second": files[1:3]}
    calibration = training.observation_calibration(run)  # found on validation images, if it could
    for found in evaluation.predict_observations(model, things, names, calibration):
        (best, probability), *_ = found.top(1)
        print(f"{found.name}: {best} {100 * probability:.0f} %")


if __name__ == "__main__":
    main(sys.argv[1])
