"""The base of every classifier here: embed, relate, classify."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_rbi.backbones.feature_extractor import FeatureExtractor, image_input
from keras_rbi.layers.accepted import accepted
from keras_rbi.layers.inference_relations import InferenceRelations
from keras_rbi.layers.relationship_attention import AttentionParts
from keras_rbi.layers.rra import RRA
from keras_rbi.models.batches import images_and_mask
from keras_rbi.models.check_images import check_shape
from keras_rbi.models.finite_pixels import finite_pixels
from keras_rbi.models.open_classes import check_known, without_activation
from keras_rbi.models.packing import pack, unpack
from keras_rbi.models.references.references import References
from keras_rbi.models.relates_images import RelatesImages
from keras_rbi.models.relation_scope import check_relation_scope, gathered, in_scope, own
from keras_rbi.models.relations import check_attention, set_relations
from keras_rbi.models.scopes import GLOBAL
from keras_rbi.types import Tensor


class RelationalClassifier(RelatesImages):
    """A classifier that embeds images, relates them, and classifies what comes of it.

    ```
    features = embed(images)                    (batch, features)
    related  = relate(features, images, mask)   RPE and RRA; the features without relations
    outputs  = classify(related)                (batch, classes)
    ```

    A method derives from it, hands its layers to the constructor, and defines `embed_maps` and
    `classify`. Evaluation, explanation, export and the command ask every model through these
    steps and never for its class.

    Args:
        extractor: A `FeatureExtractor` of the backbone.
        parts: The layers and values that the steps use, by the names of their attributes. With
            `rpe` and `rra` it has relations; `integration` adds what RRA gives to the features.
        config: The other arguments of the derived class, by name, for `get_config`.
        num_classes: Integer, or `None` where `fit` reads it off the data.
        class_names: List of strings, or `None`. Defaults to `None`.
        relations: `"self"`, `"batch"`, or `None` without relations. Defaults to `None`.
        relation_scope: `"global"` or `"replica"`: whether images relate to those of their batch
            on all devices, or on their own. Defaults to `"global"`.
        preprocessing: Layer from images of 0..255 to what the backbone takes, or `None`.
        map_model: Functional model from prepared images to the maps that `embed_maps` takes.
            Defaults to `None`, the backbone.
        name: String. Defaults to `None`.

    Call arguments:
        images: Tensor of images, values of 0..255; or a dictionary of `images` and `mask`.
        mask: Optional tensor of shape `(batch,)`, true for real images. The others relate to
            nothing and change no other prediction.
    """

    # Whether `part_boxes(images)` gives boxes `(batch, parts, 4)`: top, left, bottom, right.
    proposes_parts = False
    # Whether the Dense layer `classifier` alone tells classes apart, of what `relate` gives.
    ends_in_one_classifier = False

    def __init__(
        self,
        extractor: FeatureExtractor,
        parts: Mapping[str, Any],
        config: Mapping[str, Any],
        num_classes: int | None,
        class_names: Any = None,
        relations: str | None = None,
        preprocessing: keras.layers.Layer | None = None,
        map_model: keras.Model | None = None,
        name: str | None = None,
        relation_scope: str = GLOBAL,
    ) -> None:
        self.__dict__["_relation_scope"] = check_relation_scope(relation_scope)
        parts = {
            "backbone": extractor.backbone,
            "preprocessing": preprocessing,
            **dict.fromkeys(("rpe", "rra", "integration")),
            **parts,
        }
        # The steps need their layers before Keras can track them, in the order of the graph.
        self.__dict__.update(parts, extractor=extractor, _map_model=map_model or extractor.backbone)
        images = keras.Input(image_input(extractor.backbone).shape[1:], name="images")
        features = self.embed(images)
        outputs = self.classify(self.relate(features, images))
        super().__init__(
            images,
            outputs,
            {"backbone": extractor.backbone, "preprocessing": preprocessing, **config},
            num_classes,
            class_names,
            name,
        )
        self.__dict__["_features"] = features
        for attribute, part in parts.items():
            setattr(self, attribute, part)
        self._reference_layers: list[References] = []
        self._relations = set_relations(self, relations)

    def preprocess(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Images of 0..255 as the backbone takes them."""
        if self.preprocessing is None:
            return images
        return self.preprocessing(images, **accepted(self.preprocessing, training=training))

    def extract(self, prepared: Tensor, training: bool | None = None) -> Any:
        """The feature maps of prepared images, as the map_model gives them."""
        # Some backbones take a dictionary of one image.
        inputs = keras.tree.pack_sequence_as(self.map_model.input, [prepared])
        return self.map_model(inputs, **accepted(self.map_model, training=training))

    def embed_maps(self, maps: Any, training: bool | None = None) -> Tensor | list[Tensor]:
        """Feature vectors `(batch, features)`, or a list of them, of what the map_model gives."""
        raise NotImplementedError(f"{type(self).__name__} must define `embed_maps`.")

    def embed(self, images: Tensor, training: bool | None = None) -> Any:
        """Feature vectors `(batch, features)` of images, each by itself."""
        return self.embed_maps(self.extract(self.preprocess(images, training), training), training)

    def encode_relations(
        self, images: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor | None:
        """S of the images, as `RPE` gives it; `None` without relations."""
        if self.rpe is None:
            return None
        arguments = accepted(self.rpe, mask=gathered(mask), training=training)
        return self.rpe(gathered(ops.stop_gradient(images)), **arguments)

    def attend(
        self,
        features: Any,
        relations: Tensor | None,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Any:
        """Feature vectors that take in those of related images; as they are without relations."""
        if self.rra is None:
            return features
        arguments = accepted(self.rra, mask=gathered(mask), training=training)
        related = own(self.rra(gathered(features), relations, **arguments))
        return related if self.integration is None else self.integration(features, related)

    def relate(
        self,
        features: Any,
        images: Tensor,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Any:
        """RPE of the images, then RRA of the features: `attend` with `encode_relations`."""
        relations = self.encode_relations(images, mask, training)
        return self.attend(features, relations, mask, training)

    def classify(self, related: Any, training: bool | None = None) -> Any:
        """Predictions `(batch, classes)` from feature vectors."""
        raise NotImplementedError(f"{type(self).__name__} must define `classify`.")

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Predictions; those of images that the mask leaves out mean nothing.

        But in training, pixels that are NaN or infinite are taken for 0. Images of another shape
        than the model's input are refused by a `ValueError`.
        """
        check_known(self)
        # JAX's training calls this and not `__call__`.
        if isinstance(inputs, dict):
            inputs, mask = images_and_mask(inputs)
        pixels = ops.convert_to_tensor(inputs)
        check_shape(pixels.shape, self.input.shape)
        images = ops.cast(pixels, self.input.dtype)
        if not training:
            images = finite_pixels(images)
        mask = None if mask is None else ops.cast(mask, "bool")
        features = self.embed(images, training)
        # RPE compares bytes several times as fast as other images.
        is_bytes = keras.backend.standardize_dtype(pixels.dtype) == "uint8"
        compared = pixels if is_bytes and getattr(self.rpe, "takes_bytes", False) else images
        with in_scope(self, images, training):
            related = self.relate(features, compared, mask, training)
        return self.classify(related, training)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, dict):
            inputs, kwargs["mask"] = images_and_mask(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def compute_mask(self, *args: Any) -> None:
        """No mask goes on: in training there may be two predictions for each image."""

    @property
    def is_linear_at_first(self) -> bool:
        """Whether a new model is a softmax of a linear function of pooled features.

        Its classifier can then be found without gradients.
        """
        return False

    # What explanations and measurements ask for.

    @property
    def map_model(self) -> keras.Model:
        """The functional model from prepared images to what `embed_maps` takes."""
        return self._map_model

    def explained_map(self) -> Tensor:
        """The symbolic map, or tokens, inside the map_model that explanations are of."""
        return self.extractor.last_map()

    def logits(self, related: Tensor) -> Tensor:
        """The scores that explanations are of: the last layer's, before its activation."""
        return without_activation(self.classifier, related)

    def attention_features(self, features: Any) -> Any:
        """N, what the attention is put on, of feature vectors before or after it."""
        return features

    def without_attention(self, features: Tensor) -> Tensor:
        """C with beta = 1 (eqs. 12, 13); where RRA adds to the features, these as they are."""
        if self.rra is None or self.integration is not None:
            return features
        check_attention(self)
        residual = ops.cast(self.rra.residual_dense(features), "float32")
        return self.rra.normalization(residual, training=False)

    def unpack(self, rows: Any) -> Any:
        """Feature vectors as `attend` takes them, from rows as `feature_model` gives them."""
        return unpack(rows, self._features)

    def attention(self, features: Any, relations: Tensor | None) -> AttentionParts:
        """What RRA mixes for feature vectors, with the attention A: as `RRA.parts` says."""
        return self.rra.parts(self.attention_features(features), relations, training=False)

    @property
    def has_attention(self) -> bool:
        """Whether the attention is one that can be looked into: an `RRA`, or derived from it."""
        return isinstance(self.rra, RRA)

    @property
    def relates_sets(self) -> bool:
        """Whether the layers relate sets within themselves, and references: as RPE and RRA do."""
        return all(isinstance(layer, InferenceRelations) for layer in (self.rpe, self.rra))

    @property
    def group_size(self) -> int | None:
        """How many images are related at a time; `None` for the whole batch."""
        return getattr(self.rra, "group_size", None) or getattr(self.rpe, "group_size", None)

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Quantizes the layers, as `keras.Model.quantize` does."""
        super().quantize(*args, **kwargs)
        # Its compiled functions hold the weights as they were.
        self.__dict__.pop("_feature_model", None)

    def feature_model(self) -> keras.Model:
        """The model from images to packed feature vectors, of the same layers and weights."""
        if "_feature_model" not in self.__dict__:
            # Not an attribute for Keras, which would take it for a part of this model.
            self.__dict__["_feature_model"] = keras.Model(self.input, pack(self._features))
        return self.__dict__["_feature_model"]
