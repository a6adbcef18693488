"""Asks TensorFlow Serving over REST what is on pictures.

    python rest_client.py dogs a.jpg b.png --server http://127.0.0.1:8501

Needs nothing but Python.
"""

import argparse
import base64
import json
import urllib.request
from pathlib import Path


def classify(server: str, model: str, files: list[bytes], seconds: float = 30) -> list[dict]:
    """The answers to the bytes of JPEG and PNG files, one for each.

    Args:
        server: For example `http://127.0.0.1:8501`.
        model: The name that the model is served under.
        files: Bytes of each file.
        seconds: How long to wait.

    Returns:
        For each file a dictionary of `probabilities`, `top_k_classes`, `top_k_probabilities` and,
        where the model knows names, `top_k_names`.
    """
    body = {
        "signature_name": "classify",
        "instances": [
            {"image_bytes": {"b64": base64.b64encode(content).decode()}} for content in files
        ],
    }
    request = urllib.request.Request(
        f"{server}/v1/models/{model}:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=seconds) as response:
        return json.load(response)["predictions"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Classify pictures over REST.")
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--server", default="http://127.0.0.1:8501")
    arguments = parser.parse_args()
    contents = [file.read_bytes() for file in arguments.files]
    answers = classify(arguments.server, arguments.model, contents)
    for file, answer in zip(arguments.files, answers, strict=True):
        names = answer.get("top_k_names", answer["top_k_classes"])
        best = zip(names, answer["top_k_probabilities"], strict=True)
        print(file, ", ".join(f"{name} {100 * share:.1f} %" for name, share in best))


if __name__ == "__main__":
    main()
