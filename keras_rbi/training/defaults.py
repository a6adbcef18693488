"""The defaults of a training run, where neither the user nor a recipe says anything."""

from typing import TYPE_CHECKING, Any

from keras_rbi.backbones.catalogue import SMALL_CNN
from keras_rbi.backbones.get import find
from keras_rbi.datasets.augmentation import PAPER
from keras_rbi.datasets.batches.sampling import OBSERVATIONS, PK
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.models.methods import METHODS
from keras_rbi.models.paper_training import PAPER_LEARNING_RATE
from keras_rbi.models.variants import RESIDUAL
from keras_rbi.training.choices import (
    BACKBONE,
    BACKBONE_ALONE,
    COSINE,
    FEATURE_METHODS,
    IMAGENET,
    NO_AUGMENTATION,
    NO_WEIGHTS,
    RBI,
)
from keras_rbi.training.recipes import DEFAULT, RECIPES

if TYPE_CHECKING:
    from keras_rbi.training.settings import TrainingSettings

CLIP_FROM_SCRATCH = 1.0
# Its weights come from a package: neither a GPU nor a network is needed.
PRETRAINED = "EfficientNetLite0"
# How it learns the typefaces in some minutes on two cores: found on their validation images.
PRETRAINED_ON_TYPEFACES: dict[str, Any] = {
    "image_size": 96,
    "learning_rate": 3e-3,
    "freeze_batch_norms": True,
}
# After a head on features it bears twice the learning rate.
ON_TYPEFACES_AFTER_HEAD: dict[str, Any] = {
    "feature_head": True,
    "learning_rate": 6e-3,
    "weight_decay": 0.05,
}
# From pretrained weights, with no recipe named: as the recipe `finetune`, shorter, after a head
# that knows the classes already. Its average of the weights is left out: over the few dozen steps
# of a small folder it would hardly leave where it began.
FINE_TUNED: dict[str, Any] = {
    **{n: value for n, value in RECIPES["finetune"].items() if n not in ("head_epochs", "ema")},
    "epochs": 10,
}
FEWEST_ON_TYPEFACES = 3
# A head learns at another rate than a whole network: at the paper's it stays at chance.
FROZEN: dict[str, Any] = {"epochs": 20, "learning_rate": 3e-3}


def defaults_of(settings: "TrainingSettings") -> dict[str, Any]:
    """Values for the settings that are open, which follow from those that are not.

    Args:
        settings: The settings, with what the recipe sets.

    Returns:
        From names of settings to values; only those of open settings count.
    """
    typefaces = settings.dataset == TYPEFACES
    backbone = settings.backbone or (SMALL_CNN if typefaces else PRETRAINED)
    small = backbone.lower() == SMALL_CNN.lower()
    weights = settings.weights or (NO_WEIGHTS if small else IMAGENET)
    from_scratch = weights == NO_WEIGHTS
    # Found for SmallCNN on validation images of the typefaces; deeper networks bear less.
    rate_from_scratch = 1.6e-2 if small else 4e-3
    method = settings.method or (BACKBONE_ALONE if settings.rbi is False else RBI)
    defaults: dict[str, Any] = {
        "method": method,
        "backbone": backbone,
        "weights": weights,
        "image_size": find(backbone).image_size,
        "epochs": 6 if typefaces else 50,
        "learning_rate": rate_from_scratch if from_scratch else PAPER_LEARNING_RATE,
        "variant": RESIDUAL if "variant" in _arguments(method) else None,
        "embedding_dim": _embedding_dim(settings, method, small, typefaces),
        "clip_norm": CLIP_FROM_SCRATCH if from_scratch else 0.0,
        "schedule": COSINE,
        "images_per_class": 4 if settings.sampling == PK else None,
        "images_per_observation": 4 if settings.sampling == OBSERVATIONS else None,
        "augment": NO_AUGMENTATION if typefaces else PAPER,
        "rate_by_head": False,
    }
    if (settings.dataset, backbone, weights) == (TYPEFACES, PRETRAINED, IMAGENET):
        return defaults | _of_pretrained_on_typefaces(settings, method)
    if not from_scratch and settings.recipe in (None, DEFAULT):
        return defaults | _of_pretrained(settings)
    return defaults


def _arguments(method: str) -> tuple[str, ...]:
    """The settings that a method takes for its relations; none without."""
    found = METHODS.get(method)
    return found.arguments if found and found.relates else ()


def _embedding_dim(
    settings: "TrainingSettings", method: str, small: bool, typefaces: bool
) -> int | None:
    """None where RBI is a branch beside the features; a width for methods that need one."""
    if method == RBI and settings.variant in (None, RESIDUAL):
        return None
    if small:
        return 128
    return 256 if typefaces and settings.weights != NO_WEIGHTS else 1024


def _of_pretrained_on_typefaces(settings: "TrainingSettings", method: str) -> dict[str, Any]:
    epochs = settings.epochs or FEWEST_ON_TYPEFACES
    values = PRETRAINED_ON_TYPEFACES | {"epochs": epochs}
    has_head = method in FEATURE_METHODS and settings.freeze != BACKBONE
    if settings.head_epochs or settings.feature_head is False or not has_head:
        return values
    return values | ON_TYPEFACES_AFTER_HEAD | {"warmup_epochs": _warmup(epochs)}


def _warmup(epochs: int) -> float:
    """A quarter of few epochs, lest it be all of them."""
    return min(float(FINE_TUNED["warmup_epochs"]), epochs / 4)


def _of_pretrained(settings: "TrainingSettings") -> dict[str, Any]:
    """Those of a run that starts from pretrained weights and names no recipe."""
    if settings.freeze == BACKBONE:
        return FROZEN
    photographs = settings.dataset != TYPEFACES
    epochs = settings.epochs or (FINE_TUNED["epochs"] if photographs else 6)
    method = settings.method or (BACKBONE_ALONE if settings.rbi is False else RBI)
    feature_head = photographs and not settings.head_epochs and method in FEATURE_METHODS
    values = {
        **FINE_TUNED,
        "epochs": epochs,
        "warmup_epochs": _warmup(epochs),
        "feature_head": feature_head,
    }
    if feature_head and settings.feature_head is not False:
        # A head that knows the classes spoils nothing: the backbone learns as fast as the rest.
        del values["backbone_learning_rate"]
        # At which rates, was measured of this backbone alone.
        backbone = settings.backbone or PRETRAINED
        values["rate_by_head"] = backbone == PRETRAINED and settings.learning_rate is None
    return values
