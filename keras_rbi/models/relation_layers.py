"""RPE and RRA with the settings of a variant, in the place of features or beside them."""

from typing import Any

import keras

from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.models.scaled_residual import ScaledResidual
from keras_rbi.models.variants import find_variant


def relation_layers(
    units: int,
    variant: str | None,
    dtype: Any,
    group_size: int | None = None,
    relation_dropout: float | None = None,
    residual: bool | None = None,
    rpe: keras.layers.Layer | None = None,
    rra: keras.layers.Layer | None = None,
) -> dict[str, keras.layers.Layer]:
    """The layers that relate feature vectors.

    `N + g * RRA(N, S)` in a residual branch, where g is 0 at first; else `RRA(N, S)`.

    Args:
        units: Integer, the width of the features.
        variant: `None` or one of `VARIANTS`, as for `RBIModel`.
        dtype: Dtype policy of the layers.
        group_size: As for `RPE` and `RRA`. Defaults to `None`.
        relation_dropout: As for `RRA`. Defaults to `None`, that of the variant.
        residual: Boolean, whether RRA is a branch. Defaults to `None`, as the variant has it.
        rpe: A layer in the place of `RPE`. Defaults to `None`.
        rra: A layer in the place of `RRA`. Defaults to `None`.

    Returns:
        `rpe`, `rra` and, for a branch, `integration`, for `RelationalClassifier`.

    Raises:
        ValueError: If an argument is out of its range, or if layers of one's own contradict others.
    """
    settings = find_variant(variant)
    for name, layer in (("rpe", rpe), ("rra", rra)):
        if layer is not None and not isinstance(layer, keras.layers.Layer):
            raise ValueError(
                f"`{name}` must be a layer, such as keras_rbi.layers.{name.upper()}(...), or None. "
                f"Received: {name}={layer!r}."
            )
    if rra is not None and (relation_dropout is not None or group_size is not None):
        raise ValueError(
            "`relation_dropout` and `group_size` are arguments of the RRA layer. Received: "
            "both an `rra` layer and one of them. Set them on the layer."
        )
    if relation_dropout is None:
        relation_dropout = settings.relation_dropout
    made = {
        "rpe": rpe or RPE(**settings.rpe, group_size=group_size, name="rpe"),
        "rra": rra
        or RRA(
            units,
            relation_dropout=relation_dropout,
            group_size=group_size,
            normalization=None if settings.normalized else keras.layers.Identity(),
            dtype=dtype,
            name="rra",
        ),
    }
    if settings.residual if residual is None else residual:
        made["integration"] = ScaledResidual(
            settings.multiplier(units), dtype=dtype, name="integration"
        )
    return made
