"""Logging of a training run: the optimizer's state, TensorBoard and experiment trackers."""

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_rbi._lazy import resolve

if TYPE_CHECKING:
    from keras_rbi.training.training_run import TrainingRun

# The callback of each tracker, which its own package brings for Keras.
TRACKERS = {
    "wandb": "wandb.integration.keras:WandbMetricsLogger",
    "mlflow": "mlflow.keras:MlflowCallback",
}


@dataclass(frozen=True)
class Logging:
    """What a run is to leave.

    Attributes:
        keep_optimizer: Whether `model.keras` has the optimizer's state.
        tensorboard: Whether to write events for TensorBoard into the run folder.
        tracker: `"wandb"`, `"mlflow"` or `None`.
    """

    keep_optimizer: bool = False
    tensorboard: bool = False
    tracker: str | None = None

    def checked(self) -> "Logging":
        """This, after a look at what is installed.

        Raises:
            ValueError: If there is no such tracker, or if what it needs is not installed.
        """
        if self.tracker is not None and self.tracker not in TRACKERS:
            known = " or ".join(map(repr, TRACKERS))
            raise ValueError(f"`tracker` must be {known}. Received: tracker={self.tracker!r}.")
        needed = [self.tracker] if self.tracker else []
        # Keras writes the events by TensorFlow, whatever the backend.
        needed += ["tensorflow", "tensorboard"] if self.tensorboard else []
        missing = [name for name in needed if importlib.util.find_spec(name) is None]
        if missing:
            raise ValueError(
                f"Not installed: {' and '.join(missing)}. Install it with "
                f"`pip install {' '.join(missing)}`."
            )
        return self

    def callbacks(self, run: "TrainingRun") -> list[Any]:
        """The Keras callbacks for a run."""
        made = []
        if self.tensorboard:
            events = resolve("keras.callbacks:TensorBoard")
            made.append(events(str(run.folder.path / "tensorboard")))
        if self.tracker == "wandb":
            resolve("wandb:init")(name=run.folder.path.name, config=run.settings.as_dict())
        if self.tracker == "mlflow":
            resolve("mlflow:log_params")(run.settings.as_dict())
        if self.tracker is not None:
            made.append(resolve(TRACKERS[self.tracker])())
        return made
