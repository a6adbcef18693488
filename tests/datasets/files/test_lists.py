"""Folders, lists and tables of one's own."""

import numpy as np
import pytest
import released

from keras_rbi.datasets import ImageFiles, from_lists, load


def test_ones_own_folder_and_lists(tmp_path):
    files = [f"{name}/{n}.png" for name in ("a", "b") for n in range(10)]
    for number, file in enumerate(files):
        released.draw(tmp_path / file, number)
    folder = load(tmp_path, split="train", image_size=8)
    labels = [file[0] for file in reversed(files)]
    listed = ImageFiles(from_lists([tmp_path / f for f in reversed(files)], labels), "train", 8)
    assert listed.paths == folder.paths
    assert listed.labels.tolist() == folder.labels.tolist()
    np.testing.assert_array_equal(listed.image(3), folder.image(3))


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_a_table_of_ones_own(tmp_path, suffix, delimiter):
    rows = [("path", "label", "split", "coarse_label")]
    for number in range(12):
        file = released.draw(tmp_path / "photos" / f"{number}.png", number)
        rows.append((file.name, (10, 9)[number % 2], ("train", "val", "test")[number % 3], "x"))
    table = tmp_path / f"birds{suffix}"
    # As spreadsheets save it: with a mark of the byte order.
    text = "\n".join(delimiter.join(map(str, row)) for row in rows)
    table.write_text(text, "utf-8-sig")
    data = load(table, tmp_path / "photos", "validation", 8)
    assert data.class_names == ["9", "10"]
    assert [
        (path.name, label) for path, label in zip(data.paths, data.labels.tolist(), strict=True)
    ] == [
        ("1.png", 0),
        ("7.png", 0),
        ("10.png", 1),
        ("4.png", 1),
    ]
    assert data.coarse_names == ["x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("shape,colour\n1,red\n2,blue", "which column .* begins with: shape, colour .*1, red"),
        ("path,label\na.png,", "Line 2 .*nothing in its column 'label'"),
        ("path,label\na.png,1\nb.png", "Line 3"),
        ("path,label,split\na.png,1,devel\nb.png,2,train", "'devel'"),
        ("path,label\na.png,1\na.png,2\nb.png,2", "1 files have several labels.*a.png: 1, 2"),
        ("path,label\na.png," + 5000 * "1" + "\nb.png,2", "label in line 2 .* 5,000 characters"),
        ("path,label\na.png,1\nb.png,1", "at least two classes"),
    ],
)
def test_unfit_tables_are_named(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "t.csv", image_size=8)


def test_lists_of_different_lengths_are_named():
    with pytest.raises(ValueError, match="3 labels and 2 paths"):
        from_lists(["a", "b"], [1, 2, 3])
