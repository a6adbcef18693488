"""The networks that the map trains whole."""

from dataclasses import dataclass

from applications.paper.regimes.regime import FINE_TUNED, SCRATCH
from keras_rbi.training.defaults import CLIP_FROM_SCRATCH


@dataclass(frozen=True)
class Network:
    """A backbone, and how the command trains it.

    Attributes:
        backbone: Its name.
        weights: `"imagenet"`, or `None` for random ones.
        side: Of the images, in pixels.
        clip: Norm that the gradients of a step have together at most; `None` for no bound.
        rates: The learning rates that a search tries.
    """

    backbone: str
    weights: str | None
    side: int
    clip: float | None
    rates: tuple[float, ...]


NETWORKS = {
    SCRATCH: Network("SmallCNN", None, 32, CLIP_FROM_SCRATCH, (4e-3, 1.6e-2, 6.4e-2)),
    FINE_TUNED: Network("EfficientNetLite0", "imagenet", 64, None, (1e-3, 3e-3, 6e-3)),
}
