"""Everything that determines a training run."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_rbi.backbones.catalogue import SMALL_CNN
from keras_rbi.backbones.get import find
from keras_rbi.datasets.batches.augmentation_recipes import AUGMENTATIONS, PAPER
from keras_rbi.datasets.batches.sampling import PK, SAMPLINGS, SHUFFLED
from keras_rbi.datasets.catalogue import DATASETS, TYPEFACES
from keras_rbi.datasets.files.image_cache import AUTO, DISK, RAM
from keras_rbi.datasets.files.image_files import ON_ERROR
from keras_rbi.datasets.load import SOURCES
from keras_rbi.models.image_classifier import PAPER_LEARNING_RATE
from keras_rbi.training.recipes import BACKBONE, CONSTANT, COSINE, STEM, recipe_settings

IMAGENET = "imagenet"
NO_WEIGHTS = "none"
NO_AUGMENTATION = "none"
NO_CACHE = "none"
RBI = "rbi"
CLIP_FROM_SCRATCH = 1.0
BATCH_FORMER = "batchformer"
BACKBONE_ALONE = "backbone"
HERBS = "herbs"
HERBS_WITH_RBI = "herbs-rbi"
P2P = "p2p-net"
P2P_WITH_RBI = "p2p-net-rbi"
# From the fine-grained systems that RBI is added to, to their names with it.
SYSTEMS = {HERBS: HERBS_WITH_RBI, P2P: P2P_WITH_RBI}
METHODS = (RBI, BATCH_FORMER, BACKBONE_ALONE, *SYSTEMS, *SYSTEMS.values())
PRETRAINED = "EfficientNetLite0"
# How it learns the typefaces in some minutes on two cores: found on their validation images.
PRETRAINED_ON_TYPEFACES = {
    "image_size": 96,
    "epochs": 3,
    "learning_rate": 3e-3,
    "embedding_dim": 256,
    "freeze_batch_norms": True,
}


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a run; `None` leaves one to what the others call for, as `resolved` does.

    A recipe fills in what is left open; 0 switches off what a recipe has on.

    Attributes:
        dataset: A name of `keras_rbi.datasets.available()`, a folder of class folders, or a `.csv`
            or `.tsv` file, as in `keras_rbi.datasets.load`.
        data_dir: Where a released set lies, as in `load`.
        source: `"files"` or `"tfds"`, as in `load`.
        on_error: `"raise"` or `"skip"`: what to do about images that cannot be read, as in `load`.
        cache: `"auto"`, `"ram"`, `"disk"`, as in `ImageFiles`, or `"none"`: where decoded
            photographs are kept.
        cache_dir: The folder for `cache="disk"`, as in `ImageFiles`.
        backbone: A name of `keras_rbi.backbones.available()`. By default SmallCNN for the
            typefaces, DenseNet201 for photographs.
        weights: `"imagenet"`, `"none"` or a path. By default none for SmallCNN and ImageNet's for
            the others.
        image_size: Side of the images in pixels. By default that of the backbone's weights, 64 for
            SmallCNN, and 96 for EfficientNetLite0 on the typefaces.
        batch_size: Images in a training batch, which relate to each other.
        epochs: By default 6 for the typefaces, 3 for EfficientNetLite0, and 50 for photographs,
            as in the paper.
        learning_rate: The peak, from which it falls to 0 along a cosine, or stays, as `schedule`
            says. By default 1.6e-2 for SmallCNN and 4e-3 for others from scratch, and the paper's
            1e-5 from pretrained weights, 3e-3 for EfficientNetLite0 on the typefaces.
        embedding_dim: Width D of the embedding. By default 128 for SmallCNN, 256 for
            EfficientNetLite0 on the typefaces, 1024 for the others.
        seed: Of the weights, the data, its order and the relation dropout.
        per_class: Images of each typeface; does not matter for folders.
        method: `"rbi"`; or, to compare with, `"batchformer"`, the recipe of BatchFormer, or
            `"backbone"`, the backbone with a classifier; or `"herbs"` and `"herbs-rbi"`, `HERBS`
            without and with relations, or `"p2p-net"` and `"p2p-net-rbi"`, `P2PNet`, whose width
            is `embedding_dim`. By default as `rbi` says.
        rbi: Whether to integrate relations; without, the method is `"backbone"`.
        variant: `None` or `"paper"`, as in `RBIModel`.
        relation_dropout: As in `RBIModel`.
        share_classifier: As in `RBIModel`.
        recipe: A name of `keras_rbi.training.recipes.RECIPES`: `"paper"` trains as the paper
            does, whatever `variant` is; `"finetune"` as practitioners do.
        freeze: `"backbone"`, `"stem"` or `None`: what is left as it is, as in
            `keras_rbi.training.freezing`.
        head_epochs: Number of first epochs in which the backbone is frozen; the others are
            trained as the other settings say.
        freeze_batch_norms: Whether the backbone's batch normalisations are left as they are,
            statistics too, as in `keras_rbi.training.freezing`. A recipe sets it for pretrained
            weights only.
        backbone_learning_rate: The peak for the backbone; it rises and falls with that of the
            others. By default theirs.
        weight_decay: Share of a weight, times the learning rate, that each step takes off it;
            biases and the parameters of normalisations, all that has rank 0 or 1, are spared.
        clip_norm: The norm that all gradients of a step together are clipped to; 0 clips none. By
            default 1 from scratch, where a single step may spoil a run, and 0 from pretrained
            weights.
        schedule: `"cosine"`, the default, or `"constant"`.
        warmup_epochs: Number of epochs, or a fraction, in which the learning rate rises from 0.
        ema: Momentum of the moving average of the weights, such as 0.99. Validation, test and the
            saved model use the average.
        sampling: `"shuffled"`, or, where classes differ in size, `"balanced"` or `"pk"`: how
            training images are drawn, as in `ImageSequence`.
        images_per_class: K with `sampling="pk"`: images of each class in a batch, which has
            `batch_size / K` classes. By default 4.
        augment: `"paper"`, `"torchvision"`, `"randaugment"`, as in `ImageSequence`, or `"none"`. By
            default `"paper"` for photographs and none for the typefaces.
        label_smoothing: Share of a label that is spread evenly over all classes.
        mixup: As in `Mixing`. RPE relates the mixed images.
        cutmix: As in `Mixing`. RPE relates the mixed images.

    Example:

    >>> import tempfile
    >>> from keras_rbi import training
    >>> settings = training.TrainingSettings(
    ...     recipe="finetune", mixup=0.2, epochs=2, per_class=2, image_size=16
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = training.prepare(settings, training.RunFolder(folder))
    ...     metrics = run.complete(verbose=0)
    >>> metrics["settings"]["backbone_learning_rate"], metrics["settings"]["ema"]
    (0.0001, 0.99)
    """

    dataset: str = TYPEFACES
    data_dir: str | None = None
    source: str = "files"
    on_error: str = "raise"
    cache: str = AUTO
    cache_dir: str | None = None
    backbone: str | None = None
    weights: str | None = None
    image_size: int | None = None
    batch_size: int = 32
    epochs: int | None = None
    learning_rate: float | None = None
    embedding_dim: int | None = None
    seed: int = 0
    per_class: int = 300
    method: str | None = None
    rbi: bool = True
    variant: str | None = None
    relation_dropout: float | None = None
    share_classifier: bool = False
    recipe: str | None = None
    freeze: str | None = None
    head_epochs: int | None = None
    freeze_batch_norms: bool | None = None
    backbone_learning_rate: float | None = None
    weight_decay: float | None = None
    clip_norm: float | None = None
    schedule: str | None = None
    warmup_epochs: float | None = None
    ema: float | None = None
    sampling: str = SHUFFLED
    images_per_class: int | None = None
    augment: str | None = None
    label_smoothing: float | None = None
    mixup: float | None = None
    cutmix: float | None = None

    @property
    def one_hot_labels(self) -> bool:
        """Whether an image may have several labels."""
        return bool(self.label_smoothing or self.mixup or self.cutmix)

    def resolved(self) -> "TrainingSettings":
        """The same settings with nothing left open that has a default.

        Raises:
            ValueError: If a setting is out of its range, or if two of them contradict.
        """
        settings = self._with(recipe_settings(self.recipe, self.freeze))._with_defaults()
        if settings.weights == NO_WEIGHTS:
            # They know no statistics yet.
            settings = dataclasses.replace(settings, freeze_batch_norms=self.freeze_batch_norms)
        check(settings)
        return settings

    def _with_defaults(self) -> "TrainingSettings":
        backbone = self.backbone or (SMALL_CNN if self.dataset == TYPEFACES else "DenseNet201")
        small = backbone.lower() == SMALL_CNN.lower()
        weights = self.weights or (NO_WEIGHTS if small else IMAGENET)
        # Found for SmallCNN on validation images of the typefaces; deeper networks bear less.
        rate_from_scratch = 1.6e-2 if small else 4e-3
        defaults: dict[str, Any] = {
            "method": RBI if self.rbi else BACKBONE_ALONE,
            "backbone": backbone,
            "weights": weights,
            "image_size": find(backbone).image_size,
            "epochs": 6 if self.dataset == TYPEFACES else 50,
            "learning_rate": PAPER_LEARNING_RATE if weights != NO_WEIGHTS else rate_from_scratch,
            "embedding_dim": 128 if small else 1024,
            "clip_norm": CLIP_FROM_SCRATCH if weights == NO_WEIGHTS else 0.0,
            "schedule": COSINE,
            "images_per_class": 4 if self.sampling == PK else None,
            "augment": NO_AUGMENTATION if self.dataset == TYPEFACES else PAPER,
        }
        if (self.dataset, backbone, weights) == (TYPEFACES, PRETRAINED, IMAGENET):
            defaults |= PRETRAINED_ON_TYPEFACES
        dataset, data_dir = self.dataset, self.data_dir
        if dataset not in (TYPEFACES, *DATASETS):
            dataset = str(Path(dataset).resolve())
        if data_dir is not None:
            data_dir = str(Path(data_dir).resolve())
        cache_dir = None if self.cache_dir is None else str(Path(self.cache_dir).resolve())
        settings = dataclasses.replace(
            self, dataset=dataset, data_dir=data_dir, cache_dir=cache_dir
        )
        settings = settings._with(defaults)
        return dataclasses.replace(settings, rbi=settings.method in (RBI, *SYSTEMS.values()))

    def _with(self, values: dict[str, Any]) -> "TrainingSettings":
        """The same settings, with these values where they are open."""
        open_settings = {
            name: value for name, value in values.items() if getattr(self, name) is None
        }
        return dataclasses.replace(self, **open_settings)

    def as_dict(self) -> dict[str, Any]:
        """The settings, ready for JSON."""
        return dataclasses.asdict(self)


