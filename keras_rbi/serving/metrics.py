"""Prometheus metrics of the service."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counters of one service.

    Args:
        in_hand: Function that gives the number of images that are waiting or being answered.
    """

    def __init__(self, in_hand: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self.requests: Counter = Counter(
            "keras_rbi_requests",
            "Requests by endpoint and HTTP status.",
            ["endpoint", "status"],
            registry=self._registry,
        )
        self.images: Counter = Counter(
            "keras_rbi_images",
            "Images by what became of them: answered, or refused as unreadable.",
            ["result"],
            registry=self._registry,
        )
        self.batch_sizes: Histogram = Histogram(
            "keras_rbi_batch_size",
            "Images that the model was given at once.",
            buckets=BATCH_SIZES,
            registry=self._registry,
        )
        self.seconds: Histogram = Histogram(
            "keras_rbi_request_seconds",
            "Seconds from the arrival of a request to its answer, by endpoint.",
            ["endpoint"],
            buckets=SECONDS,
            registry=self._registry,
        )
        waiting = Gauge(
            "keras_rbi_images_in_hand",
            "Images that are waiting or being answered.",
            registry=self._registry,
        )
        waiting.set_function(in_hand)

    def text(self) -> bytes:
        """The counters in Prometheus's text format."""
        return bytes(generate_latest(self._registry))
