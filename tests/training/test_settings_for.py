"""How often fine-tuning goes through the images that there are."""

import dataclasses

import pytest

from keras_rbi import backbones
from keras_rbi.training import RunFolder, TrainingSettings, prepare, settings_for

PHOTOGRAPHS = TrainingSettings(dataset="birds/", backbone="EfficientNetLite0")


# Batches of 32: 100 images are 4 steps an epoch, 1,000 are 32, of 300.
@pytest.mark.parametrize(
    ("settings", "images", "epochs"),
    [
        ({}, 1, 30),
        ({}, 500, 19),
        ({}, 1_000, 10),
        ({}, 100_000, 10),
        ({"batch_size": 8}, 100, 24),
        ({"dataset": "typefaces"}, 880, 11),
        ({"dataset": "typefaces"}, 6_600, 3),
        ({"recipe": "finetune"}, 100, 20),
        ({"weights": "none"}, 100, 50),
        ({"freeze": "backbone"}, 100, 20),
        ({"epochs": 4}, 100, 4),
    ],
)
def test_few_images_are_seen_more_often(settings, images, epochs):
    found = settings_for(dataclasses.replace(PHOTOGRAPHS, **settings), images)
    assert found.epochs == epochs
    # All else is as it would be, had that number been given.
    given = dataclasses.replace(PHOTOGRAPHS, **{**settings, "epochs": epochs})
    assert found == given.resolved()


def test_a_run_takes_them_from_its_images(tmp_path):
    weights = tmp_path / "cnn.weights.h5"
    backbones.get("SmallCNN", image_size=16).save_weights(weights)
    settings = TrainingSettings(
        backbone="SmallCNN", weights=str(weights), per_class=1, image_size=16, feature_head=False
    )
    run = prepare(settings, RunFolder(tmp_path / "run"))
    # 22 images are one step.
    assert run.settings.epochs == 30
    assert run.folder.read_settings()[0].epochs == 30
