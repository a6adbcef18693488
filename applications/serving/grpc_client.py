"""Asks TensorFlow Serving over gRPC what is on pictures.

    python grpc_client.py dogs a.jpg b.png --server 127.0.0.1:8500

Needs `pip install "keras-rbi[tf-serving]"`.
"""

import argparse
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def classify(
    channel: grpc.Channel, model: str, files: list[bytes], seconds: float = 30
) -> dict[str, np.ndarray]:
    """The answers to the bytes of JPEG and PNG files.

    Args:
        channel: To the server.
        model: The name that the model is served under.
        files: Bytes of each file.
        seconds: How long to wait.

    Returns:
        Arrays of a row for each file: `probabilities`, `top_k_classes`, `top_k_probabilities` and,
        where the model knows names, `top_k_names`, as bytes of UTF-8.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "classify"
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(files))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    answer = stub.Predict(request, timeout=seconds)
    return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Classify pictures over gRPC.")
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--server", default="127.0.0.1:8500")
    arguments = parser.parse_args()
    with grpc.insecure_channel(arguments.server) as channel:
        contents = [file.read_bytes() for file in arguments.files]
        answers = classify(channel, arguments.model, contents)
    for row, file in enumerate(arguments.files):
        names = answers.get("top_k_names", answers["top_k_classes"])[row]
        best = zip(names, answers["top_k_probabilities"][row], strict=True)
        told = (
            f"{name.decode() if isinstance(name, bytes) else name} {100 * share:.1f} %"
            for name, share in best
        )
        print(file, ", ".join(told))


if __name__ == "__main__":
    main()
