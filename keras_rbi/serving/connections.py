"""Connections that do not wait for ever for what clients do not send."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from keras_rbi.serving.limits import Limits

REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Connection(H11Protocol):
    """A connection of uvicorn's with a limit on the time that a client may keep it waiting.

    uvicorn has one for clients that send nothing after a response, and none for those that send a
    header or a body by the byte. A body that an endpoint reads has the limit of the endpoint.

    Args:
        limits: Of time, and of the number of connections.
        most: Most connections; where there are more, the one that has kept the service waiting
            for the longest makes room.
        arguments: Those of uvicorn.
    """

    def __init__(self, limits: Limits, most: int, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._most = most
        self.waits_since: float = self.loop.time()
        self._look_again: asyncio.TimerHandle | None = None

    @property
    def answers(self) -> bool:
        """Whether a request has begun whose response is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def waits_for_client(self) -> bool:
        """Whether the next thing to come is something that the client sends, or takes."""
        return not self.answers or self.cycle.more_body

    @property
    def is_new(self) -> bool:
        """Whether no request has begun on it yet."""
        return self.cycle is None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._look_again = self.loop.call_later(self._limits.header_seconds, self._look)
        if len(self.connections) > self._most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look_again is not None:
            self._look_again.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self.waits_since = self.loop.time()
        super().on_response_complete()

    def _make_room(self) -> None:
        """Ends the connection that has waited for the longest, or else this one."""
        others = [other for other in self.connections if other is not self]
        waiting = [other for other in others if other.waits_for_client]
        if waiting:
            # Those whose requests have begun stay for longer.
            longest = min(waiting, key=lambda other: (other.answers, other.waits_since))
            longest.transport.abort()
            # It counts no more, even if many others come before its end is told.
            self.connections.discard(longest)
        else:
            self.transport.write(REFUSAL)
            self.transport.close()

    def _look(self) -> None:
        self._look_again = self.loop.call_later(self._limits.header_seconds, self._look)
        if self.answers:
            return
        waited = self.loop.time() - self.waits_since
        if self.transport.get_write_buffer_size():
            # A response that is not taken.
            if waited >= self._limits.request_seconds:
                self.transport.abort()
        elif waited >= self._limits.header_seconds:
            if self.conn.trailing_data[0]:
                self.transport.write(LATE)
            self.transport.close()


def connections(limits: Limits, most: int) -> Callable[..., Connection]:
    """What makes a `Connection` for uvicorn, with these limits."""

    def made(*arguments: Any, **named: Any) -> Connection:
        return Connection(limits, most, *arguments, **named)

    return made
