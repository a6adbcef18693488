"""Selection of foreground tokens by their class probabilities; the rest is background."""

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
        order = token_order(logits)
        chosen, others = order[:, : self.count], order[:, self.count :]
        return _taken(features, chosen), _taken(logits, chosen), _taken(logits, others)

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
    logits = ops.stop_gradient(ops.cast(logits, "float32"))
    predicted = _first_largest(ops.mean(logits, axis=1))
    of_class = ops.one_hot(predicted, logits.shape[-1], dtype="float32")
    scores = ops.sum(ops.softmax(logits, axis=-1) * ops.expand_dims(of_class, 1), axis=-1)
    return _descending(scores)


def _first_largest(rows: Tensor) -> Tensor:
    """`ops.argmax` along the last axis; formats of export lack what TensorFlow makes it of."""
    count = rows.shape[-1]
    numbers = ops.arange(count, dtype="int32")
    largest = ops.equal(rows, ops.max(rows, axis=-1, keepdims=True))
    return ops.min(ops.where(largest, numbers, count - 1), axis=-1)


def _descending(scores: Tensor) -> Tensor:
    """The places of each row's scores in descending order, of equal ones the first first.

    Formats of export know `top_k` alone, and not all of them which of equal ones comes first. So
    the places are put in order a second time, by integers that are all different: how many
    larger scores there are, and then the place.
    """
    count = scores.shape[-1]
    values, places = ops.top_k(scores, count)
    smaller = ops.cast(ops.not_equal(values[:, 1:], values[:, :-1]), "int32")
    larger_ones = ops.pad(ops.cumsum(smaller, axis=1), ((0, 0), (1, 0)))
    keys = larger_ones * count + ops.cast(places, "int32")
    return -ops.top_k(-keys, count)[0] % count


def _taken(rows: Tensor, places: Tensor) -> Tensor:
    """The rows of each image at some places, `(batch, places, width)`."""
    if keras.config.backend() != "torch":
        return ops.take_along_axis(rows, ops.expand_dims(places, -1), axis=1)
    # PyTorch's exporters know no `take_along_axis`; elsewhere it keeps the images of a batch
    # apart, which may be on different devices.
    count, width = rows.shape[1:]
    images = ops.cumsum(ops.ones_like(places[:, :1]), axis=0) - 1
    return ops.take(ops.reshape(rows, (-1, width)), images * count + places, axis=0)
