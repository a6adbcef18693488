"""Runs of the paper's tables: as the command trains, resumable, frozen backbones the same."""

import csv

import keras
import numpy as np
import pytest
from keras import ops

from applications.paper import experiment, frozen
from applications.paper.arguments import RESULTS, SMALLEST, best_rates, parser, run_of, runs_of
from applications.paper.experiment import Run, finished, run_grid
from applications.paper.peers import ABLATIONS, ALL, build
from applications.paper.report import named
from keras_rbi import RBIModel, training
from keras_rbi.models.baselines import BatchFormer
from keras_rbi.training import TrainingSettings

pytestmark = pytest.mark.usefixtures("untraced")

SMALL = {**SMALLEST, "per_class": 1, "epochs": 1, "learning_rate": 1e-3}


@pytest.fixture(autouse=True)
def few_test_images(monkeypatch):
    monkeypatch.setattr(
        "keras_rbi.training.run_data.TYPEFACES_PER_CLASS", {"validation": 1, "test": 2}
    )
    yield
    experiment._split.cache_clear()
    experiment._features.cache_clear()


def small_run(peer, **given):
    return Run(peer, TrainingSettings(**SMALL | given, **ALL[peer].settings).resolved())


@pytest.mark.parametrize(
    "given",
    [
        {},
        pytest.param({"ema": 0.9, "head_epochs": 1, "epochs": 2}, marks=pytest.mark.nightly),
    ],
    ids=["one stage", "two stages, averaged"],
)
def test_a_run_trains_as_the_command_does(given, tmp_path):
    run = small_run("rbi", **given)
    folder = training.RunFolder(tmp_path / "run")
    metrics = training.train(run.settings, folder, verbose=0)
    (row,) = experiment.measured(run, batch_sizes=(8,))
    assert row["accuracy"] == pytest.approx(metrics["test_accuracy"], abs=1e-6)
    by_size = {case["batch_size"]: case for case in metrics["test_accuracy_by_relations"]}
    assert row["accuracy_batch"] == f'{{"8": {round(by_size[8]["accuracy"], 6)}}}'
    model, _ = experiment.trained(run)
    for ours, theirs in zip(
        model.weights, keras.models.load_model(folder.model).weights, strict=True
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), atol=1e-5
        )


@pytest.mark.parametrize("peer", ["backbone", "batchformer", "rbi-shared"])
def test_a_head_on_known_features_learns_what_the_whole_model_learns(peer, monkeypatch):
    # Without dropout, which the two would draw in another order.
    monkeypatch.setattr(
        "keras_rbi.models.baselines.batch_former_model.BatchFormer",
        lambda name: BatchFormer(dropout=0.0, name=name),
    )
    given = {"relation_dropout": 0.0} if peer == "rbi-shared" else {}
    run = small_run(peer, freeze="backbone", batch_size=8, epochs=2, **given)
    data = training.load_split(run.settings, "train")
    whole, by_head = (build(ALL[peer], run.settings, data.class_names, len(data)) for _ in "ab")
    # A backbone from scratch is seeded as the models are, so that its features are theirs.
    images = np.stack([data.data.image(number) for number in range(len(data.data))])
    maps = by_head.extract(by_head.preprocess(ops.convert_to_tensor(images, "float32")))
    frozen.train_head(by_head, data, ops.convert_to_numpy(by_head.extractor.pool(maps)), 2)
    experiment.fit(whole, run.settings, data)
    for ours, theirs in zip(by_head.weights, whole.weights, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), atol=1e-4
        )


def test_features_of_augmented_images_are_refused():
    run = small_run("rbi", augment="paper")
    data = training.load_split(run.settings, "train")
    with pytest.raises(ValueError, match="augment='none'"):
        frozen.FeatureSequence(data, np.zeros((22, 4)), False)


def test_a_grid_goes_on_where_it_was_stopped(tmp_path):
    done = []

    def measure(run):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(run.peer)
        return [{"peer": run.peer, "accuracy": "0.5", "settings": run.key}]

    runs = [small_run(peer) for peer in ("backbone", "rbi", "batchformer")]
    file = tmp_path / "grid.csv"
    with pytest.raises(KeyboardInterrupt):
        run_grid(runs, file, measure, progress=str)
    # As a killed process may leave it.
    file.write_text(file.read_text() + "rbi,half")
    done.clear()
    rows = run_grid(runs, file, measure, progress=str)
    assert done == ["batchformer"]
    assert [row["peer"] for row in rows] == ["backbone", "rbi", "batchformer"]
    run_grid([small_run("rbi", epochs=2)], file, measure, progress=str)
    assert done == ["batchformer", "rbi"]
    with file.open(newline="") as stream:
        assert next(csv.reader(stream)) == ["peer", "accuracy", "settings"]


