"""The heads of HERBS: pyramid, selection, combiner and classifiers."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rbi.models.herbs.token_classifier import TokenClassifier
from keras_rbi.models.herbs.token_combiner import TokenCombiner
from keras_rbi.models.herbs.token_pyramid import TokenPyramid
from keras_rbi.models.herbs.token_selector import TokenSelector
from keras_rbi.models.torch_initializer import torch_initializer
from keras_rbi.types import Tensor

# Parts of the tokens of the last stages: 256, 128, 64 and 32 of 2304, 576, 144 and 144.
SELECTED_PARTS = (1 / 9, 2 / 9, 4 / 9, 2 / 9)


class HERBSHeads:
    """The layers of HERBS above the stages, and how they are connected.

    Args:
        num_classes: Integer.
        units: Integer, the width of the pyramid.
        num_selected: How many tokens of each stage are selected.
        dropout: Float in [0, 1), before the combiner's classifier.
        dtype: Dtype policy. Defaults to `None`, the global one.
    """

    def __init__(
        self,
        num_classes: int,
        units: int,
        num_selected: Sequence[int],
        dropout: float,
        dtype: Any = None,
    ) -> None:
        def classifiers(direction: str) -> list[TokenClassifier]:
            return [
                TokenClassifier(num_classes, dtype=dtype, name=f"{direction}_classifier_{number}")
                for number in range(1, len(num_selected) + 1)
            ]

        self.pyramid: TokenPyramid = TokenPyramid(units, dtype=dtype, name="pyramid")
        self.classifiers: dict[str, list[TokenClassifier]] = {
            name: classifiers(name) for name in ("top_down", "bottom_up")
        }
        self.selectors: list[TokenSelector] = [
            TokenSelector(count, name=f"selector_{number}")
            for number, count in enumerate(num_selected, start=1)
        ]
        self.join: keras.layers.Layer = keras.layers.Concatenate(
            axis=1, dtype=dtype, name="selected"
        )
        self.combiner: TokenCombiner = TokenCombiner(dtype=dtype, name="combiner")
        self.dropout: keras.layers.Layer = keras.layers.Dropout(
            dropout, dtype=dtype, name="dropout"
        )
        self.average: keras.layers.Layer = keras.layers.Average(
            dtype="float32", name="probabilities"
        )
        self.classifier: keras.layers.Layer = keras.layers.Dense(
            num_classes,
            kernel_initializer=torch_initializer(units),
            bias_initializer=torch_initializer(units),
            dtype="float32",
            name="classifier",
        )

    def look(self, stages: Sequence[Tensor], training: bool | None = None) -> dict[str, Any]:
        """All that is made of the stages of images, each by itself.

        Args:
            stages: Tokens `(batch, tokens, channels)` of two or more stages, finest first.
            training: Boolean, whether to behave as in training.

        Returns:
            Logits: `top_down`, `bottom_up`, `selected` and `dropped`, a list each with
            `(batch, tokens, classes)` for each stage; and `features`, the combined features
            `(batch, units)`.
        """
        passes = dict(zip(("top_down", "bottom_up"), self.pyramid(list(stages)), strict=True))
        logits = {
            direction: [
                classify(tokens, training=training)
                for classify, tokens in zip(self.classifiers[direction], levels, strict=True)
            ]
            for direction, levels in passes.items()
        }
        chosen = [
            select(tokens, of_tokens)
            for select, tokens, of_tokens in zip(
                self.selectors, passes["bottom_up"], logits["bottom_up"], strict=True
            )
        ]
        features, selected, dropped = (list(parts) for parts in zip(*chosen, strict=True))
        combined = self.combiner(self.join(features), training=training)
        return {**logits, "selected": selected, "dropped": dropped, "features": combined}

    def votes(self, looked: dict[str, Any]) -> list[Tensor]:
        """Softmaxes of the logits of each stage and pass, averaged over its tokens.

        Args:
            looked: What `look` gives.

        Returns:
            List of tensors `(batch, classes)`.
        """
        each = [ops.mean(logits, axis=1) for logits in (*looked["bottom_up"], *looked["top_down"])]
        return [ops.softmax(logits, axis=-1) for logits in each]

    def combine(self, features: Tensor, training: bool | None = None) -> Tensor:
        """Logits `(..., classes)` of combined features."""
        return self.classifier(self.dropout(features, training=training))

    def mean_with(self, votes: Sequence[Tensor], combined: Tensor) -> Tensor:
        """The mean of the votes and of the softmax of the combined logits."""
        return self.average([*votes, ops.softmax(combined, axis=-1)])


def herbs_heads(
    stages: Sequence[Tensor],
    num_classes: int,
    units: int,
    num_selected: Sequence[int],
    dropout: float,
    dtype: Any = None,
) -> dict[str, Any]:
    """Connects the heads to the stages, without relations.

    Args:
        stages: Symbolic tokens `(batch, tokens, channels)` of two or more stages, finest first.
        num_classes: As for `HERBSHeads`.
        units: As for `HERBSHeads`.
        num_selected: As for `HERBSHeads`.
        dropout: As for `HERBSHeads`.
        dtype: As for `HERBSHeads`.

    Returns:
        What `HERBSHeads.look` gives; `combined`, logits `(batch, classes)`; and `probabilities`.
    """
    heads = HERBSHeads(num_classes, units, num_selected, dropout, dtype)
    looked = heads.look(stages)
    combined = heads.combine(looked["features"])
    probabilities = heads.mean_with(heads.votes(looked), combined)
    return {**looked, "combined": combined, "probabilities": probabilities}


def selected_by_default(num_tokens: Sequence[int]) -> list[int]:
    """How many tokens of each stage are selected, in the proportions of HERBS.

    Args:
        num_tokens: Tokens of each stage, at most four stages, the finest first.

    Returns:
        A number for each stage, at least 1.

    Example:

    >>> from keras_rbi.models.herbs.herbs_heads import selected_by_default
    >>> selected_by_default([2304, 576, 144, 144])
    [256, 128, 64, 32]
    """
    parts = SELECTED_PARTS[-len(num_tokens) :]
    return [max(1, round(count * part)) for count, part in zip(num_tokens, parts, strict=True)]