def check(settings: TrainingSettings) -> None:
    """Refuses settings that cannot be, or that contradict each other.

    Args:
        settings: Resolved settings.

    Raises:
        ValueError: If there is one.
    """
    for name, choices in {
        "method": METHODS,
        "freeze": (None, BACKBONE, STEM),
        "schedule": (COSINE, CONSTANT),
        "augment": (*AUGMENTATIONS, NO_AUGMENTATION),
    }.items():
        if (value := getattr(settings, name)) not in choices:
            known = " or ".join(repr(choice) for choice in choices if choice)
            raise ValueError(f"`{name}` must be {known}. Received: {name}={value!r}.")
    for name, limit in {"ema": 1.0, "label_smoothing": 1.0}.items():
        if not 0.0 <= (value := getattr(settings, name) or 0.0) < limit:
            raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value!r}.")
    for name in ("mixup", "cutmix"):
        if not 0.0 <= (value := getattr(settings, name) or 0.0) <= 1.0:
            raise ValueError(f"`{name}` must be in [0, 1]. Received: {name}={value!r}.")
    for name in ("weight_decay", "clip_norm", "warmup_epochs", "head_epochs"):
        if (value := getattr(settings, name) or 0) < 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value!r}.")
    for name, ways in {
        "on_error": ON_ERROR,
        "source": SOURCES,
        "sampling": SAMPLINGS,
        "cache": (AUTO, RAM, DISK, NO_CACHE),
    }.items():
        if (value := getattr(settings, name)) not in ways:
            raise ValueError(f"`{name}` must be one of {ways}. Received: {name}={value!r}.")
    _check_typefaces(settings)
    _check_method(settings)
    _check_sampling(settings)
    _check_epochs(settings)
    _check_backbone(settings)


