"""Accuracy of an exported model, by its own runtime."""

import numpy as np

from keras_rbi.export.export_model import Export
from keras_rbi.export.verification import outputs_without_keras

BATCH_SIZE = 32


def accuracy_of_export(export: Export, images: np.ndarray, labels: np.ndarray) -> float:
    """Top-1 accuracy of an export whose first input is `images`, in a process without Keras.

    Args:
        export: What `export_model` has given.
        images: Images `(images, height, width, 3)` of 0..255.
        labels: Their classes, integers.

    Returns:
        A float from 0 to 1.

    Example:

    ```python
    export = model.export("dogs.tflite", "litert", precision="float16")
    accuracy_of_export(export, test_images, test_labels)
    ```
    """
    requests = [
        ("images", np.asarray(images[begin : begin + BATCH_SIZE], "float32"))
        for begin in range(0, len(images), BATCH_SIZE)
    ]
    predictions, _ = outputs_without_keras(export.path, export.options.format, requests)
    classes = np.concatenate(
        [
            prediction["top_k_classes"][:, 0]
            if "top_k_classes" in prediction
            else np.argmax(prediction["probabilities"], axis=-1)
            for prediction in predictions
        ]
    )
    return float(np.mean(classes == labels))
