"""Loading models: every registered class is imported here, so that Keras knows them by name."""

from pathlib import Path

import keras

from keras_rbi.backbones import backbone_preprocessing  # noqa: F401
from keras_rbi.models.baselines import (  # noqa: F401
    backbone_classifier,
    batch_former_model,
)
from keras_rbi.models.herbs import herbs  # noqa: F401
from keras_rbi.models.p2p_net import p2p_net  # noqa: F401
from keras_rbi.models.rbi import rbi_model  # noqa: F401
from keras_rbi.optimizers import continued_schedule, rectified_adam  # noqa: F401


def load_model(file: str | Path, compile: bool = True) -> keras.Model:
    """Loads a `.keras` file: `keras.models.load_model`, which knows the classes of this package.

    Args:
        file: The file.
        compile: Boolean, whether to compile it as it was. Defaults to `True`.

    Returns:
        The model.
    """
    return keras.models.load_model(file, compile=compile)
