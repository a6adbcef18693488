"""Batch normalisation that stays exact for features with a large common offset."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops

from keras_rbi.types import Tensor

Total = Callable[[Tensor], Tensor]
# In a variable of its thread: replicas of a model run in threads that take turns.
_total: ContextVar[Total | None] = ContextVar("total", default=None)


@contextmanager
def moments_over(total: Total) -> Iterator[None]:
    """Has the layers take their moments over more rows than they are called with.

    Args:
        total: Function that adds up a tensor over all parts of the rows.
    """
    before = _total.set(total)
    try:
        yield
    finally:
        _total.reset(before)


def masked_moments(rows: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and variance of each feature over the unmasked rows, in two passes.

    The one-pass form E[x²] − E[x]² gives negative variances in float32 where the mean is
    much larger than the deviation.
    """
    axes, total = tuple(range(len(rows.shape) - 1)), _total.get()
    if mask is None and total is not None:
        mask = ops.ones(ops.shape(rows)[:-1], dtype="bool")
    total = total or (lambda values: values)
    if mask is None:
        mean = ops.mean(rows, axis=axes)
        return mean, ops.mean(ops.square(rows - mean), axis=axes)
    weights = ops.expand_dims(ops.cast(mask, rows.dtype), -1)
    count = ops.maximum(total(ops.sum(weights)), 1.0)
    # `where` and not a product: a masked row may hold anything, infinities included.
    rows = ops.where(weights > 0, rows, 0.0)
    mean = total(ops.sum(rows, axis=axes)) / count
    return mean, total(ops.sum(weights * ops.square(rows - mean), axis=axes)) / count


@keras.saving.register_keras_serializable(package="keras_rbi")
class TwoPassBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over the last axis with moments taken in two passes.

    Equal to `keras.layers.BatchNormalization`, but on every backend right for features that
    share an offset much larger than their spread (the output of `RRA` with relations in
    decibels is of that kind), and masked rows do not count in the statistics.

    Args:
        momentum: Float, momentum of the moving averages. Defaults to `0.9`.
        epsilon: Float, added to the variance. Defaults to `1e-5`.
        **kwargs: The other arguments of `keras.layers.BatchNormalization`, except `axis`,
            `renorm` and `synchronized`.

    Call arguments:
        inputs: Tensor of shape `(..., features)`.
        training: Boolean, whether to normalise by the moments of the batch.
        mask: Optional tensor of shape `(...,)`, true for the rows that count.

    Input shape:
        `(..., features)`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `axis`, `renorm` or `synchronized` is given, or if the mask has another
            rank.

    Example:

    >>> layer = keras_rbi.layers.TwoPassBatchNormalization()
    >>> layer(np.ones((4, 8)), training=True).shape
    (4, 8)

    Reference:
        [Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167).
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
        for name, default in (("axis", -1), ("renorm", False), ("synchronized", False)):
            if kwargs.get(name, default) != default:
                raise ValueError(
                    f"TwoPassBatchNormalization does not take `{name}`. "
                    f"Received: {name}={kwargs[name]!r}. Use keras.layers.BatchNormalization."
                )
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        # Rows of any number of leading axes share the statistics.
        self.input_spec = None

    def compute_mask(self, *args: Any) -> None:
        """No mask goes on: rows are images, not time steps."""

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                "The mask must have a value for each row of the inputs, one axis less than they "
                f"have. Received: mask of shape {tuple(mask.shape)} with inputs of shape "
                f"{tuple(inputs.shape)}."
            )
        rows = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        if training and self.trainable:
            mean, variance = masked_moments(rows, mask)
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(
                    average * self.momentum + ops.cast(value, average.dtype) * (1.0 - self.momentum)
                )
        else:
            mean, variance = self.moving_mean, self.moving_variance
        mean, variance = ops.cast(mean, rows.dtype), ops.cast(variance, rows.dtype)
        # The mean is taken off first: scaled beside the rows it would leave their rounding.
        outputs = (rows - mean) * ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            outputs = outputs * ops.cast(self.gamma, rows.dtype)
        if self.beta is not None:
            outputs = outputs + ops.cast(self.beta, rows.dtype)
        return ops.cast(outputs, self.compute_dtype)
