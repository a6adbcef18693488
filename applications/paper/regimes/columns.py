"""The columns of the map: what is trained on the same images, in the same order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from applications.paper.regimes.batch_former_control import BatchFormerControl
from applications.paper.regimes.feature_mixup import FeatureMixup
from applications.paper.regimes.flowing_labels import FlowingLabels
from keras_rbi import RBIModel
from keras_rbi.models import BackboneClassifier
from keras_rbi.models.baselines import BatchFormerModel
from keras_rbi.models.variants import OF_0_1, PAPER

# The width of the embedding where there is one.
EMBEDDING = 128
NEVER = 1.0


@dataclass(frozen=True)
class Column:
    """One way to train a classifier on a backbone.

    Attributes:
        title: What it is called.
        make: From a backbone, and arguments of its class, to the model.
        control: The column that is the same head, never related; `None` where images relate to
            nothing.
    """

    title: str
    make: Callable[..., keras.Model]
    control: str | None = None


def _rbi(**settings: Any) -> Callable[..., RBIModel]:
    return lambda backbone, **given: RBIModel(backbone, **settings, **given)


def _flowing(backbone: keras.Model, **given: Any) -> FlowingLabels:
    return FlowingLabels(backbone, embedding_dim=EMBEDDING, **given)


_PAPER = {"variant": PAPER, "embedding_dim": EMBEDDING}
_OF_0_1 = {"variant": OF_0_1, "embedding_dim": EMBEDDING}
ALONE = "alone"
COLUMNS = {
    ALONE: Column("backbone alone", BackboneClassifier),
    "mixup": Column("MixUp of features", FeatureMixup),
    "control": Column("default, never related", _rbi(relation_dropout=NEVER)),
    "default": Column("RBI's default", _rbi(), "control"),
    "batchformer-control": Column("BatchFormer, never related", BatchFormerControl),
    "batchformer": Column("BatchFormer", BatchFormerModel, "batchformer-control"),
    "paper-control": Column(
        "as printed, never related", _rbi(**_PAPER, relation_dropout=NEVER, relations="self")
    ),
    "paper": Column("RBI as printed", _rbi(**_PAPER), "paper-control"),
    "0.1-control": Column("0.1, never related", _rbi(**_OF_0_1, relation_dropout=NEVER)),
    "flowing": Column("0.1, labels flow", _flowing, "0.1-control"),
}
# What relates images in training, and may claim that relations pay.
RELATING = tuple(name for name, column in COLUMNS.items() if column.control)
