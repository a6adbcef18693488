"""`keras-rbi export`."""

from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import typer

from keras_rbi.cli.output import fail, one_line_errors, one_line_warnings
from keras_rbi.export import (
    FORMATS,
    Export,
    ExportError,
    accuracy_of_export,
    export_for_tf_serving,
    export_model,
)
from keras_rbi.export.formats import format_named
from keras_rbi.models.keras_classifier import classifier_of
from keras_rbi.training.data_for_model import images_of_run
from keras_rbi.training.trained_model import load_trained_model

REPRESENTATIVE_IMAGES = 100
# More would fill memory with large images, and tell little more.
TEST_IMAGES = 1000


def export(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    output: Annotated[
        Path | None,
        typer.Option(
            help="Where to: a folder for tf_saved_model, else a file. [default: in the folder "
            "`exported` beside the model]"
        ),
    ] = None,
    format: Annotated[str, typer.Option(help=", ".join(FORMATS) + ".")] = "tf_saved_model",
    relations: Annotated[
        str | None,
        typer.Option(help="self, references, or batch by name. [default: the model's]"),
    ] = None,
    inputs: Annotated[
        str,
        typer.Option(help="images, sets, or image_bytes; several with commas in a SavedModel."),
    ] = "images",
    top_k: Annotated[int, typer.Option(min=1, help="Likeliest classes in a prediction.")] = 5,
    precision: Annotated[
        str,
        typer.Option(help="Of weights: float32, float16 or int8, as the format has them."),
    ] = "float32",
    tf_serving: Annotated[
        str | None,
        typer.Option(help="Lay --output out for TensorFlow Serving, under this name."),
    ] = None,
) -> None:
    """Write a model in a format that predicts without Keras, and check that it does.

    With a smaller precision it also tells what that costs on the run's test images.

    Example: `keras-rbi export runs/typefaces-1 --format onnx --output typefaces.onnx`
    """
    with one_line_errors(), one_line_warnings():
        network, class_names = load_trained_model(model)
        names = [part.strip() for part in inputs.split(",")]
        output = output or _beside(model, format, tf_serving)
        if tf_serving is not None:
            _for_tf_serving(network, output, tf_serving, relations, top_k, class_names)
            return
        representative = None
        if precision == "int8":
            representative, _ = images_of_run(model, network, "train", REPRESENTATIVE_IMAGES)
        try:
            made = export_model(
                network,
                output,
                format,
                relations=relations,
                inputs=names,
                top_k=top_k,
                precision=precision,
                representative_images=representative,
                class_names=class_names,
            )
            if precision != "float32" and names == ["images"]:
                print(_cost(made, model, network))
        except ExportError as error:
            fail(str(error))


def _beside(model: Path, format: str, tf_serving: str | None) -> Path:
    folder = (model if model.is_dir() else model.parent) / "exported"
    if tf_serving is not None:
        return folder / "tf_serving"
    suffix = format_named(format).suffix
    return folder / (f"model{suffix}" if suffix else format)


def _for_tf_serving(
    network: keras.Model,
    output: Path,
    name: str,
    relations: str | None,
    top_k: int,
    class_names: list[str],
) -> None:
    try:
        made = export_for_tf_serving(
            network, output, name, relations=relations, top_k=top_k, class_names=class_names
        )
    except ExportError as error:
        fail(str(error))
    print(f"Exported {made.path}, with warm-up requests, models.config and batching.config.")


def _cost(made: Export, model: Path, network: keras.Model) -> str:
    images, labels = images_of_run(model, network, "test", TEST_IMAGES)
    mode = None if made.options.relations == "none" else made.options.relations
    with classifier_of(network).use_relations(mode):
        predicted = np.argmax(network.predict(images, verbose=0), axis=-1)
    before = 100 * float(np.mean(predicted == labels))
    after = 100 * accuracy_of_export(made, images, labels)
    return (
        f"Top-1 accuracy on {len(labels)} test images: {before:.1f} % of the model, "
        f"{after:.1f} % in {made.options.precision} ({after - before:+.1f})."
    )
