"""Running the service until SIGTERM or SIGINT."""

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from keras_rbi.serving.app import Model, create_app
from keras_rbi.serving.beside import Beside
from keras_rbi.serving.connections import connections
from keras_rbi.serving.limits import Limits

# For how long clients that have connected may still send what they were about to.
LAST_SECONDS = 0.5
MOMENT = 0.01
CLOSE = (b"connection", b"close")
# Descriptors for what is no connection, and for those that come before others have made room.
OWN_DESCRIPTORS = 48
BACKLOG = 128
SMALL_BACKLOG = 16
MANY_DESCRIPTORS = 512


class Server(uvicorn.Server):
    """A server of uvicorn's that resets no connection which has sent its request."""

    when_started: Callable[[int], object] = staticmethod(lambda _: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen, and says on which port."""
        await super().startup(sockets)
        if self.started:
            self.when_started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers all that has arrived and is about to, and ends."""
        self._ask_clients_to_close()
        await asyncio.sleep(LAST_SECONDS)
        await self._take_the_last()
        await super().shutdown(sockets)

    async def _take_the_last(self) -> None:
        """Closes the listening sockets with nobody in their queues, who would be reset."""
        listening = [one for server in self.servers for one in server.sockets]
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while any(map(_has_arrivals, listening)):
                    await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await asyncio.sleep(MOMENT)
                while any(connection.is_new for connection in self._connections()):
                    await asyncio.sleep(MOMENT)

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    def _ask_clients_to_close(self) -> None:
        """Has all further responses say that none follows on their connections."""
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        for connection in self._connections():
            if connection.answers and not connection.cycle.response_started:
                connection.cycle.default_headers = self.server_state.default_headers


def _has_arrivals(listening: Any) -> bool:
    return bool(select.select([listening], [], [], 0)[0])


def server(
    model: Model,
    limits: Limits,
    host: str,
    port: int,
    beside: Beside | None = None,
    keep: Path | None = None,
) -> Server:
    """The HTTP server of a service.

    On SIGTERM or SIGINT it takes no new connections after half a second, answers the requests that
    have arrived, and ends.

    Args:
        model: As for `create_app`.
        limits: As for `create_app`.
        host: Address to listen on.
        port: Port, or 0 for any that is free.
        beside: As for `create_app`. Defaults to `None`.
        keep: As for `create_app`. Defaults to `None`.

    Returns:
        A server, whose `run` returns when it has ended.
    """
    most, backlog = _connections_and_backlog(limits.connections)
    config = uvicorn.Config(
        create_app(model, limits, beside, keep),
        host=host,
        port=port,
        # A function where uvicorn names a class: it only calls it.
        http=connections(limits, most),
        ws="none",
        backlog=backlog,
        log_level="error",
        access_log=False,
    )
    return Server(config)


def run(
    model: Model,
    limits: Limits,
    host: str,
    port: int,
    beside: Beside | None = None,
    keep: Path | None = None,
    started: Callable[[int], object] = lambda _: None,
) -> None:
    """Serves a model until the process is told to stop.

    Args:
        model: As for `create_app`.
        limits: As for `create_app`.
        host: As for `server`.
        port: As for `server`.
        beside: As for `create_app`. Defaults to `None`.
        keep: As for `create_app`. Defaults to `None`.
        started: Called with the port once requests are answered. Defaults to nothing.
    """
    service = server(model, limits, host, port, beside, keep)
    service.when_started = started
    service.run()


def _connections_and_backlog(asked: int) -> tuple[int, int]:
    """As many connections as there are descriptors for, and how many may be taken at once."""
    try:
        import resource
    except ImportError:
        return asked, BACKLOG
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return asked, BACKLOG
    backlog = BACKLOG if descriptors >= MANY_DESCRIPTORS else SMALL_BACKLOG
    return max(1, min(asked, descriptors - OWN_DESCRIPTORS - backlog)), backlog
