"""RBI: a backbone whose features attend to those of related images."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package
from keras_rbi.models.methods import Method, register

if TYPE_CHECKING:
    from keras_rbi.models.rbi.rbi_model import RBIModel

register(
    Method(
        "rbi",
        "relations between the images of a batch",
        "keras_rbi.models.rbi.rbi_model:RBIModel",
        (
            "embedding_dim",
            "variant",
            "relation_dropout",
            "share_classifier",
            "group_size",
            "relation_scope",
        ),
        relates=True,
        baseline="backbone",
    )
)

__all__ = ["RBIModel"]

lazy_package(__name__)
