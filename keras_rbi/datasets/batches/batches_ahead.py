"""Prefetching of batches by threads."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

Key = tuple[int, int]
# Makes the batch of a key, with a function like `map` for what is to be done to each image.
Make = Callable[[Key, Callable[..., Any]], Any]


class BatchesAhead:
    """Threads that prepare the batches which follow the one that was asked for.

    Keras has such threads too, but those look ahead once more than they are asked: on JAX and
    PyTorch the first epoch of a `fit` begins with batches of the epoch before, and each later one
    with what the former left over (Keras 3.15). These keep to the epoch.

    Args:
        workers: Integer, threads, and batches that are prepared ahead; none if it is below 1.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers > 0 else None
        self._lock = threading.Lock()
        self._pending: dict[Key, Future[Any]] = {}
        self._last: Key | None = None

    def get(self, key: Key, make: Make, batches: int) -> Any:
        """A batch, and the next ones under way where they are asked for one after the other.

        Args:
            key: Epoch and number of the batch.
            make: Function that makes the batch of a key, in any thread. Its second argument is
                `map`; for a batch that was not foreseen, one that uses all threads.
            batches: Batches of the epoch.

        Returns:
            What `make` returns.
        """
        if self._pool is None:
            return make(key, map)
        epoch, index = key
        with self._lock:
            in_turn = index == 0 or self._last == (epoch, index - 1)
            self._last = key
            mine = self._pending.pop(key, None)
            end = min(index + 1 + self.workers, batches) if in_turn else 0
            following = [(epoch, number) for number in range(index + 1, end)]
            for stale in self._pending.keys() - following:
                self._pending.pop(stale).cancel()
        # First, since the following ones would take every thread.
        unforeseen = make(key, self._pool.map) if mine is None else None
        with self._lock:
            for ahead in following:
                if ahead not in self._pending:
                    self._pending[ahead] = self._pool.submit(make, ahead, map)
        return unforeseen if mine is None else mine.result()
