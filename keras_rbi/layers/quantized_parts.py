"""Which parts of a layer or a model are quantized, as a configuration keeps it.

Keras quantizes the layers inside a layer or a model, each by itself, and files of it hold the
weights that they then have. The configuration must tell, or the file cannot be loaded.
"""

from collections.abc import Iterable
from typing import Any

import keras


def quantized_parts(parts: Iterable[keras.layers.Layer]) -> list[dict[str, Any]]:
    """What is quantized, and how.

    Args:
        parts: Layers, always in the same order.

    Returns:
        For each that is quantized its `index`, `mode` and `config`, which go into JSON.

    Example:

    >>> from keras_rbi.layers.quantized_parts import quantized_parts
    >>> dense = keras.layers.Dense(3)
    >>> dense.build((None, 2))
    >>> quantized_parts([dense])
    []
    >>> dense.quantize("int8")
    >>> [(part["index"], part["mode"]) for part in quantized_parts([dense])]
    [(0, 'int8')]
    """
    return [
        {
            "index": index,
            "mode": part.quantization_mode,
            "config": keras.saving.serialize_keras_object(
                getattr(part, "quantization_config", None)
            ),
        }
        for index, part in enumerate(parts)
        if getattr(part, "quantization_mode", None) is not None
    ]


def quantize_parts(
    parts: Iterable[keras.layers.Layer], quantized: Iterable[dict[str, Any]]
) -> None:
    """Quantizes built layers as others were.

    Args:
        parts: Layers, in the same order. Those that are quantized already stay as they are.
        quantized: What `quantized_parts` has given.
    """
    parts = list(parts)
    for each in quantized:
        part = parts[each["index"]]
        if part.quantization_mode is None:
            config = keras.saving.deserialize_keras_object(each["config"])
            part.quantize(each["mode"], **({} if config is None else {"config": config}))
