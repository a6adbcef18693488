"""Many clients at once, some of whom send garbage: every good request gets its own answer."""

import threading
import time

import numpy as np
import pytest
from pictures import png

httpx = pytest.importorskip("httpx")
GARBAGE = 0.1


def requests_of(count, seed):
    """Kind, bytes and pixels of each request; garbage has no pixels."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        content = png(pixels)
        if rng.random() < GARBAGE:
            yield [b"no picture", content[: len(content) // 2], rng.bytes(500)][number % 3], None
        else:
            yield content, pixels


def load(url, model, requests, clients):
    """Sends all requests from clients in threads.

    Returns:
        The seconds that it took, and a line for each wrong answer.
    """
    # What each gets alone, known beforehand.
    alone = [
        None if pixels is None else model.predict(pixels[None])[0].tolist()
        for _, pixels in requests
    ]
    wrong = []

    def check(number, response):
        if alone[number] is None:
            if response.status_code != 400 or "error" not in response.json()["predictions"][0]:
                wrong.append(f"garbage {number}: {response.status_code}")
            return
        if response.status_code != 200:
            wrong.append(f"{number}: {response.status_code} {response.text}")
            return
        top = {row["class"]: row["probability"] for row in response.json()["predictions"][0]["top"]}
        got = [top[name] for name in model.class_names]
        if np.max(np.abs(np.subtract(got, alone[number]))) > 1e-5:
            wrong.append(f"{number}: {got} and not {alone[number]}")

    def client(first):
        with httpx.Client(timeout=60) as session:
            for number in range(first, len(requests), clients):
                files = {"images": ("image.png", requests[number][0])}
                try:
                    check(number, session.post(f"{url}/predict", files=files))
                except Exception as error:
                    wrong.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return time.monotonic() - begin, wrong


def batches(url):
    """Number and mean size of the batches that the model was given."""
    lines = dict(
        line.rsplit(" ", 1)
        for line in httpx.get(f"{url}/metrics").text.splitlines()
        if line.startswith(("keras_rbi_batch_size_sum", "keras_rbi_batch_size_count"))
    )
    total, count = (float(lines[f"keras_rbi_batch_size_{name}"]) for name in ("sum", "count"))
    return total, total / count


def check_load(serve, model, count, clients):
    requests = list(requests_of(count, seed=count))
    good = sum(pixels is not None for _, pixels in requests)
    assert 0.8 * count < good < 0.97 * count
    with serve() as (url, _):
        seconds, wrong = load(url, model, requests, clients)
        answered, mean_size = batches(url)
    assert wrong == []
    assert answered == good
    # Otherwise nobody was near anybody.
    assert mean_size > 1.2
    print(f"{count} requests from {clients} clients: {count / seconds:.0f} a second, ", end="")
    print(f"batches of {mean_size:.1f} images on average")
    assert seconds < 60


def test_eight_clients_get_their_own_answers(serve, model):
    check_load(serve, model, count=200, clients=8)


@pytest.mark.nightly
def test_thirty_two_clients_get_their_own_answers(serve, model):
    check_load(serve, model, count=2000, clients=32)
