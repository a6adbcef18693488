"""A model as ONNX, which needs no Keras, and what a server does with it.

    pip install "keras-rbi[onnx]"
    python examples/export_and_serve.py typefaces.keras

Over HTTP: `keras-rbi serve typefaces.keras`, which prints the `curl` that asks it.
"""

import sys

import keras
import numpy as np
import onnxruntime

import keras_rbi  # noqa: F401, which lets Keras know its layers


def main(file: str, output: str = "model.onnx") -> np.ndarray:
    """Probabilities of two images, from ONNX Runtime."""
    model = keras.models.load_model(file)
    export = model.export(output, format="onnx", relations="self")
    print(export.verification.differences)  # from the model's own predictions, by batch size

    session = onnxruntime.InferenceSession(output)
    images = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]))
    (probabilities,) = session.run(["probabilities"], {"images": images.astype("float32")})
    return np.asarray(probabilities)


if __name__ == "__main__":
    main(sys.argv[1])
