"""Whether an exported model predicts what the model predicts that it was made from."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_rbi._deprecation import moved_attribute
from keras_rbi.atomic_write import scratch_folder
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.score_gradients import own_gradients
from keras_rbi.export import run_without_keras
from keras_rbi.export.errors import ExportError
from keras_rbi.export.formats import format_named
from keras_rbi.export.metadata import metadata_of
from keras_rbi.export.options import INPUTS_OF_SETS, ExportOptions
from keras_rbi.export.served_models import SERVED, ServedImages

Arrays = dict[str, np.ndarray]

BATCH_SIZES = (1, 5, 32)
TOLERANCE = 1e-4
SET_SHAPE = (3, 4)
SECONDS = 900


@dataclass
class Case:
    """One request: an input, its values, and what the model itself predicts for it."""

    input: str
    values: np.ndarray
    expected: np.ndarray
    label: str
    of_composition: bool = False


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        differences: The largest difference from the model's own probabilities by what was asked,
            for example `"batch of 5"`.
        batch_composition: The largest change of a row's probabilities by another order, other
            samples and padding; `None` where images relate.
        same_bits: Whether another order of the other rows changed no bit of a row; `None` where
            images relate.
        agreement: Share of the images that are given the class that the model gives.
    """

    differences: dict[str, float]
    batch_composition: float | None
    same_bits: bool | None
    agreement: float = field(default=1.0)

    @property
    def company(self) -> float | None:
        """Deprecated name of `batch_composition`."""
        return moved_attribute(self, "company", "batch_composition")


def verify(model: keras.Model, path: Path, options: ExportOptions) -> Verification:
    """Reloads an export in a process without Keras and compares its predictions with the model's.

    Args:
        model: The model, with the relations of the options.
        path: The export.
        options: What it is to hold.

    Returns:
        A `Verification`.

    Raises:
        ExportError: If it cannot be run, if it tells other things of itself than was written, or
            if a prediction differs by more than 1e-4 (where weights are in float32).
    """
    cases = _cases(model, options)
    predictions, metadata = outputs_without_keras(
        path, options.format, [(case.input, case.values) for case in cases]
    )
    if metadata != json.loads(json.dumps(metadata_of(options))):
        raise ExportError(f"The exported model does not give its metadata back: {metadata}.")
    # Of neighbours that are only there to disturb, no prediction is known.
    predictions = [
        {name: rows[: len(case.expected)] for name, rows in prediction.items()}
        for case, prediction in zip(cases, predictions, strict=True)
    ]
    found = [_probabilities(prediction, options) for prediction in predictions]
    differences: dict[str, float] = {}
    classes: list[np.ndarray] = []
    for case, prediction, rows in zip(cases, predictions, found, strict=True):
        expected = case.expected
        difference = _difference(rows, expected, options)
        if "top_k" in options.outputs:
            difference = max(difference, _difference_of_top(prediction, expected))
        differences[case.label] = max(difference, differences.get(case.label, 0.0))
        classes.append((_best(prediction, options) == np.argmax(expected, axis=-1)).ravel())
    composition, same_bits = _by_composition(cases, found)
    worst = max(differences.values())
    allowed = TOLERANCE if options.precision == "float32" else np.inf
    # Never true of NaN.
    if not (worst <= allowed and (composition or 0.0) <= TOLERANCE):
        numbers = ", ".join(f"{label}: {value:.2g}" for label, value in differences.items())
        raise ExportError(
            "The exported model does not predict what the model predicts. Largest differences of "
            f"probabilities, of which {TOLERANCE:g} is allowed: {numbers}; by other batch "
            f"compositions: {composition}. It was removed."
        )
    if options.precision == "float32":
        _check_maps_and_attention(model, options, cases, predictions)
    return Verification(
        differences, composition, same_bits, float(np.mean(np.concatenate(classes)))
    )


