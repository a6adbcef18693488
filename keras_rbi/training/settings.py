"""The settings of a training run."""

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from keras_rbi.datasets.augmentation import AUGMENTATIONS
from keras_rbi.datasets.batches.sampling import SAMPLINGS, SHUFFLED
from keras_rbi.datasets.catalogue import SOURCES, TYPEFACES
from keras_rbi.datasets.files.image_cache import AUTO, DISK, RAM
from keras_rbi.datasets.files.image_files import ON_ERROR
from keras_rbi.datasets.splits import RULES
from keras_rbi.models.methods import METHODS
from keras_rbi.models.scopes import GLOBAL, SCOPES
from keras_rbi.models.variants import RESIDUAL, VARIANTS
from keras_rbi.seed_range import LARGEST_SEED
from keras_rbi.training.choices import (
    BACKBONE,
    CONSTANT,
    COSINE,
    FLOAT32,
    MIXED_BFLOAT16,
    MIXED_FLOAT16,
    NO_AUGMENTATION,
    NO_CACHE,
    RBI,
    STEM,
)
from keras_rbi.training.resolve_settings import resolve_settings
from keras_rbi.training.setting import DATA, MODEL, TRAINING, documented, setting, settings_in


@documented
@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a run; `None` leaves one open, and `resolved` fills it in.

    What is given comes first, then what the recipe sets, then the default; 0 switches off what a
    recipe has on. A type with `None` is that of a setting that may stay `None`.

    {attributes}

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

    dataset: str = setting(
        "`typefaces`, which needs no download; a data set that `keras-rbi datasets` lists; a "
        "folder with a folder of images for each class (or with `train` and `test` folders of "
        "such); or a CSV file with the columns path and label.",
        DATA,
        TYPEFACES,
        basic=True,
    )
    data_dir: str | None = setting(
        "Where a data set that is listed lies: its archives, or what was extracted.",
        DATA,
        metavar="PATH",
        basic=True,
    )
    source: str = setting(
        "`files`, or `tfds` for what TensorFlow Datasets has prepared in {data_dir}.",
        DATA,
        "files",
        choices=SOURCES,
    )
    on_error: str = setting(
        "`raise` or `skip`: what to do about images that cannot be read.",
        DATA,
        "raise",
        choices=ON_ERROR,
    )
    min_images: int | None = setting(
        "Of your own data: leave out classes with fewer images.",
        DATA,
        default_text="classes of one or two images are for training alone",
        minimum=1,
    )
    path_column: str | None = setting("Of a table: the column of the image files.", DATA)
    label_column: str | None = setting("Of a table: the column of the classes.", DATA)
    split_column: str | None = setting("Of a table: the column of the splits.", DATA)
    observation_column: str | None = setting(
        "Of a table: the column of what each image is of; images of one thing stay in one split.",
        DATA,
    )
    observations: str | None = setting(
        "Of your own data: by what it is told which images show one thing. `folders`, where class "
        "folders hold a folder for each; or a pattern of file names whose group says which, such "
        "as `(.+)_[0-9]+[.]jpg`.",
        DATA,
        metavar="PATTERN",
    )
    added_classes: str | None = setting(
        "A folder or table with images of further classes, as `keras-rbi add-classes` adds them; "
        f"several with `{os.pathsep}` between them.",
        DATA,
        metavar="PATH",
    )
    split_rule: str | None = setting(
        "How splits are drawn: `hash`, by which files that come or go move no other; or "
        "`permutation`, the exact share of each class.",
        DATA,
        default_text="hash for your own data, permutation for the sets that are listed",
        choices=RULES,
    )
    corrections: str | None = setting(
        "A table of corrected labels, as `keras-rbi datasets doubtful` makes: a class in its "
        "column `corrected` is the label of the image, `remove` leaves it out.",
        DATA,
        metavar="PATH",
    )
    cache: str = setting(
        "Where decoded photographs are kept for the next epoch: `ram`; `disk`, a file that later "
        "runs find again; `none`; or `auto`, in memory where a split takes at most 1 GiB.",
        DATA,
        AUTO,
        choices=(AUTO, RAM, DISK, NO_CACHE),
    )
    cache_dir: str | None = setting(
        "Folder of a {cache} on disk.",
        DATA,
        default_text="~/.keras/datasets/keras_rbi",
        metavar="PATH",
    )
    backbone: str = setting(
        "A name that `keras-rbi backbones` lists.",
        MODEL,
        default_text="SmallCNN for the typefaces, EfficientNetLite0 for photographs",
        basic=True,
    )
    weights: str = setting(
        "`imagenet` (from the extra `pretrained`, or downloaded by Keras), `none`, the path of "
        "a .weights.h5 file of the backbone, or a run folder or .keras file, whose backbone it "
        "begins with.",
        MODEL,
        default_text="none for SmallCNN, else imagenet",
        basic=True,
    )
    image_size: int = setting(
        "Side of the images in pixels.",
        DATA,
        default_text="that of the backbone's weights, 64 for SmallCNN, 96 for EfficientNetLite0 on "
        "the typefaces",
        minimum=1,
        basic=True,
    )
    batch_size: int = setting(
        "Images in a training batch, which relate to each other.",
        TRAINING,
        32,
        minimum=1,
        basic=True,
    )
    epochs: int = setting(
        "How often to go through the training images.",
        TRAINING,
        default_text="6 for the typefaces; of pretrained weights 10, up to 30 where there are few "
        "images (EfficientNetLite0 on the typefaces 3 to 30); 50 from scratch",
        minimum=1,
        basic=True,
    )
    learning_rate: float = setting(
        "The peak; it falls to 0 along a cosine, unless {schedule} says otherwise.",
        TRAINING,
        default_text="from scratch 0.016 for SmallCNN, 0.004 for others; from pretrained weights "
        "0.001, 0.003 where the backbone is frozen, 0.006 for EfficientNetLite0 on the typefaces",
        minimum=0.0,
        basic=True,
    )
    embedding_dim: int | None = setting(
        "Width of an embedding of the backbone's features.",
        MODEL,
        default_text="none with the variant residual; 128 for SmallCNN, else 1024, 256 on the "
        "typefaces from pretrained weights",
        minimum=1,
    )
    seed: int = setting(
        "Of weights, data, order and relation dropout.",
        TRAINING,
        0,
        minimum=0,
        maximum=LARGEST_SEED,
        basic=True,
    )
    per_class: int = setting("Training images of each typeface.", DATA, 300, minimum=1)
    method: str = setting(
        "; ".join(f"`{each.name}`, {each.description}" for each in METHODS.values()) + ".",
        MODEL,
        default_text=RBI,
        choices=METHODS.keys(),
    )
    rbi: bool = setting(
        "Whether to integrate relations; without, the backbone is trained with a classifier.",
        MODEL,
        True,
        switch="--rbi/--no-rbi",
        basic=True,
    )
    variant: str | None = setting(
        "`residual` adds what RRA gives to the features of the backbone; `paper` is the method as "
        "printed: an embedding, relations in decibels, no relation dropout, predictions that "
        "depend on the batch; `0.1` is the default of that version. How it is trained is another "
        "matter: {recipe}.",
        MODEL,
        default_text=RESIDUAL,
        choices=VARIANTS,
    )
    relation_dropout: float | None = setting(
        "Probability with which an image relates to itself alone in training.",
        MODEL,
        default_text="0.5, or 0 with the variant of the paper",
        minimum=0.0,
        maximum=1.0,
    )
    group_size: int | None = setting(
        "Have images relate to so many consecutive ones of a batch and not to all: as many as "
        "{images_per_observation}, to those of their observation.",
        MODEL,
        default_text="the whole batch",
        minimum=1,
    )
    relation_scope: str | None = setting(
        "Where several devices share a batch: `global`, an image relates to the whole of it; or "
        "`replica`, to the images of its device, which JAX has no name for.",
        MODEL,
        default_text=GLOBAL,
        choices=SCOPES,
    )
    share_classifier: bool = setting(
        "Have the classifier of RBI learn from the features that are not related too.",
        MODEL,
        False,
        switch="--share-classifier",
    )
    recipe: str | None = setting(
        "A way of training: `finetune`, as practitioners fine-tune; `paper`, as the paper trains; "
        "or a .toml file with settings. What is given beside it comes first: docs/recipes.md.",
        TRAINING,
        metavar="NAME_OR_FILE",
        basic=True,
    )
    quick: bool = setting(
        "Train the head alone, on features that are extracted once: in seconds, not minutes.",
        TRAINING,
        False,
        switch="--quick",
        basic=True,
    )
    feature_head: bool = setting(
        "Begin with the head alone, on features that are extracted once, and then train all.",
        TRAINING,
        default_text="so for photographs and pretrained weights, if no recipe is named",
        switch="--feature-head/--no-feature-head",
    )
    rate_by_head: bool = setting(
        "After a head on features, take the learning rate by what the head gets of the validation "
        "images: the less, the higher.",
        TRAINING,
        default_text="so for photographs and EfficientNetLite0, if no learning rate is given",
        switch="--rate-by-head/--no-rate-by-head",
    )
    freeze: str | None = setting(
        "`backbone` trains the head alone; `stem` all but the backbone's layers down to a quarter "
        "of the image's side. What is frozen normalises by its stored statistics.",
        TRAINING,
        choices=(BACKBONE, STEM),
    )
    head_epochs: int | None = setting(
        "First epochs, of all, in which the backbone is frozen.",
        TRAINING,
        default_text="0",
        minimum=0,
    )
    freeze_batch_norms: bool | None = setting(
        "Let the backbone normalise by the statistics that its weights came with, in training "
        "too. A recipe does so for pretrained weights only.",
        TRAINING,
        default_text="train, freeze for EfficientNetLite0 on the typefaces",
        switch="--freeze-batch-norms/--train-batch-norms",
    )
    backbone_learning_rate: float | None = setting(
        "Peak for the backbone; it rises and falls with {learning_rate}.",
        TRAINING,
        default_text="that of the other layers",
        minimum=0.0,
    )
    weight_decay: float | None = setting(
        "Decoupled, times the learning rate; spares norms and biases.",
        TRAINING,
        default_text="0",
        minimum=0.0,
    )
    clip_norm: float = setting(
        "Norm that all gradients of a step together are clipped to; 0 clips none.",
        TRAINING,
        default_text="1 from scratch, else 0",
        minimum=0.0,
    )
    schedule: str = setting(
        "`cosine` or `constant`.", TRAINING, default_text=COSINE, choices=(COSINE, CONSTANT)
    )
    warmup_epochs: float | None = setting(
        "Epochs, or a fraction, in which the learning rate rises from 0.",
        TRAINING,
        default_text="0",
        minimum=0.0,
    )
    ema: float | None = setting(
        "Momentum of a moving average of the weights, such as 0.99, with which the model is "
        "validated, tested and saved.",
        TRAINING,
        default_text="0, none",
        minimum=0.0,
        below=1.0,
    )
    precision: str | None = setting(
        "What training computes with: `float32`, `mixed_bfloat16` or `mixed_float16`. The model "
        "that is kept computes with float32.",
        TRAINING,
        default_text="mixed_bfloat16 on GPUs and TPUs that have units for it, else float32",
        choices=(FLOAT32, MIXED_BFLOAT16, MIXED_FLOAT16),
    )
    keep_best: bool = setting(
        "Keep the weights of the epoch that does best on the validation images, of equals the "
        "latest, and not those of the last. A head on features is left for better ones alone.",
        TRAINING,
        True,
        switch="--keep-best/--keep-last",
    )
    patience: int | None = setting(
        "End when so many epochs have gone by without one that does as well as the best.",
        TRAINING,
        default_text="0, never",
        minimum=0,
    )
    sampling: str = setting(
        "How training images are drawn: `shuffled`, each once an epoch; and, for classes that "
        "differ in size, `balanced`, as many of each class, or `pk`, batches of a few classes with "
        "{images_per_class} of each; `observations`, batches of a few observations with "
        "{images_per_observation} of each.",
        DATA,
        SHUFFLED,
        choices=SAMPLINGS,
    )
    images_per_class: int | None = setting(
        "With the {sampling} `pk`: images of each class in a batch; a divisor of {batch_size}.",
        DATA,
        default_text="4",
        minimum=1,
    )
    images_per_observation: int | None = setting(
        "With the {sampling} `observations`: images of each in a batch; a divisor of {batch_size}.",
        DATA,
        default_text="4",
        minimum=1,
    )
    class_weights: bool = setting(
        "Weigh the loss of an image by how rare its class is, so that all classes count alike. "
        "{sampling} `balanced` draws them alike instead.",
        TRAINING,
        False,
        switch="--class-weights",
    )
    augment: str = setting(
        "`paper` flips and rotates; `torchvision` crops, flips and jitters colours; `randaugment` "
        "crops, flips and applies RandAugment; `none`.",
        DATA,
        default_text="paper, none on the typefaces",
        choices=(*AUGMENTATIONS, NO_AUGMENTATION),
    )
    label_smoothing: float | None = setting(
        "Share of each label that is spread over all classes.",
        TRAINING,
        default_text="0",
        minimum=0.0,
        below=1.0,
    )
    mixup: float | None = setting(
        "Alpha of MixUp, which blends pairs of training images and of labels. RPE relates the "
        "mixed images.",
        TRAINING,
        default_text="0, none",
        minimum=0.0,
        maximum=1.0,
    )
    cutmix: float | None = setting(
        "Alpha of CutMix, which pastes a rectangle of another training image; with {mixup}, either "
        "is used for half of the batches.",
        TRAINING,
        default_text="0, none",
        minimum=0.0,
        maximum=1.0,
    )

    devices: str = setting(
        "Devices of this machine that share each batch, as if one had it: a number, or `auto` for "
        "all. On PyTorch torchrun starts a process for each: docs/scaling.md.",
        TRAINING,
        "1",
        metavar="auto|N",
    )

    @property
    def one_hot_labels(self) -> bool:
        """Whether an image may have several labels."""
        return bool(self.label_smoothing or self.mixup or self.cutmix)

    def resolved(self) -> "TrainingSettings":
        """The same settings with nothing left open that has a default.

        Raises:
            ValueError: If a setting or the recipe is unfit, or if two settings contradict.
        """
        return resolve_settings(self)

    def as_dict(self) -> dict[str, Any]:
        """The settings, ready for JSON."""
        return dataclasses.asdict(self)


SETTINGS = settings_in(TrainingSettings)
