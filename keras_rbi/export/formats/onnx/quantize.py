"""ONNX models with smaller weights, in which rows still do not depend on each other."""

from typing import Any

import numpy as np

from keras_rbi.atomic_write import scratch_folder

# Of smaller tensors there is nothing to save.
SMALLEST = 256
LAYERS_WITH_WEIGHTS = {"Conv", "Gemm", "MatMul"}


def with_half_weights(model: Any) -> None:
    """Stores large weights in float16, in place; all is still computed in float32.

    Relations need that: squares of pixels are beyond the range of float16.

    Args:
        model: An `onnx.ModelProto`.
    """
    import onnx

    graph, casts = model.graph, []
    for weights in graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = weights.name
        half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        weights.CopyFrom(half)
        cast = onnx.helper.make_node(
            "Cast", [half.name], [name], name=f"{name}_cast", to=onnx.TensorProto.FLOAT
        )
        casts.append(cast)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def with_integers(model: Any, input_name: str, images: np.ndarray) -> Any:
    """Quantises layers with weights to 8-bit integers, with ranges that are fixed beforehand.

    Ranges that are found as predictions are computed would be those of the whole batch, and rows
    would depend on each other.

    Args:
        model: An `onnx.ModelProto`.
        input_name: Name of its input.
        images: Images like those to come.

    Returns:
        The quantised model.
    """
    import onnx
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter(images)

        def get_next(self) -> Any:
            row = next(self._rows, None)
            return None if row is None else {input_name: row[None]}

    nodes = [
        node.name
        for node in model.graph.node
        if node.op_type in LAYERS_WITH_WEIGHTS and "/rpe" not in node.name
    ]
    with scratch_folder() as folder:
        onnx.save(model, folder / "float.onnx")
        quantization.quantize_static(
            folder / "float.onnx",
            folder / "integers.onnx",
            Reader(),
            nodes_to_quantize=nodes,
            per_channel=True,
            # Processors without VNNI add products up in 16 bits, which 8-bit weights overflow.
            reduce_range=True,
            extra_options={"MatMulConstBOnly": True},
        )
        return onnx.load(folder / "integers.onnx")
