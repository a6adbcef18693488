"""A service on loopback, on a port that is free."""

import threading
import time
from contextlib import contextmanager


@contextmanager
def running(model, limits, beside=None, keep=None):
    """Runs a service in a thread; gives its address and the server."""
    from keras_rbi.serving.run import server

    service = server(model, limits, "127.0.0.1", 0, beside, keep)
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not service.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        port = service.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", service
    finally:
        service.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
