"""The part of a model that learns from two streams of features with one classifier."""

from typing import Any

from keras import ops

from keras_rbi.models.relational_classifier import RelationalClassifier


class TwoStreamsLoss:
    """The loss of a Keras model that gives two predictions for each image in training, else one.

    That is what `keras_rbi.models.TwoStreams` before a classifier makes. The loss is the mean of
    those of the two streams, each with the labels of the batch; metrics are those of the first,
    which predicts after training.
    """

    two_streams = True

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of both streams in training, of the predictions otherwise."""
        if training and self.two_streams:
            y, sample_weight = _twice(y), _twice(sample_weight)
        model: Any = super()
        return model.compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The metrics of the stream that predicts."""
        if self.two_streams and y is not None:
            y_pred = y_pred[: ops.shape(y)[0]]
        model: Any = super()
        return model.compute_metrics(x, y, y_pred, sample_weight)


class TrainsTwoStreams(TwoStreamsLoss, RelationalClassifier):
    """A classifier that may learn from two streams of features: see `TwoStreamsLoss`."""


def _twice(rows: Any) -> Any:
    return None if rows is None else ops.concatenate([rows, rows], axis=0)
