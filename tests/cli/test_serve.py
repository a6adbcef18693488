"""`keras-rbi serve` as a user starts and stops it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from complaints import complaints

import keras_rbi
from keras_rbi.cli.main import run

sys.path.append(str(Path(__file__).parents[1] / "serving"))
import mean_color
from pictures import png

httpx = pytest.importorskip("httpx")
for package in ("fastapi", "onnx", "onnxruntime", "prometheus_client", "uvicorn"):
    pytest.importorskip(package)


@contextlib.contextmanager
def served(*arguments, cwd, descriptors="unlimited"):
    """The command in a process of its own, and its address, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(
                "bash",
                "-c",
                f'[ {descriptors} = unlimited ] || ulimit -n {descriptors}; exec "$@"',
                "-",
            ),
            *(sys.executable, "-m", "keras_rbi.cli.main", "serve", *arguments, "--port", str(port)),
        ],
        cwd=cwd,
        env=os.environ | {"KERAS_BACKEND": keras.config.backend(), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 240
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/health").status_code == 200:
                    break
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process, url
    finally:
        process.kill()
        process.wait()


def ask(url, pixels, answers):
    response = httpx.post(
        f"{url}/predict?top=100", files={"images": ("a.png", png(pixels))}, timeout=60
    )
    (prediction,) = response.json()["predictions"]
    answers.append({row["class"]: row["probability"] for row in prediction["top"]})


def test_sigterm_answers_what_has_arrived(tmp_path):
    mean_color.write(tmp_path / "m.onnx")
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    # They would wait for company for longer than it takes to stop the service meanwhile.
    with served("m.onnx", "--deadline-ms", "3000", cwd=tmp_path) as (process, url):
        answers = [[] for _ in images]
        threads = [
            threading.Thread(target=ask, args=(url, image, answer))
            for image, answer in zip(images, answers, strict=True)
        ]
        for thread in threads:
            thread.start()
        while httpx.get(f"{url}/health").json()["images_in_hand"] < len(images):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert not any(answers)
        for thread in threads:
            thread.join(60)
        assert process.wait(60) in (0, -signal.SIGTERM)
        printed = process.stdout.read()
    for image, answer in zip(images, answers, strict=True):
        expected = dict(zip(("red", "green", "blue"), mean_color.expected(image), strict=True))
        assert answer == [pytest.approx(expected, abs=1e-6)]
    assert f"curl -F images=@photo.jpg {url}/predict" in printed
    assert "Traceback" not in printed


def test_no_request_that_was_sent_is_reset_by_sigterm(tmp_path):
    mean_color.write(tmp_path / "m.onnx")
    content = png((9, 9, 9))
    body = b'--x\r\nContent-Disposition: form-data; name="i"; filename="a"\r\n\r\n'
    body += content + b"\r\n--x--\r\n"
    kind = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    request = kind + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    answered, lost = [], []

    def client(port, keeps):
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                with socket.create_connection(("127.0.0.1", port), 60) as connection:
                    more = True
                    while more:
                        more = exchange(connection) and keeps

    def exchange(connection):
        """Whether another request may follow on the connection."""
        try:
            connection.sendall(request)
            reply = b""
            while b'"predictions"' not in reply or not reply.endswith(b"}"):
                piece = connection.recv(10_000)
                if not piece:
                    raise ConnectionResetError(reply)
                reply += piece
        except OSError as error:
            lost.append(repr(error))
            return False
        answered.append(reply)
        return b"connection: close" not in reply

    with served("m.onnx", cwd=tmp_path) as (process, url):
        port = int(url.rpartition(":")[2])
        # Half of them take a new connection for each request.
        threads = [threading.Thread(target=client, args=(port, number % 2)) for number in range(48)]
        for thread in threads:
            thread.start()
        while len(answered) < 200:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(60)
        assert process.wait(60) in (0, -signal.SIGTERM)
    assert lost == []
    assert all(reply.startswith(b"HTTP/1.1 200") for reply in answered)


def test_half_headers_on_more_connections_than_descriptors(tmp_path):
    mean_color.write(tmp_path / "m.onnx")
    with (
        served("m.onnx", cwd=tmp_path, descriptors=128) as (_, url),
        contextlib.ExitStack() as stack,
    ):
        for _ in range(140):
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
            connection = stack.enter_context(socket.create_connection(address, 20))
            connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        answers = []
        ask(url, np.full((8, 8, 3), 255, "uint8"), answers)
        assert answers == [pytest.approx({"red": 1.0, "green": 1.0, "blue": 1.0})]


@pytest.mark.nightly
@pytest.mark.parametrize("relations", ["self", "references"])
def test_a_model_is_served_with_the_relations_that_are_asked_for(tmp_path, relations):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    names = ["ant", "bee", "cicada"]
    keras.utils.set_random_seed(0)
    model = keras_rbi.RBIModel(
        backbone, class_names=names, embedding_dim=8, variant="0.1", relations="batch"
    )
    images = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), np.uint8)
    images, references = images[:4], images[4:]
    together = model.predict(images, verbose=0)
    model.set_references(references)
    model.save(tmp_path / "bees.keras")
    model.relations = relations
    expected = model.predict(images, verbose=0)
    assert np.abs(expected - together).max() > 1e-3
    arguments = ("bees.keras", "--relations", relations)
    with served(*arguments, cwd=tmp_path) as (_, url):
        for image, row in zip(images, expected, strict=True):
            answers = []
            ask(url, image, answers)
            assert answers == [pytest.approx(dict(zip(names, row, strict=True)), abs=1e-4)]
    (file,) = (tmp_path / "serving").glob("*.onnx")
    assert file.name.startswith(f"bees-{relations}-")
    written = file.stat().st_mtime_ns
    with served(*arguments, cwd=tmp_path) as (_, url):
        assert httpx.get(f"{url}/health").json()["relations"] == relations
        about = httpx.get(f"{url}/model").json()
        assert about["maps"] == (relations == "self")
        assert about["maps"] or "relate to others" in about["no_maps"]
    assert file.stat().st_mtime_ns == written


