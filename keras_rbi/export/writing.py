"""Writing an export, on this process's backend or on another one's."""

import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.atomic_write import scratch_folder
from keras_rbi.export.errors import ExportError
from keras_rbi.export.formats import format_named
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.verification import run_python

IMAGES_FILE = "images.npy"


def write_here(
    model: keras.Model, path: Path, options: ExportOptions, images: np.ndarray | None = None
) -> None:
    """Writes an export on the backend in force.

    Args:
        model: The model, with the relations of the options.
        path: Where to.
        options: What it is to hold.
        images: Representative images, for integers.

    Raises:
        ExportError: If the converter fails.
    """
    arguments: list[Any] = [] if images is None else [images]
    try:
        format_named(options.format).write(model, path, options, *arguments)
    except Exception as error:
        # Whatever a converter raises: they have no class in common.
        raise ExportError(
            f"The model could not be written as {options.format!r} on {keras.config.backend()}: "
            f"{type(error).__name__}: {error}"
        ) from error


def write_on(
    backend: str,
    model: keras.Model,
    path: Path,
    options: ExportOptions,
    images: np.ndarray | None = None,
) -> None:
    """Writes an export in a process of another backend, by way of a `.keras` file.

    Args:
        backend: Name of the backend.
        model: The model, with the relations of the options.
        path: Where to.
        options: What it is to hold.
        images: Representative images, for integers.

    Raises:
        ExportError: If that process fails.
    """
    with scratch_folder() as folder:
        model.save(folder / "model.keras")
        if images is not None:
            np.save(folder / IMAGES_FILE, images)
        job = {"path": str(path.resolve()), "options": options.as_dict()}
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        package = str(Path(__file__).parents[2])
        run_python(
            ["-m", "keras_rbi.export.worker", str(folder)],
            f"export on {backend}",
            KERAS_BACKEND=backend,
            PYTHONPATH=os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")])),
        )
