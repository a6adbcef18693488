"""A SavedModel as TensorFlow Serving wants it: versions, warm-up, configuration."""

import dataclasses
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_rbi.atomic_write import atomic_write, write_atomically
from keras_rbi.checks import positive_integer
from keras_rbi.export.export_model import Export, export_model
from keras_rbi.export.formats.tf_saved_model.write import ENDPOINTS, EXTRA_ASSETS
from keras_rbi.export.options import INPUTS_OF_SETS

MODELS_CONFIG = "models.config"
WARM_UP_FILE = "tf_serving_warmup_requests"
ALLOWED_BATCH_SIZES = (1, 8, 32)
# Where the folder is mounted in the server's container.
MODELS_FOLDER = "/models"

BATCHING = """max_batch_size {{ value: {largest} }}
batch_timeout_micros {{ value: 2000 }}
num_batch_threads {{ value: 2 }}
max_enqueued_batches {{ value: 100 }}
"""


def export_for_tf_serving(
    model: keras.Model,
    folder: str | Path,
    name: str,
    version: int | None = None,
    allowed_batch_sizes: Sequence[int] = ALLOWED_BATCH_SIZES,
    **kwargs: Any,
) -> Export:
    """Lays a folder out for `tensorflow_model_server`.

    | file | what |
    |---|---|
    | `NAME/VERSION/` | a SavedModel, by default with signatures `serving_default` (images) and `classify` (bytes of image files) |
    | `NAME/VERSION/assets.extra/tf_serving_warmup_requests` | what the server asks before it is ready |
    | `NAME/VERSION/README.md` | the model card, where `model_card=` gives one |
    | `models.config` | for `--model_config_file` |
    | `batching.config` | for `--batching_parameters_file`, with `--enable_batching` |

    The server merges requests and fills batches up to an allowed size with copies of a row. With
    relations `"self"` and `"references"` that changes no prediction; others are refused.

    Args:
        model: A classifier.
        folder: Where to.
        name: What clients call the model.
        version: Integer, or `None` for the one after the last. Defaults to `None`.
        allowed_batch_sizes: Sizes of the batches that the server makes, increasing. Defaults to
            `(1, 8, 32)`.
        **kwargs: Further arguments of `export_model`.

    Returns:
        An `Export`.

    Raises:
        ValueError: As `export_model` does; if the name is none of a folder; if relations are
            `"batch"`; if the version exists; if `models.config` there is none of a server.
        ExportError: As `export_model` does.

    Example:

    ```python
    keras_rbi.export.export_for_tf_serving(model, "served", "dogs", class_names=names)
    ```
    """  # noqa: E501
    if importlib.util.find_spec("tensorflow_serving") is None:
        raise ValueError(
            "Warm-up requests need tensorflow-serving-api, which is not installed. Install it with "
            '`pip install "keras-rbi[tf-serving]"`.'
        )
    sizes = [positive_integer("allowed_batch_sizes", size) for size in allowed_batch_sizes]
    if not sizes or sizes != sorted(set(sizes)):
        raise ValueError(
            "`allowed_batch_sizes` must increase. Received: "
            f"allowed_batch_sizes={allowed_batch_sizes!r}."
        )
    if name in ("", ".", "..") or set(name) & set("/\\\0\n"):
        raise ValueError(
            "The name is that of a folder for the model in `folder`, without separators. Received: "
            f"name={name!r}."
        )
    if kwargs.get("relations") == "batch":
        raise ValueError(
            "A server that merges requests cannot have relations='batch': one client's images "
            "would change another's predictions. Pass inputs='sets', 'self' or 'references'."
        )
    folder = Path(folder)
    place = folder / name / str(version or _next_version(folder / name))
    if place.exists():
        raise ValueError(f"The version {str(place)!r} exists. Versions are not replaced.")
    configuration = _configuration(folder, name)
    arguments = {"inputs": ("images", "image_bytes"), "verbose": False, **kwargs}
    with atomic_write(place, durable=True) as unfinished:
        made = export_model(model, unfinished, "tf_saved_model", **arguments)
        _write_warm_up(unfinished / EXTRA_ASSETS / WARM_UP_FILE, name, made, sizes)
    write_atomically(folder / MODELS_CONFIG, lambda path: path.write_text(configuration, "utf-8"))
    _write_batching(folder, sizes)
    return dataclasses.replace(made, path=place)


def _next_version(folder: Path) -> int:
    found = [int(part.name) for part in folder.glob("*") if part.name.isdigit()]
    return max(found, default=0) + 1


def _write_warm_up(file: Path, name: str, made: Export, sizes: Sequence[int]) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    with tf.io.TFRecordWriter(str(file)) as writer:
        for entry in made.options.inputs:
            # Images of floats are large, and the first alone loads what there is to load.
            for size in sizes if entry == "image_bytes" else sizes[:1]:
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.name = name
                request.model_spec.signature_name = ENDPOINTS[entry]
                values = _warm_up_values(entry, size, made.options.image_shape)
                request.inputs[entry].CopyFrom(tf.make_tensor_proto(values))
                writer.write(log.SerializeToString())


def _warm_up_values(entry: str, size: int, image_shape: tuple[int, int, int]) -> Any:
    if entry == "image_bytes":
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "PNG")
        return [file.getvalue()] * size
    leading = (1, size) if entry in INPUTS_OF_SETS else (size,)
    return np.zeros((*leading, *image_shape), "float32")


def _configuration(folder: Path, name: str) -> str:
    """The text of `models.config`, with the model among those that are there."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    servers = model_server_config_pb2.ModelServerConfig()
    file = folder / MODELS_CONFIG
    if file.is_file():
        try:
            text_format.Parse(file.read_text("utf-8"), servers)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{str(file)!r} is no configuration of TensorFlow Serving ({error}). Mend it, or "
                "take it away: it is made anew."
            ) from error
    if name not in [entry.name for entry in servers.model_config_list.config]:
        servers.model_config_list.config.add(
            name=name, base_path=f"{MODELS_FOLDER}/{name}", model_platform="tensorflow"
        )
    return text_format.MessageToString(servers)


def _write_batching(folder: Path, sizes: Sequence[int]) -> None:
    lines = [f"allowed_batch_sizes: {size}\n" for size in sizes]
    batching = BATCHING.format(largest=sizes[-1]) + "".join(lines)
    write_atomically(folder / "batching.config", lambda path: path.write_text(batching, "utf-8"))
