"""Counting responses as clients see them, whatever part of the service makes them."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from keras_rbi.serving.metrics import Metrics

Application = Callable[[Any, Any, Any], Awaitable[None]]


class CountResponses:
    """ASGI middleware that counts the requests to a path by the status that is sent.

    Args:
        app: The application.
        path: The path.
        metrics: Where to count.
    """

    def __init__(self, app: Application, path: str, metrics: Metrics) -> None:
        self._app = app
        self._path = path
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        # What the application raises is sent as this, further out.
        begin, status = time.perf_counter(), 500

        async def counted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            self._metrics.requests.labels(str(status)).inc()
            self._metrics.seconds.observe(time.perf_counter() - begin)
