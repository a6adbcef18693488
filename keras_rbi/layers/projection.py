"""The Dense layers inside RRA, which share initializers, regularizers and constraints."""

from typing import Any

import keras

KINDS = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


def projection(layer: Any, name: str, units: int, dtype: Any) -> keras.layers.Dense:
    """A Dense layer with the settings of the layer that it is part of.

    Args:
        layer: A layer with `use_bias`, and `kernel_` and `bias_` initializer, regularizer and
            constraint.
        name: String.
        units: Integer.
        dtype: Dtype policy.

    Returns:
        A `keras.layers.Dense`.
    """
    return keras.layers.Dense(
        units,
        use_bias=layer.use_bias,
        # A clone, since one initializer gives the same values each time; so do the clones of
        # an initializer with a seed.
        kernel_initializer=_clone(layer.kernel_initializer),
        bias_initializer=_clone(layer.bias_initializer),
        kernel_regularizer=layer.kernel_regularizer,
        bias_regularizer=layer.bias_regularizer,
        kernel_constraint=layer.kernel_constraint,
        bias_constraint=layer.bias_constraint,
        dtype=dtype,
        name=name,
    )


def projection_config(layer: Any) -> dict[str, Any]:
    """These settings of a layer, for `get_config`."""
    return {
        f"{part}_{kind}": module.serialize(getattr(layer, f"{part}_{kind}"))
        for kind, module in KINDS.items()
        for part in ("kernel", "bias")
    }


def _clone(initializer: Any) -> Any:
    if isinstance(initializer, keras.initializers.Initializer):
        return initializer.clone()
    return initializer
