"""Any Keras classifier, asked in the way that a `RelationalClassifier` is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import keras

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.models.open_classes import check_known, without_activation
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.types import Tensor


class KerasClassifier:
    """A model whose images do not relate, behind the steps of a `RelationalClassifier`.

    Its predictions can be measured whatever it is made of. To be explained it must be a
    functional model that ends in `Dense`, with or without an activation layer after it: a backbone
    as a nested model in it, or all layers in one graph, as `keras.applications` makes.

    Args:
        model: A `keras.Model` from images to classes.
    """

    relations = references = rpe = rra = group_size = None
    has_attention = relates_sets = proposes_parts = False

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.name: str = model.name
        self.num_classes: int = model.output_shape[-1]
        self.class_names: list[str] | None = getattr(model, "class_names", None)
        self.predict_on_batch: Callable[..., Any] = model.predict_on_batch

    @contextmanager
    def use_relations(self, mode: str | None = None) -> Iterator[str]:
        """As `RelationalClassifier.use_relations`, of a model without relations."""
        if mode not in (None, "self"):
            raise ValueError(
                f"relations={mode!r} needs a model with relations, such as an RBIModel. Received: "
                f"a model {self.name!r}, whose images do not relate."
            )
        yield "self"

    def encode_relations(self, images: Tensor, *args: Any, **kwargs: Any) -> None:
        """None: images do not relate."""

    def attend(self, features: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The features as they are."""
        return features

    without_attention = attend

    def unpack(self, rows: Any) -> Any:
        """The features as they are."""
        return rows

    @cached_property
    def classifier(self) -> keras.layers.Dense:
        """The last layer that has logits."""
        layers = [
            layer
            for layer in getattr(self.model, "layers", [])
            if not isinstance(layer, (keras.layers.Activation, keras.layers.Softmax))
        ]
        if not getattr(self.model, "outputs", None) or not isinstance(
            layers[-1], keras.layers.Dense
        ):
            raise ValueError(
                "The model must be one of keras_rbi, or a functional model that ends in a Dense "
                f"layer. Received: {self.name!r} of class {type(self.model).__name__}. Explain a "
                "functional model around it."
            )
        return layers[-1]

    @cached_property
    def _backbone(self) -> keras.Model:
        """The largest model inside, or the model itself."""
        nested = [part for part in self.model.operations if isinstance(part, keras.Model)]
        return max(nested, key=keras.Model.count_params, default=self.model)

    @cached_property
    def extractor(self) -> FeatureExtractor:
        """The backbone's."""
        return FeatureExtractor(self._backbone)

    @cached_property
    def map_model(self) -> keras.Model:
        """From prepared images to what the backbone gives."""
        if self._backbone is not self.model:
            return self.extractor.backbone
        return keras.Model(self.extractor.backbone.input, self._features)

    @property
    def _features(self) -> Tensor:
        return keras.tree.flatten(self.classifier.input)[0]

    @cached_property
    def _before(self) -> keras.Model | None:
        """From images to what the backbone takes, `None` where that is the same."""
        if self._backbone is self.model:
            return None
        position = self.model.operations.index(self._backbone)
        if position < 2:
            return None
        return keras.Model(self.model.input, self.model.operations[position - 1].output)

    @cached_property
    def _after(self) -> keras.Model | None:
        """From what the backbone gives to the features, `None` where that is the same."""
        if self._backbone is self.model:
            return None
        position = self.model.operations.index(self._backbone)
        begin = keras.tree.flatten(self.model.operations[position + 1].input)[0]
        return None if begin is self._features else keras.Model(begin, self._features)

    def explained_map(self) -> Tensor:
        """The symbolic map, or tokens, inside the map_model that explanations are of."""
        return self.extractor.last_map()

    def preprocess(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Images as the backbone takes them."""
        return images if self._before is None else self._before(images, training=training)

    def embed_maps(self, maps: Any, training: bool | None = None) -> Tensor:
        """What the last layer takes, of what the map_model gives."""
        # Of a pyramid, the level that is pooled.
        maps = self.extractor.top(maps)
        return maps if self._after is None else self._after(maps, training=training)

    def logits(self, related: Tensor) -> Tensor:
        """The last layer's, before its activation."""
        return without_activation(self.classifier, related)

    def classify(self, related: Tensor, training: bool | None = None) -> Tensor:
        """The last layer's predictions."""
        return self.classifier(related)


def classifier_of(model: keras.Model) -> Any:
    """A model to be asked: itself, or a `KerasClassifier` around a model that is not ours.

    Args:
        model: A `keras.Model` from images to classes.

    Returns:
        A `RelationalClassifier` or a `KerasClassifier`.

    Raises:
        ValueError: If the model does not know its classes yet.
    """
    if isinstance(model, RelationalClassifier):
        check_known(model)
        return model
    return KerasClassifier(model)


def relations_of(model: keras.Model) -> str:
    """What the images of a model relate to: its mode, or `"none"` where they do not."""
    return getattr(model, "relations", None) or "none"
