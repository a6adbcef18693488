"""P2P-Net: classification by aligned parts, with and without RBI."""

from keras_rbi.models.methods import register, with_and_without_relations
from keras_rbi.models.p2p_net.embedding_classifier import EmbeddingClassifier
from keras_rbi.models.p2p_net.p2p_net import P2PNet
from keras_rbi.models.p2p_net.part_aligner import PartAligner
from keras_rbi.models.p2p_net.part_proposer import PartProposer
from keras_rbi.models.p2p_net.stage_embedding import StageEmbedding

register(*with_and_without_relations("p2p-net", "P2P-Net, which learns from aligned parts", P2PNet))

__all__ = ["EmbeddingClassifier", "P2PNet", "PartAligner", "PartProposer", "StageEmbedding"]
