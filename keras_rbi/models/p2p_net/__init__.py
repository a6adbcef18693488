"""P2P-Net: classification by aligned parts, with and without RBI."""

from functools import partial
from typing import Any

from keras_rbi.models.methods import Method, register
from keras_rbi.models.p2p_net.embedding_classifier import EmbeddingClassifier
from keras_rbi.models.p2p_net.p2p_net import P2PNet
from keras_rbi.models.p2p_net.part_aligner import PartAligner
from keras_rbi.models.p2p_net.part_proposer import PartProposer
from keras_rbi.models.p2p_net.stage_embedding import StageEmbedding


def _build(backbone: Any, embedding_dim: int, **arguments: Any) -> P2PNet:
    return P2PNet(backbone, units=embedding_dim, **arguments)


register(
    Method(
        "p2p-net",
        "P2P-Net, which learns from aligned parts",
        partial(_build, relations=None),
        ("embedding_dim", "variant"),
        baseline="p2p-net-rbi",
    ),
    Method(
        "p2p-net-rbi",
        "the same with relations",
        partial(_build, relations="self"),
        ("embedding_dim", "variant"),
        relates=True,
        baseline="p2p-net",
    ),
)

__all__ = ["EmbeddingClassifier", "P2PNet", "PartAligner", "PartProposer", "StageEmbedding"]
