"""What `keras-rbi serve` does under load, and what a good client gets beside hostile ones.

`worst` has clients send the files of `hostile_images.py` one after the other while a good client
sends an ordinary photograph, and says how long that waits. `load` has clients send photographs,
some of which are garbage, compares every prediction with that which the image gets alone, and the
images a second with a plain loop over ONNX Runtime. `page` says how long the page waits: for an
answer, for its map, and for look-alikes among 5,000 references.
"""

import argparse
import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hostile_images
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from keras_rbi.datasets.files.reading import decode_image
from keras_rbi.serving.beside import references_file, write_notes
from keras_rbi.serving.onnx_model import OnnxModel
from keras_rbi.serving.reference_images import ReferenceImages, read_reference_images, unit_rows

SIDE = 224
PAUSE = 0.05
TARGET_SECONDS, TARGET_RATIO, TARGET_GROWTH = 1.0, 0.7, 0.05
PLAIN_BATCH = 8
TOLERANCE = 1e-4
BOUNDARY = "boundary-of-parts"
MIB = 2**20


def photograph(seed: int, width: int = 500, height: int = 375) -> bytes:
    """A JPEG with as much in it as photographs have."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), "float32")
    pixels = np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def mean_model(path: Path) -> Path:
    """A model that takes no time: the mean of each colour."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["probabilities"]),
    ]
    shapes = ("images", ["batch", SIDE, SIDE, 3]), ("probabilities", ["batch", 3])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in shapes]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
        helper.make_tensor("white", TensorProto.FLOAT, [], [255.0]),
    ]
    graph = helper.make_graph(nodes, "mean", ends[:1], ends[1:], constants)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


