"""Workers of Ray predict what one process does."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_rbi
from applications.scale.predict_with_ray import main
from keras_rbi.evaluation import classify_files

pytestmark = pytest.mark.nightly


def test_two_workers_predict_what_one_process_does(tmp_path):
    pytest.importorskip("ray")
    parquet = pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    photos = tmp_path / "photos"
    for number in range(40):
        path = photos / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnone")
    keras.utils.set_random_seed(0)
    model = keras_rbi.RBIModel(
        keras_rbi.backbones.SmallCNN((32, 32, 3)), class_names=["one", "two", "three"]
    )
    model.save(tmp_path / "model.keras")
    main(str(tmp_path / "model.keras"), str(photos), str(tmp_path / "found"), batch_size=8, top=2)
    rows = {row["image"]: row for row in parquet.read_table(tmp_path / "found").to_pylist()}
    expected = list(classify_files(model, photos, batch_size=8))
    assert len(rows) == len(expected) == 41
    for one in expected:
        row = rows[one.path.relative_to(photos).as_posix()]
        assert row["error"] == one.error
        for rank, (name, value) in enumerate(one.top(2), 1):
            assert row[f"class_{rank}"] == name
            assert row[f"probability_{rank}"] == pytest.approx(value, abs=1e-6)
