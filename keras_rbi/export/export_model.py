"""Exporting a model: written, reloaded without Keras, compared, and only then put in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.atomic_write import atomic_write
from keras_rbi.export.formats import backend_for, format_named
from keras_rbi.export.options import DEFAULT_OUTPUTS, ExportOptions, export_options
from keras_rbi.export.verification import Verification, verify
from keras_rbi.export.writing import write_here, write_on
from keras_rbi.models.keras_classifier import classifier_of

# Of a folder; what shows folders of models shows it.
CARD = "README.md"


@dataclass(frozen=True)
class Export:
    """What `export_model` has made.

    Attributes:
        path: The file or folder.
        options: What it holds.
        backend: The backend that wrote it.
        verification: What its own runtime predicted, compared with the model.
    """

    path: Path
    options: ExportOptions
    backend: str
    verification: Verification

    def summary(self) -> str:
        """What was written and how far it is from the model, in two or three lines."""
        options, found = self.options, self.verification
        worst = max(found.differences.values())
        lines = [
            f"Exported {self.path} ({options.format}, relations {options.relations}, "
            f"{options.precision}).",
            f"Reloaded without Keras: probabilities within {worst:.1e} of the model's ("
            + ", ".join(found.differences)
            + ").",
        ]
        if found.batch_composition is not None:
            lines.append(
                "Other batch compositions (order, other samples, padding): within "
                f"{found.batch_composition:.1e}."
            )
        if options.precision != "float32":
            lines.append(f"Same class as the model: {100 * found.agreement:.1f} % of these images.")
        return "\n".join(lines)


def export_model(
    model: keras.Model,
    path: str | Path,
    format: str = "tf_saved_model",
    relations: str | None = None,
    inputs: str | Sequence[str] = "images",
    outputs: str | Sequence[str] = DEFAULT_OUTPUTS,
    top_k: int = 5,
    precision: str = "float32",
    representative_images: Any = None,
    class_names: Sequence[str] | None = None,
    verbose: bool = True,
    model_card: str | None = None,
    observation_temperatures: Mapping[int, float] | None = None,
) -> Export:
    """Exports a classifier to a format that runs without Keras.

    It is put at `path` only after it was reloaded in a fresh process without Keras, by the
    format's own runtime, and its probabilities agreed with the model's within 1e-4 at batch sizes
    1, 5 and 32, and in other orders, with padding and beside other neighbours (where relations
    are not `"batch"`).

    | format | `path` | read by | written on |
    |---|---|---|---|
    | `"tf_saved_model"` | a folder | `tf.saved_model.load`, TensorFlow Serving | TensorFlow |
    | `"onnx"` | `.onnx` | ONNX Runtime | TensorFlow, PyTorch |
    | `"openvino"` | `.xml`, with a `.bin` beside it | OpenVINO | TensorFlow, PyTorch |
    | `"litert"` | `.tflite`, with a `.tflite.json` beside it | LiteRT | TensorFlow |
    | `"torch"` | `.pt2` | `torch.export.load` | PyTorch |

    On another backend than those the model is written by a process of one that is installed.

    In every format the input `images` is float32 of shape `(batch, height, width, 3)`, raw RGB
    of 0..255, and `batch` is open. Outputs are `probabilities`, float32 `(batch, classes)`,
    `top_k_classes`, int32 `(batch, k)`, and `top_k_probabilities`, float32 `(batch, k)`; if they
    are asked for, `features`, float32 `(batch, features)`, what the classifier decides by, `maps`,
    float32 `(batch, classes, rows, columns)`, Grad-CAM of every class before its ReLU, so that the
    difference of two is the map of one class against the other, and `attention`, float32
    `(batch, 1 + references)`, the weights of the image itself and of stored references. Class
    names, image shape, preprocessing, relations and the version travel along as JSON.

    Args:
        model: A model of `keras_rbi.models`, or another model from images to classes.
        path: Where to put it. What was there before is replaced.
        format: One of the table. Defaults to `"tf_saved_model"`.
        relations: `"self"`, `"references"`, `"batch"`, or `None` for the model's own. `"batch"`
            must be asked for by name: what a server puts into a batch would change predictions.
            Defaults to `None`.
        inputs: `"images"`; `"sets"`, of shape `(sets, images, height, width, 3)`, whose images
            relate within their set, whatever else is in the batch; `"observations"`, of shape
            `(observations, images, height, width, 3)`, several images of one thing, for which
            there is one prediction (`keras_rbi.evaluation.observation_probabilities`); or, in a
            SavedModel, `"image_bytes"`, the bytes of JPEG and PNG files of any size. A SavedModel
            may have several: signatures `serve`, `serve_sets`, `serve_observations` and
            `classify`; the first is also `serving_default`. Defaults to `"images"`.
        outputs: `"probabilities"`, `"top_k"` or both, and besides these `"features"`, `"maps"` and
            `"attention"`. A SavedModel with `"top_k"` also names the classes, `top_k_names`. Maps
            are those of models that classify pooled features of images that do not relate to each
            other; they are compared with `keras_rbi.explanations.grad_cam`'s. Attention is that of
            `"references"`. Defaults to the first two.
        top_k: Integer, how many classes are the likeliest. Defaults to `5`.
        precision: `"float32"`; `"float16"` (ONNX, OpenVINO, LiteRT) or `"int8"` (ONNX, LiteRT)
            for the weights. These are smaller and less exact, and the comparison is then only
            told. `"int8"` is of `inputs="images"`. Defaults to `"float32"`.
        representative_images: Images `(images, height, width, 3)` of 0..255 like those to come,
            which `precision="int8"` needs. Defaults to `None`.
        class_names: Names of the classes. Defaults to `None`, those of the model.
        verbose: Boolean, whether to print what is done. Defaults to `True`.
        model_card: The text of a model card, as `keras_rbi.training.model_card` makes of a run. It
            is put into the metadata, and beside the file as `NAME.md`, in a folder as `README.md`.
            Defaults to `None`.
        observation_temperatures: Dictionary from numbers of images to temperatures, for
            `inputs="observations"`: the `temperatures` of a
            `keras_rbi.evaluation.ObservationCalibration`. Defaults to `None`, 1 for all.

    Returns:
        An `Export`.

    Raises:
        ValueError: If an argument is out of its range, if the relations are refused, or if
            something is not installed, with the extra that brings it.
        ExportError: If the model cannot be converted, or does not predict as it should. Nothing is
            left then.

    Example:

    ```python
    model.relations = "self"
    export = keras_rbi.export.export_model(model, "dogs.onnx", format="onnx")
    export.verification.differences  # {"batch of 1": 3e-08, ...}
    ```
    """
    path = Path(path)
    options = export_options(
        model,
        format,
        relations,
        inputs,
        outputs,
        top_k,
        precision,
        class_names,
        model_card,
        observation_temperatures,
    )
    format_named(format).check_path(path)
    current = keras.config.backend()
    backend = backend_for(format, current)
    images = _representative(representative_images, options)
    say = print if verbose else _say_nothing
    mode = None if options.relations == "none" else options.relations
    with classifier_of(model).use_relations(mode), atomic_write(path, durable=True) as unfinished:
        if backend == current:
            write_here(model, unfinished, options, images)
        else:
            say(f"{format} is not written on {current}: exporting in a process of {backend}.")
            write_on(backend, model, unfinished, options, images)
        verification = verify(model, unfinished, options)
        if model_card is not None:
            _card_of(unfinished).write_text(model_card, "utf-8", "replace")
    if model_card is None and path.is_file():
        # That of the model that was there before.
        _card_of(path).unlink(missing_ok=True)
    made = Export(path, options, backend, verification)
    say(made.summary())
    return made


def _card_of(path: Path) -> Path:
    """The file of the model card of an export."""
    return path / CARD if path.is_dir() else path.with_name(f"{path.name}.md")


def _representative(images: Any, options: ExportOptions) -> np.ndarray | None:
    if options.precision != "int8":
        return None
    shape = tuple(getattr(images, "shape", ()))
    if shape[1:] != options.image_shape:
        raise ValueError(
            "precision='int8' takes the ranges of numbers from `representative_images`, of shape "
            f"(images, {str(options.image_shape)[1:]}, a hundred of the training data. Received: "
            f"{f'an array of shape {shape}' if shape else type(images).__name__}."
        )
    return np.asarray(images, "float32")


def _say_nothing(message: str) -> None:
    """In the place of `print`."""
