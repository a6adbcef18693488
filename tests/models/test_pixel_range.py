import warnings

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.layers import RPE

BYTES = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype("uint8")
UNIT = BYTES.astype("float32") / 255
LABELS = np.arange(8) % 2


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return UNIT[part], LABELS[part]


def fit(data, labels=None, compiled=False, **kwargs):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, num_classes=2, embedding_dim=8, **kwargs)
    if compiled:
        model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(data, labels, verbose=0)


@pytest.mark.parametrize(
    ("data", "compiled"),
    [
        ((UNIT, LABELS), False),
        ((UNIT, LABELS), True),
        ((keras.ops.convert_to_tensor(UNIT), LABELS), True),
        (({"images": UNIT, "mask": np.ones(8, bool)}, LABELS), True),
        ((Batches(),), False),
        (([(UNIT, LABELS)],), False),
    ],
    ids=["arrays", "compiled", "tensor", "mask", "PyDataset", "list of batches"],
)
def test_images_of_0_to_1_get_a_warning(monkeypatch, data, compiled):
    monkeypatch.setattr(keras.Model, "fit", lambda *args, **kwargs: None)
    with pytest.warns(UserWarning, match="pixels of 0..255"):
        fit(*data, compiled=compiled)


@pytest.mark.parametrize(
    ("images", "kwargs"),
    [
        (BYTES, {}),
        (BYTES.astype("float32"), {}),
        (BYTES // 255, {}),
        (UNIT * 0, {}),
        (UNIT, {"rpe": RPE(max_value=1.0)}),
    ],
    ids=["bytes", "floats", "black and white", "black", "RPE of 0..1"],
)
def test_other_images_get_none(images, kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(images, LABELS, **kwargs)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 3)), "are of -1..1"),
        (UNIT - 0.5, "are of -1..1"),
        (np.random.default_rng(0).normal(0, 1, (8, 16, 16, 3)), "are standardised"),
    ],
)
def test_images_below_0_get_a_warning(images, message):
    with pytest.warns(UserWarning, match=f"{message}.*preprocessing=None"):
        fit(images.astype("float32"), LABELS)


def test_labels_from_1_get_a_warning():
    model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8)))
    with pytest.warns(UserWarning, match=r"from 1 to 3.*Subtract 1"):
        model.fit(BYTES, np.arange(8) % 3 + 1, verbose=0)
    assert model.num_classes == 4
