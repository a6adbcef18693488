"""Finding the parts of a classifier that its explanations are made of."""

from typing import Any

import keras

from keras_rbi.explanations.herbs_parts import HERBSParts
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.p2p_parts import P2PParts
from keras_rbi.models.herbs.herbs import HERBS
from keras_rbi.models.p2p_net.p2p_net import P2PNet


def parts_of(model: keras.Model, layer: Any = None) -> ModelParts:
    """The parts of any classifier that can be explained.

    Args:
        model: A `HERBS`, a `P2PNet`, or a model that `ModelParts` takes.
        layer: As for `ModelParts`. Defaults to `None`.

    Returns:
        Its parts.
    """
    if isinstance(model, HERBS):
        return HERBSParts(model, layer)
    if isinstance(model, P2PNet):
        return P2PParts(model, layer)
    return ModelParts(model, layer)