def _check_maps_and_attention(
    model: keras.Model, options: ExportOptions, cases: list[Case], predictions: list[Arrays]
) -> None:
    checks: dict[str, Callable[..., None]] = {"maps": _check_maps, "attention": _check_attention}
    for case, prediction in zip(cases, predictions, strict=True):
        if case.label == f"batch of {BATCH_SIZES[1]}":
            for name in set(checks) & set(options.outputs):
                checks[name](model, case, prediction[name])


def _check_maps(model: keras.Model, case: Case, maps: np.ndarray) -> None:
    """Compares maps with the gradients of the backend, of the classes that are predicted."""
    classes = case.expected.argmax(-1)
    places, gradients = own_gradients(ModelParts(model), case.values, classes, "combined", None)
    expected = (gradients.mean((1, 2), keepdims=True) * places).sum(-1)
    found = maps[np.arange(len(classes)), classes]
    difference = np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-30)
    # Never true of NaN.
    if not difference <= TOLERANCE:
        raise ExportError(
            "The maps of the exported model are not those of the gradients: they differ by "
            f"{difference:.2g} of the largest value, and {TOLERANCE:g} is allowed. It was removed. "
            "Leave 'maps' out of the outputs."
        )


def _check_attention(model: Any, case: Case, attention: np.ndarray) -> None:
    """Compares the weights of the image itself and of the references with the model's."""
    images = keras.ops.convert_to_tensor(case.values)
    relations = model.encode_relations(images, training=False)
    expected = model.attention(model.embed(images, training=False), relations).weights
    difference = np.abs(attention - keras.ops.convert_to_numpy(expected)).max()
    # Never true of NaN.
    if not difference <= TOLERANCE:
        raise ExportError(
            "The attention of the exported model is not that of the model: it differs by "
            f"{difference:.2g}, and {TOLERANCE:g} is allowed. It was removed. Leave 'attention' "
            "out of the outputs."
        )


def outputs_without_keras(
    path: Path, format: str, requests: list[tuple[str, np.ndarray]]
) -> tuple[list[Arrays], dict[str, Any]]:
    """Predictions of an export in a process of its own, and the metadata that it holds.

    Args:
        path: The export.
        format: Its format.
        requests: Names of inputs, each with values.

    Raises:
        ExportError: If the process fails, with the end of what it says.
    """
    with scratch_folder() as folder:
        inputs = {f"{number}:{key}": rows for number, (key, rows) in enumerate(requests)}
        np.savez(folder / "inputs.npz", **inputs)  # type: ignore[arg-type]
        job = {
            "run": str(format_named(format).run_file),
            "path": str(path.resolve()),
            "inputs": str(folder / "inputs.npz"),
            "predictions": str(folder / "predictions.npz"),
        }
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        script = [run_without_keras.__file__, str(folder / "job.json")]
        run_python(script, "reload the exported model")
        with np.load(folder / "predictions.npz", allow_pickle=False) as file:
            content = dict(file)
    metadata = json.loads(str(content.pop("metadata")))
    predictions: list[Arrays] = [{} for _ in requests]
    for key, values in content.items():
        number, output = key.split(":")
        predictions[int(number)][output] = values
    return predictions, metadata


