"""How views of an image are drawn for a trained model: as its training images were augmented."""

from pathlib import Path

from keras_rbi.datasets.augmentation import PAPER
from keras_rbi.training.choices import NO_AUGMENTATION
from keras_rbi.training.run_folder import RunFolder


def augmentation_for_views(path: str | Path) -> str:
    """The name of an augmentation, for `keras_rbi.evaluation.predict_views`.

    Args:
        path: A run folder, or a `.keras` file; of one that is in no run, `"paper"`.

    Raises:
        ValueError: If the run did not augment its images, so that it knows no other views.
    """
    folder = RunFolder.around(Path(path))
    if not folder.settings.is_file():
        return PAPER
    augment = folder.read_settings()[0].augment
    if augment == NO_AUGMENTATION:
        raise ValueError(
            f"The run {str(folder.path)!r} took its images as they are (--augment none): it knows "
            "no other views of them. Leave out --views."
        )
    return augment