class Service:
    """The command in a process of its own."""

    def __init__(self, model: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-c", "import keras_rbi_command; keras_rbi_command.main()"]
        self.process = subprocess.Popen(
            [*command, "serve", str(model), "--port", str(self.port)], stdout=subprocess.DEVNULL
        )
        while True:
            with contextlib.suppress(OSError):
                Client(self.port).get("/health")
                return
            if self.process.poll() is not None:
                raise SystemExit("The service did not start.")
            time.sleep(0.1)

    def stop(self) -> float:
        """Sends SIGTERM; seconds until the end."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return time.monotonic() - begin

    def processor_seconds(self) -> float:
        """What the service and its processes have taken of processors, whoever else wants them."""
        ticks = 0
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for process in (self.process.pid, *children.read_text().split()):
            with contextlib.suppress(OSError):
                # After the name, which may have blanks in it: user and system time are 14 and 15.
                fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Bytes that the service and its processes hold, what they share counted once."""
        total = 0
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for process in (self.process.pid, *children.read_text().split()):
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024


class Client:
    """A connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        return self._connection.getresponse().read()

    def predict(self, content: bytes, path: str = "/predict?top=100000") -> tuple[int, Any]:
        """Status and content of the response for an image; status 0 where the connection broke."""
        disposition = 'Content-Disposition: form-data; name="images"; filename="a.jpg"'
        head = f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
        body = head + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        try:
            self._connection.request("POST", path, body, headers)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, None


def beside(clients: Sequence[Any]) -> Iterator[None]:
    """Runs functions of an event, which ends them, in threads."""
    ended = threading.Event()
    threads = [threading.Thread(target=client, args=(ended,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def seconds_of_good(port: int, seconds: float) -> list[float]:
    """How long each request of a good client took; infinite for those not answered."""
    client, content, found = Client(port), photograph(0), []
    end = time.monotonic() + seconds
    while (begin := time.monotonic()) < end:
        status, _ = client.predict(content)
        found.append(time.monotonic() - begin if status == 200 else float("inf"))
        time.sleep(PAUSE)
    return found


def worst(service: Service, clients: int, seconds: float) -> dict[str, Any]:
    """A good client alone, and beside hostile ones."""
    alone = seconds_of_good(service.port, min(seconds, 10.0))
    cases = [(name, make()) for name, make in hostile_images.CASES.items()]
    took: dict[str, list[tuple[float, int]]] = defaultdict(list)
    peak = 0

    def hostile(first: int, ended: threading.Event) -> None:
        client, number = Client(service.port), first
        while not ended.is_set():
            name, content = cases[number % len(cases)]
            begin = time.monotonic()
            status, _ = client.predict(content)
            # None where the service has been stopped.
            if status:
                took[name].append((time.monotonic() - begin, status))
            number += 1

    def watch(ended: threading.Event) -> None:
        nonlocal peak
        while not ended.wait(PAUSE):
            with contextlib.suppress(OSError):
                peak = max(peak, service.resident())

    step = len(cases) / clients
    hostiles = [
        lambda ended, first=int(step * number): hostile(first, ended) for number in range(clients)
    ]
    with contextlib.contextmanager(beside)([*hostiles, watch]):
        good = seconds_of_good(service.port, seconds)
        stopped = service.stop()
    return {
        "alone": quantiles(alone),
        "beside": quantiles(good),
        "peak_bytes": peak,
        "seconds_to_stop": stopped,
        "cases": {
            name: {
                "bytes": len(content),
                "times": len(took[name]),
                "seconds": max((each for each, _ in took[name]), default=0.0),
                "statuses": sorted({status for _, status in took[name]}),
            }
            for name, content in cases
        },
    }


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median, the 99th percentile and the maximum."""
    found = np.sort(seconds)
    last = found[min(len(found) - 1, int(np.ceil(0.99 * len(found))) - 1)]
    return {
        "count": len(found),
        "p50": float(statistics.median(found)),
        "p99": float(last),
        "max": float(found[-1]),
    }


def load(service: Service, model: OnnxModel, requests: int, clients: int) -> dict[str, Any]:
    """Photographs, and garbage in 15 of 100 requests."""
    contents = [photograph(seed) for seed in range(20)]
    arrays = np.stack([decode_image(content, "a.jpg", model.image_size) for content in contents])
    expected = [model.predict(image[None])[0] for image in arrays]
    garbage = [b"no picture", contents[0][: len(contents[0]) // 2], bytes(500)]
    took: list[float] = []
    wrong: list[str] = []
    resident: list[int] = []

    def ask(client: Client, number: int) -> None:
        is_garbage = number % 20 in (3, 10, 17)
        content = garbage[number % 3] if is_garbage else contents[number % 20]
        begin = time.monotonic()
        status, response = client.predict(content)
        took.append(time.monotonic() - begin)
        if status != (400 if is_garbage else 200):
            wrong.append(f"{number}: {status}")
        elif not is_garbage:
            top = {row["class"]: row["probability"] for row in response["predictions"][0]["top"]}
            got = [top[name] for name in model.class_names]
            if np.abs(np.subtract(got, expected[number % 20])).max() > TOLERANCE:
                wrong.append(f"{number}: another prediction")

    def run(first: int) -> None:
        client = Client(service.port)
        for number in range(first, requests, clients):
            ask(client, number)
            if number % (requests // 20 or 1) == 0:
                resident.append(service.resident())

    begin = time.monotonic()
    threads = [threading.Thread(target=run, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begin
    # What Python and the runtime take to begin with is there after a fifth.
    after_warm_up = resident[len(resident) // 5 :]
    return {
        "requests": requests,
        "clients": clients,
        "wrong": wrong,
        "seconds": quantiles(took),
        "images_a_second": requests * 17 / 20 / seconds,
        "plain_images_a_second": plain(model, arrays[:PLAIN_BATCH]),
        "resident_mib": [each // MIB for each in resident],
        "growth": after_warm_up[-1] / after_warm_up[0] - 1,
    }


def plain(model: OnnxModel, images: np.ndarray, seconds: float = 5.0) -> float:
    """Images a second of a loop that does nothing else, after one to warm up."""
    model.predict(images)
    begin, count = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        model.predict(images)
        count += len(images)
    return count / (time.monotonic() - begin)


def with_references(model: OnnxModel, folder: Path, count: int) -> Path:
    """A copy of a model with so many references beside it, of noise."""
    path = folder / "page.onnx"
    shutil.copy(model.path, path)
    width = model.features(np.zeros((1, model.image_size, model.image_size, 3), "uint8")).shape[1]
    rng = np.random.default_rng(0)
    features = unit_rows(rng.normal(0, 1, (count, width)).astype("float32"))
    labels = np.arange(count) % len(model.class_names)
    file = photograph(0, model.image_size, model.image_size)
    names = [f"{number}.jpg" for number in range(count)]
    ReferenceImages(features, labels, names, [file] * count).write(references_file(path))
    write_notes(path, None, {})
    return path


def page(service: Service, references: ReferenceImages, times: int) -> dict[str, Any]:
    """Seconds that one client waits for each thing that the page asks."""
    client, content = Client(service.port), photograph(1)
    classes = [row["class"] for row in client.predict(content)[1]["predictions"][0]["top"][:2]]
    pair = urllib.parse.urlencode(dict(zip(("first", "second"), classes, strict=True)))
    asked = {
        "an answer": "/predict?top=5",
        "an answer with look-alikes": "/predict?top=5&references=3",
        "its map": f"/explain?{urllib.parse.urlencode({'class': classes[0]})}",
        "two classes compared, with a reference of each": f"/compare?{pair}",
        "the nearest references": "/references?count=4",
    }
    found: dict[str, Any] = {}
    for name, path in asked.items():
        took = []
        before = service.processor_seconds()
        for _ in range(times):
            begin = time.monotonic()
            status, response = client.predict(content, path)
            took.append(time.monotonic() - begin)
            if status != 200:
                raise SystemExit(f"{path}: {status} {response}")
        taken = (service.processor_seconds() - before) / times
        found[name] = {**quantiles(took), "processor": taken}
    one = references.features[0]
    took = []
    for _ in range(times):
        begin = time.monotonic()
        references.nearest(one, 3, list(range(5)))
        took.append(time.monotonic() - begin)
    found["look-alikes alone"] = quantiles(took)
    return found


def show(console: Console, found: dict[str, Any]) -> None:
    """Prints what was measured."""
    table = Table()
    for column in ("measure", "found"):
        table.add_column(column)
    for name, value in found.items():
        if name != "cases":
            table.add_row(name, str(value)[:500])
    console.print(table)
    if "cases" in found:
        cases = Table(*("file", "bytes", "times", "seconds at most", "statuses"))
        for name, case in found["cases"].items():
            numbers = f"{case['bytes']:,}", str(case["times"]), f"{case['seconds']:.2f}"
            cases.add_row(name, *numbers, ", ".join(map(str, case["statuses"])))
        console.print(cases)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["worst", "load", "page"])
    parser.add_argument(
        "--model", type=Path, help="an .onnx file; one that takes no time by default"
    )
    parser.add_argument("--clients", type=int, help="8 hostile ones, or 64 in the load, by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="for which `worst` lasts")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--references", type=int, default=5000, help="of `page`")
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = options.model or mean_model(Path(folder) / "mean.onnx")
        if options.what == "page":
            path = with_references(OnnxModel(path), Path(folder), options.references)
        service = Service(path)
        try:
            if options.what == "worst":
                found = worst(service, options.clients or 8, options.seconds)
            elif options.what == "page":
                references = read_reference_images(references_file(path))
                found = page(service, references, min(options.requests, 30))
            else:
                found = load(service, OnnxModel(path), options.requests, options.clients or 64)
                found["seconds_to_stop"] = service.stop()
        finally:
            service.process.kill()
            service.process.wait()
    found["load_of_the_machine"] = os.getloadavg()[0]
    show(Console(), found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
