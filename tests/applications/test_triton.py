"""Triton's own server on loopback, with the model repository of its Python backend."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import keras_rbi

REPOSITORIES = Path(__file__).parents[2] / "applications" / "serving" / "triton"
# A Python of a distribution with nvidia-pytriton and onnxruntime, which want another NumPy than
# some of the backends do.
PYTHON_VARIABLE = "KERAS_RBI_TRITON_PYTHON"
CLIENTS, REQUESTS = 16, 96


def site_packages():
    """Where the server's package lies, and the version of its Python; or None.

    With NumPy 2 the server's Python backend mistakes the sizes of arrays.
    """
    program = (
        "import importlib.util, json, os, sys\n"
        "import numpy\n"
        "if not numpy.__version__.startswith('1.'): sys.exit(1)\n"
        "names = ('pytriton', 'onnxruntime')\n"
        "found = [importlib.util.find_spec(name) for name in names]\n"
        "if not all(found): sys.exit(1)\n"
        "folder = os.path.dirname(os.path.dirname(found[0].origin))\n"
        "print(json.dumps([folder, '%d.%d' % sys.version_info[:2]]))\n"
    )
    python = os.environ.get(PYTHON_VARIABLE, sys.executable)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        return None
    folder, version = json.loads(done.stdout)
    return Path(folder), version


@contextmanager
def triton(repository, work, found):
    """The server in a process of its own; gives its address."""
    import httpx

    packages, version = found
    files = packages / "pytriton" / "tritonserver"
    backends = work / "backends"
    shutil.copytree(files / "backends", backends)
    stub = files / "python_backend_stubs" / version / "triton_python_backend_stub"
    shutil.copy(stub, backends / "python")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = work / "triton.log"
    python = os.environ.get(PYTHON_VARIABLE, sys.executable)
    environment = {
        # The backend takes the packages of the first Python there.
        "PATH": f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": packages,
        "LD_LIBRARY_PATH": packages / "nvidia_pytriton.libs",
    }
    with log.open("w") as output:
        server = subprocess.Popen(
            [
                files / "bin" / "tritonserver",
                f"--model-repository={repository}",
                f"--backend-directory={backends}",
                f"--cache-directory={files / 'caches'}",
                "--http-address=127.0.0.1",
                f"--http-port={port}",
                "--allow-grpc=false",
                "--allow-metrics=false",
            ],
            env=os.environ | {name: str(value) for name, value in environment.items()},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/v2"
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                if httpx.get(f"{url}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(40)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def ask(url, model, images):
    """Probabilities of images, by the protocol of KServe and Triton."""
    import httpx

    request = {
        "name": "images",
        "shape": list(images.shape),
        "datatype": "FP32",
        "data": images.astype("float32").ravel().tolist(),
    }
    wanted = [{"name": "probabilities"}]
    response = httpx.post(
        f"{url}/models/{model}/infer", json={"inputs": [request], "outputs": wanted}, timeout=60
    )
    assert response.status_code == 200, response.text
    (output,) = response.json()["outputs"]
    return np.reshape(output["data"], output["shape"])


@pytest.mark.nightly
def test_concurrent_requests_get_their_own_answers(tmp_path):
    """And do not where images relate to their batch, which shows that requests were merged."""
    for package in ("httpx", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    found = site_packages()
    if found is None:
        pytest.skip(
            "nvidia-pytriton, onnxruntime and NumPy 1 (the extra triton) are not installed here, "
            f"nor is {PYTHON_VARIABLE} a Python that has them"
        )
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=8, variant="paper")
    # So that what company does to a prediction shows.
    kernel = model.get_layer("classifier").kernel
    kernel.assign(10 * kernel)
    repository = tmp_path / "models"
    for name, relations in (("rbi", "self"), ("related", "batch")):
        folder = repository / name
        shutil.copytree(REPOSITORIES / "python" / "rbi", folder)
        config = folder / "config.pbtxt"
        config.write_text(config.read_text().replace('name: "rbi"', f'name: "{name}"'))
        keras_rbi.export.export_model(
            model, folder / "1" / "model.onnx", "onnx", relations=relations, verbose=False
        )
    rng = np.random.default_rng(0)
    requests = [
        rng.integers(0, 256, (int(rng.integers(1, 4)), 16, 16, 3), np.uint8)
        for _ in range(REQUESTS)
    ]

    def differences(url, name, mode):
        model.relations = mode
        alone = [model.predict_on_batch(images) for images in requests]
        with ThreadPoolExecutor(CLIENTS) as clients:
            predictions = list(clients.map(lambda images: ask(url, name, images), requests))
        assert [prediction.shape for prediction in predictions] == [(len(r), 5) for r in requests]
        return [np.max(np.abs(a - b)) for a, b in zip(predictions, alone, strict=True)]

    with triton(repository, tmp_path, found) as url:
        assert max(differences(url, "rbi", "self")) < 1e-4
        assert max(differences(url, "related", "batch")) > 1e-3
        import httpx

        (told,) = httpx.get(f"{url}/models/rbi/stats").json()["model_stats"]
        assert told["inference_count"] == sum(map(len, requests))
        assert told["execution_count"] < REQUESTS
        too_many = {
            "name": "images",
            "shape": [33, 16, 16, 3],
            "datatype": "FP32",
            "data": [0.0] * (33 * 16 * 16 * 3),
        }
        refused = httpx.post(f"{url}/models/rbi/infer", json={"inputs": [too_many]}, timeout=60)
        assert refused.status_code == 400
        assert "batch-size must be <= 32" in refused.json()["error"]


def test_the_two_repositories_differ_in_their_backend_alone():
    """What was run with the one says something of the other."""
    texts = [
        (REPOSITORIES / name / "rbi" / "config.pbtxt").read_text() for name in ("onnx", "python")
    ]
    lines = [[line for line in text.splitlines() if not line.startswith("#")] for text in texts]
    pairs = [pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]]
    assert pairs == [('backend: "onnxruntime"', 'backend: "python"')]
    assert "dynamic_batching" in texts[0]