@pytest.mark.parametrize("name", [name for name in ABLATIONS if ABLATIONS[name].has_own_layers])
def test_an_ablation_differs_from_the_default_in_what_it_says(name):
    variant, settings = ALL[name], small_run("rbi").settings
    names = [f"class {number}" for number in range(22)]
    model = build(variant, settings, names, 1)
    plain = build(ALL["rbi"], settings, names, 1)
    assert isinstance(model, RBIModel)
    for ours, theirs, changed in (
        (model.rpe, plain.rpe, variant.rpe),
        (model.rra, plain.rra, variant.rra),
    ):
        expected = theirs.get_config() | dict(changed)
        assert {key: ours.get_config()[key] for key in expected} == expected
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype("uint8")
    relations = ops.convert_to_numpy(model.rpe(images, training=True))
    assert bool(np.any(relations)) == variant.uses_relations


def test_a_peer_is_trained_with_the_rate_that_validation_images_are_for(tmp_path):
    search = tmp_path / "search.csv"
    lines = [
        ["rbi", "SmallCNN", "no", "0.5", '{"learning_rate": 0.001}'],
        ["rbi", "SmallCNN", "no", "0.7", '{"learning_rate": 0.004}'],
        ["rbi", "SmallCNN", "no", "0.6", '{"learning_rate": 0.016}'],
        ["backbone", "SmallCNN", "no", "0.1", '{"learning_rate": 0.002}'],
        ["backbone", "EfficientNetLite0", "yes", "0.9", '{"learning_rate": 0.1}'],
    ]
    with search.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["peer", "backbone", "frozen", "validation_accuracy", "settings"])
        writer.writerows(lines)
    assert best_rates(search)["EfficientNetLite0:frozen", "backbone"] == 0.1
    options = parser("", "table1").parse_args(["--quick", "--search", str(search)])
    rates = [
        run_of(options, peer, "SmallCNN", 40, 0).settings.learning_rate
        for peer in ("rbi", "backbone", "no-rpe")
    ]
    assert rates == [0.004, 0.002, 0.004]


def test_the_full_setting_is_the_papers():
    options = parser("", "table1").parse_args(["--dataset", "cub_200_2011"])
    settings = run_of(options, "rbi-paper", "DenseNet201", 40, 3).settings
    assert (settings.image_size, settings.epochs, settings.batch_size) == (224, 50, 32)
    assert (settings.learning_rate, settings.schedule) == (1e-5, "constant")
    assert (settings.weights, settings.embedding_dim) == ("imagenet", 1024)
    assert (settings.variant, settings.augment, settings.seed) == ("paper", "paper", 3)


@pytest.mark.parametrize(("system", "name"), [("herbs", "HERBS"), ("p2p-net", "P2P-Net")])
def test_a_system_is_a_backbone_of_some_peers(system, name):
    backbone = f"DenseNet201:{system}"
    given = ["--dataset", "cub_200_2011", "--seeds", "0", "--backbones", backbone]
    options = parser("", "table1").parse_args(given)
    runs = runs_of(options, ["backbone", "batchformer", "rbi-paper", "rbi"])
    found = [(run.peer, run.settings.method, run.settings.variant) for run in runs]
    assert found == [
        ("backbone", system, None),
        ("rbi-paper", f"{system}-rbi", "paper"),
        ("rbi", f"{system}-rbi", "0.1"),
    ]
    rows = [{"backbone": "DenseNet201", "frozen": "no", "settings": run.key} for run in runs]
    assert {row["backbone_name"] for row in named(rows)} == {f"DenseNet201 ({name})"}


def test_rows_that_version_0_1_wrote_are_found_again():
    """The settings of a run that is asked for today are those of its row."""
    (row,) = [
        row
        for row in finished(RESULTS / "table1.csv")
        if (row["peer"], row["backbone"], row["per_class"], row["seed"], row["frozen"])
        == ("rbi", "SmallCNN", "40", "0", "no")
    ]
    options = parser("", "table1").parse_args(
        ["--quick", "--seeds", "0", "--backbones", "SmallCNN"]
    )
    (run,) = runs_of(options, ["rbi"])
    assert run.key == row["settings"]
