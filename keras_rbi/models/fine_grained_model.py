"""What the fine-grained systems that RBI is added to have in common."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rbi.backbones import hub
from keras_rbi.layers.relation_groups import check_inference_relations
from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.models.rbi.rbi_model import PAPER_LEARNING_RATE, relate_at_inference
from keras_rbi.models.related_features import RelatedFeatures
from keras_rbi.optimizers.rectified_adam import RectifiedAdam

Tensor = Any


class FineGrainedModel(keras.Model):
    """A functional model from images to probabilities that learns from more than those.

    Classes derived from it call `_settle` at the end of their constructor, and define
    `outputs_of`, the dictionary that a training step is made of, with `"probabilities"` among its
    values, and `losses_of`, which makes a loss for each image of it.

    `fit` compiles the model as RBI's paper trains (`RectifiedAdam(1e-5)`), if it has not been
    compiled. Of a loss that `compile` is given, training takes the `label_smoothing` alone, and
    `evaluate` goes by it.
    """

    backbone: keras.Model
    num_classes: int
    rpe: RPE | None
    rra: RRA | None
    preprocessing: keras.layers.Layer | None
    class_names: list[str] | None

    def outputs_of(self, images: Tensor, training: bool | None = None) -> dict[str, Any]:
        """Everything that the model answers."""
        raise NotImplementedError(f"{type(self).__name__} must define `outputs_of`.")

    def losses_of(self, outputs: dict[str, Any], targets: Tensor) -> Tensor:
        """The loss of each image, shape `(batch,)`, for probabilities of the classes."""
        raise NotImplementedError(f"{type(self).__name__} must define `losses_of`.")

    def _settle(
        self,
        backbone: keras.Model,
        num_classes: int,
        class_names: Sequence[str] | None,
        relations: str | None,
        related: RelatedFeatures,
        preprocessing: keras.layers.Layer | None,
        policy: Any,
        arguments: dict[str, Any],
    ) -> None:
        """Remembers what the model is made of."""
        self.backbone = backbone
        self.num_classes = num_classes
        self.class_names = None if class_names is None else [str(each) for each in class_names]
        self.rpe = related.rpe
        self.rra = related.rra
        self.preprocessing = preprocessing
        self._policy = policy
        self._arguments = arguments
        self._relations: str | None = None
        self._relate(relations)

    @property
    def relations(self) -> str | None:
        """What an image relates to in `predict`, `evaluate` and export.

        `"self"`, itself alone; `"batch"`, its batch; `None` in a model without RBI, and only
        there. What it is in a model with RBI may be set at any time.
        """
        return self._relations

    @relations.setter
    def relations(self, value: str | None) -> None:
        if (value is None) != (self.rra is None):
            raise ValueError(
                f"A model has RBI or has it not from the start. Received: relations={value!r} for "
                f"one that was made with relations={self._relations!r}. Make another model."
            )
        self._relate(value)
        # Compiled functions hold the relations they were traced with.
        self.predict_function = None
        self.test_function = None

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Any:
        """Probabilities; in training everything that the loss is made of."""
        if training:
            return self.outputs_of(inputs, training=True)
        return super().call(inputs, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The model's own loss in training; the answers' cross-entropy otherwise.

        Args:
            x: Images, which are not looked at.
            y: Labels: whole numbers, or probabilities such as one-hot rows.
            y_pred: What the model gave.
            sample_weight: A factor for each image, or `None`.
            training: Boolean.

        Returns:
            Scalar.
        """
        if not isinstance(y_pred, dict) and self.loss is not None:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        targets = self._targets(y)
        if isinstance(y_pred, dict):
            losses = self.losses_of(y_pred, targets)
        else:
            losses = keras.losses.categorical_crossentropy(targets, y_pred)
        if sample_weight is not None:
            losses = losses * ops.reshape(ops.cast(sample_weight, losses.dtype), (-1,))
        loss = ops.mean(losses)
        for added in self.losses:
            loss = loss + ops.cast(added, loss.dtype)
        return loss

    def _targets(self, labels: Any) -> Tensor:
        """Labels of any kind as the probabilities that are learned."""
        labels = ops.convert_to_tensor(labels)
        if len(labels.shape) == 2 and labels.shape[1] == self.num_classes:
            targets = ops.cast(labels, "float32")
        else:
            numbers = ops.reshape(ops.cast(labels, "int32"), (-1,))
            targets = ops.one_hot(numbers, self.num_classes, dtype="float32")
        smoothing = getattr(self.loss, "label_smoothing", 0.0)
        return targets * (1.0 - smoothing) + smoothing / self.num_classes

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The metrics of the answers."""
        if isinstance(y_pred, dict):
            y_pred = y_pred["probabilities"]
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains the model, as `keras.Model.fit` does.

        Args:
            x: Arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a torch `DataLoader`.
            y: Labels, where `x` is an array: whole numbers or one-hot rows.
            *args: Further arguments of `keras.Model.fit`.
            **kwargs: Further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.
        """
        if not self.compiled:
            self.compile(RectifiedAdam(PAPER_LEARNING_RATE), metrics=["accuracy"])
        return super().fit(x, y, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        serialized = {
            "backbone": self.backbone,
            "preprocessing": self.preprocessing,
            "dtype": self._policy,
        }
        return {
            **{key: keras.saving.serialize_keras_object(part) for key, part in serialized.items()},
            **self._arguments,
            "num_classes": self.num_classes,
            "relations": self.relations,
            "class_names": None if self.class_names is None else list(self.class_names),
            "name": self.name,
        }

    def save_own_variables(self, store: Any) -> None:
        """Saves what is not in a layer, before Keras saves the layers."""
        hub.settle_position_embeddings(self.backbone)
        super().save_own_variables(store)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        for key in ("backbone", "preprocessing", "dtype"):
            config[key] = keras.saving.deserialize_keras_object(
                config[key], custom_objects=custom_objects
            )
        return cls(**config)

    def _relate(self, relations: str | None) -> None:
        if relations is not None:
            relations = check_inference_relations(relations)
            if relations == "references":
                raise ValueError(
                    f"{type(self).__name__} keeps no references to relate images to. Received: "
                    "relations='references'. Pass 'self' or 'batch', or take an RBIModel."
                )
            relate_at_inference(relations, self.rpe, self.rra)
        self._relations = relations
