"""What is trained side by side: the peers of the table, and the variants of the ablation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import ops

from keras_rbi import RBIModel, backbones
from keras_rbi.layers import RPE, RRA
from keras_rbi.models.variants import OF_0_1
from keras_rbi.training import TrainingSettings, build_model
from keras_rbi.training.choices import NO_WEIGHTS
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.stages import stages

DEFAULT_RELATION_DROPOUT = 0.5


@keras.saving.register_keras_serializable(package="keras_rbi_applications")
class NoRelations(RPE):
    """Relations of 0 in the shape that RPE's would have: RRA by features alone."""

    def call(self, images: Any, mask: Any = None, training: bool | None = None) -> Any:
        return ops.zeros_like(super().call(images, mask=mask, training=training))


@dataclass(frozen=True)
class Peer:
    """One way to train a classifier on a backbone.

    Attributes:
        title: What it is called in tables.
        settings: Those of `TrainingSettings` that make it.
        rpe: Arguments of its RPE, where they are not the model's.
        rra: Arguments of its RRA, where they are not the model's.
        uses_relations: Whether its RRA is given relations.
    """

    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rpe: Mapping[str, Any] = field(default_factory=dict)
    rra: Mapping[str, Any] = field(default_factory=dict)
    uses_relations: bool = True

    @property
    def has_own_layers(self) -> bool:
        return bool(self.rpe or self.rra or not self.uses_relations)


BACKBONE, PAPER, DEFAULT = "backbone", "rbi-paper", "rbi"
# The default when these peers were measured: relations as printed, but normalized.
NORMALIZED = {"variant": OF_0_1}
PEERS = {
    BACKBONE: Peer("backbone alone", {"method": "backbone"}),
    "batchformer": Peer("BatchFormer", {"method": "batchformer"}),
    PAPER: Peer("RBI as printed", {"variant": "paper"}),
    DEFAULT: Peer("RBI, default of 0.1", NORMALIZED),
    "rbi-shared": Peer("RBI, shared classifier", {**NORMALIZED, "share_classifier": True}),
}
ABLATIONS = {
    DEFAULT: Peer("RBI, default of 0.1", NORMALIZED),
    "no-rpe": Peer("RRA without RPE", NORMALIZED, uses_relations=False),
    "softmax-targets": Peer("softmax over the targets", NORMALIZED, rra={"softmax_axis": -1}),
    "gate-feature": Peer("a gate for each feature", NORMALIZED, rra={"gate": "feature"}),
    "epsilon-1e-8": Peer("ε = 1e-8, S normalised", NORMALIZED, rpe={"epsilon": 1e-8}),
    "decibels": Peer(
        "S not normalised (dB), ε one grey level", NORMALIZED, rpe={"normalize": False}
    ),
    "dropout-0": Peer("relation dropout 0", {**NORMALIZED, "relation_dropout": 0.0}),
    "dropout-1": Peer("relation dropout 1: never related", {**NORMALIZED, "relation_dropout": 1.0}),
    "group-8": Peer(
        "relation groups of 8", NORMALIZED, rpe={"group_size": 8}, rra={"group_size": 8}
    ),
    "balanced": Peer("batches of 8 classes with 4 images", {**NORMALIZED, "sampling": "pk"}),
    PAPER: Peer("RBI as printed", {"variant": "paper"}),
    "paper-dropout": Peer(
        "as printed, relation dropout 0.5", {"variant": "paper", "relation_dropout": 0.5}
    ),
}
# For figure 7: as printed in all else.
FIGURES = {
    "paper-no-rpe": Peer(
        "as printed, without RPE",
        {"variant": "paper", "relation_dropout": 0.0},
        rra={"relation_dropout": 0.0},
        uses_relations=False,
    )
}
ALL = PEERS | ABLATIONS | FIGURES


def build(
    peer: Peer, settings: TrainingSettings, class_names: list[str], steps_per_epoch: int
) -> keras.Model:
    """A peer's model, compiled for the first stage of training.

    Args:
        peer: The peer.
        settings: Resolved settings.
        class_names: Names of the classes.
        steps_per_epoch: Batches in an epoch.

    Returns:
        The model of `keras_rbi.training.build_model`, or one like it with the peer's layers.
    """
    if not peer.has_own_layers:
        return build_model(settings, class_names, steps_per_epoch)
    keras.utils.set_random_seed(settings.seed)
    backbone = backbones.get(
        settings.backbone,
        weights=None if settings.weights == NO_WEIGHTS else settings.weights,
        image_size=settings.image_size,
    )
    make_rpe = RPE if peer.uses_relations else NoRelations
    rra = {"relation_dropout": DEFAULT_RELATION_DROPOUT, **peer.rra}
    model = RBIModel(
        backbone,
        embedding_dim=settings.embedding_dim,
        variant=OF_0_1,
        rpe=make_rpe(**peer.rpe, name="rpe"),
        rra=RRA(settings.embedding_dim, **rra, name="rra"),
        class_names=class_names,
    )
    compile_stage(model, settings, stages(settings)[0], steps_per_epoch)
    return model
