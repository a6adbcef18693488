"""The protocol against plain evaluations, one for each batch size and order."""

import csv
import io
import json

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.evaluation import calibration_error, evaluate_protocol
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.extract_features import extract_features
from keras_rbi.evaluation.kept_images import KeptImages
from keras_rbi.evaluation.related_outputs import diagonal_blocks, shared_blocks

pytestmark = pytest.mark.usefixtures("untraced")

CLASSES, IMAGES = 7, 45


@pytest.fixture(scope="module")
def pictures():
    """Images whose class shows in their brightness, so that relations tell of it."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, IMAGES)
    noise = rng.normal(0, 20, (IMAGES, 12, 12, 3))
    return (noise + 20 + 30 * labels[:, None, None, None]).clip(0, 255).astype("uint8"), labels


def model_with(**arguments):
    backbone = keras_rbi.backbones.SmallCNN((12, 12, 3), widths=(4, 8))
    arguments = {"variant": "0.1", "embedding_dim": 8, **arguments}
    model = keras_rbi.RBIModel(backbone, num_classes=CLASSES, **arguments)
    logits = arguments.get("classifier_activation", "softmax") is None
    top5 = keras.metrics.SparseTopKCategoricalAccuracy(5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    model.compile("sgd", loss, metrics=["accuracy", top5])
    # Far from where weights begin, so that predictions do depend on the batch.
    for weight in model.rra.trainable_weights:
        weight.assign(3.0 * weight)
    return model


def order_of(row, labels, seed):
    if row.order == "sorted by class":
        return np.argsort(labels, kind="stable")
    return shuffled_order(len(labels), seed)


@pytest.mark.parametrize(
    "arguments",
    [{"classifier_activation": None}, {"group_size": 6}, {"variant": "paper"}],
    ids=["logits", "groups", "paper"],
)
def test_every_row_is_what_evaluate_gives(pictures, arguments):
    images, labels = pictures
    model = model_with(**arguments)
    model.set_references(images[:5])
    mode = model.relations
    found = evaluate_protocol(model, (images, labels), batch_sizes=(1, 4, 6, 64), orders=[3])
    assert model.relations == mode
    assert len(found.rows) == 2 + 2 * 4
    for row in found.rows:
        if model.relations != row.relations:
            model.relations = row.relations
        order = order_of(row, labels, 3)
        loss, top1, top5 = model.evaluate(
            images[order], labels[order], batch_size=row.batch_size or 16, verbose=0
        )
        assert row.top1 == pytest.approx(top1, abs=1e-6)
        assert row.top5 == pytest.approx(top5, abs=1e-6)
        assert row.loss == pytest.approx(loss, rel=1e-4)
    if "variant" not in arguments:
        losses = {row.loss for row in found.rows if row.batch_size == 4}
        assert len(losses) == 2, "the order was to make a difference"


def test_sigmoids_are_measured_by_their_shares(pictures):
    """Against Keras, whose categorical cross-entropy divides what it is given by its sum."""
    images, labels = pictures
    model = model_with(classifier_activation="sigmoid")
    found = evaluate_protocol(model, pictures, relations="self").rows[0]
    outputs = model.predict(images, verbose=0)
    assert np.abs(outputs.sum(-1) - 1).min() > 0.1
    one_hot = keras.utils.to_categorical(labels, CLASSES)
    loss = keras.losses.CategoricalCrossentropy()(one_hot, outputs)
    assert found.loss == pytest.approx(float(keras.ops.convert_to_numpy(loss)), rel=1e-4)
    assert found.top1 == np.mean(outputs.argmax(-1) == labels)
    shares = outputs.astype("float64") / outputs.sum(-1, keepdims=True)
    assert found.calibration_error == pytest.approx(calibration_error(shares, labels), abs=1e-6)


def test_another_activation_is_named(pictures):
    model = model_with(classifier_activation="tanh")
    with pytest.raises(ValueError, match="'tanh' are no probabilities"):
        evaluate_protocol(model, pictures, relations="self")


def test_means_and_deviations_are_those_of_the_orders(pictures):
    model = model_with()
    several = evaluate_protocol(model, pictures, (4,), orders=[5, 6, 9], relations="batch")
    each = [evaluate_protocol(model, pictures, (4,), [seed], "batch").rows for seed in (5, 6, 9)]
    shuffled, in_sorted = several.rows
    losses = [rows[0].loss for rows in each]
    assert shuffled.loss == pytest.approx(np.mean(losses))
    assert shuffled.loss_sd == pytest.approx(np.std(losses, ddof=1))
    assert shuffled.loss_sd > 0
    assert (shuffled.orders, in_sorted.orders, in_sorted.loss_sd) == (3, 1, None)
    assert in_sorted == each[0][1]
    assert several.seeds == (5, 6, 9)


def test_data_in_any_form_gives_the_same(pictures):
    images, labels = pictures
    model = model_with()
    one_hot = np.eye(CLASSES, dtype="float32")[labels]

    class Batches(keras.utils.PyDataset):
        num_batches = 5

        def __len__(self):
            return 5

        def __getitem__(self, index):
            part = slice(10 * index, 10 * index + 10)
            padding = np.zeros((2, *images.shape[1:]), "uint8")
            batch = np.concatenate([images[part], padding])
            rows = np.concatenate([one_hot[part], np.eye(CLASSES, dtype="float32")[:2]])
            weights = np.append(np.ones(len(batch) - 2), [0.0, 0.0])
            return batch.astype("float32"), rows, weights

    by_arrays, by_batches = (
        evaluate_protocol(model, data, (4, 16), 2).rows for data in ((images, labels), Batches())
    )
    assert len(by_arrays) == 5
    for one, other in zip(by_arrays, by_batches, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.top1 == other.top1


def test_float_images_that_are_no_bytes_relate_as_in_evaluate(pictures):
    images, labels = pictures[0] / np.float32(3), pictures[1]
    model = model_with()
    (row, _) = evaluate_protocol(model, (images, labels), (8,), [0], "batch").rows
    model.relations = "batch"
    order = shuffled_order(IMAGES, 0)
    loss = model.evaluate(images[order], labels[order], batch_size=8, verbose=0)[0]
    assert row.loss == pytest.approx(loss, rel=1e-4)


def test_the_backbone_sees_each_image_once(pictures):
    model = model_with()
    counted = []
    network = model.feature_model()
    run = network.predict_on_batch
    network.predict_on_batch = lambda images: counted.append(len(images)) or run(images)
    evaluate_protocol(model, pictures, (2, 4), 3)
    assert sum(counted) == IMAGES


def test_a_model_without_relations_has_one_row(pictures):
    backbone = keras_rbi.backbones.SmallCNN((12, 12, 3), widths=(4, 8))
    model = keras_rbi.models.backbone_classifier(backbone, CLASSES)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    found = evaluate_protocol(model, pictures)
    (row,) = found.rows
    loss, accuracy = model.evaluate(*pictures, verbose=0)
    assert (row.relations, row.batch_size, row.order) == ("none", None, "any")
    assert row.loss == pytest.approx(loss, rel=1e-4)
    assert row.top1 == pytest.approx(accuracy)
    assert len(keras_rbi.figures.protocol_figure(found).axes) == 4


def test_what_is_found_is_shown_and_saved(pictures, tmp_path):
    found = evaluate_protocol(model_with(), pictures, (1, 8), 2)
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    assert [float(row["top1"]) for row in rows] == [row.top1 for row in found.rows]
    assert json.loads(json.dumps(found.as_dict()))["rows"][1]["loss_sd"] == found.rows[1].loss_sd
    assert found.table().row_count == 5
    assert "seeds 0, 1" in found.title
    figure = keras_rbi.figures.protocol_figure(found)
    figure.savefig(tmp_path / "protocol.svg")
    names = figure.axes[0].get_legend_handles_labels()[1]
    assert names == [
        'relations "self", any batch size and order',
        'relations "batch", 2 shuffled orders, mean ± sd',
        'relations "batch", sorted by class',
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"orders": 0}, "`orders` must be a positive integer"),
        ({"batch_sizes": (0,)}, "`batch_sizes` must be a positive integer"),
        ({"relations": "all"}, "'all'"),
        ({"relations": ("references",)}, "no references"),
    ],
)
def test_mistakes_are_named(pictures, arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate_protocol(model_with(), pictures, **arguments)


def test_labels_that_are_no_classes_are_named(pictures):
    with pytest.raises(ValueError, match="do not fit the 7 classes"):
        extract_features(model_with(), (pictures[0], pictures[1] + 1))


def test_images_beyond_the_limit_lie_in_files():
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, 256, (3, 2, 2, 3)).astype(kind) for kind in ("uint8", "float32")]
    batches.append(rng.random((2, 2, 2, 3)).astype("float32"))
    kept = KeptImages(limit=40)
    for batch in batches:
        kept.add(batch)
    rows = np.array([7, 0, 4, 4])
    assert len(kept) == 8
    assert kept[np.array([5, 0])].dtype == np.uint8
    np.testing.assert_array_equal(kept[rows], np.concatenate(batches)[rows])


def test_sizes_share_the_blocks_of_a_multiple():
    assert shared_blocks([1, 6, 4, 64, 32]) == {64: [64, 32, 4, 1], 6: [6]}


def test_diagonal_blocks():
    matrices = np.arange(2 * 16).reshape(2, 4, 4)
    expected = [matrices[0, :2, :2], matrices[0, 2:, 2:], matrices[1, :2, :2], matrices[1, 2:, 2:]]
    np.testing.assert_array_equal(diagonal_blocks(matrices, 2), expected)
