"""Labels worth doubting, of images whose colour tells their class, and the page that shows them."""

import csv
import io
import re
import warnings

import keras
import numpy as np
import pytest

from keras_rbi.backbones import SmallCNN
from keras_rbi.datasets import ImageData, Typefaces
from keras_rbi.datasets.files.corrections import Correction
from keras_rbi.evaluation import find_label_issues
from keras_rbi.evaluation.pooled_features import stage_features
from keras_rbi.figures import label_issues_report
from keras_rbi.models import backbone_classifier

NAMES = ["<i>wren</i>", "robin & co", "owl"]
WRONG = {4: 0, 17: 1, 40: 2}


class Colours(ImageData):
    """Images of noise around the colour of their class, three of them labelled wrongly."""

    image_size = 16
    class_names = NAMES

    def __init__(self):
        self.right = np.arange(60) % 3
        self.labels = self.right.copy()
        for number, label in WRONG.items():
            self.labels[number] = label
        self.files = [f"{number}.png" for number in range(60)]

    def image(self, index):
        colour = np.full(3, 60) + 120 * np.eye(3, dtype=int)[self.right[index]]
        noise = np.random.default_rng(index).integers(-50, 50, (16, 16, 3))
        return (colour + noise).clip(0, 255).astype("uint8")


@pytest.fixture(scope="module")
def model():
    images = keras.Input((16, 16, 3))
    maps = keras.layers.AveragePooling2D(4)(images)
    with warnings.catch_warnings():
        # Nothing is known of how a backbone of one's own takes its images.
        warnings.simplefilter("ignore")
        return backbone_classifier(keras.Model(images, maps, name="colours"), 3)


@pytest.fixture(scope="module")
def found(model):
    return find_label_issues(model, Colours())


def test_the_wrong_labels_are_found_and_what_is_right(found):
    assert {issue.index for issue in found.issues[:3]} == set(WRONG)
    for issue in found.issues[:3]:
        assert issue.given == WRONG[issue.index]
        assert issue.suggested == found.data.right[issue.index]
        assert issue.probability_suggested > issue.probability_given
        assert issue.probability_given == found.probabilities[issue.index, issue.given]
    np.testing.assert_allclose(found.accuracy, 57 / 60)
    assert found.summary.startswith(f"{len(found)} of 60 labels are worth doubting.")


def test_features_are_means_of_colours(found):
    image = found.data.image(7).astype("float64")
    np.testing.assert_allclose(found.features[7], image.mean((0, 1)), rtol=1e-4)


def test_features_are_those_of_every_stage():
    backbone = SmallCNN((32, 32, 3))
    model = backbone_classifier(backbone, 3)
    data = Typefaces(per_class=1, image_size=32)
    features = stage_features(model, data, "features")
    images = np.stack([data.image(number) for number in range(len(data))])
    stages = keras.Model(backbone.input, model.extractor.stages())(model.preprocess(images))
    maps = [keras.ops.convert_to_numpy(stage) for stage in stages]
    assert len(maps) > 1
    expected = np.concatenate([one.mean((1, 2)) for one in maps], 1)
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_labels_that_a_person_has_looked_at_are_not_doubted_again(model):
    found = find_label_issues(model, Colours(), settled=[4])
    assert {issue.index for issue in found.issues[:2]} == {17, 40}
    assert 4 not in {issue.index for issue in found.issues}


def test_images_of_one_observation_do_not_judge_each_other(model):
    data = Colours()
    # Three things, each of one class: what is left out of a fold is a whole class.
    data.observations = [NAMES[label] for label in data.labels]
    with pytest.raises(ValueError, match="No label can be judged"):
        find_label_issues(model, data, folds=3)


def test_look_alikes_are_the_nearest_of_a_class_and_undoubted_first(found):
    rows = (found.features - found.features.mean(0)) / found.features.std(0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows[4]
    of_class = np.flatnonzero(found.data.labels == 1)
    assert 17 in of_class
    good = [number for number in of_class if number not in found.joint.suspects]
    expected = sorted(good, key=lambda number: -cosines[number])
    assert found.look_alikes(4, 1, 5) == expected[:5]
    assert found.look_alikes(4, 1, 60)[len(good) :] == [
        number
        for number in sorted(of_class, key=lambda number: -cosines[number])
        if number not in good
    ]
    assert 4 not in found.look_alikes(4, 0, 60)


def test_the_table_has_a_row_for_each_and_goes_on_with_earlier_corrections(found):
    text = found.csv([Correction("old.png", "owl", "robin & co", 2)])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(found) + 1
    first = found.issues[0]
    assert rows[0] == {
        "rank": "1",
        "path": f"{first.index}.png",
        "split": "",
        "given": NAMES[first.given],
        "suggested": NAMES[first.suggested],
        "probability_given": str(round(first.probability_given, 4)),
        "probability_suggested": str(round(first.probability_suggested, 4)),
        "corrected": "",
    }
    assert {name: rows[-1][name] for name in ("rank", "path", "given", "corrected")} == {
        "rank": "",
        "path": "old.png",
        "given": "robin & co",
        "corrected": "owl",
    }


def test_the_page_shows_them_escaped_and_loads_nothing(found):
    page = label_issues_report(found, "birds <3", most=3, look_alikes=2)
    assert page.count("<article") == 3
    assert "Labels worth doubting in birds &lt;3" in page
    assert "<i>" not in page
    assert "&lt;i&gt;wren&lt;/i&gt;" in page
    assert page.count("data:image/jpeg;base64,") == 3 * (1 + 2 + 2)
    assert len(re.findall(r"<img [^>]*alt=\"[^\"]+, labelled [^\"]+\"", page)) == 15
    assert not re.search(r"https?://|<script|<link|url\(", page)
    assert ("The 3 most doubtful are shown" in page) == (len(found) > 3)


def test_images_of_another_size_are_refused(model):
    data = Colours()
    data.image_size = 20
    with pytest.raises(ValueError, match=r"16 x 16 pixels.*20 x 20.*image_size=16"):
        find_label_issues(model, data)
