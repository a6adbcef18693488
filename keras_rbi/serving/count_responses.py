"""Counting responses as clients see them, whatever part of the service makes them."""

import re
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from keras_rbi.serving.metrics import Metrics

Application = Callable[[Any, Any, Any], Awaitable[None]]
OTHER = "other"


class CountResponses:
    """ASGI middleware that counts requests by their endpoint and the status that is sent.

    Args:
        app: The application.
        endpoints: The paths that are counted by name, such as `/references/{number}`; what else
            clients ask for is counted together, lest they make up names without end.
        metrics: Where to count.
    """

    def __init__(self, app: Application, endpoints: Collection[str], metrics: Metrics) -> None:
        self._app = app
        self._endpoints = {
            each: re.compile(re.sub(r"\{\w+\}", "[^/]+", each)) for each in endpoints
        }
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
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
            endpoint = self._endpoint(scope["path"])
            self._metrics.requests.labels(endpoint, str(status)).inc()
            self._metrics.seconds.labels(endpoint).observe(time.perf_counter() - begin)

    def _endpoint(self, path: str) -> str:
        found = (name for name, form in self._endpoints.items() if form.fullmatch(path))
        return next(found, OTHER)
