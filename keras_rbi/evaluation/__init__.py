"""Evaluation of classifiers whose predictions may depend on the batch, and prediction of files."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.datasets.files.find_images import find_images
    from keras_rbi.evaluation.accuracy_by_relations import (
        RelationsAccuracy,
        accuracies_of,
        accuracy_by_relations,
    )
    from keras_rbi.evaluation.attention_diagnostics import (
        AttentionDiagnostics,
        attention_diagnostics,
    )
    from keras_rbi.evaluation.classification_scores import (
        ClassificationScores,
        calibration_error,
        classification_scores,
        probabilities_of,
    )
    from keras_rbi.evaluation.cluster_scores import knn_purity, silhouette
    from keras_rbi.evaluation.compare import compare
    from keras_rbi.evaluation.comparison import ComparedModel, Comparison
    from keras_rbi.evaluation.confident_learning import ConfidentJoint, confident_learning
    from keras_rbi.evaluation.details import Details
    from keras_rbi.evaluation.evaluate_observations import (
        ObservationRow,
        ObservationScores,
        evaluate_observations,
        observation_scores,
    )
    from keras_rbi.evaluation.evaluate_protocol import evaluate_protocol, protocol_of
    from keras_rbi.evaluation.extract_features import ExtractedFeatures, extract_features
    from keras_rbi.evaluation.label_issues import LabelIssue, LabelIssues, find_label_issues
    from keras_rbi.evaluation.leaks import Leaks, find_leaks
    from keras_rbi.evaluation.look_alikes import look_alikes
    from keras_rbi.evaluation.mistaken_images import MistakenImage, MistakenImages
    from keras_rbi.evaluation.mistakes import ClassAccuracy, ConfusedPair, Mistakes, mistakes
    from keras_rbi.evaluation.observation_calibration import (
        ObservationCalibration,
        calibrate_observations,
    )
    from keras_rbi.evaluation.observation_probabilities import (
        image_supports,
        observation_probabilities,
    )
    from keras_rbi.evaluation.out_of_sample import out_of_sample_probabilities
    from keras_rbi.evaluation.paired_statistics import McNemar, mcnemar, paired_bootstrap
    from keras_rbi.evaluation.predict_files import (
        FilePrediction,
        classify_files,
        predict_files,
    )
    from keras_rbi.evaluation.predict_observations import (
        ObservationPrediction,
        predict_observations,
    )
    from keras_rbi.evaluation.predict_shard import ShardResult, merged_shards, predict_shard
    from keras_rbi.evaluation.protocol import EvaluationProtocol, ProtocolRow
    from keras_rbi.evaluation.related_outputs import RelatedOutputs
    from keras_rbi.evaluation.shards import Shard
    from keras_rbi.evaluation.top_classes import top_classes
    from keras_rbi.evaluation.views import accuracy_of_views, predict_views
    from keras_rbi.models.keras_classifier import classifier_of, relations_of

__all__ = [
    "AttentionDiagnostics",
    "ClassAccuracy",
    "ClassificationScores",
    "ComparedModel",
    "Comparison",
    "ConfidentJoint",
    "ConfusedPair",
    "Details",
    "EvaluationProtocol",
    "ExtractedFeatures",
    "FilePrediction",
    "LabelIssue",
    "LabelIssues",
    "Leaks",
    "McNemar",
    "MistakenImage",
    "MistakenImages",
    "Mistakes",
    "ObservationCalibration",
    "ObservationPrediction",
    "ObservationRow",
    "ObservationScores",
    "ProtocolRow",
    "RelatedOutputs",
    "RelationsAccuracy",
    "Shard",
    "ShardResult",
    "accuracies_of",
    "accuracy_by_relations",
    "accuracy_of_views",
    "attention_diagnostics",
    "calibrate_observations",
    "calibration_error",
    "classification_scores",
    "classifier_of",
    "classify_files",
    "compare",
    "confident_learning",
    "evaluate_observations",
    "evaluate_protocol",
    "extract_features",
    "find_images",
    "find_label_issues",
    "find_leaks",
    "image_supports",
    "knn_purity",
    "look_alikes",
    "mcnemar",
    "merged_shards",
    "mistakes",
    "observation_probabilities",
    "observation_scores",
    "out_of_sample_probabilities",
    "paired_bootstrap",
    "predict_files",
    "predict_observations",
    "predict_shard",
    "predict_views",
    "probabilities_of",
    "protocol_of",
    "relations_of",
    "silhouette",
    "top_classes",
]

_MOVED = {
    **dict.fromkeys(("confused_figure", "confusion_figure"), "keras_rbi.figures"),
    "gather": "keras_rbi.evaluation:extract_features",
    "Gathered": "keras_rbi.evaluation:ExtractedFeatures",
    "FileAnswer": "keras_rbi.evaluation:FilePrediction",
}

lazy_package(__name__, _MOVED)
