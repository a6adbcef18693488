"""`EinsumDense` with a bias that is added along its own axis on every backend."""

import keras
from keras import ops

from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class EinsumDense(keras.layers.EinsumDense):
    """`keras.layers.EinsumDense`, right where axes of its outputs are of one length.

    On TensorFlow, `keras.ops.add`, by which Keras's layer adds its bias, takes a bias of shape
    `(n, 1)` for one along the last axis if that has n places too. The arguments are Keras's, and
    so are the name of the class and the weights, which files know the layer by.

    Args:
        *args: Arguments of `keras.layers.EinsumDense`.
        **kwargs: Arguments of `keras.layers.EinsumDense`.

    Call arguments:
        inputs: Tensor of the shape that the equation tells.
        training: Boolean, which nothing depends on.

    Example:

    >>> layer = keras_rbi.models.einsum_dense.EinsumDense("bsc,st->btc", (4, None), bias_axes="t")
    >>> tuple(layer(np.ones((2, 5, 4), "float32")).shape)
    (2, 4, 4)
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            # The backend's own sum: neither `ops.add` nor that of a variable, which is the same.
            outputs = outputs + ops.convert_to_tensor(self.bias)
        return outputs if self.activation is None else self.activation(outputs)
