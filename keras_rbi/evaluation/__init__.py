"""Measuring classifiers whose predictions may depend on the batch, and asking them about files."""

from keras_rbi.evaluation.accuracy_by_relations import RelationsAccuracy, accuracy_by_relations
from keras_rbi.evaluation.classification_scores import (
    ClassificationScores,
    calibration_error,
    classification_scores,
    probabilities_of,
)
from keras_rbi.evaluation.cluster_scores import knn_purity, silhouette
from keras_rbi.evaluation.compare import compare
from keras_rbi.evaluation.comparison import ComparedModel, Comparison
from keras_rbi.evaluation.evaluate_protocol import evaluate_protocol
from keras_rbi.evaluation.gather import Gathered, gather
from keras_rbi.evaluation.paired_statistics import McNemar, mcnemar, paired_bootstrap
from keras_rbi.evaluation.predict_files import FileAnswer, find_images, predict_files
from keras_rbi.evaluation.protocol import EvaluationProtocol, ProtocolRow
from keras_rbi.evaluation.related_outputs import RelatedOutputs
from keras_rbi.evaluation.top_classes import top_classes

__all__ = [
    "ClassificationScores",
    "ComparedModel",
    "Comparison",
    "EvaluationProtocol",
    "FileAnswer",
    "Gathered",
    "McNemar",
    "ProtocolRow",
    "RelatedOutputs",
    "RelationsAccuracy",
    "accuracy_by_relations",
    "calibration_error",
    "classification_scores",
    "compare",
    "evaluate_protocol",
    "find_images",
    "gather",
    "knn_purity",
    "mcnemar",
    "paired_bootstrap",
    "predict_files",
    "probabilities_of",
    "silhouette",
    "top_classes",
]
