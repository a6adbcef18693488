import json

import keras
import numpy as np
import pytest
from PIL import Image
from scipy import stats

import keras_rbi
from keras_rbi.evaluation import compare, mcnemar, paired_bootstrap
from keras_rbi.evaluation.evaluate_protocol import shuffled_order

pytestmark = pytest.mark.usefixtures("untraced")


def paired(both, only_a, only_b, neither):
    counts = [both, only_a, only_b, neither]
    return np.repeat([True, True, False, False], counts), np.repeat(
        [True, False, True, False], counts
    )


def test_few_differing_images_take_the_exact_test():
    """1 of 10 or fewer, either way: 2 (1 + 10) / 2**10."""
    found = mcnemar(*paired(50, 1, 9, 3))
    assert (found.only_a, found.only_b, found.method) == (1, 9, "exact binomial")
    assert found.p_value == pytest.approx(22 / 1024)
    assert mcnemar(*paired(5, 0, 0, 5)).p_value == 1.0


def test_many_take_chi_squared():
    """(|30 - 50| - 1)**2 / 80 = 4.5125."""
    found = mcnemar(*paired(100, 30, 50, 20))
    # Of a squared normal variable: twice the tail of its root.
    assert found.p_value == pytest.approx(2 * stats.norm.sf(np.sqrt(4.5125)))
    assert mcnemar(*paired(0, 20, 20, 0)).p_value == 1.0


def test_the_interval_is_scipys():
    right_a, right_b = paired(100, 30, 50, 20)
    low, high = paired_bootstrap(right_a, right_b)
    expected = stats.bootstrap(
        (right_b.astype(float), right_a.astype(float)),
        lambda b, a, axis: b.mean(axis) - a.mean(axis),
        paired=True,
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    # One image is 0.005, and a quantile of 10,000 resamples moves by about as much.
    assert low == pytest.approx(expected.low, abs=0.0051)
    assert high == pytest.approx(expected.high, abs=0.0051)
    assert (low, high) == paired_bootstrap(right_a, right_b)
    assert paired_bootstrap(right_a, right_b, confidence=0.5)[0] > low


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 30)
    noise = rng.normal(0, 20, (30, 12, 12, 3))
    return (noise + 50 + 40 * labels[:, None, None, None]).clip(0, 255).astype("uint8"), labels


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    backbone = keras_rbi.backbones.SmallCNN((12, 12, 3), widths=(4, 8))
    related = keras_rbi.RBIModel(backbone, 4, embedding_dim=8, variant="0.1", relations="batch")
    for weight in related.rra.trainable_weights:
        weight.assign(3.0 * weight)
    return keras_rbi.models.backbone_classifier(backbone, 4), related


def test_models_and_their_files_are_compared_by_their_own_predictions(models, pictures, tmp_path):
    images, labels = pictures
    alone, related = models
    folder = tmp_path / "run"
    folder.mkdir()
    related.save(folder / "model.keras")
    found = compare(alone, folder, pictures, batch_size=8, seed=3, repeats=2)
    order = shuffled_order(30, 3)
    predictions = related.predict(images[order], batch_size=8, verbose=0)
    right_b = np.empty(30, bool)
    right_b[order] = np.argmax(predictions, 1) == labels[order]
    right_a = np.argmax(alone.predict(images, verbose=0), 1) == labels
    assert found.a.top1 == pytest.approx(right_a.mean())
    assert found.b.top1 == pytest.approx(right_b.mean())
    assert found.difference == pytest.approx(right_b.mean() - right_a.mean())
    assert found.mcnemar == mcnemar(right_a, right_b)
    assert found.interval == paired_bootstrap(right_a, right_b, seed=3)
    assert found.b.parameters == related.count_params() > found.a.parameters
    assert found.a.seconds_per_image > 0
    assert (found.b.name, found.b.relations) == (str(folder), "batch")
    assert json.loads(json.dumps(found.as_dict()))["mcnemar"]["only_a"] == found.mcnemar.only_a
    assert found.table().row_count == 2
    assert "test batches of 8" in found.table().title
    assert f"{100 * found.difference:+.1f} points" in found.summary()


def test_mistakes_are_named(models, pictures, tmp_path):
    alone = models[0]
    backbone = keras_rbi.backbones.SmallCNN((12, 12, 3), widths=(4, 8))
    other = keras_rbi.models.backbone_classifier(backbone, 5)
    with pytest.raises(ValueError, match="4 classes, and images of"):
        compare(alone, other, pictures)
    with pytest.raises(ValueError, match=r"no model '.*none\.keras'"):
        compare(alone, tmp_path / "none.keras", pictures)
    with pytest.raises(ValueError, match="`confidence`"):
        compare(alone, alone, pictures, confidence=95)


def test_models_of_different_sizes_read_the_same_files_each_at_its_own(tmp_path):
    rng = np.random.default_rng(4)
    files = {}
    for name in ("owl", "wren"):
        (tmp_path / "birds" / "train" / name).mkdir(parents=True)
        (tmp_path / "birds" / "test" / name).mkdir(parents=True)
        for number in range(9):
            noise = rng.integers(0, 256, (6, 6, 3), np.uint8)
            picture = Image.fromarray(noise).resize((48, 40), Image.Resampling.BICUBIC)
            split = "test" if number < 7 else "train"
            file = tmp_path / "birds" / split / name / f"{number}.png"
            picture.save(file)
            if split == "test":
                files[file] = ("owl", "wren").index(name)
    models = []
    for side in (16, 24):
        pixels = keras.Input((side, side, 3))
        flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255, -0.5)(pixels))
        models.append(keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(flat)))
        models[-1].layers[-1].kernel.assign(rng.normal(size=(side * side * 3, 2)))
    data = keras_rbi.datasets.ImageFolder(tmp_path / "birds", "test", image_size=16)
    found = compare(*models, keras_rbi.datasets.ImageSequence(data, 4, shuffle="once"), repeats=1)
    right = []
    for side, model in zip((16, 24), models, strict=True):
        pixels = [
            Image.open(file).resize((side, side), Image.Resampling.BILINEAR) for file in files
        ]
        predicted = model.predict(np.stack([np.asarray(each) for each in pixels]), verbose=0)
        right.append(predicted.argmax(-1) == list(files.values()))
    assert (right[0] != right[1]).any()
    assert (found.a.top1, found.b.top1) == pytest.approx((right[0].mean(), right[1].mean()))
    assert found.mcnemar == mcnemar(*right)
    assert (found.a.image_size, found.b.image_size) == (16, 24)
    assert "pixels" in [column.header for column in found.table().columns]
    with pytest.raises(ValueError, match="over files"):
        compare(*models, (np.zeros((2, 16, 16, 3)), np.zeros(2, int)))
    drawn = keras_rbi.datasets.typefaces.load("test", per_class=1, image_size=16)
    with pytest.raises(ValueError, match="only files can be read at any size"):
        drawn.at_size(24)


def test_data_that_comes_in_another_order_each_time_is_refused(models, pictures):
    images, labels = pictures

    class Reshuffled:
        reads = 0

        def __iter__(self):
            self.reads += 1
            rows = np.roll(np.arange(30), self.reads)
            return iter([(images[rows], labels[rows])])

    with pytest.raises(ValueError, match="another order"):
        compare(models[0], models[0], Reshuffled(), repeats=0)
