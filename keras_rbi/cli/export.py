"""`keras-rbi export`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_rbi import evaluation, training
from keras_rbi import export as exports
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_folder
from keras_rbi.cli.loading import load
from keras_rbi.cli.output import (
    asked,
    doing,
    fail,
    one_line_errors,
    one_line_warnings,
    print_json,
    say,
)
from keras_rbi.export.errors import ExportError
from keras_rbi.export.formats import FORMATS, format_named
from keras_rbi.training.run_folder import find_model

if TYPE_CHECKING:
    import keras

    from keras_rbi.export import Export

REPRESENTATIVE_IMAGES = 100
# More would fill memory with large images, and tell little more.
TEST_IMAGES = 1000


@reports
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
        typer.Option(
            help="images, sets, observations (several images of one thing, one prediction), or "
            "image_bytes; several with commas in a SavedModel."
        ),
    ] = "images",
    outputs: Annotated[
        str,
        typer.Option(
            help="probabilities, top_k, features, maps, attention; several with commas. The page "
            "of `serve` shows what is there."
        ),
    ] = "probabilities,top_k",
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
    names, wanted = _parts(inputs), _parts(outputs)
    with one_line_errors(), one_line_warnings():
        entry = format_named(format)
        if tf_serving is not None:
            _refuse_others(format, inputs, precision)
        output = output or _beside(model, format, tf_serving)
        if tf_serving is None:
            entry.check_path(output)
        find_model(model)
        check_folder(output if tf_serving is not None else output.parent, "--output")
        network, class_names = load(model)
        try:
            if tf_serving is not None:
                made = _for_tf_serving(
                    network,
                    output,
                    tf_serving,
                    relations,
                    wanted,
                    top_k,
                    class_names,
                    _card_of(model),
                )
                cost = None
            else:
                made = _export(
                    network,
                    model,
                    output,
                    format,
                    relations,
                    names,
                    wanted,
                    top_k,
                    precision,
                    class_names,
                )
                small = precision != "float32" and names == ["images"]
                cost = _cost(made, model, network) if small else None
        except ExportError as error:
            fail(str(error))
    if asked.json:
        print_json(_as_dict(made, cost))
    elif tf_serving is not None:
        say(f"Exported {made.path}, with warm-up requests, models.config and batching.config.")
    else:
        say(made.summary())
        if cost is not None:
            say(cost["text"])


def _refuse_others(format: str, inputs: str, precision: str) -> None:
    """What the layout for TensorFlow Serving settles by itself."""
    given = {
        "--format": (format, "tf_saved_model"),
        "--inputs": (inputs, "images"),
        "--precision": (precision, "float32"),
    }
    if others := [f"{name} {value}" for name, (value, has) in given.items() if value != has]:
        fail(
            "--tf-serving lays out a SavedModel in float32 that takes images and image_bytes. "
            f"Leave out {' and '.join(others)}."
        )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _export(
    network: "keras.Model",
    model: Path,
    output: Path,
    format: str,
    relations: str | None,
    inputs: list[str],
    outputs: list[str],
    top_k: int,
    precision: str,
    class_names: list[str],
) -> "Export":
    representative = None
    if precision == "int8":
        with doing("Reading images of the run, for the ranges of numbers"):
            representative, _ = training.images_of_run(
                model, network, "train", REPRESENTATIVE_IMAGES
            )
    with doing("Exporting, reloading without Keras and comparing"):
        return exports.export_model(
            network,
            output,
            format,
            relations=relations,
            inputs=inputs,
            outputs=outputs,
            top_k=top_k,
            precision=precision,
            representative_images=representative,
            class_names=class_names,
            verbose=False,
            model_card=_card_of(model),
            observation_temperatures=training.observation_calibration(model).temperatures,
        )


def _card_of(model: Path) -> str | None:
    """The model card of the run that a model comes from, if it comes from a finished one."""
    folder = training.RunFolder.around(model)
    if not folder.is_finished or not folder.settings.is_file():
        return None
    if folder.card.is_file():
        return folder.card.read_text("utf-8", "replace")
    # A run of a version that wrote none.
    return training.model_card(folder.path)


def _beside(model: Path, format: str, tf_serving: str | None) -> Path:
    folder = (model if model.is_dir() else model.parent) / "exported"
    if tf_serving is not None:
        return folder / "tf_serving"
    suffix = format_named(format).suffix
    return folder / (f"model{suffix}" if suffix else format)


def _for_tf_serving(
    network: "keras.Model",
    output: Path,
    name: str,
    relations: str | None,
    outputs: list[str],
    top_k: int,
    class_names: list[str],
    model_card: str | None,
) -> "Export":
    with doing("Exporting for TensorFlow Serving, reloading without Keras and comparing"):
        return exports.export_for_tf_serving(
            network,
            output,
            name,
            relations=relations,
            outputs=outputs,
            top_k=top_k,
            class_names=class_names,
            model_card=model_card,
        )


def _cost(made: "Export", model: Path, network: "keras.Model") -> dict[str, Any]:
    """What a smaller precision costs in accuracy, on the run's test images."""
    with doing("Measuring what the smaller precision costs"):
        images, labels = training.images_of_run(model, network, "test", TEST_IMAGES)
        mode = None if made.options.relations == "none" else made.options.relations
        with evaluation.classifier_of(network).use_relations(mode):
            predicted = network.predict(images, verbose=0).argmax(axis=-1)
        before = float((predicted == labels).mean())
        after = exports.accuracy_of_export(made, images, labels)
    return {
        "images": len(labels),
        "accuracy_of_the_model": before,
        "accuracy": after,
        "text": f"Top-1 accuracy on {len(labels)} test images: {100 * before:.1f} % of the model, "
        f"{100 * after:.1f} % in {made.options.precision} ({100 * (after - before):+.1f}).",
    }


def _as_dict(made: "Export", cost: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "path": str(made.path),
        **{name: value for name, value in made.options.as_dict().items() if name != "model_card"},
        "verification": dataclasses.asdict(made.verification),
        "cost": cost and {name: value for name, value in cost.items() if name != "text"},
    }
