"""Models whose labels are mixed as their features are."""

from typing import Any

from keras import ops

from keras_rbi.types import Tensor


def with_shares(features: Tensor, shares: Tensor) -> Tensor:
    """Features of images, and beside them what share each image of the batch has in them.

    Args:
        features: Tensor of shape `(batch, features)`.
        shares: Tensor of shape `(batch, batch)`, whose rows sum to 1.

    Returns:
        Tensor of shape `(batch, features + batch)`, which goes from `relate` to `classify`.
    """
    return ops.concatenate([features, ops.cast(shares, features.dtype)], axis=-1)


def classify_features(classifier: Any, related: Tensor) -> Tensor:
    """Predictions of the features of `with_shares`, with the shares beside them still."""
    width = classifier.kernel.shape[0]
    return with_shares(classifier(related[:, :width]), related[:, width:])


class MixedTargetsLoss:
    """The loss of a Keras model that gives predictions with shares beside them in training.

    The target of an image is the mixture of the batch's labels, which must be one-hot, by its
    shares. Afterwards the model gives predictions alone.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss against mixed labels in training, against the labels otherwise."""
        if training:
            classes = y.shape[-1]
            # The shares are what is so, and not what may be learnt to make targets easy.
            shares = ops.stop_gradient(y_pred[:, classes:])
            y, y_pred = ops.matmul(shares, ops.cast(y, shares.dtype)), y_pred[:, :classes]
        model: Any = super()
        return model.compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The metrics of the predictions against the labels."""
        model: Any = super()
        return model.compute_metrics(x, y, y_pred[:, : y.shape[-1]], sample_weight)
