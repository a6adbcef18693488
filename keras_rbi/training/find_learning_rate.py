"""A learning rate for a run, found by a range test before it."""

from collections.abc import Mapping

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.training.build import Progress, batches_of_split, build_model
from keras_rbi.training.feature_head import train_on_features
from keras_rbi.training.learning_rate_range_test import RangeTest, learning_rate_range_test
from keras_rbi.training.settings import TrainingSettings


def find_learning_rate(
    settings: TrainingSettings,
    images: Mapping[str, ImageData],
    progress: Progress = lambda *_: None,
) -> RangeTest:
    """Makes the model of a run, with its head on features first, if it has one, and tries rates.

    Nothing is written, and the model is thrown away.

    Args:
        settings: Resolved settings.
        images: The images of each split, as `read_data` gives them.
        progress: Called with what is gone through (`"training"`, `"validation"`, `"rates"`), and
            the numbers of what is done and of all. Defaults to nothing.

    Returns:
        A `RangeTest`. A backbone with a learning rate of its own keeps its share.
    """
    training = batches_of_split(settings, "train", images["train"])
    model = build_model(settings, training.class_names, len(training))
    if settings.feature_head:
        validation = batches_of_split(settings, "validation", images["validation"])
        train_on_features(model, settings, training, validation, progress)
    return learning_rate_range_test(
        model, training, progress=lambda done, all_steps: progress("rates", done, all_steps)
    )
