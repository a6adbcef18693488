"""The backbones that can be asked for by name."""

from dataclasses import dataclass

from keras_rbi.backbones import applications, hub
from keras_rbi.backbones.efficientnet_lite import LITE_BACKBONES, has_imagenet_weights

SMALL_CNN = "SmallCNN"


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
    """

    name: str
    source: str
    parameters: int | None
    features: int | None
    image_size: int
    weights: str

    @property
    def needs_network(self) -> bool:
        """Whether ImageNet weights must be downloaded when they are first asked for."""
        return self.weights == "network"

    @property
    def has_weights_here(self) -> bool:
        """Whether ImageNet weights are installed."""
        return self.weights == "package" and has_imagenet_weights(self.name)


def available() -> list[BackboneInfo]:
    """The backbones that `get` builds, whether or not the extra that has them is installed.

    Returns:
        List of `BackboneInfo`.

    Example:

    >>> {info.name: info.features for info in keras_rbi.backbones.available()}["DenseNet201"]
    1920
    """
    return [
        BackboneInfo(SMALL_CNN, "keras_rbi", 98_928, 128, 64, "none"),
        *(
            BackboneInfo(
                lite.name, "keras_rbi", lite.parameters, lite.features, lite.image_size, "package"
            )
            for lite in LITE_BACKBONES.values()
        ),
        *(
            BackboneInfo(
                name,
                "keras.applications",
                applications.known().get(name, {}).get("parameters"),
                applications.known().get(name, {}).get("features"),
                applications.known().get(name, {}).get("image_size", applications.IMAGE_SIZE),
                "network",
            )
            for name in sorted(applications.constructors())
        ),
        *(
            BackboneInfo(
                entry.name,
                "keras_hub",
                entry.parameters,
                entry.features,
                entry.image_size,
                "network",
            )
            for entry in hub.HUB_BACKBONES.values()
        ),
    ]
