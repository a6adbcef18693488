"""RBI: a backbone whose features attend to those of related images."""

from keras_rbi.models.methods import Method, register
from keras_rbi.models.rbi.rbi_model import RBIModel

register(
    Method(
        "rbi",
        "relations between the images of a batch",
        RBIModel,
        ("embedding_dim", "variant", "relation_dropout", "share_classifier"),
        relates=True,
        baseline="backbone",
    )
)

__all__ = ["RBIModel"]
