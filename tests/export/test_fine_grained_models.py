"""Systems that RBI is added to, exported."""

import keras
import numpy as np
import pytest
import small_model

from keras_rbi.backbones import SmallCNN
from keras_rbi.export import FORMATS, export_model
from keras_rbi.export.formats import backend_for
from keras_rbi.models import HERBS, P2PNet

SIDE = 32


def made(kind, relations="self"):
    keras.utils.set_random_seed(0)
    backbone = SmallCNN((SIDE, SIDE, 3))
    model = kind(backbone, class_names=small_model.NAMES, units=8, relations=relations)
    if relations:
        scale = model.get_layer("integration").scale
        scale.assign(np.full(scale.shape, 2.0 * scale.shape[0]))
    return model


@pytest.mark.nightly
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", [HERBS, P2PNet])
def test_answers_as_the_model(kind, name, tmp_path):
    try:
        if backend_for(name, keras.config.backend()) != keras.config.backend():
            pytest.skip(f"{name} is not written on this backend")
    except ValueError as error:
        pytest.skip(str(error))
    path = tmp_path / f"model{FORMATS[name].suffix}"
    found = export_model(made(kind), path, format=name, verbose=False)
    assert max(found.verification.differences.values()) < 1e-5
    assert found.verification.batch_composition < 1e-5
