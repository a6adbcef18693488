"""Training runs that can be killed and resumed."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.models.image_size import image_size_of
    from keras_rbi.training.add_classes_to_run import AddedToRun, add_classes_to_run
    from keras_rbi.training.augmentation_for_views import augmentation_for_views
    from keras_rbi.training.build import build_model, load_split
    from keras_rbi.training.data_for_model import (
        data_for_model,
        images_of_run,
        refuse_seen_images,
        training_data_of,
        warn_of_seen_images,
    )
    from keras_rbi.training.devices_of_run import devices_of_run
    from keras_rbi.training.find_learning_rate import find_learning_rate
    from keras_rbi.training.keep_freed_memory import keep_freed_memory
    from keras_rbi.training.label_issues_of_run import label_issues_of_run
    from keras_rbi.training.learning_rate_range_test import (
        RangeTest,
        learning_rate_range_test,
    )
    from keras_rbi.training.model_card import model_card, update_model_card
    from keras_rbi.training.observation_calibration import observation_calibration
    from keras_rbi.training.recipes import RECIPES
    from keras_rbi.training.run_data import read_data
    from keras_rbi.training.run_folder import (
        RunFolder,
        find_model,
        latest_run_folder,
        next_run_folder,
    )
    from keras_rbi.training.settings import TrainingSettings
    from keras_rbi.training.settings_for import settings_for
    from keras_rbi.training.settings_within import settings_within
    from keras_rbi.training.told_devices import told_devices
    from keras_rbi.training.train import prepare, train
    from keras_rbi.training.trained_model import load_trained_model
    from keras_rbi.training.training_run import TrainingRun

__all__ = [
    "RECIPES",
    "AddedToRun",
    "RangeTest",
    "RunFolder",
    "TrainingRun",
    "TrainingSettings",
    "add_classes_to_run",
    "augmentation_for_views",
    "build_model",
    "data_for_model",
    "devices_of_run",
    "find_learning_rate",
    "find_model",
    "image_size_of",
    "images_of_run",
    "keep_freed_memory",
    "label_issues_of_run",
    "latest_run_folder",
    "learning_rate_range_test",
    "load_split",
    "load_trained_model",
    "model_card",
    "next_run_folder",
    "observation_calibration",
    "prepare",
    "read_data",
    "refuse_seen_images",
    "settings_for",
    "settings_within",
    "told_devices",
    "train",
    "training_data_of",
    "update_model_card",
    "warn_of_seen_images",
]

lazy_package(__name__)
