"""Data and model of a training run."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.batches.mixing import Mixing
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.models.methods import METHODS
from keras_rbi.training.backbone_weights import build_backbone
from keras_rbi.training.choices import FLOAT32, NO_AUGMENTATION, NO_WEIGHTS
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.precision import precision_of
from keras_rbi.training.run_data import read_split
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.stages import stages

Progress = Callable[[str, int, int], None]


def batches_of_split(settings: TrainingSettings, split: str, data: ImageData) -> ImageSequence:
    """Batches of one split of a run's data.

    Args:
        settings: Resolved settings.
        split: `"train"`, `"validation"` or `"test"`.
        data: The images of that split, as `read_split` gives them.

    Returns:
        An `ImageSequence`: drawn anew in each epoch, augmented and mixed for training, in one
        shuffled order otherwise. Labels of the test images are integers always, those of the
        others one-hot where the loss needs it.
    """
    training = split == "train"
    augmented = training and settings.augment != NO_AUGMENTATION
    return ImageSequence(
        data,
        settings.batch_size,
        shuffle=True if training else "once",
        seed=settings.seed,
        augment=settings.augment if augmented else None,
        one_hot=settings.one_hot_labels and split != "test",
        mix=_mixing(settings) if training else None,
        **(_sampling(settings) if training else {}),
    )


def load_split(
    settings: TrainingSettings, split: str, progress: Progress = lambda *_: None
) -> ImageSequence:
    """`batches_of_split` of what `read_split` reads."""
    return batches_of_split(settings, split, read_split(settings, split, progress))


def _sampling(settings: TrainingSettings) -> dict[str, Any]:
    images = settings.images_per_class
    classes = settings.batch_size // images if images else None
    return {
        "sampling": settings.sampling,
        "classes_per_batch": classes,
        "images_per_class": images,
        "images_per_observation": settings.images_per_observation,
    }


def _mixing(settings: TrainingSettings) -> Mixing | None:
    if not settings.mixup and not settings.cutmix:
        return None
    return Mixing(settings.mixup or None, settings.cutmix or None)


def build_model(
    settings: TrainingSettings, class_names: list[str], steps_per_epoch: int
) -> keras.Model:
    """A model compiled for the first stage of a run, with random state seeded.

    Args:
        settings: Resolved settings.
        class_names: Names of the classes.
        steps_per_epoch: Batches in an epoch, for the learning rate's schedule.

    Returns:
        The model of `settings.method`, one of `keras_rbi.models.methods`.

    Raises:
        ValueError: If the backbone cannot be built or its weights cannot be had.
    """
    keras.utils.set_random_seed(settings.seed)
    model = _network(settings, class_names)
    compile_stage(model, settings, stages(settings)[0], steps_per_epoch)
    return model


def in_float32(model: keras.Model, settings: TrainingSettings) -> keras.Model:
    """A trained model that computes with float32, whatever it was trained with.

    Args:
        model: A model that `build_model` has made with these settings.
        settings: The settings.

    Returns:
        The model itself where it does, else another of the same weights, which are float32 anyway.
    """
    # Of a model that was loaded, only the layers know.
    if all(layer.compute_dtype == FLOAT32 for layer in model.layers):
        return model
    plain_settings = dataclasses.replace(settings, precision=FLOAT32, weights=NO_WEIGHTS)
    plain = _network(plain_settings, model.class_names)
    plain.set_weights(model.get_weights())
    return plain


def _network(settings: TrainingSettings, class_names: list[str]) -> keras.Model:
    method = METHODS[settings.method]
    with precision_of(settings.precision):
        return method.build(
            build_backbone(settings),
            class_names=class_names,
            **{
                name: value
                for name in method.arguments
                if (value := getattr(settings, name)) is not None
            },
        )
