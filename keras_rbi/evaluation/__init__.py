"""Measuring classifiers whose predictions may depend on the batch."""

from keras_rbi.evaluation.accuracy_by_relations import RelationsAccuracy, accuracy_by_relations

__all__ = ["RelationsAccuracy", "accuracy_by_relations"]
