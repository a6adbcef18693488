"""Checks of what RRA is given, and the arguments that its normalization had in version 0.1."""

from typing import Any

import keras

from keras_rbi._deprecation import warn_of_old
from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization

OF_NORMALIZATION = (
    "momentum",
    "epsilon",
    *(
        f"{part}_{kind}"
        for kind in ("initializer", "regularizer", "constraint")
        for part in ("beta", "gamma")
    ),
)


def old_normalization(
    arguments: dict[str, Any], normalization: keras.layers.Layer | None
) -> tuple[dict[str, Any], keras.layers.Layer | None]:
    """Makes the layer that arguments of version 0.1 describe.

    Args:
        arguments: Keyword arguments of `RRA` that are not named.
        normalization: The layer that was given, if any.

    Returns:
        The arguments that are left, and the layer: as given, or made of the others.

    Raises:
        ValueError: If a layer is given and described too.
    """
    described = {key: arguments[key] for key in OF_NORMALIZATION if key in arguments}
    if not described:
        return arguments, normalization
    named = ", ".join(f"{key}=..." for key in described)
    if normalization is not None:
        raise ValueError(
            f"The normalization is given as a layer. Received: {named} besides. Set them on it."
        )
    warn_of_old(
        f"RRA({named})",
        f"RRA(normalization=TwoPassBatchNormalization({named}))",
        "The old arguments go",
        stacklevel=3,
    )
    left = {key: value for key, value in arguments.items() if key not in described}
    return left, _described(described, left.get("dtype"))


def without_old_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration with its normalization as a layer, also of version 0.1."""
    config = dict(config)
    described = {key: config.pop(key) for key in OF_NORMALIZATION if key in config}
    normalization = keras.saving.deserialize_keras_object(config.get("normalization"))
    if described:
        normalization = _described(described, config.get("dtype"))
    return config | {"normalization": normalization}


def _described(arguments: dict[str, Any], dtype: Any) -> TwoPassBatchNormalization:
    policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    sums = keras.backend.result_type(policy.compute_dtype, "float32")
    return TwoPassBatchNormalization(**arguments, dtype=sums, name="normalization")


def check_normalization(value: Any) -> keras.layers.Layer | None:
    """Returns the value, or raises a `ValueError` if it is neither a layer nor `None`."""
    if value is None or isinstance(value, keras.layers.Layer):
        return value
    raise ValueError(
        "`normalization` must be a layer, or None for TwoPassBatchNormalization(). Received: "
        f"normalization={value!r}. keras.layers.Identity() is none at all."
    )


def check_shapes(
    layer: Any, features_shape: Any, relations_shape: Any, training: bool | None = None
) -> None:
    """Raises a `ValueError` for features or relations that an `RRA` cannot take."""
    if len(features_shape) not in (2, 3):
        raise ValueError(
            "RRA takes one row of features for each image, a tensor of rank 2 (batch, "
            "features), or of rank 3 for sets of images. Received: features of shape "
            f"{tuple(features_shape)}. Pool maps and tokens first, for example with "
            "keras.layers.GlobalAveragePooling2D."
        )
    if features_shape[-1] is None:
        raise ValueError(
            "RRA needs features of a known width. Received: features of shape "
            f"{tuple(features_shape)}."
        )
    if isinstance(features_shape[-2], int) and features_shape[-2] == 0:
        raise ValueError(
            "RRA relates images, of which there must be one at least. Received: features of shape "
            f"{tuple(features_shape)}."
        )
    if relations_shape is None:
        return
    batch, width = features_shape[-2], relations_shape[-1]
    # The batch last, since a comparison with an open one would be traced as a condition on it.
    widths = [layer.group_size, batch]
    if layer.inference_relations == "self" and not training:
        widths.insert(0, 1)
    elif layer.inference_relations == "references" and not training and layer.has_references:
        widths.insert(0, 1 + layer.known_references().num_references)
    rows_fit = len(relations_shape) == len(features_shape) and all(
        None in pair or pair[0] == pair[1]
        for pair in zip(relations_shape[:-1], features_shape[:-1], strict=True)
    )
    if not rows_fit or (None not in (batch, width) and width not in widths):
        raise ValueError(
            "The relations must be those of the same images: shape (batch, batch), "
            "(batch, group_size) with groups, or (batch, 1 + references). Received: "
            f"relations of shape {tuple(relations_shape)} with features of shape "
            f"{tuple(features_shape)} and group_size={layer.group_size}. Both come from one "
            "batch: RRA(units)(features, RPE()(images))."
        )
