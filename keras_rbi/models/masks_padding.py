"""The part of a model that leaves rows of padding out of a batch's relations."""

from typing import Any

import keras
from keras import ops

from keras_rbi.models.batches import images_and_mask


class MasksPadding(keras.Model):
    """A model with layers `rpe` and `rra` that may be told which rows of a batch are images.

    It is called with images alone, with images and `mask`, or with a dictionary of both, which is
    what `fit` and its likes hand on.
    """

    rpe: keras.layers.Layer
    rra: keras.layers.Layer
    share_classifier: bool

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, dict):
            inputs, kwargs["mask"] = images_and_mask(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def compute_mask(self, *args: Any) -> None:
        """No mask goes on: in training there may be two answers for each image."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The answers; those of rows that the mask leaves out mean nothing."""
        # JAX's training calls this and not the above.
        if isinstance(inputs, dict):
            inputs, mask = images_and_mask(inputs)
        if mask is None:
            return super().call(inputs, training=training)
        images = ops.convert_to_tensor(inputs, self.inputs[0].dtype)
        mask = ops.cast(mask, "bool")
        features = self.feature_model()(images, training=training)
        relations = self.rpe(images, mask=mask, training=training)
        related = self.rra(features, relations, mask=mask, training=training)
        if self.share_classifier:
            related = self.get_layer("two_streams")(related, features, training=training)
        return self.get_layer("classifier")(related)
