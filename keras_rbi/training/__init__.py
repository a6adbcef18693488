"""Training runs that can be killed and resumed."""

from keras_rbi.training.build import build_model, load_split
from keras_rbi.training.data_for_model import data_for_model
from keras_rbi.training.keep_freed_memory import keep_freed_memory
from keras_rbi.training.recipes import RECIPES
from keras_rbi.training.run_folder import RunFolder, latest_run_folder, next_run_folder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.train import TrainingRun, prepare, train
from keras_rbi.training.trained_model import load_trained_model

__all__ = [
    "RECIPES",
    "RunFolder",
    "TrainingRun",
    "TrainingSettings",
    "build_model",
    "data_for_model",
    "keep_freed_memory",
    "latest_run_folder",
    "load_split",
    "load_trained_model",
    "next_run_folder",
    "prepare",
    "train",
]
