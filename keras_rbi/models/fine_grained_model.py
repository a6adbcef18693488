"""What the fine-grained methods that RBI is added to have in common: a loss of their own."""

from typing import Any

import keras
from keras import ops

from keras_rbi.models.paper_training import PAPER_LEARNING_RATE
from keras_rbi.models.relation_layers import relation_layers
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.variants import find_variant, with_variant_of_0_1
from keras_rbi.optimizers.rectified_adam import RectifiedAdam
from keras_rbi.types import Tensor


class FineGrainedModel(RelationalClassifier):
    """A classifier over the stages of a backbone that learns from more than its predictions.

    In training, what it embeds, relates and classifies is a dictionary of all that its loss is
    made of: features, logits, `"probabilities"`. Derived classes define `embed_in_detail`, which
    begins the dictionary, and `losses_of`, which makes a loss for each image of it.

    Of a loss that `compile` is given, training takes the `label_smoothing` alone, and `evaluate`
    goes by it.
    """

    @classmethod
    def from_config(cls, config: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().from_config(with_variant_of_0_1(config), *args, **kwargs)

    def embed_in_detail(self, images: Tensor, training: bool | None = None) -> dict[str, Any]:
        """All that the loss needs of images before they relate; `"features"` are among it."""
        raise NotImplementedError(f"{type(self).__name__} must define `embed_in_detail`.")

    def losses_of(self, outputs: dict[str, Any], targets: Tensor) -> Tensor:
        """The loss of each image, shape `(batch,)`, for probabilities of the classes."""
        raise NotImplementedError(f"{type(self).__name__} must define `losses_of`.")

    def embed(self, images: Tensor, training: bool | None = None) -> Any:
        """Feature vectors `(batch, features)`; in training a dictionary of all for the loss."""
        if training:
            return self.embed_in_detail(images, training)
        return super().embed(images, training)

    def outputs_of(self, images: Tensor, training: bool | None = None) -> dict[str, Any]:
        """All that the loss is made of.

        Args:
            images: Tensor of images of 0..255.
            training: Boolean, whether to behave as in training. Defaults to `None`.

        Returns:
            A dictionary, with `"probabilities"` `(batch, classes)` in it.
        """
        details = self.embed_in_detail(images, training)
        return self.classify(self.relate(details, images, None, training), training)

    def explained_map(self) -> Tensor:
        """The last stage."""
        return self.extractor.stages()[-1]

    def compile_as_the_paper_trains(self, one_hot: bool = False) -> None:
        """Compiles the model with the optimizer of RBI's paper; the loss is its own."""
        self.compile(RectifiedAdam(PAPER_LEARNING_RATE), metrics=["accuracy"])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The model's own loss in training; the predictions' cross-entropy otherwise.

        Args:
            x: Images, which are not looked at.
            y: Labels: integers, or probabilities such as one-hot rows.
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
        """The metrics of the predictions."""
        if isinstance(y_pred, dict):
            y_pred = y_pred["probabilities"]
        return super().compute_metrics(x, y, y_pred, sample_weight)


def residual_relations(
    relations: str | None, variant: str | None, units: int, dtype: Any
) -> dict[str, keras.layers.Layer]:
    """The layers that relate feature vectors in a residual branch, or none.

    `v + g * RRA(v, RPE(images))`, g a factor for each feature that starts at zero: at first the
    model is the one without relations.

    Args:
        relations: `None` for no relations, or what images relate to at inference.
        variant: As in `RBIModel`.
        units: Integer, the width of v.
        dtype: Dtype policy.

    Returns:
        `rpe`, `rra` and `integration`, for `RelationalClassifier`; nothing without relations.

    Raises:
        ValueError: If `variant` is unknown.
    """
    if relations is None:
        find_variant(variant)
        return {}
    return relation_layers(units, variant, dtype, residual=True)
