"""Admission control: how many images the service takes at once."""

from collections.abc import Iterator
from contextlib import contextmanager


class FullError(Exception):
    """There is no room for more."""


class Admission:
    """Counts images in hand, up to a limit.

    Args:
        limit: Integer, most images.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_hand: int = 0

    @contextmanager
    def admit(self, count: int) -> Iterator[None]:
        """Has images in hand for as long as the context lasts.

        Args:
            count: Integer, how many.

        Raises:
            FullError: If there is no room for all of them; then there is none in hand.
        """
        if self.in_hand + count > self._limit:
            raise FullError
        self.in_hand += count
        try:
            yield
        finally:
            self.in_hand -= count
