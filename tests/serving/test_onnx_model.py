import json

import mean_color
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from keras_rbi.serving.onnx_model import OnnxModel


def test_it_answers_bytes_and_knows_what_it_is(tmp_path):
    model = OnnxModel(mean_color.write(tmp_path / "m.onnx", relations="references"))
    images = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), np.uint8)
    expected = [mean_color.expected(image) for image in images]
    np.testing.assert_allclose(model.predict(images), expected, atol=1e-6)
    assert (model.image_size, model.relations) == (8, "references")
    assert model.class_names == ["red", "green", "blue"]


def test_a_file_without_metadata_has_numbered_classes(tmp_path):
    model = OnnxModel(mean_color.write(tmp_path / "m.onnx", relations=None))
    assert model.class_names == ["class 0", "class 1", "class 2"]
    assert model.relations == "unknown"


def test_answers_that_depend_on_the_batch_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--relations self"):
        OnnxModel(mean_color.write(tmp_path / "told.onnx", relations="batch"))
    with pytest.raises(ValueError, match=r"differ by .*--relations self"):
        OnnxModel(mean_color.write(tmp_path / "found.onnx", relations=None, company=0.1))


def test_names_that_do_not_fit_the_model_are_refused(tmp_path):
    with pytest.raises(ValueError, match="2 class names and 3 classes"):
        OnnxModel(mean_color.write(tmp_path / "m.onnx", names=("red", "green")))


@pytest.mark.parametrize("names", [("top_k_classes", "top_k_probabilities"), ("features",)])
def test_an_export_without_probabilities_is_refused_and_no_numbers_of_classes_served(
    tmp_path, names
):
    # Of three classes and the three likeliest, the numbers of classes have the right shape.
    about = {"inputs": ["images"], "outputs": list(names)}
    path = mean_color.write(tmp_path / "m.onnx", output=names[0], about=about)
    with pytest.raises(ValueError, match=rf"gives {names[0]}.*--outputs probabilities"):
        OnnxModel(path)


def test_scores_that_are_no_probabilities_are_refused(tmp_path):
    path = mean_color.write(tmp_path / "scores.onnx", relations=None, output="scores")
    with pytest.raises(ValueError, match=r"'scores' .* does not give probabilities"):
        OnnxModel(path)
    path = mean_color.write(tmp_path / "nan.onnx", company=float("nan"))
    with pytest.raises(ValueError, match=r"does not give probabilities.*from nan to nan"):
        OnnxModel(path)


def test_an_export_of_observations_names_the_option_to_leave_out(tmp_path):
    path = mean_color.write(tmp_path / "m.onnx", about={"inputs": ["observations"]})
    with pytest.raises(ValueError, match=r"--inputs observations.*--inputs images"):
        OnnxModel(path)


def test_what_is_no_model_of_square_images_is_refused(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    (tmp_path / "words.onnx").write_text("words")
    with pytest.raises(ValueError, match=r"words\.onnx.* is no ONNX file"):
        OnnxModel(tmp_path / "words.onnx")
    with pytest.raises(ValueError, match="There is no file"):
        OnnxModel(tmp_path / "none.onnx")
    for number, shape in enumerate([[1, 8, 8, 3], ["batch", 3, 8, 8], ["batch", 8]]):
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")
        ]
        graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
        path = tmp_path / f"{number}.onnx"
        opset = [helper.make_opsetid("", 18)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
        with pytest.raises(ValueError, match="keras-rbi export --format onnx"):
            OnnxModel(path)


def test_the_metadata_is_that_of_export():
    from keras_rbi.export.metadata import METADATA_KEY, metadata_of
    from keras_rbi.export.options import ExportOptions
    from keras_rbi.serving import onnx_model

    options = ExportOptions(
        "onnx", "self", ("images",), ("probabilities",), 5, "float32", ("a", "b"), (8, 8, 3)
    )
    about = json.loads(json.dumps(metadata_of(options)))
    assert onnx_model.METADATA_KEY == METADATA_KEY
    assert about["relations"] == "self"
    assert about["class_names"] == ["a", "b"]
    assert "probabilities" in about["outputs"]
