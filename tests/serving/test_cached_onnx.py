import pytest

from keras_rbi.serving.cached_onnx import cached_onnx


@pytest.fixture
def made(tmp_path):
    """Function like `cached_onnx`, and the paths that it made."""
    model = tmp_path / "model.keras"
    model.write_bytes(b"weights")
    paths = []

    def make(path):
        paths.append(path)
        path.write_text("onnx")

    return (
        model,
        paths,
        lambda relations="self", version="1": cached_onnx(model, relations, version, make),
    )


def test_a_file_is_made_once(made):
    model, paths, cached = made
    first = cached()
    assert first == cached()
    assert paths == [first]
    assert first.parent == model.parent / "serving"
    assert first.read_text() == "onnx"


def test_another_model_or_version_replaces_it_and_other_relations_stand_beside_it(made):
    model, _, cached = made
    of_self = cached("self")
    own = cached(None)
    model.write_bytes(b"other weights")
    newer = cached("self")
    newest = cached("self", version="2")
    assert len({of_self, own, newer, newest}) == 4
    assert sorted(newest.parent.iterdir()) == sorted([own, newest])


def test_a_folder_that_cannot_be_written_to_is_told(made):
    model, _, cached = made
    (model.parent / "serving").write_text("in the way")
    with pytest.raises(ValueError, match="keras-rbi export --format onnx"):
        cached()
