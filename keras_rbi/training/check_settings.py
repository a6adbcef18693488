"""Checks of settings against each other."""

from typing import TYPE_CHECKING

from keras_rbi.datasets.batches.sampling import OBSERVATIONS, PK, SHUFFLED
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.models.methods import METHODS
from keras_rbi.training.choices import AUTO, BACKBONE, FEATURE_METHODS, NO_WEIGHTS, RBI
from keras_rbi.training.setting import settings_in

if TYPE_CHECKING:
    from keras_rbi.training.settings import TrainingSettings


def check_together(settings: "TrainingSettings") -> None:
    """Refuses settings that contradict each other.

    Args:
        settings: Resolved settings, each of which is in its range.

    Raises:
        ValueError: If two do.
    """
    _check_typefaces(settings)
    _check_method(settings)
    _check_sampling(settings)
    _check_class_weights(settings)
    _check_epochs(settings)
    _check_backbone(settings)
    _check_feature_head(settings)
    _check_devices(settings)


def _check_typefaces(settings: "TrainingSettings") -> None:
    if settings.dataset != TYPEFACES:
        return
    described = settings_in(type(settings))
    names = ("data_dir", "source", "on_error", "cache", "cache_dir", "corrections", "observations")
    for name in names:
        if (value := getattr(settings, name)) != described[name].default:
            raise ValueError(
                f"The typefaces are rendered where they are used. Received: {name}={value!r}. "
                "Leave it out, or name another dataset."
            )


def _check_method(settings: "TrainingSettings") -> None:
    method = METHODS[settings.method]
    taken = method.arguments if method.relates else ()
    own = [name for name in METHODS[RBI].arguments if name not in (*taken, "embedding_dim")]
    given = {name: value for name in own if (value := getattr(settings, name)) not in (None, False)}
    if given:
        raise ValueError(
            f"{' and '.join(f'`{name}`' for name in own)} are settings of RBI. Received: "
            f"{given} with method={settings.method!r}. Leave them out, or pass method='rbi'."
        )


def _check_sampling(settings: "TrainingSettings") -> None:
    for name, sampling in (("images_per_class", PK), ("images_per_observation", OBSERVATIONS)):
        images = getattr(settings, name)
        if images is None:
            continue
        if settings.sampling != sampling:
            raise ValueError(
                f"`{name}` is for sampling={sampling!r}. Received: "
                f"{name}={images} and sampling={settings.sampling!r}."
            )
        if settings.batch_size % images:
            raise ValueError(
                f"`{name}` must divide `batch_size`. Received: "
                f"{name}={images} and batch_size={settings.batch_size}."
            )


def _check_class_weights(settings: "TrainingSettings") -> None:
    if not settings.class_weights:
        return
    if settings.sampling != SHUFFLED:
        raise ValueError(
            "Either `class_weights` or `sampling` makes classes count alike. Received: "
            f"class_weights=True and sampling={settings.sampling!r}. Leave out one of them."
        )
    if settings.quick:
        raise ValueError(
            "`class_weights` weigh the losses of epochs, of which `quick` trains none. Received: "
            "both. Leave out one of them."
        )


def _check_epochs(settings: "TrainingSettings") -> None:
    epochs = settings.epochs
    if settings.patience and not settings.keep_best:
        raise ValueError(
            "`patience` is with the best epoch, whose weights it keeps. Received: "
            f"patience={settings.patience} and keep_best=False. Leave out one of them."
        )
    for name in ("head_epochs", "warmup_epochs"):
        if (value := getattr(settings, name)) and value >= epochs:
            raise ValueError(
                f"`{name}` must be fewer than all epochs. Received: {name}={value:g} of "
                f"epochs={epochs}. Train for longer, or pass {name}=0."
            )


def _check_backbone(settings: "TrainingSettings") -> None:
    if settings.freeze == BACKBONE and settings.head_epochs:
        raise ValueError(
            "`head_epochs` freezes the backbone for the first epochs, `freeze` for all. Received: "
            f"head_epochs={settings.head_epochs} and freeze='backbone'. Leave out one of them."
        )
    rate = settings.backbone_learning_rate
    if rate is None:
        return
    if settings.freeze == BACKBONE:
        raise ValueError(
            "A frozen backbone has no learning rate. Received: freeze='backbone' and "
            f"backbone_learning_rate={rate:g}. Leave out one of them."
        )
    if not settings.learning_rate:
        raise ValueError(
            "`backbone_learning_rate` is a multiple of `learning_rate`, which must be above 0. "
            f"Received: backbone_learning_rate={rate:g} and "
            f"learning_rate={settings.learning_rate:g}."
        )


def _check_feature_head(settings: "TrainingSettings") -> None:
    if settings.rate_by_head and not settings.feature_head:
        raise ValueError(
            "`rate_by_head` takes the learning rate by a head on features. Received: "
            "rate_by_head=True without feature_head. Pass feature_head=True too, or leave it out."
        )
    asked = next((name for name in ("quick", "feature_head") if getattr(settings, name)), None)
    if asked is None:
        return
    if settings.method not in FEATURE_METHODS:
        raise ValueError(
            f"`{asked}` trains a head on pooled features, which those of the methods "
            f"{', '.join(FEATURE_METHODS)} take. Received: method={settings.method!r}."
        )
    if settings.weights == NO_WEIGHTS:
        raise ValueError(
            f"`{asked}` needs a backbone that knows something: pass weights, such as 'imagenet'. "
            f"Received: backbone={settings.backbone!r} and weights='none'."
        )


def _check_devices(settings: "TrainingSettings") -> None:
    devices = settings.devices
    if devices != AUTO and not (devices.isdecimal() and int(devices)):
        raise ValueError(
            f"`devices` must be 'auto' or a number from 1 on. Received: devices={devices!r}."
        )
