"""Cells of the map, trained: heads as Keras trains them, and the program from end to end."""

import csv

import keras
import numpy as np
import pytest
from backend_functions import to_numpy

from applications.paper.regimes import __main__ as program
from applications.paper.regimes import known_features
from applications.paper.regimes.known_features import CLASSES, IMAGE_SIZE, WIDTH
from applications.paper.regimes.regime import FINE_TUNED, FROZEN, SCRATCH, Regime
from applications.paper.regimes.rows import Rows
from keras_rbi import backbones

pytestmark = pytest.mark.usefixtures("untraced")

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="heads are trained on JAX")
# It takes JAX half a minute to compile networks, which are no other there.
not_on_jax = pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX trains heads")
TINY = Regime("tiny", 2, batch=4, images_seen=16)


def read(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def fill(folder, splits):
    """Files of features, as extraction leaves them."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for split, count, seed in splits:
        size = count * CLASSES
        np.savez(
            folder / f"{split}-{seed}.npz",
            features=rng.normal(size=(size, WIDTH)).astype("float32"),
            images=rng.integers(0, 256, (size, IMAGE_SIZE, IMAGE_SIZE, 1)).astype("uint8"),
        )


@on_jax
def test_heads_side_by_side_learn_what_each_learns_alone(monkeypatch):
    from applications.paper.regimes import train_heads

    monkeypatch.setattr(train_heads, "STEPS", 2)
    rng = np.random.default_rng(0)
    steps, batch, count = 4, 6, 20
    images = rng.integers(0, 256, (count, 8, 8, 1)).astype("uint8")
    # Which drops relations at random, mixes labels and normalizes.
    column = "flowing"
    trainer = train_heads.HeadTrainer(column)
    runs = []
    for seed in (3, 4):
        orders = np.stack([rng.permutation(count)[:batch] for _ in range(steps)])
        runs.append(
            train_heads.HeadRun(
                seed,
                rng.normal(size=(count, WIDTH)).astype("float32"),
                np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, count)],
                orders,
                train_heads.relations_of_batches(trainer.rpe, images, orders),
                np.float32([0.03, 0.02, 0.01, 0.005]),
            )
        )
    trained, _ = trainer.train(runs)
    for number, run in enumerate(runs):
        head = train_heads.new_head(column, run.seed)
        for rows, related, rate in zip(run.orders, run.relations, run.rates, strict=True):
            head.optimizer.learning_rate = rate
            head.train_on_batch([run.features[rows], related], run.targets[rows])
        for ours, theirs in zip(trained, head.trainable_variables, strict=True):
            np.testing.assert_allclose(ours[number], to_numpy(theirs), atol=2e-4)


@on_jax
def test_the_program_fills_frozen_cells_and_goes_on(tmp_path, monkeypatch):
    from applications.paper.regimes import frozen_cells, train_heads

    monkeypatch.setattr(train_heads, "STEPS", 4)
    monkeypatch.setitem(program.REGIMES, "tiny", TINY)
    monkeypatch.setattr(program, "OF_HEADS", (0.1,))
    sizes = (4, 3, 3, 2)
    monkeypatch.setattr(frozen_cells.FrozenCells.__init__, "__defaults__", (sizes,))
    features = tmp_path / "features"
    fill(features, [("train", 4, 0), ("train", 4, 1), ("train", 3, 100)])
    fill_more = [("validation", 3, 100), ("test", 2, 0)]
    for split, count, seed in fill_more:
        fill(tmp_path / split, [(split, count, seed)])
        (tmp_path / split / f"{split}-{seed}.npz").rename(features / f"{split}-{seed}.npz")
    output = tmp_path / "map.csv"
    given = ["--output", str(output), "--features", str(features), "--regimes", "tiny"]
    given += ["--columns", "alone", "paper", "--seeds", "0", "5"]
    # Without the control there is nothing to report yet.
    with pytest.raises(SystemExit, match="no head with its control"):
        program.main(given)
    rows = read(output)
    assert [(row["column"], row["seed"]) for row in rows] == [
        (column, seed) for column in ("alone", "paper") for seed in "05"
    ]
    assert all(0 <= float(row["accuracy"]) <= 100 for row in rows)
    assert all(bool(row["accuracy_self"]) == (row["column"] == "paper") for row in rows)
    assert len(Rows(output).search()) == 2
    with pytest.raises(SystemExit, match="no head with its control"):
        program.main([*given, "6", "7"])
    assert read(output)[:4] == rows
    assert [row["seed"] for row in read(output)[4:]] == ["6", "7"] * 2
    assert len(Rows(output).search()) == 2


@not_on_jax
@pytest.mark.parametrize("trained", [SCRATCH, FINE_TUNED])
def test_the_program_trains_networks(tmp_path, monkeypatch, trained):
    from applications.paper.regimes import network_cells

    asked, made = [], []

    def small(name, weights, image_size):
        asked.append((name, weights))
        made.append(backbones.SmallCNN((image_size, image_size, 3)))
        return made[-1]

    monkeypatch.setattr(network_cells.backbones, "get", small)
    regime = Regime("tiny", 2, rate=0.01, batch=4, images_seen=8, trained=trained)
    monkeypatch.setitem(program.REGIMES, "tiny", regime)
    monkeypatch.setattr(network_cells.NetworkCells.__init__, "__defaults__", ((1, 1),))
    output = tmp_path / "map.csv"
    given = ["--output", str(output), "--regimes", "tiny", "--trained", trained]
    given += ["--columns", "alone", "control", "default", "--seeds", "0"]
    program.main(given)
    rows = read(output)
    assert [row["column"] for row in rows] == ["alone", "control", "default"]
    assert {row["images"] for row in rows} == {"44"}
    assert all(0 <= float(row["accuracy"]) <= 100 for row in rows)
    # Statistics of images that pretrained weights know stay; those of nothing are learned.
    pretrained = trained == FINE_TUNED
    backbone = "EfficientNetLite0" if pretrained else "SmallCNN"
    assert asked == [(backbone, "imagenet" if pretrained else None)] * 3
    means = [np.abs(one.get_layer("block1_bn").moving_mean).max() for one in made]
    assert all((mean == 0) == pretrained for mean in means)
    program.main(given)
    assert read(output) == rows


def test_a_rate_is_that_which_did_best_on_validation_images(tmp_path):
    rows = Rows(tmp_path / "map.csv")
    cell = {"regime": "40", "column": "alone", "backend": "jax"}
    rows.add_search(
        {**cell, "rate": rate, "accuracy": accuracy}
        for rate, accuracy in (("0.001", "20.0"), ("0.016", "61.0"), ("0.064", "61.0"))
    )
    assert rows.best_rate("40", "alone") == 0.016
    assert rows.missing_rates("40", "alone", (0.016, 0.256)) == [0.256]


def test_features_that_are_known_are_not_extracted_again(tmp_path, monkeypatch):
    extracted = []

    class Extractor:
        def predict_on_batch(self, images):
            extracted.append(len(images))
            return images[..., 0].reshape(len(images), -1)[:, :WIDTH].astype("float32")

    monkeypatch.setattr(known_features, "_pooled", Extractor)
    few = known_features.known_features(tmp_path, "train", 1, 0)
    more = known_features.known_features(tmp_path, "train", 2, 0)
    assert sum(extracted) == 2 * CLASSES
    np.testing.assert_array_equal(more.features[:CLASSES], few.features)
    np.testing.assert_array_equal(more.labels, np.tile(np.arange(CLASSES), 2))
    again = known_features.known_features(tmp_path, "train", 1, 0)
    np.testing.assert_array_equal(again.images, few.images)
    assert sum(extracted) == 2 * CLASSES


def test_heads_need_jax(tmp_path, monkeypatch):
    monkeypatch.setattr(program.keras.config, "backend", lambda: "torch")
    with pytest.raises(SystemExit, match="Set KERAS_BACKEND=jax"):
        program.main(["--output", str(tmp_path / "map.csv"), "--trained", FROZEN])
