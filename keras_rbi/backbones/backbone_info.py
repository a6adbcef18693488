"""The record of a backbone: its name, its size, and what builds it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keras_rbi._lazy import resolve

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class BackboneInfo:
    """A backbone that `get` builds.

    Attributes:
        name: What to ask for.
        source: The library that has it: `"keras_rbi"`, `"keras.applications"` or `"keras_hub"`.
        parameters: Number of weights without a classifier; `None` where it is not known before
            the model is built.
        features: Width of the features it gives, or `None`.
        image_size: Side of the images its weights were trained on, in pixels.
        weights: Where ImageNet weights come from: `"none"`, `"network"` (its library downloads
            them), `"package"` (they come with the extra `pretrained`).
        builder: Where the function is, `"module:name"`, of a name, weights and the side of the
            images that builds it.
        package: The Python package that brings its ImageNet weights, if one does.
    """

    name: str
    source: str
    parameters: int | None
    features: int | None
    image_size: int
    weights: str
    builder: str = field(repr=False)
    package: str = field(default="", repr=False)

    @property
    def needs_network(self) -> bool:
        """Whether ImageNet weights must be downloaded when they are first asked for."""
        return self.weights == "network"

    @property
    def has_weights_here(self) -> bool:
        """Whether ImageNet weights are installed."""
        return bool(self.package) and importlib.util.find_spec(self.package) is not None

    def build(self, weights: str | Path | None, image_size: int) -> "keras.Model":
        """The backbone, without its classifier: see `keras_rbi.backbones.get`."""
        build: Callable[..., keras.Model] = resolve(self.builder)
        return build(self.name, weights, image_size)
