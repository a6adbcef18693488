"""A model that is plain to see through, as an ONNX file: three classes, red, green and blue."""

import json

import numpy as np


def expected(image):
    """What the model answers to an image, in float64."""
    return np.asarray(image, "float64").mean(axis=(0, 1)) / 255


def write(
    path,
    side=8,
    relations="self",
    names=("red", "green", "blue"),
    company=0.0,
    explains=False,
    attends=False,
    output="probabilities",
    about=None,
):
    """Writes the model.

    Args:
        path: The file.
        side: Side of its images.
        relations: What its metadata says, or None for no metadata.
        names: Class names in the metadata.
        company: How much of the batch's mean is added to each answer.
        explains: Whether it also gives its features, the means, and the maps of its classes: what
            each pixel adds to the mean of a colour.
        attends: Whether it also tells how much it attends to three references, as much as the mean
            of a colour, which changes nothing.
        output: What it calls its probabilities.
        about: What else its metadata says.
    """
    import onnx
    from onnx import TensorProto, helper

    scalar = helper.make_tensor
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["alone"]),
        helper.make_node("ReduceMean", ["alone", "batch_axis"], ["others"], keepdims=1),
        helper.make_node("Mul", ["others", "company"], ["share"]),
        helper.make_node("Add", ["alone", "share"], [output]),
    ]
    ends = {output: ["batch", 3]}
    if explains:
        ends |= {"features": ["batch", 3], "maps": ["batch", 3, side, side]}
        nodes += [
            helper.make_node("Identity", ["alone"], ["features"]),
            helper.make_node("Transpose", ["images"], ["channels"], perm=[0, 3, 1, 2]),
            helper.make_node("Div", ["channels", "all_white"], ["maps"]),
        ]
    if attends:
        ends |= {"attention": ["batch", 4], "probabilities_without_attention": ["batch", 3]}
        nodes += [
            helper.make_node("ReduceMean", ["alone", "class_axis"], ["itself"], keepdims=1),
            helper.make_node("Concat", ["itself", "alone"], ["attention"], axis=1),
            helper.make_node("Identity", ["alone"], ["probabilities_without_attention"]),
        ]
    graph = helper.make_graph(
        nodes,
        "mean_color",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", side, side, 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in ends.items()
        ],
        [
            scalar("axes", TensorProto.INT64, [2], [1, 2]),
            scalar("batch_axis", TensorProto.INT64, [1], [0]),
            scalar("white", TensorProto.FLOAT, [], [255.0]),
            scalar("company", TensorProto.FLOAT, [], [company]),
            *([scalar("class_axis", TensorProto.INT64, [1], [1])] if attends else []),
            *([scalar("all_white", TensorProto.FLOAT, [], [255.0 * side**2])] if explains else []),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if relations is not None:
        about = {"relations": relations, "class_names": list(names), **(about or {})}
        helper.set_model_props(model, {"keras_rbi": json.dumps(about)})
    onnx.save(model, path)
    return path
