"""ONNX files, through tf2onnx or PyTorch's exporter."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.export.formats.onnx.quantize import with_half_weights, with_integers
from keras_rbi.export.metadata import METADATA_KEY, metadata_of
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.served_models import ServedImages, served


def write(
    model: keras.Model,
    path: Path,
    options: ExportOptions,
    representative_images: np.ndarray | None = None,
) -> None:
    """Writes an ONNX file.

    Its input is `images` (or `sets`), float32; its outputs have the names of
    `options.output_names`, and its metadata is under the key `keras_rbi`.

    Args:
        model: The model, on TensorFlow or PyTorch.
        path: The file.
        options: What it is to hold.
        representative_images: Images from which the ranges of integers are taken, for
            `precision="int8"`.
    """
    import onnx

    exported = served(model, options, as_tuple=True)
    spec = exported.input_spec_to_export
    shape = [2 if size is None else size for size in spec.shape]
    exported(keras.ops.zeros(shape, spec.dtype))
    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported.export(str(path), format="onnx", verbose=False, input_signature=[spec])
    graph_file = onnx.load(path)
    _name_ends(graph_file.graph, exported, options.output_names)
    if options.precision == "float16":
        with_half_weights(graph_file)
    if representative_images is not None:
        graph_file = with_integers(graph_file, exported.input_name, representative_images)
    onnx.helper.set_model_props(graph_file, {METADATA_KEY: json.dumps(metadata_of(options))})
    onnx.save(graph_file, path)


def _name_ends(graph: Any, exported: ServedImages, output_names: list[str]) -> None:
    """Gives the ends of a graph their names, and their open axes names that tell what they are."""
    names = dict(zip([end.name for end in graph.output], output_names, strict=True))
    names[graph.input[0].name] = exported.input_name
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            _rename_in(attribute.g, names)
    for ends, axes in (
        (graph.input, exported.input_axes),
        (graph.output, exported.output_axes),
    ):
        for end in ends:
            end.name = names.get(end.name, end.name)
            for axis, size in zip(axes, end.type.tensor_type.shape.dim, strict=False):
                size.dim_param = axis
    # What is known of values inside is not needed, and bears the names of before.
    del graph.value_info[:]


def _rename_in(body: Any, names: dict[str, str]) -> None:
    """Bodies of loops may use values of the graph around them."""
    for node in body.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        for attribute in node.attribute:
            _rename_in(attribute.g, names)
