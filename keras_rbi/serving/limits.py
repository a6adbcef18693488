"""Limits of the service."""

import math
from dataclasses import dataclass, fields

LEAST_BYTES = 2**27
# Reference photographs: with more, a product of all features takes longer than an index would.
MOST_REFERENCES = 5000


@dataclass(frozen=True)
class Limits:
    """Bounds of a service.

    Attributes:
        max_batch: Most images that the model is given at once.
        deadline: Seconds for which an image waits for others to make a batch with.
        queue: Most images that are waiting or being answered; what comes beyond them is told to
            come back later.
        max_request_bytes: Most bytes in a request.
        max_pixels: Most pixels in an image, told by its header before it is decoded.
        request_seconds: Seconds in which a request must have arrived whole.
        decode_seconds: Seconds of a processor after which the decoding of an image is given up.
        decode_bytes: Most bytes of memory that decoding an image may take.
        wait_seconds: Seconds for which an image waits to be decoded, and is decoded.
        connections: Most connections; for more, those that have sent no whole request make room.
        header_seconds: Seconds in which the header of a request must have arrived.

    Raises:
        ValueError: If one is out of its range.
    """

    max_batch: int = 32
    deadline: float = 0.01
    queue: int = 256
    max_request_bytes: int = 16 * 2**20
    max_pixels: int = 50_000_000
    request_seconds: float = 30.0
    decode_seconds: float = 10.0
    decode_bytes: int = 2**30
    wait_seconds: float = 20.0
    connections: int = 256
    header_seconds: float = 10.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            # Never true of NaN.
            if not 0 <= value < math.inf or (value == 0 and field.name != "deadline"):
                raise ValueError(
                    f"`{field.name}` must be a positive number. Received: {field.name}={value}."
                )
        if self.decode_bytes < LEAST_BYTES:
            raise ValueError(
                f"`decode_bytes` must be {LEAST_BYTES} at least, which a process takes that has "
                f"decoded nothing yet. Received: {self.decode_bytes}."
            )
        if self.queue < self.max_batch:
            raise ValueError(
                "`queue` must hold a batch at least. Received: "
                f"queue={self.queue}, max_batch={self.max_batch}."
            )
