"""P2P-Net: classification by aligned parts, with and without RBI."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package
from keras_rbi.models.methods import register, with_and_without_relations

if TYPE_CHECKING:
    from keras_rbi.models.p2p_net.embedding_classifier import EmbeddingClassifier
    from keras_rbi.models.p2p_net.p2p_net import P2PNet
    from keras_rbi.models.p2p_net.part_aligner import PartAligner
    from keras_rbi.models.p2p_net.part_proposer import PartProposer
    from keras_rbi.models.p2p_net.stage_embedding import StageEmbedding

register(
    *with_and_without_relations(
        "p2p-net",
        "P2P-Net, which learns from aligned parts",
        "keras_rbi.models.p2p_net.p2p_net:P2PNet",
    )
)

__all__ = ["EmbeddingClassifier", "P2PNet", "PartAligner", "PartProposer", "StageEmbedding"]

lazy_package(__name__)
