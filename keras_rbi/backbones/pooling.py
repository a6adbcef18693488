"""One row of features for each image, whatever a backbone gives."""

from typing import Any

import keras


def pool(features: Any, data_format: str | None = None) -> Any:
    """Averages maps and tokens over their places.

    Args:
        features: Symbolic tensor of shape `(batch, height, width, channels)` (or
            `(batch, channels, height, width)`), `(batch, tokens, channels)` or
            `(batch, channels)`.
        data_format: `"channels_last"` or `"channels_first"` of maps. Defaults to `None`,
            `keras.config.image_data_format()`.

    Returns:
        Symbolic tensor of shape `(batch, channels)`.

    Raises:
        ValueError: If the features are of another rank, or several.
    """
    rank = len(features.shape) if hasattr(features, "shape") else None
    if rank == 2:
        return features
    if rank == 3:
        return keras.layers.GlobalAveragePooling1D(data_format="channels_last", name="pooling")(
            features
        )
    if rank == 4:
        return keras.layers.GlobalAveragePooling2D(data_format=data_format, name="pooling")(
            features
        )
    raise ValueError(
        "A backbone must give one map (batch, height, width, channels), tokens (batch, tokens, "
        f"channels) or rows (batch, channels). Received: {features}."
    )
