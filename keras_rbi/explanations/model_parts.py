"""A classifier cut into feature maps, features and scores."""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_rbi.explanations.last_block import LastBlock
from keras_rbi.models.keras_classifier import classifier_of
from keras_rbi.models.packing import pack
from keras_rbi.types import Tensor

if TYPE_CHECKING:
    from keras_rbi.backbones.feature_extractor import FeatureExtractor


class ModelParts:
    """The parts of a classifier that its explanations are made of.

    ```
    images -- to_map --> map, tokens -- to_features --> features -- scores --> logits
    ```

    Only the last part can make images depend on each other.

    Args:
        model: Any model of `keras_rbi.models`, or a functional model that ends in `Dense`, as
            `keras_rbi.models.keras_classifier.KerasClassifier` takes.
        layer: Where the map is taken: the name of a layer of the backbone, or a symbolic tensor
            inside the backbone, such as one of `FeatureExtractor.stages`. Defaults to `None`, the
            last map; of a transformer that is pooled at its class token, the tokens before its
            last block.

    Raises:
        ValueError: If the model has another form, or if the layer gives no map.
    """

    def __init__(self, model: keras.Model, layer: Any = None) -> None:
        self.model: Any = classifier_of(model)
        self.extractor: FeatureExtractor = self.model.extractor
        map_model = self.model.map_model
        self._last_block = None
        if layer is None and self.extractor.prefix_tokens and map_model is self.extractor.backbone:
            self._last_block = LastBlock(map_model)
            place = self._last_block.entry
        else:
            place = self.model.explained_map() if layer is None else self._place(layer)
        self._to_map = keras.Model(map_model.input, place)
        self._upper: Any = None
        if self._last_block is None and map_model.output is not place:
            # What goes around the place starts at the images. A model's output cannot be one of
            # its inputs.
            ends = keras.tree.map_structure(
                lambda end: keras.layers.Identity()(end) if end is place else end, map_model.output
            )
            self._upper = keras.Model([map_model.input, place], ends)

    def to_map(self, images: Any) -> tuple[Tensor, np.ndarray]:
        """Prepared images, and their map or tokens.

        Args:
            images: Array `(batch, height, width, channels)` as the model takes it.

        Returns:
            The images as the backbone takes them, and a float32 array.
        """
        prepared = self.model.preprocess(ops.convert_to_tensor(images), training=False)
        places = self._to_map(self._packed(prepared), training=False)
        if self._last_block is not None:
            places = self._last_block.before(places)
        return prepared, _array(places)

    def to_features(self, prepared: Tensor, places: Tensor) -> Tensor:
        """Features of images from their maps: what attention, or the head, is put on.

        Args:
            prepared: The images as `to_map` gives them, for paths that go around the map.
            places: The map or the tokens.

        Returns:
            Tensor of shape `(batch, features)`.
        """
        maps = places
        if self._last_block is not None:
            maps = self._last_block.after(places)
        elif self._upper is not None:
            maps = self._upper([self._packed(prepared), places], training=False)
        return pack(self.model.embed_maps(maps, training=False))

    def scores(
        self, features: Tensor, relations: Tensor | None, of: str, mask: Tensor | None = None
    ) -> Tensor:
        """Logits, what the last layer computes before its activation.

        Args:
            features: Tensor of shape `(batch, features)`.
            relations: S of the images, or `None` in a model without relations.
            of: `"combined"`, or `"backbone"` for the features where images take nothing in from
                each other.
            mask: Images that may be sources, shape `(batch,)`. Defaults to `None`, all.

        Returns:
            Tensor of shape `(batch, classes)`.
        """
        features = self.model.unpack(features)
        if of == "backbone":
            return self.model.logits(self.model.without_attention(features))
        return self.model.logits(self.model.attend(features, relations, mask, training=False))

    def predicted_classes(self, features: Tensor, relations: Tensor | None) -> np.ndarray:
        """The class that the model predicts for each image, shape `(batch,)`.

        Where it has more than its last layer, as HERBS, another logit may be the largest.
        """
        features = self.model.unpack(ops.convert_to_tensor(features))
        related = self.model.attend(features, relations, training=False)
        return _array(self.model.classify(related, training=False)).argmax(-1)

    def relations(self, images: Any) -> Tensor | None:
        """S of images in the mode that the model is in, or `None` without relations."""
        return self.model.encode_relations(ops.convert_to_tensor(images), training=False)

    def as_map(self, places: np.ndarray) -> np.ndarray:
        """A map or tokens as `(batch, height, width, channels)`."""
        if places.ndim == 4 and self.extractor.data_format == "channels_first":
            return places.transpose(0, 2, 3, 1)
        return _array(self.extractor.as_map(places))

    @property
    def image_sides(self) -> tuple[int, int]:
        """Height and width of the images that the model takes."""
        return self.extractor.image_sides

    def _packed(self, prepared: Tensor) -> Any:
        return keras.tree.pack_sequence_as(self.model.map_model.input, [prepared])

    def _place(self, layer: Any) -> Any:
        place = self.extractor.backbone.get_layer(layer).output if isinstance(layer, str) else layer
        if len(getattr(place, "shape", ())) not in (3, 4):
            raise ValueError(
                "`layer` must be the name of a layer of the backbone that gives a map or tokens, "
                f"or such a tensor inside the backbone. Received: layer={layer!r}."
            )
        return place


def _array(tensor: Tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float32")
