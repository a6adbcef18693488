"""`keras-rbi train`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.output import (
    console,
    fail,
    one_line_errors,
    one_line_warnings,
    progress_bars,
)
from keras_rbi.cli.report import report
from keras_rbi.datasets.files.reading import UnreadableImageError
from keras_rbi.training import (
    RunFolder,
    TrainingSettings,
    keep_freed_memory,
    latest_run_folder,
    next_run_folder,
    prepare,
)

RUNS = Path("runs")
FINE_TUNING = "Fine-tuning (docs/recipes.md)"
MIXING = "Mixing images (training only; RPE relates the mixed images)"


def train(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Option(
            help="`typefaces`, which needs no download; a data set that `keras-rbi datasets` "
            "lists; a folder with a folder of images for each class (or with `train` and `test` "
            "folders of such); or a CSV file with the columns path and label."
        ),
    ] = "typefaces",
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where a data set that is listed lies: its archives, or what was extracted."
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download", help="Download the data set into --data-dir, where that is public."
        ),
    ] = False,
    source: Annotated[
        str,
        typer.Option(
            help="`files`, or `tfds` for what TensorFlow Datasets has prepared in --data-dir."
        ),
    ] = "files",
    on_error: Annotated[
        str,
        typer.Option(help="`raise` or `skip`: what to do about images that cannot be read."),
    ] = "raise",
    cache: Annotated[
        str,
        typer.Option(
            help="Where decoded photographs are kept for the next epoch: `ram`; `disk`, a file "
            "that later runs find again; `none`; or `auto`, in memory where a split takes at most "
            "1 GiB."
        ),
    ] = "auto",
    cache_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of --cache disk. [default: ~/.keras/datasets/keras_rbi]"),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="A name that `keras-rbi backbones` lists. [default: SmallCNN for the typefaces, "
            "DenseNet201 for photographs]"
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="`imagenet` (downloaded by Keras), `none`, or the path of a .weights.h5 file of "
            "the backbone. [default: none for SmallCNN, else imagenet]"
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=16,
            help="Side in pixels. [default: that of the backbone's weights, 64 for SmallCNN, 96 "
            "for EfficientNetLite0 on the typefaces]",
        ),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images in a batch, which relate to each other.")
    ] = 32,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="[default: 6 for the typefaces, 3 for EfficientNetLite0 on them; 50 for a folder]",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="The peak; it falls to 0 along a cosine, unless --schedule says otherwise. "
            "[default: from scratch 0.016 for SmallCNN, 0.004 for others; 0.00001 from pretrained "
            "weights, 0.003 for EfficientNetLite0 on the typefaces]",
        ),
    ] = None,
    embedding_dim: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Width of the embedding. [default: 128 for SmallCNN, else 1024, 256 for "
            "EfficientNetLite0 on the typefaces]",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of weights, data, order and relation dropout.")
    ] = 0,
    per_class: Annotated[int, typer.Option(min=1, help="Training images of each typeface.")] = 300,
    rbi: Annotated[
        bool,
        typer.Option("--rbi/--no-rbi", help="--no-rbi trains the backbone with a classifier."),
    ] = True,
    method: Annotated[
        str | None,
        typer.Option(
            help="`rbi`; or, to compare with, `batchformer`, a transformer layer over the batch in "
            "training, or `backbone`, as --no-rbi; or, without and with relations, "
            "`herbs` and `herbs-rbi`, HERBS over the backbone's stages, or `p2p-net` and "
            "`p2p-net-rbi`, P2P-Net, which learns from aligned parts. [default: rbi]"
        ),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            help="`paper` is the method as printed: relations in decibels, no relation dropout, "
            "predictions that depend on the batch. How it is trained is another matter: --recipe."
        ),
    ] = None,
    relation_dropout: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Probability with which an image relates to itself alone in training. "
            "[default: 0.5, or 0 with --variant paper]",
        ),
    ] = None,
    share_classifier: Annotated[
        bool,
        typer.Option(
            "--share-classifier",
            help="Have the classifier of RBI learn from the features that are not related too.",
        ),
    ] = False,
    recipe: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=FINE_TUNING,
            help="A way of training; other options override it. `paper`: DenseNet201 with ImageNet "
            "weights, 224 pixels, 50 epochs, constant learning rate 0.00001, all trained at once. "
            "It says nothing of the method's layers: those as printed are --variant paper. "
            "`finetune`: the head for an epoch, then all, the backbone at a tenth of the rate, "
            "with its batch normalisations frozen where it is pretrained, with warm-up, weight "
            "decay, averaged weights and label smoothing, for 20 epochs.",
        ),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=FINE_TUNING,
            help="`backbone` trains the head alone; `stem` all but the backbone's layers down to "
            "a quarter of the image's side. What is frozen normalises by its stored statistics.",
        ),
    ] = None,
    head_epochs: Annotated[
        int | None,
        typer.Option(
            min=0,
            rich_help_panel=FINE_TUNING,
            help="First epochs, of all, in which the backbone is frozen. [default: 0]",
        ),
    ] = None,
    freeze_batch_norms: Annotated[
        bool | None,
        typer.Option(
            "--freeze-batch-norms/--train-batch-norms",
            rich_help_panel=FINE_TUNING,
            help="Let the backbone normalise by the statistics that its weights came with, in "
            "training too. [default: train, freeze for EfficientNetLite0 on the typefaces]",
        ),
    ] = None,
    backbone_learning_rate: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            rich_help_panel=FINE_TUNING,
            help="Peak for the backbone; it follows the schedule. [default: --learning-rate]",
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            rich_help_panel=FINE_TUNING,
            help="Decoupled, times the learning rate; spares norms and biases. [default: 0]",
        ),
    ] = None,
    clip_norm: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            rich_help_panel=FINE_TUNING,
            help="Norm that all gradients of a step together are clipped to; 0 clips none. "
            "[default: 1 from scratch, else 0]",
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(rich_help_panel=FINE_TUNING, help="`cosine` or `constant`. [default: cosine]"),
    ] = None,
    warmup_epochs: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            rich_help_panel=FINE_TUNING,
            help="Epochs, or a fraction, in which the learning rate rises from 0. [default: 0]",
        ),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            rich_help_panel=FINE_TUNING,
            help="Momentum of a moving average of the weights, such as 0.99, with which the model "
            "is validated, tested and saved. [default: 0, none]",
        ),
    ] = None,
    sampling: Annotated[
        str,
        typer.Option(
            help="How training images are drawn: `shuffled`, each once an epoch; and, for classes "
            "that differ in size, `balanced`, as many of each class, or `pk`, batches of a few "
            "classes with --images-per-class of each."
        ),
    ] = "shuffled",
    images_per_class: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --sampling pk: images of each class in a batch; a divisor of --batch-size. "
            "[default: 4]",
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="`paper` flips and rotates; `torchvision` crops, flips and jitters colours; "
            "`randaugment` crops, flips and applies RandAugment; `none`. [default: paper, none on "
            "the typefaces]",
        ),
    ] = None,
    label_smoothing: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            rich_help_panel=FINE_TUNING,
            help="Share of each label that is spread over all classes. [default: 0]",
        ),
    ] = None,
    mixup: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            rich_help_panel=MIXING,
            help="Alpha of MixUp, which blends pairs of images and of labels. [default: 0, none]",
        ),
    ] = None,
    cutmix: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            rich_help_panel=MIXING,
            help="Alpha of CutMix, which pastes a rectangle of another image; with --mixup, either "
            "is used for half of the batches. [default: 0, none]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the run. [default: the next free runs/DATASET-NUMBER]"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in --output, or with the latest in runs, after its last "
            "finished epoch and with its settings.",
        ),
    ] = False,
) -> None:
    """Train a classifier and leave a run folder with model, metrics and curves.

    Examples:

    `keras-rbi train` - the typefaces, in minutes on two cores

    `keras-rbi train --no-rbi` - the same without relations, to compare

    `keras-rbi train --dataset birds/ --backbone ConvNeXtTiny --epochs 20`

    `keras-rbi train --dataset cub_200_2011 --data-dir data --download`

    `keras-rbi train --dataset birds/ --recipe finetune --mixup 0.2` - as practitioners fine-tune

    `keras-rbi train --dataset birds/ --recipe paper --variant paper` - its training and its layers
    """
    given = {
        name: value
        for name, value in context.params.items()
        if name not in ("output", "resume", "download")
        and str(context.get_parameter_source(name)).endswith("COMMANDLINE")
    }
    if resume and (given or download):
        names = [*given, *(["download"] if download else [])]
        flags = ", ".join("--" + name.replace("_", "-") for name in names)
        fail(f"A resumed run keeps its settings. Leave out {flags}, or start a new run.")
    if variant not in (None, "paper"):
        fail(f"There is no variant {variant!r}. Use --variant paper, or leave it out.")
    if not rbi and method not in (None, "backbone"):
        fail(f"--no-rbi is --method backbone. Leave it or --method {method} out.")
    if not rbi and (variant is not None or relation_dropout is not None):
        fail("--variant and --relation-dropout are settings of RBI. Leave them or --no-rbi out.")

    for name, path in {"data_dir": data_dir, "cache_dir": cache_dir}.items():
        if path is not None:
            given[name] = str(path)
    settings = TrainingSettings(**given)
    keep_freed_memory()
    with one_line_errors(), one_line_warnings():
        if source == "files" and not resume:
            make_ready(settings.dataset, data_dir, download)
        folder = RunFolder(_folder(output, resume, settings))
        with progress_bars("Looking at the {} images") as progress:
            run = prepare(settings, folder, resume, progress)
        console.print(f"[bold]{'Resuming' if resume else 'Run folder'}[/bold] {folder.path}")
    try:
        # Other errors are the program's own, which a line would hide.
        with one_line_errors(UnreadableImageError), one_line_warnings():
            metrics = run.complete()
    except KeyboardInterrupt:
        command = f"keras-rbi train --resume --output {shlex.quote(str(folder.path))}"
        console.print(f"\nInterrupted. Go on after the last finished epoch:\n  {command}")
        raise
    report(folder, metrics, None if resume else given)


def _folder(output: Path | None, resume: bool, settings: TrainingSettings) -> Path:
    if output is not None:
        return output
    if resume:
        return latest_run_folder(RUNS)
    return next_run_folder(RUNS, Path(settings.dataset).resolve().name)
