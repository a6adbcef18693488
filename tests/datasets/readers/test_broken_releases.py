"""Files of released sets that are broken are told in a sentence."""

import pytest
import released

from keras_rbi.datasets import load
from keras_rbi.datasets.load import read_unchecked


def told(name, data_dir):
    """What is said of a tree: the error, or the findings."""
    try:
        return read_unchecked(name, data_dir, {}).findings
    except ValueError as error:
        return [str(error)]


@pytest.mark.parametrize("name", released.RELEASED)
def test_a_broken_file_of_a_release_is_told_in_a_sentence(name, tmp_path):
    root, _ = released.RELEASED[name](tmp_path)
    unread = ("list.txt", "file_list.mat", "words.txt", "cars_test_annos.mat", "attributes.txt")
    broken = [
        path
        for pattern in ("*.txt", "*.mat")
        for path in sorted(root.rglob(pattern))
        if path.name not in unread
        and path.parent.name != "attributes"
        and "manufacturer" not in path.name
    ]
    assert told(name, tmp_path) == []
    for path in broken:
        content = path.read_bytes()
        path.write_bytes(b"1\n")
        (sentence, *_) = told(name, tmp_path)
        assert "\n" not in sentence
        path.write_bytes(content)


@pytest.mark.filterwarnings("ignore:.* is not as it should be")
@pytest.mark.parametrize("name", ["stanford_dogs", "oxford_pets"])
def test_a_broken_annotation_is_told_with_its_path(name, tmp_path):
    root, _ = released.RELEASED[name](tmp_path)
    data = load(name, tmp_path, "trainval", 8)
    (path, *_) = sorted((root / "Annotation").rglob("n*_*")) or sorted(root.rglob("*.xml"))
    for text in ("<annotation>", "<a><bndbox><xmin>1</xmin></bndbox></a>"):
        path.write_text(text)
        with pytest.raises(ValueError, match=rf"{path.name}.*cannot be read as an annotation"):
            data.boxes(0)
