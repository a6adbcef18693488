"""Labels worth doubting among the images of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_rbi._lazy import resolve
from keras_rbi.backbones.get import find
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.datasets.files.corrections import Correction, read_corrections
from keras_rbi.datasets.joined_images import JoinedImages
from keras_rbi.training.choices import IMAGENET, NO_WEIGHTS
from keras_rbi.training.defaults import PRETRAINED
from keras_rbi.training.run_data import SPLITS, read_data
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings

if TYPE_CHECKING:
    from keras_rbi.evaluation.label_issues import LabelIssues

    Progress = Callable[[str, int, int], None]

FOLDS = 5


@dataclass(frozen=True)
class LabelCheck:
    """The images of a run and the backbone that is to look at them; no backend is needed yet.

    Attributes:
        settings: The run's settings, with backbone and weights that have not seen its labels.
        data: The images, with their labels of today.
        corrections: What a person has said of labels before the run.
    """

    settings: TrainingSettings
    data: JoinedImages
    corrections: Sequence[Correction] = ()

    @property
    def settled(self) -> list[int]:
        """Numbers of the images whose labels a person has corrected or confirmed."""
        known = {one.file for one in self.corrections}
        files = self.data.files or []
        return [number for number, file in enumerate(files) if file in known]

    def find(
        self, folds: int = FOLDS, seed: int = 0, progress: Progress = lambda *_: None
    ) -> LabelIssues:
        """Finds the labels, as `label_issues_of_run` does."""
        backbone = resolve("keras_rbi.training.backbone_weights:build_backbone")(self.settings)
        model = resolve("keras_rbi.models.baselines.backbone_classifier:backbone_classifier")(
            backbone, len(self.data.class_names)
        )
        found: LabelIssues = resolve("keras_rbi.evaluation.label_issues:find_label_issues")(
            model, self.data, folds, seed, self.settled, progress
        )
        return found


def prepare_label_check(
    path: str | Path,
    splits: Sequence[str] = SPLITS,
    backbone: str | None = None,
    weights: str | None = None,
    progress: Progress = lambda *_: None,
) -> LabelCheck:
    """Reads what `label_issues_of_run` is to look at.

    Args:
        path: As in `label_issues_of_run`.
        splits: As in `label_issues_of_run`.
        backbone: As in `label_issues_of_run`.
        weights: As in `label_issues_of_run`.
        progress: As in `read_data`. Defaults to nothing.

    Returns:
        A `LabelCheck`.

    Raises:
        ValueError: As `label_issues_of_run` does.
    """
    folder = RunFolder.around(Path(path))
    if not folder.settings.is_file():
        raise ValueError(
            f"{str(path)!r} is not the folder of a training run, which says where the labels are. "
            "Name one: `keras-rbi train --dataset birds/ --quick` makes it in a minute."
        )
    settings, class_names = folder.read_settings()
    if settings.dataset == TYPEFACES:
        raise ValueError(
            "The typefaces are rendered where they are used: their labels are right, and there are "
            "no files to correct. Name a run on data of your own."
        )
    if not splits or not set(splits) <= set(SPLITS):
        raise ValueError(f"`splits` must be some of {SPLITS}. Received: splits={tuple(splits)}.")
    settings = _before_the_labels(settings, backbone, weights)
    data = read_data(settings, progress, class_names, splits)
    corrections = [] if settings.corrections is None else read_corrections(settings.corrections)
    return LabelCheck(settings, JoinedImages(data), corrections)


def label_issues_of_run(
    path: str | Path,
    splits: Sequence[str] = SPLITS,
    folds: int = FOLDS,
    seed: int = 0,
    backbone: str | None = None,
    weights: str | None = None,
    progress: Progress = lambda *_: None,
) -> LabelIssues:
    """Finds labels worth doubting among the images of a run.

    The features are those of the run's backbone *before* it was trained, with the pretrained
    weights that the run began with. Those of the trained backbone would not do: it has learnt these
    labels, the wrong ones too, and would find them right. Of a run that began from scratch the
    features are EfficientNetLite0's.

    Args:
        path: A run folder, or the model in it.
        splits: Which images: of `"train"`, `"validation"` and `"test"`. All splits together judge
            each other best. Defaults to all three.
        folds: As in `find_label_issues`. Defaults to `5`.
        seed: As in `find_label_issues`. Defaults to `0`.
        backbone: Another backbone for the features, with ImageNet weights unless `weights` says
            otherwise. Defaults to `None`, the run's.
        weights: Other weights, as in `TrainingSettings`; they must not have seen these labels.
            Defaults to `None`.
        progress: As in `find_label_issues`. Defaults to nothing.

    Returns:
        A `LabelIssues`. Labels that the run's own corrections speak of are not doubted again.

    Raises:
        ValueError: If there is no run folder, if its data is missing or has no files, or if the
            weights cannot be had.
    """
    return prepare_label_check(path, splits, backbone, weights).find(folds, seed, progress)


def _before_the_labels(
    settings: TrainingSettings, backbone: str | None, weights: str | None
) -> TrainingSettings:
    """The settings, with a backbone that has not learnt the labels of the run's data."""
    if weights == NO_WEIGHTS:
        raise ValueError(
            "A backbone without weights knows nothing to doubt a label by. Received: "
            "weights='none'. Leave it out, or name pretrained weights."
        )
    if backbone is None and (weights or settings.weights != NO_WEIGHTS):
        return dataclasses.replace(settings, weights=weights or settings.weights)
    info = find(backbone or PRETRAINED)
    return dataclasses.replace(
        settings, backbone=info.name, weights=weights or IMAGENET, image_size=info.image_size
    )
