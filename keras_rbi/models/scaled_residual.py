"""Residual branch with zero-initialised LayerScale."""

from typing import Any

import keras

from keras_rbi.checks import positive_number
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class ScaledResidual(keras.layers.Layer):
    """Adds a branch to features with a factor for each of them that starts at zero.

    A model with the branch is at first the model without it, and learns how much to take:
    `features + multiplier * scale * branch`.

    Args:
        multiplier: Float above 0. An optimizer of Adam's kind moves `scale` by up to the learning
            rate in each step, however little the branch has to say: this is how far that opens
            it. Defaults to `1.0`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        features: Tensor of shape `(batch, features)`.
        branch: Tensor of the same shape.

    Input shape:
        Two of `(batch, features)`.

    Output shape:
        `(batch, features)`.

    Example:

    >>> features = np.ones((2, 3), "float32")
    >>> layer = keras_rbi.models.ScaledResidual()
    >>> bool(np.array_equal(keras.ops.convert_to_numpy(layer(features, 5 * features)), features))
    True

    Reference:
        [Touvron et al., 2021](https://arxiv.org/abs/2103.17239), LayerScale, starting at zero.
    """

    def __init__(self, multiplier: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiplier = positive_number("multiplier", multiplier)

    def build(self, features_shape: Any, branch_shape: Any) -> None:
        if features_shape[-1] != branch_shape[-1]:
            raise ValueError(
                "A branch is added to features and must be as wide. Received: features of shape "
                f"{features_shape} and a branch of shape {branch_shape}."
            )
        self.scale = self.add_weight(shape=(features_shape[-1],), initializer="zeros", name="scale")
        self.built = True

    def call(self, features: Tensor, branch: Tensor) -> Tensor:
        return features + (self.multiplier * self.scale) * branch

    def compute_output_shape(self, features_shape: Any, branch_shape: Any) -> Any:
        return features_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "multiplier": self.multiplier}
