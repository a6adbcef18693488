"""A `.keras` model to a folder for TensorFlow Serving, and a PredictionService request to it.

    pip install "keras-rbi[tf-serving]"
    python examples/tf_serving.py typefaces.keras
    docker run -p 8500:8500 -v $PWD/served:/models tensorflow/serving \\
        --model_config_file=/models/models.config
    python examples/tf_serving.py typefaces.keras 127.0.0.1:8500

Without an address the SavedModel answers the request here.
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

import keras_rbi  # noqa: F401, which lets Keras know its layers
from keras_rbi.export import export_for_tf_serving


def request(images: np.ndarray, name: str) -> predict_pb2.PredictRequest:
    """What a client sends: images `(batch, height, width, 3)` of 0..255."""
    asked = predict_pb2.PredictRequest()
    asked.model_spec.name = name
    asked.model_spec.signature_name = "serving_default"
    asked.inputs["images"].CopyFrom(tf.make_tensor_proto(images.astype("float32")))
    return asked


def main(file: str, server: str = "", folder: str = "served", name: str = "mine") -> np.ndarray:
    """Probabilities of two images, `(2, classes)`."""
    model = keras.models.load_model(file)
    images = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]))
    asked = request(images, name)
    if server:
        import grpc

        with grpc.insecure_channel(server) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            answer = stub.Predict(asked, timeout=30).outputs["probabilities"]
        return tf.make_ndarray(answer)
    made = export_for_tf_serving(model, folder, name, relations="self")
    serve = tf.saved_model.load(str(made.path)).signatures["serving_default"]
    return serve(images=tf.constant(tf.make_ndarray(asked.inputs["images"])))[
        "probabilities"
    ].numpy()


if __name__ == "__main__":
    print(main(*sys.argv[1:]).round(3))
