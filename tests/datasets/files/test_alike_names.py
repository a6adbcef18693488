"""Classes whose names a reader takes for one are told, in folders, tables and additions."""

import pytest
import released

from keras_rbi.datasets import DatasetWarning, load
from keras_rbi.datasets.added_classes import AddedClasses
from keras_rbi.datasets.files.alike_names import alike_names, told_of_alike_names


def folders(root, names, images=6):
    for place, name in enumerate(names):
        for number in range(images):
            released.draw(root / name / f"{number}.jpg", 10 * place + number)
    return root


@pytest.mark.parametrize(
    "other",
    ["WREN", "wren ", " wren", "w\u200bren", "\ufeffwren", "wr\u00aden", "ｗｒｅｎ", "wren\u00a0"],
)
def test_what_a_reader_does_not_see(other):
    assert alike_names(["robin", "wren", other]) == [("wren", other)]


def test_letters_that_are_composed_otherwise_are_escaped():
    told = told_of_alike_names(["grün", "gru\u0308n", "straße", "STRASSE", "gruen"])
    assert "'gr\\xfcn' and 'gru\\u0308n'" in told
    assert "'stra\\xdfe' and 'STRASSE'" in told
    assert "gruen" not in told


@pytest.mark.parametrize("names", [["wren", "wrens"], ["a", "b"], ["1", "01"], ["a.b", "ab"]])
def test_other_names_are_not_alike(names):
    assert told_of_alike_names(names) == ""


def test_folders_and_tables_are_warned_of(tmp_path):
    birds = folders(tmp_path / "birds", ["wren", "robin", "w\u200bren"])
    with pytest.warns(DatasetWarning, match="'wren' and 'w.u200bren'"):
        load(birds, split="train", image_size=8)
    table = tmp_path / "t.csv"
    lines = [f"birds/wren/{n}.jpg,{'Wren' if n % 2 else 'wren'}" for n in range(6)]
    table.write_text("\n".join(["path,label", *lines]))
    with pytest.warns(DatasetWarning, match="'Wren' and 'wren'"):
        load(table, split="train", image_size=8)


def test_an_added_class_may_look_like_one_that_is_there(tmp_path):
    old = load(folders(tmp_path / "old", ["wren", "robin"]), split="train", image_size=8)
    new = load(folders(tmp_path / "new", ["Wren", "owl"]), split="train", image_size=8)
    with pytest.warns(DatasetWarning, match="'Wren'"):
        AddedClasses(old, new)


def test_a_lone_validation_split_of_a_table_is_tested_on(tmp_path):
    folders(tmp_path / "birds", ["wren", "robin"])
    rows = [
        f"birds/{name}/{n}.jpg,{name},{'val' if n < 2 else 'train'}"
        for name in ("wren", "robin")
        for n in range(6)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,label,split", *rows]))
    test = load(tmp_path / "t.csv", split="test", image_size=8)
    assert sorted(path.name for path in test.paths) == ["0.jpg", "0.jpg", "1.jpg", "1.jpg"]
    # As it is of folders: of the training images a part is for the validation.
    parts = [load(tmp_path / "t.csv", split=part, image_size=8) for part in ("train", "validation")]
    assert sum(map(len, parts)) == 8
