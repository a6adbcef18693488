"""Measuring classifiers whose predictions may depend on the batch, and asking them about files."""

from keras_rbi.evaluation.accuracy_by_relations import RelationsAccuracy, accuracy_by_relations
from keras_rbi.evaluation.predict_files import FileAnswer, find_images, predict_files
from keras_rbi.evaluation.top_classes import top_classes

__all__ = [
    "FileAnswer",
    "RelationsAccuracy",
    "accuracy_by_relations",
    "find_images",
    "predict_files",
    "top_classes",
]
