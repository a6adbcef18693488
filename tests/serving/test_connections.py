"""Clients that keep the service waiting, with sockets as they come."""

import contextlib
import socket
import time

import pytest
from pictures import png

httpx = pytest.importorskip("httpx")
HALF_A_HEADER = b"GET /health HTTP/1.1\r\nX: "
HALF_A_BODY = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)


@contextlib.contextmanager
def opened(url, count, begin=b""):
    """Connections that have sent so much and no more."""
    host, port = url.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection((host, int(port)), 10))
            connection.sendall(begin)
            connections.append(connection)
        yield connections


def ended(connection):
    """What comes before the end of a connection, and the seconds until then."""
    begin, received = time.monotonic(), b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1000):
            received += piece
    return received, time.monotonic() - begin


def asked(url):
    begin = time.monotonic()
    files = {"images": ("a.png", png((1, 2, 3)))}
    assert httpx.post(f"{url}/predict", files=files, timeout=20).status_code == 200
    return time.monotonic() - begin


@pytest.mark.parametrize("begin", [HALF_A_HEADER, b"", HALF_A_BODY.replace(b"/predict", b"/none")])
def test_a_header_or_an_unread_body_that_never_ends_is_ended(serve, begin):
    with serve(header_seconds=0.5) as (url, _), opened(url, 1, begin) as (connection,):
        connection.settimeout(20)
        received, seconds = ended(connection)
    assert 0.2 < seconds < 15
    assert (b"408" in received) == (begin == HALF_A_HEADER)


def test_a_byte_now_and_then_after_an_answer_keeps_no_connection(serve):
    with serve(header_seconds=0.5) as (url, _), opened(url, 1) as (connection,):
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in connection.recv(1000)
        deadline, ended_by = time.monotonic() + 15, None
        while ended_by is None and time.monotonic() < deadline:
            try:
                connection.sendall(b"G")
            except OSError as error:
                ended_by = error
            time.sleep(0.05)
    assert isinstance(ended_by, (BrokenPipeError, ConnectionResetError))


@pytest.mark.parametrize("begin", [HALF_A_HEADER, HALF_A_BODY])
def test_half_requests_on_all_connections_make_room(serve, begin):
    with serve(connections=20) as (url, service), opened(url, 50, begin):
        asked(url)
        assert len(service.server_state.connections) <= 20


def test_slow_bodies_hold_no_place(serve):
    with serve(max_batch=2, queue=2) as (url, _), opened(url, 10, HALF_A_BODY):
        asked(url)


def test_a_client_that_leaves_takes_its_images_along(serve):
    class Slow:
        class_names, image_size, relations = ("red", "green", "blue"), 8, "self"

        def predict(self, images):
            time.sleep(1.0)
            return images.astype("float64").mean(axis=(1, 2)) / 255

    with serve(Slow(), max_batch=1, queue=30) as (url, _):
        for _ in range(25):
            with contextlib.suppress(httpx.TimeoutException):
                httpx.post(
                    f"{url}/predict", files={"images": ("a.png", png((1, 2, 3)))}, timeout=0.2
                )
        asked(url)