def a_model_that_relates_a_batch(folder):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8, variant="paper")
    model.save(folder / "paper.keras")
    return ["paper.keras"], "keras-rbi serve paper.keras --relations self"


def relations_of_a_batch(folder):
    return ["paper.keras", "--relations", "batch"], "self, references"


def no_model(folder):
    return ["none"], "no model"


def no_file(folder):
    return ["none.onnx"], "no file"


def fixed_relations(folder):
    mean_color.write(folder / "m.onnx")
    return ["m.onnx", "--relations", "self"], "are fixed"


def a_queue_smaller_than_a_batch(folder):
    mean_color.write(folder / "m.onnx")
    return ["m.onnx", "--queue", "8"], "queue=8, max_batch=32"


def a_port_that_is_taken(folder):
    # Before the model is looked at, which is exported first.
    taken = socket.create_server(("127.0.0.1", 0))
    open_until_the_end.append(taken)
    port = taken.getsockname()[1]
    return ["m.onnx", "--port", str(port)], f"listen on port {port} of '127.0.0.1' (Address"


def no_address(folder):
    return ["m.onnx", "--host", "999.1.2.3"], "--host '999.1.2.3' is no address"


def no_model_of_keras(folder):
    (folder / "m.tflite").write_text("TFL3")
    return ["m.tflite"], "'m.tflite' is no model of Keras"


open_until_the_end = []


@pytest.mark.parametrize(
    "case",
    [
        a_port_that_is_taken,
        no_address,
        no_model_of_keras,
        a_model_that_relates_a_batch,
        relations_of_a_batch,
        no_model,
        no_file,
        fixed_relations,
        a_queue_smaller_than_a_batch,
    ],
)
def test_mistakes_get_one_line(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments, message = case(tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(["serve", *arguments])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert message in error
    assert len(complaints(error)) == 1
