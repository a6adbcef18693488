"""Two streams of features for one classifier."""

from typing import Any

import keras
from keras import ops

from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class TwoStreams(keras.layers.Layer):
    """Puts two streams of features one below the other, in training only.

    What follows, a classifier, then learns from both. Otherwise the first goes on alone. The loss
    needs the labels twice: a model that is derived from
    `keras_rbi.models.trains_two_streams.TrainsTwoStreams` sees to it.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        answered: Tensor of shape `(batch, features)`, the stream that predicts after training.
        other: Tensor of the same shape.
        training: Boolean, whether to behave as in training.

    Input shape:
        Two of `(batch, features)`.

    Output shape:
        `(2 * batch, features)` in training, otherwise `(batch, features)`.

    Example:

    >>> features = np.random.normal(size=(6, 16)).astype("float32")
    >>> layer = keras_rbi.models.TwoStreams()
    >>> layer(features, -features).shape, layer(features, -features, training=True).shape
    ((6, 16), (12, 16))

    Reference:
        [Hou et al., 2022](https://arxiv.org/abs/2203.01522), the shared classifier.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, answered: Tensor, other: Tensor, training: bool | None = None) -> Tensor:
        if not training:
            return answered
        return ops.concatenate([answered, other], axis=0)

    def compute_output_spec(self, answered: Any, other: Any, training: bool | None = None) -> Any:
        shape = answered.shape
        # A graph is for any number of images, in training and afterwards.
        return keras.KerasTensor((None, *shape[1:]), dtype=self.compute_dtype)
