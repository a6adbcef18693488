"""The paper's training, on photographs of your own: DenseNet201 from ImageNet, all at 1e-5.

    python examples/paper_settings.py birds/

The same as `keras-rbi train --dataset birds/ --recipe paper --variant paper`; hours without a GPU.
"""

import sys

from keras_rbi import training


def main(folder: str, run: str = "runs/paper", **settings: object) -> dict[str, object]:
    """The metrics of the run."""
    asked = training.TrainingSettings(
        dataset=folder,
        recipe="paper",  # batches of 32, RectifiedAdam, 50 epochs, flips and rotations
        variant="paper",  # Dense(1024), then RRA of relations in decibels, then the classifier
        **settings,
    )
    return dict(training.train(asked, training.RunFolder(run)))


if __name__ == "__main__":
    main(sys.argv[1])
