"""Measuring classifiers whose predictions may depend on the batch."""

from keras_rbi.evaluation.accuracy_by_relations import RelationsAccuracy, accuracy_by_relations
from keras_rbi.evaluation.classification_scores import (
    ClassificationScores,
    calibration_error,
    classification_scores,
    probabilities_of,
)
from keras_rbi.evaluation.cluster_scores import knn_purity, silhouette
from keras_rbi.evaluation.evaluate_protocol import evaluate_protocol
from keras_rbi.evaluation.gather import Gathered, gather
from keras_rbi.evaluation.protocol import EvaluationProtocol, ProtocolRow
from keras_rbi.evaluation.related_outputs import RelatedOutputs

__all__ = [
    "ClassificationScores",
    "EvaluationProtocol",
    "Gathered",
    "ProtocolRow",
    "RelatedOutputs",
    "RelationsAccuracy",
    "accuracy_by_relations",
    "calibration_error",
    "classification_scores",
    "evaluate_protocol",
    "gather",
    "knn_purity",
    "probabilities_of",
    "silhouette",
]