def run_python(arguments: list[str], task: str, **environment: str) -> None:
    """Runs Python in a process of its own.

    Raises:
        ExportError: If it fails, with the end of what it says.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode:
        end = " ".join(done.stderr.strip().splitlines()[-3:])
        raise ExportError(f"The process to {task} failed (exit code {done.returncode}): {end}")


def _cases(model: keras.Model, options: ExportOptions) -> list[Case]:
    cases: list[Case] = []
    images = some_images(max(BATCH_SIZES), options.image_shape)
    if "images" in options.inputs:
        ask = ServedImages(model, options)
        cases += [
            Case("images", rows, _ask(ask, rows), f"batch of {size}")
            for size in BATCH_SIZES
            for rows in [images[:size]]
        ]
        if options.relations != "batch":
            cases += _cases_of_composition(images, cases[-1].expected)
    if "image_bytes" in options.inputs:
        ask = ServedImages(model, options)
        rows = images[: BATCH_SIZES[1]]
        files = np.array([_png(image) for image in rows])
        cases.append(Case("image_bytes", files, _ask(ask, rows), f"{len(rows)} PNG files"))
    for name in options.inputs:
        if name not in INPUTS_OF_SETS:
            continue
        ask = SERVED[name](model, options)
        count, size = SET_SHAPE
        for shape in ((1, 1), (count, size), (1, count * size)):
            sets = images[: shape[0] * shape[1]].reshape(*shape, *options.image_shape)
            label = f"{shape[0]} {name} of {shape[1]}"
            cases.append(Case(name, sets, _ask(ask, sets), label))
    return cases


def _cases_of_composition(images: np.ndarray, expected: np.ndarray) -> list[Case]:
    """The first row beside the others reversed; padding with copies; other neighbours."""
    order = [0, *range(len(images) - 1, 0, -1)]
    first = images[:3]
    padded = np.concatenate([first, np.repeat(first[:1], 5, axis=0)])
    white = np.concatenate([first, np.full((13, *images.shape[1:]), 255, "float32")])
    return [
        Case("images", images[order], expected[order], "other order", True),
        Case("images", padded, np.concatenate([expected[:3], expected[[0] * 5]]), "padded", True),
        Case("images", white, expected[:3], "other neighbours", True),
    ]


def _by_composition(cases: list[Case], found: list[np.ndarray]) -> tuple[float | None, bool | None]:
    of_composition = [number for number, case in enumerate(cases) if case.of_composition]
    if not of_composition:
        return None, None
    whole = found[of_composition[0] - 1]
    rest = [np.abs(found[number][:3] - whole[:3]).max() for number in of_composition[1:]]
    order = [0, *range(len(whole) - 1, 0, -1)]
    reordered = found[of_composition[0]]
    changes = [np.abs(reordered - whole[order]).max(), *rest]
    return float(max(changes)), bool(np.array_equal(reordered[0], whole[0]))


def some_images(count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Images unlike each other: patches of grey and colour, of several sizes and contrasts.

    Args:
        count: How many.
        shape: Height, width and channels in the order of the model.

    Returns:
        float32 array of integers of 0..255.
    """
    rng = np.random.default_rng(0)
    images = []
    for number in range(count):
        scale = 2 ** (number % 5)
        coarse = rng.uniform(0, 255, [-(-size // scale) for size in shape])
        for axis in range(3):
            coarse = np.repeat(coarse, scale, axis=axis)
        image = coarse[tuple(slice(size) for size in shape)]
        contrast = rng.uniform(0.2, 1.0)
        images.append(np.round(128 + contrast * (image - 128)))
    return np.stack(images).astype("float32")


def _ask(model: ServedImages, rows: np.ndarray) -> np.ndarray:
    probabilities = model.probabilities(keras.ops.convert_to_tensor(rows))
    return np.asarray(keras.ops.convert_to_numpy(probabilities), "float32")


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image.astype("uint8")).save(file, "PNG")
    return file.getvalue()


def _probabilities(prediction: Arrays, options: ExportOptions) -> np.ndarray:
    name = "probabilities" if "probabilities" in options.outputs else "top_k_probabilities"
    return prediction[name]


def _best(prediction: Arrays, options: ExportOptions) -> np.ndarray:
    if "top_k" in options.outputs:
        return prediction["top_k_classes"][..., 0]
    return np.argmax(prediction["probabilities"], axis=-1)


def _difference(rows: np.ndarray, expected: np.ndarray, options: ExportOptions) -> float:
    if "probabilities" not in options.outputs:
        return 0.0
    return float(np.abs(rows - expected).max())


def _difference_of_top(prediction: Arrays, expected: np.ndarray) -> float:
    """Of the likeliest classes: they may change places where they are as likely."""
    found, classes = prediction["top_k_probabilities"], prediction["top_k_classes"]
    best = -np.sort(-expected, axis=-1)[..., : found.shape[-1]]
    named = np.take_along_axis(expected, classes.astype("int64"), axis=-1)
    return float(max(np.abs(found - best).max(), np.abs(found - named).max()))
