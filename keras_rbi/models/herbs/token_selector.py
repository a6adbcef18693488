"""The tokens that speak for what an image is taken for, and the rest."""

from typing import Any

import keras
from keras import ops

from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class TokenSelector(keras.layers.Layer):
    """Parts tokens into those that speak most for their image's class, and the others.

    The class is the one that the mean of the tokens' logits is largest for, c; no label is asked.
    A token's score is softmax(logits)_c, in float32. Tokens go in descending order of it; of equal
    ones the first goes first.

    Args:
        count: Integer, how many tokens are selected.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        features: Tensor of shape `(batch, tokens, channels)`.
        logits: Tensor of shape `(batch, tokens, classes)`.

    Input shape:
        `(batch, tokens, channels)` and `(batch, tokens, classes)`.

    Output shape:
        The selected features `(batch, count, channels)`, the logits of the same tokens
        `(batch, count, classes)`, and those of the others `(batch, tokens - count, classes)`.

    Raises:
        ValueError: If `count` is not an integer of 1 to the number of tokens.

    Example:

    >>> logits = np.array([[[0.0, 1.0], [0.0, 5.0], [0.0, 3.0]]], "float32")
    >>> features = np.array([[[1.0], [2.0], [3.0]]], "float32")
    >>> selected, _, _ = keras_rbi.models.herbs.TokenSelector(2)(features, logits)
    >>> np.array(keras.ops.convert_to_numpy(selected)).ravel().tolist()
    [2.0, 3.0]

    Reference:
        [Chou et al., 2022](https://arxiv.org/abs/2202.03822), the weakly supervised selector.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def build(self, features_shape: Any, logits_shape: Any) -> None:
        if not 1 <= self.count <= features_shape[1]:
            raise ValueError(
                f"A stage of {features_shape[1]} tokens has that many to select from, and at least "
                f"one is. Received: count={self.count}."
            )
        self.built = True

    def call(self, features: Tensor, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        order = ops.expand_dims(token_order(logits), -1)
        chosen, others = order[:, : self.count], order[:, self.count :]
        return (
            ops.take_along_axis(features, chosen, axis=1),
            ops.take_along_axis(logits, chosen, axis=1),
            ops.take_along_axis(logits, others, axis=1),
        )

    def compute_output_spec(self, features: Any, logits: Any) -> Any:
        batch, tokens, classes = logits.shape
        shapes = (
            (batch, self.count, features.shape[-1]),
            (batch, self.count, classes),
            (batch, tokens - self.count, classes),
        )
        dtypes = (features.dtype, logits.dtype, logits.dtype)
        return tuple(map(keras.KerasTensor, shapes, dtypes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}


def token_order(logits: Tensor) -> Tensor:
    """The tokens of each image, the one that speaks most for the image's class first.

    Args:
        logits: Tensor of shape `(batch, tokens, classes)`.

    Returns:
        Integer tensor of shape `(batch, tokens)`.
    """
    logits = ops.cast(logits, "float32")
    predicted = ops.argmax(ops.mean(logits, axis=1), axis=-1)
    of_class = ops.one_hot(predicted, logits.shape[-1], dtype="float32")
    scores = ops.sum(ops.softmax(logits, axis=-1) * ops.expand_dims(of_class, 1), axis=-1)
    # Ascending sorts leave equal ones in order; reversed ones would not.
    return ops.argsort(-scores, axis=1)
