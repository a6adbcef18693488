"""A classifier cut in three: up to a map, from there to the features, and the head."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.backbones.tap import Tap
from keras_rbi.explanations.last_block import LastBlock
from keras_rbi.layers.rra import RRA
from keras_rbi.models.rbi.rbi_model import RBIModel

Tensor = Any


class ModelParts:
    """The parts of a classifier that its explanations are made of.

    ```
    images -- to_map --> map, tokens -- to_features --> features -- scores --> logits
    ```

    Only the last part can make images depend on each other.

    Args:
        model: An `RBIModel`, or a functional model that ends in `Dense`, with or without an
            activation layer after it: a backbone as a nested model in it, as
            `keras_rbi.models.backbone_classifier` makes, or all layers in one graph, as
            `keras.applications` makes.
        layer: Where the map is taken: the name of a layer of the backbone, or a symbolic tensor
            inside the backbone, such as one of `Tap.stages`. Defaults to `None`, the last map; of
            a transformer that is pooled at its class token, the tokens before its last block.

    Raises:
        ValueError: If the model has another form, or if the layer gives no map.
    """

    def __init__(self, model: keras.Model, layer: Any = None) -> None:
        if isinstance(model, RBIModel) and model.num_classes is None:
            raise ValueError("The model does not know its classes yet. Call `fit` first.")
        self.model = model
        self._classifier = _classifier(model)
        self._before = model.rra if isinstance(model, RBIModel) else self._classifier
        features = keras.tree.flatten(self._before.input)[0]
        backbone = _backbone(model)
        self.tap = Tap(backbone)
        graph = self.tap.backbone
        self._last_block = LastBlock(graph) if layer is None and self.tap.prefix_tokens else None
        place = self._place(layer) if self._last_block is None else self._last_block.entry
        self._to_map = keras.Model(graph.input, place)
        self._stem: Any = None
        self._rest: Any = None
        if backbone is model:
            end = features
        else:
            operations = [part for part in model.operations if part is not getattr(model, "rpe", 0)]
            position = operations.index(backbone)
            entry = operations[position - 1].output
            exit_ = keras.tree.flatten(operations[position + 1].input)[0]
            if position > 1:
                self._stem = keras.Model(model.input, entry)
            if exit_ is not features:
                self._rest = keras.Model(exit_, features)
            # Of a pyramid, the level that is pooled.
            end = self.tap.last_map() if isinstance(graph.output, dict) else graph.output
        self._upper: Any = None
        if self._last_block is None and end is not place:
            # What goes around the place starts at the images.
            self._upper = keras.Model([graph.input, place], end)

    def to_map(self, images: Any) -> tuple[Tensor, np.ndarray]:
        """Prepared images, and their map or tokens.

        Args:
            images: Array `(batch, height, width, channels)` as the model takes it.

        Returns:
            The images as the backbone takes them, and a float32 array.
        """
        prepared = ops.convert_to_tensor(images)
        if self._stem is not None:
            prepared = self._stem(prepared, training=False)
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
        outputs = places
        if self._last_block is not None:
            outputs = self._last_block.after(places)
        elif self._upper is not None:
            outputs = self._upper([self._packed(prepared), places], training=False)
        return outputs if self._rest is None else self._rest(outputs, training=False)

    def scores(
        self, features: Tensor, relations: Tensor | None, of: str, mask: Tensor | None = None
    ) -> Tensor:
        """Logits, what the last layer computes before its activation.

        Args:
            features: Tensor of shape `(batch, features)`.
            relations: S of the images, or `None` in a model without relations.
            of: `"combined"`, or `"backbone"` for beta = 1, the features' own residual alone.
            mask: Images that may be sources, shape `(batch,)`. Defaults to `None`, all.

        Returns:
            Tensor of shape `(batch, classes)`.
        """
        if isinstance(self.model, RBIModel):
            rra = self.model.rra
            if of == "backbone":
                residual = ops.cast(rra.residual_dense(features), "float32")
                features = rra.normalization(residual, training=False)
            elif mask is None:
                features = rra(features, relations, training=False)
            else:
                features = rra(features, relations, mask=mask, training=False)
        return without_activation(self._classifier, features)

    def relations(self, images: Any) -> Tensor | None:
        """S of images in the mode that the model is in, or `None` without relations."""
        if not isinstance(self.model, RBIModel):
            return None
        return self.model.rpe(ops.convert_to_tensor(images), training=False)

    def as_map(self, places: np.ndarray) -> np.ndarray:
        """A map or tokens as `(batch, height, width, channels)`."""
        if places.ndim == 4 and self.tap.data_format == "channels_first":
            return places.transpose(0, 2, 3, 1)
        return _array(self.tap.as_map(places))

    @property
    def image_sides(self) -> tuple[int, int]:
        """Height and width of the images that the model takes."""
        return self.tap.image_sides

    def _packed(self, prepared: Tensor) -> Any:
        return keras.tree.pack_sequence_as(self.tap.backbone.input, [prepared])

    def _place(self, layer: Any) -> Any:
        if layer is None:
            return self.tap.last_map()
        place = self.tap.backbone.get_layer(layer).output if isinstance(layer, str) else layer
        if len(getattr(place, "shape", ())) not in (3, 4):
            raise ValueError(
                "`layer` must be the name of a layer of the backbone that gives a map or tokens, "
                f"or such a tensor inside the backbone. Received: layer={layer!r}."
            )
        return place


def check_attention(model: keras.Model) -> None:
    """Raises a `ValueError` for a model whose attention cannot be looked into."""
    if not isinstance(model, RBIModel) or not isinstance(model.rra, RRA):
        raise ValueError(
            "This looks into the attention of an RBIModel whose layer `rra` is RRA or derived from "
            f"it. Received: {model.name!r} of class {type(model).__name__}."
        )


def _backbone(model: keras.Model) -> keras.Model:
    if isinstance(model, RBIModel):
        return model.backbone
    nested = [part for part in model.operations if isinstance(part, keras.Model)]
    return max(nested, key=keras.Model.count_params, default=model)


def _classifier(model: keras.Model) -> keras.layers.Dense:
    layers = [
        layer
        for layer in getattr(model, "layers", [])
        if not isinstance(layer, (keras.layers.Activation, keras.layers.Softmax))
    ]
    if not getattr(model, "outputs", None) or not isinstance(layers[-1], keras.layers.Dense):
        raise ValueError(
            "The model must be an RBIModel, or a functional model that ends in a Dense layer. "
            f"Received: {model.name!r} of class {type(model).__name__}. Explain a functional model "
            "around it."
        )
    return layers[-1]


def without_activation(dense: keras.layers.Dense, features: Tensor) -> Tensor:
    """What a Dense layer gives before its activation, whatever its kernel has become."""
    activation = dense.activation
    try:
        dense.activation = None
        return dense(features)
    finally:
        dense.activation = activation


def _array(tensor: Tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float32")
