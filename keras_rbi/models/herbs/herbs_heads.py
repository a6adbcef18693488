"""What HERBS puts on the stages of a backbone."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_rbi.models.fan_in_uniform import fan_in_uniform
from keras_rbi.models.herbs.token_classifier import TokenClassifier
from keras_rbi.models.herbs.token_combiner import TokenCombiner
from keras_rbi.models.herbs.token_pyramid import TokenPyramid
from keras_rbi.models.herbs.token_selector import TokenSelector

Tensor = Any

# Parts of the tokens of the last stages: 256, 128, 64 and 32 of 2304, 576, 144 and 144.
SELECTED_PARTS = (1 / 9, 2 / 9, 4 / 9, 2 / 9)


def herbs_heads(
    stages: Sequence[Tensor],
    num_classes: int,
    units: int,
    num_selected: Sequence[int],
    dropout: float,
    integrate: Callable[[Tensor], Tensor] = lambda features: features,
    dtype: Any = None,
) -> dict[str, Any]:
    """Connects the pyramid, the selectors, the combiner and all classifiers.

    Args:
        stages: Symbolic tokens `(batch, tokens, channels)` of two or more stages, finest first.
        num_classes: Integer.
        units: Integer, the width of the pyramid.
        num_selected: How many tokens of each stage are selected.
        dropout: Float in [0, 1), before the combiner's classifier.
        integrate: What the combined features `(batch, units)` go through. Defaults to nothing.
        dtype: Dtype policy. Defaults to `None`, the global one.

    Returns:
        Logits: `top_down`, `bottom_up`, `selected` and `dropped`, a list each with
        `(batch, tokens, classes)` for each stage, and `combined`, `(batch, classes)`; and
        `features`, the combined features before `integrate`; and `probabilities`, the mean of the
        softmaxes of the combined logits and of those of each stage and pass, averaged over its
        tokens.
    """
    names = [str(number + 1) for number in range(len(stages))]
    passes = TokenPyramid(units, dtype=dtype, name="pyramid")(list(stages))
    logits = {
        direction: [
            TokenClassifier(num_classes, dtype=dtype, name=f"{direction}_classifier_{name}")(tokens)
            for name, tokens in zip(names, levels, strict=True)
        ]
        for direction, levels in zip(("top_down", "bottom_up"), passes, strict=True)
    }
    chosen = [
        TokenSelector(count, name=f"selector_{name}")(tokens, of_tokens)
        for name, count, tokens, of_tokens in zip(
            names, num_selected, passes[1], logits["bottom_up"], strict=True
        )
    ]
    selected_features, selected, dropped = (list(parts) for parts in zip(*chosen, strict=True))
    tokens = keras.layers.Concatenate(axis=1, dtype=dtype, name="selected")(selected_features)
    features = TokenCombiner(dtype=dtype, name="combiner")(tokens)
    combined = keras.layers.Dense(
        num_classes,
        kernel_initializer=fan_in_uniform(units),
        bias_initializer=fan_in_uniform(units),
        dtype="float32",
        name="classifier",
    )(keras.layers.Dropout(dropout, dtype=dtype, name="dropout")(integrate(features)))
    answers = [ops.mean(each, axis=1) for each in (*logits["bottom_up"], *logits["top_down"])]
    softmaxes = [ops.softmax(answer, axis=-1) for answer in (*answers, combined)]
    return {
        **logits,
        "selected": selected,
        "dropped": dropped,
        "combined": combined,
        "features": features,
        "probabilities": keras.layers.Average(dtype="float32", name="probabilities")(softmaxes),
    }


def selected_by_default(num_tokens: Sequence[int]) -> list[int]:
    """How many tokens of each stage are selected, in the proportions of HERBS.

    Args:
        num_tokens: Tokens of each stage, at most four stages, the finest first.

    Returns:
        A number for each stage, at least 1.

    Example:

    >>> keras_rbi.models.herbs.herbs_heads.selected_by_default([2304, 576, 144, 144])
    [256, 128, 64, 32]
    """
    parts = SELECTED_PARTS[-len(num_tokens) :]
    return [max(1, round(count * part)) for count, part in zip(num_tokens, parts, strict=True)]
