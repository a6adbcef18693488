"""Relationship position encoding: pairwise PSNR of the images of a batch."""

import math
from typing import Any

import keras
from keras import ops

from keras_rbi.checks import positive_number
from keras_rbi.layers.checked_mask import check_mask_shape, checked_mask
from keras_rbi.layers.inference_relations import InferenceRelations, References
from keras_rbi.layers.pairwise import pairwise_mean_squared_error
from keras_rbi.layers.relation_sets import (
    check_group_size,
    cut,
    join,
    pairs_in_use,
    rows_in_use,
    set_size,
)
from keras_rbi.types import Tensor


def peak_signal_to_noise_ratio(error: Tensor, max_value: float, epsilon: float) -> Tensor:
    """Peak signal-to-noise ratio of mean squared errors in decibels, eq. 2.

    In units of epsilon, so that no exporter drops a tiny addend, and with a floor that makes
    the gradient 0 rather than NaN where two images are equal.
    """
    in_epsilons = ops.sqrt(ops.maximum(error * (1.0 / epsilon**2), 1e-12))
    decibels_per_log = 20.0 / math.log(10.0)
    return decibels_per_log * ops.log((max_value / epsilon) / (1.0 + in_epsilons))


@keras.saving.register_keras_serializable(package="keras_rbi")
class RPE(InferenceRelations, keras.layers.Layer):
    """Relationship position encoding (RPE) of the images of a batch.

    For every pair of images in a batch, the peak signal-to-noise ratio of one against the
    other: a symmetric matrix S that is largest on the diagonal. `RRA` adds it to its keys
    and values. The layer has no weights and takes the raw images, before any normalisation.

    ```
    MSE_ij = mean((I_i - I_j)**2)                                   (eq. 1)
    s_ij   = 20 * log10(max_value / (sqrt(MSE_ij) + epsilon))       (eq. 2), in decibels
    ```

    All of it is computed in float32, whatever the dtype policy, in memory that grows as
    `batch**2 + batch * pixels`. uint8 images take the fastest way; both ways are exact for
    equal and nearly equal images.

    Args:
        max_value: Float, the largest value a pixel can take: 255 for images of 0..255, 1 for
            images of 0..1. Defaults to `255.0`.
        epsilon: Float, added to the root mean squared error, in the units of a pixel. It caps
            the relation of an image to itself at `20 * log10(max_value / epsilon)` decibels.
            `None` is `max_value / 255`, the smallest difference that an 8-bit image can hold
            (48 dB); the paper prints `1e-8` (208 dB for images of 0..255). Defaults to `None`.
        normalize: Boolean, whether to divide S by the relation of an image to itself, so that
            the diagonal is 1 and strangers are at about 0.2. `False` is eq. 2 as printed.
            Defaults to `True`.
        group_size: Integer, or `None`. Relates images within consecutive groups of this many
            images only; the output is then `(batch, group_size)`. Defaults to `None`, one
            group for the whole batch.
        inference_relations: `"batch"`, `"self"` or `"references"`, the images that an image is
            related to when `training` is not true. `"self"` gives `(batch, 1)`, every image's
            relation to itself; `"references"` gives `(batch, 1 + references)`, those to itself
            and to the reference images of the model. Defaults to `"batch"`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Call arguments:
        images: Tensor of shape `(batch, height, width, channels)` or
            `(batch, channels, height, width)` with any number of channels, of an integer or
            floating dtype, values from 0 to `max_value`. A tensor of rank 5 is a set of
            batches, `(sets, batch, ...)`, each related within itself.
        mask: Optional tensor of shape `(batch,)` (or `(sets, batch)`), true for real images.
            Rows and columns of padding are 0.
        training: Boolean, whether the images are related as in training.

    Input shape:
        4D tensor `(batch, height, width, channels)`, or 5D with a leading axis of sets.

    Output shape:
        `(batch, batch)`, `(sets, batch, batch)`, or `(batch, group_size)`: entry `(i, j)` is
        the relation of image i to image j, or to the j-th image of its group. float32.

    Raises:
        ValueError: If `max_value` or `epsilon` is not positive, if `normalize` is asked for
            with an epsilon not below `max_value`, or if the images have another rank, or the mask
            another shape.

    Example:

    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> relations = keras_rbi.layers.RPE()(images)
    >>> relations.shape
    (4, 4)

    Reference:
        [Le et al., 2024](https://arxiv.org/abs/2412.19606), equations 1 and 2.
    """

    # Whether models are to pass images on as bytes, where they are: a layer of one's own, which
    # may calculate with them, gets floats.
    takes_bytes = True

    def __init__(
        self,
        max_value: float = 255.0,
        epsilon: float | None = None,
        normalize: bool = True,
        group_size: int | None = None,
        inference_relations: str = "batch",
        **kwargs: Any,
    ) -> None:
        # Pixels of 0..255 lose their fractions in half precision, so nothing is cast on entry.
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.max_value = positive_number("max_value", max_value)
        self.epsilon = None if epsilon is None else positive_number("epsilon", epsilon)
        self._epsilon = self.max_value / 255.0 if self.epsilon is None else self.epsilon
        self.normalize = normalize
        if normalize and self._epsilon >= self.max_value:
            raise ValueError(
                "With `normalize=True`, `epsilon` must be below `max_value`, or the relation of "
                f"an image to itself is not positive. Received: epsilon={epsilon}, "
                f"max_value={max_value}."
            )
        self.group_size = check_group_size(group_size)
        self.inference_relations = inference_relations

    def build(self, images_shape: Any, mask_shape: Any = None) -> None:
        self._check_rank(images_shape)
        self.built = True

    def call(
        self, images: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        self._check_rank(images.shape)
        mask = checked_mask(mask, images.shape[: len(images.shape) - 3])
        if len(images.shape) == 5:
            return self._relate(images, mask)
        size = set_size(self.inference_relations, self.group_size, training)
        if self.inference_relations == "references" and not training:
            return self._relate_to_references(images, mask)
        if size not in (None, 1):
            mask = rows_in_use(mask, images)
        rows = None if mask is None else cut(mask, size)
        return join(self._relate(cut(images, size), rows), size, ops.shape(images)[0])

    def _relate(self, images: Tensor, mask: Tensor | None) -> Tensor:
        """Relations within each set, `(..., batch, batch)`."""
        *leading, height, width, channels = ops.shape(images)
        if isinstance(leading[-1], int) and leading[-1] == 1:
            # A set of one, as far as is known: no pixel differs.
            error = ops.zeros((*leading, 1), dtype="float32")
        else:
            pixels = ops.reshape(images, (*leading, height * width * channels))
            error = pairwise_mean_squared_error(pixels)
        relations = self._encode(error)
        if mask is None:
            return relations
        return ops.where(pairs_in_use(ops.cast(mask, "bool")), relations, 0.0)

    def _relate_to_references(self, images: Tensor, mask: Tensor | None) -> Tensor:
        """Relations of each image to itself and to the references."""
        to_self = self._relate(ops.expand_dims(images, 1), None)[:, 0]
        to_references = self.relations_to(images, self.known_references())
        relations = ops.concatenate([to_self, to_references], axis=-1)
        if mask is None:
            return relations
        return ops.where(ops.expand_dims(ops.cast(mask, "bool"), -1), relations, 0.0)

    def relations_to(self, images: Tensor, references: References) -> Tensor:
        """Relations of images to references.

        Args:
            images: Tensor `(batch, ...)` of the references' `image_shape`, values from 0 to
                `max_value`. They are rounded to the 256 levels in which references are kept.
            references: A `References`.

        Returns:
            float32 tensor of shape `(batch, references)`.
        """
        level = self.max_value / 255.0
        if level != 1.0:
            images = ops.cast(images, "float32") / level
        return self._encode(references.errors(images) * level**2)

    def _encode(self, error: Tensor) -> Tensor:
        relations = peak_signal_to_noise_ratio(error, self.max_value, self._epsilon)
        if self.normalize:
            relations = relations / (20.0 * math.log10(self.max_value / self._epsilon))
        return relations

    def _check_rank(self, shape: Any) -> None:
        if len(shape) not in (4, 5):
            raise ValueError(
                "RPE takes a batch of images, a tensor of rank 4 such as (batch, height, width, "
                "channels), or of rank 5 for a set of batches. "
                f"Received: images of shape {tuple(shape)}. Add the missing axes with "
                "`keras.ops.expand_dims`."
            )

    def compute_mask(self, *args: Any) -> None:
        """No mask goes on: the output has rows of images, not of time steps."""

    def compute_output_shape(self, images_shape: Any, mask_shape: Any = None) -> tuple[Any, ...]:
        self._check_rank(images_shape)
        if len(images_shape) == 5:
            return (*images_shape[:2], images_shape[1])
        return (images_shape[0], self.group_size or images_shape[0])

    def compute_output_spec(
        self, images: Any, mask: Any = None, training: bool | None = None
    ) -> keras.KerasTensor:
        shape = self.compute_output_shape(images.shape)
        if mask is not None:
            check_mask_shape(mask.shape, shape[:-1])
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "epsilon": self.epsilon,
            "normalize": self.normalize,
            "group_size": self.group_size,
            "inference_relations": self.inference_relations,
        }
