"""Reference images that a model stores, with their features."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.checks import positive_integer
from keras_rbi.layers.pairwise import mean_squared_error_to
from keras_rbi.models.references.thumbnails import thumbnails
from keras_rbi.types import Tensor

DIGEST_BYTES = 4


@keras.saving.register_keras_serializable(package="keras_rbi")
class References(keras.layers.Layer):
    """Reference images, or thumbnails of them, with their features: state that is not trained.

    `RPE` and `RRA` relate images to them where `inference_relations` is `"references"`, after
    `relate_to(references)`. `RBIModel.set_references` makes the layer and fills it.

    Args:
        num_references: Integer, how many there are.
        image_shape: Integers, shape of an image that is to be related to them.
        features_dim: Integer, width of the features that `RRA` takes.
        thumbnail_factor: Integer, side in pixels of the squares whose means are kept; 1 keeps the
            images. Defaults to `1`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to `"channels_last"`.
        relations_error: Float, mean absolute error of the references' relations to each other
            that keeping thumbnails makes. Defaults to `0.0`.
        labels: Integers, the class of each, for those who look at them. Defaults to `None`, not
            known.
        **kwargs: Arguments of `keras.layers.Layer`.

    Attributes:
        images: uint8 variable `(references, ...)`, the images or thumbnails.
        features: float32 variable `(references, features_dim)`.
        relations: float32 variable `(references, references)`, of the references to each other.
        details: float32 variable `(references,)`, what thumbnails leave out; `None` with images.
        digest: uint8 variable, of the weights that the features were computed with.

    Example:

    >>> references = References(3, (8, 8, 3), features_dim=4)
    >>> tuple(references.errors(np.zeros((2, 8, 8, 3))).shape)
    (2, 3)
    """

    def __init__(
        self,
        num_references: int,
        image_shape: Sequence[int],
        features_dim: int,
        thumbnail_factor: int = 1,
        data_format: str = "channels_last",
        relations_error: float = 0.0,
        labels: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **{"trainable": False, **kwargs})
        self.num_references = positive_integer("num_references", num_references)
        self.image_shape = tuple(image_shape)
        self.features_dim = features_dim
        self.thumbnail_factor = positive_integer("thumbnail_factor", thumbnail_factor)
        self.data_format = data_format
        self.relations_error = relations_error
        # Not a variable: files of other versions have none.
        self.labels = None if labels is None else tuple(map(int, labels))
        count = self.num_references
        self.images = self._state("images", (count, *self._kept_shape()), "uint8")
        self.features = self._state("features", (count, features_dim), "float32")
        self.relations = self._state("relations", (count, count), "float32")
        self.details = None if self.keeps_images else self._state("details", (count,), "float32")
        self.digest = self._state("digest", (DIGEST_BYTES,), "uint8")
        self.built = True

    @property
    def keeps_images(self) -> bool:
        """Whether images are kept, from which features can be computed again."""
        return self.thumbnail_factor == 1

    def photographs(self) -> np.ndarray:
        """The images or thumbnails, uint8 `(references, rows, columns, channels)`."""
        images = np.asarray(ops.convert_to_numpy(self.images), "uint8")
        return images if self.data_format == "channels_last" else images.transpose(0, 2, 3, 1)

    def errors(self, images: Tensor) -> Tensor:
        """Mean squared differences of images to the references.

        Args:
            images: Tensor `(batch, *image_shape)` of any dtype, values of 0..255.

        Returns:
            float32 tensor `(batch, references)`. With thumbnails it is an estimate.
        """
        details = None
        if not self.keeps_images:
            images, details = thumbnails(images, self.thumbnail_factor, self.data_format)
        references = ops.convert_to_tensor(self.images)
        errors = mean_squared_error_to(
            ops.reshape(images, (-1, int(np.prod(self.images.shape[1:])))),
            ops.reshape(references, (self.num_references, -1)),
        )
        if details is None:
            return errors
        return errors + ops.expand_dims(details, 1) + ops.expand_dims(self.details, 0)

    def _kept_shape(self) -> list[int]:
        rows = 0 if self.data_format == "channels_last" else 1
        return [
            size // self.thumbnail_factor if axis in (rows, rows + 1) else size
            for axis, size in enumerate(self.image_shape)
        ]

    def _state(self, name: str, shape: Sequence[int], dtype: str) -> Any:
        return self.add_weight(
            name=name,
            shape=tuple(shape),
            dtype=dtype,
            initializer="zeros",
            trainable=False,
            autocast=False,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_references": self.num_references,
            "image_shape": list(self.image_shape),
            "features_dim": self.features_dim,
            "thumbnail_factor": self.thumbnail_factor,
            "data_format": self.data_format,
            "relations_error": self.relations_error,
            "labels": None if self.labels is None else list(self.labels),
        }
