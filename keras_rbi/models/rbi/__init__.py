"""RBI: a backbone whose features attend to those of related images."""

from keras_rbi.models.rbi.rbi_model import RBIModel

__all__ = ["RBIModel"]