def _check_typefaces(settings: TrainingSettings) -> None:
    if settings.dataset != TYPEFACES:
        return
    for name in ("data_dir", "source", "on_error", "cache", "cache_dir"):
        if (value := getattr(settings, name)) != getattr(TrainingSettings, name):
            raise ValueError(
                f"The typefaces are rendered where they are used. Received: {name}={value!r}. "
                "Leave it out, or name another dataset."
            )


def _check_method(settings: TrainingSettings) -> None:
    if settings.method == RBI:
        return
    own: tuple[str, ...] = ("relation_dropout", "share_classifier")
    if settings.method not in SYSTEMS.values():
        own = ("variant", *own)
    given = {name: value for name in own if (value := getattr(settings, name)) not in (None, False)}
    if given:
        raise ValueError(
            f"{' and '.join(f'`{name}`' for name in own)} are settings of RBI. Received: "
            f"{given} with method={settings.method!r}. Leave them out, or pass method='rbi'."
        )


def _check_sampling(settings: TrainingSettings) -> None:
    images = settings.images_per_class
    if images is None:
        return
    if settings.sampling != PK:
        raise ValueError(
            "`images_per_class` is for sampling='pk'. Received: "
            f"images_per_class={images} and sampling={settings.sampling!r}."
        )
    if images < 1 or settings.batch_size % images:
        raise ValueError(
            "`images_per_class` must be positive and divide `batch_size`. Received: "
            f"images_per_class={images} and batch_size={settings.batch_size}."
        )


def _check_epochs(settings: TrainingSettings) -> None:
    epochs = settings.epochs or 0
    for name in ("head_epochs", "warmup_epochs"):
        if (value := getattr(settings, name)) and value >= epochs:
            raise ValueError(
                f"`{name}` must be fewer than all epochs. Received: {name}={value:g} of "
                f"epochs={epochs}. Train for longer, or pass {name}=0."
            )


def _check_backbone(settings: TrainingSettings) -> None:
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
    if rate < 0.0 or not settings.learning_rate:
        raise ValueError(
            "`backbone_learning_rate` must not be negative, and `learning_rate` above 0. Received: "
            f"backbone_learning_rate={rate:g} and learning_rate={settings.learning_rate:g}."
        )
