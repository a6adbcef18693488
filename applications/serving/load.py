"""Sends many requests at once and sees whether each gets the answer that it gets alone.

    python load.py dogs a.jpg b.png --requests 500 --clients 16

Needs nothing but Python.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rest_client import classify

TOLERANCE = 1e-5


def load(
    server: str, model: str, files: list[bytes], requests: int, clients: int
) -> tuple[list[float], float]:
    """Sends requests of one picture each.

    Args:
        server: For example `http://127.0.0.1:8501`.
        model: The name that the model is served under.
        files: Bytes of JPEG and PNG files, sent in turn.
        requests: How many.
        clients: How many at a time.

    Returns:
        Seconds of each request, and the largest difference of a probability from that of the same
        picture asked for alone.
    """
    alone = [classify(server, model, [content])[0]["probabilities"] for content in files]

    def ask(number: int) -> tuple[float, float]:
        which = number % len(files)
        begin = time.perf_counter()
        found = classify(server, model, [files[which]])[0]["probabilities"]
        seconds = time.perf_counter() - begin
        pairs = zip(found, alone[which], strict=True)
        return seconds, max(abs(one - other) for one, other in pairs)

    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(ask, range(requests)))
    return [seconds for seconds, _ in answers], max(difference for _, difference in answers)


def main() -> None:
    parser = argparse.ArgumentParser(description="Load a server and check its answers.")
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--server", default="http://127.0.0.1:8501")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    contents = [file.read_bytes() for file in arguments.files]
    begin = time.perf_counter()
    seconds, difference = load(
        arguments.server, arguments.model, contents, arguments.requests, arguments.clients
    )
    whole = time.perf_counter() - begin
    seconds.sort()
    print(
        f"{len(seconds)} requests from {arguments.clients} clients, "
        f"{len(seconds) / whole:.0f} a second; half within "
        f"{1000 * seconds[len(seconds) // 2]:.0f} ms, 99 % within "
        f"{1000 * seconds[int(0.99 * (len(seconds) - 1))]:.0f} ms; largest difference from the "
        f"answers alone {difference:.1e}"
    )
    sys.exit(0 if difference <= TOLERANCE else 1)


if __name__ == "__main__":
    main()
