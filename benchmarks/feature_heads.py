"""The head that `--quick` finds, beside scikit-learn's ridge and logistic regression.

    pip install scikit-learn
    KERAS_BACKEND=tensorflow python benchmarks/feature_heads.py --seeds 0 1 2 3 4

All on the same features of EfficientNet-Lite0 from ImageNet, of the typefaces at 96×96. The
peers' penalties are those of a grid that do best on validation images, of standardised features or
of features as they are, whichever does better there: the best that a user would find. Ours asks no
validation image where there are at most 1,000 training images.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from measure import console_for_tables, machine
from rich.table import Table
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from keras_rbi import backbones
from keras_rbi.datasets import Typefaces
from keras_rbi.evaluation.pooled_features import pooled_features
from keras_rbi.models import BackboneClassifier
from keras_rbi.training.linear_head import linear_head

RIDGE = tuple(10.0**power for power in range(-2, 6))
LOGISTIC = tuple(10.0**power for power in range(-4, 3))
VALIDATION, TEST = 40, 100


def best_of(
    penalized: Sequence[Any], known: tuple[Any, Any], chosen_on: tuple[Any, Any], test: Any
) -> np.ndarray:
    """Predictions for test features by the classifier that does best on others.

    Args:
        penalized: scikit-learn's classifiers, each with a penalty.
        known: Features and labels to fit.
        chosen_on: Those to choose on.
        test: Features.
    """
    mean, deviation = known[0].mean(0), np.maximum(known[0].std(0), 1e-6)
    best, most = None, -1.0
    for scale in (np.ones_like(deviation), deviation):
        for classifier in penalized:
            classifier.fit((known[0] - mean) / scale, known[1])
            right = classifier.score((chosen_on[0] - mean) / scale, chosen_on[1])
            if right > most:
                best, most = classifier.predict((test - mean) / scale), right
    assert best is not None
    return best


def accuracies(seed: int, per_class: int) -> dict[str, float]:
    """Accuracy of each head on test images, in %."""
    backbone = backbones.get("EfficientNetLite0", weights="imagenet", image_size=96)
    model = BackboneClassifier(backbone, num_classes=22)

    def read(split: str, count: int, drawn: int) -> tuple[Any, Any]:
        data = Typefaces(split, count, 96, seed=drawn)
        return pooled_features(model, data, split), np.asarray(data.labels)

    known, validation = read("train", per_class, seed), read("validation", VALIDATION, seed)
    features, labels = read("test", TEST, 0)
    kernel, bias = linear_head(known, validation, 22, seed)
    ridge = [RidgeClassifier(alpha=penalty) for penalty in RIDGE]
    logistic = [LogisticRegression(C=inverse, max_iter=300) for inverse in LOGISTIC]
    predicted = {
        "ours": (features @ kernel + bias).argmax(1),
        "ridge": best_of(ridge, known, validation, features),
        "logistic regression": best_of(logistic, known, validation, features),
    }
    return {name: 100 * float(np.mean(found == labels)) for name, found in predicted.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a row for each seed and number of images."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-class", nargs="*", type=int, default=[40])
    parser.add_argument("--seeds", nargs="*", type=int, default=range(5))
    options = parser.parse_args(arguments)
    table = Table(title=f"Top-1 accuracy in %, {TEST} test images a class, {machine()['cpu']}")
    for name in ("images a class", "seed", "ours", "ridge", "logistic regression"):
        table.add_column(name, justify="right")
    for count in options.per_class:
        for seed in options.seeds:
            found = accuracies(seed, count)
            print(count, seed, found, flush=True)
            table.add_row(str(count), str(seed), *(f"{value:.1f}" for value in found.values()))
    console_for_tables().print(table)


if __name__ == "__main__":
    main()
