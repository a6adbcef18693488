"""Corrections of labels: what a person writes, and what becomes of labels and splits."""

import numpy as np
import pytest
import released

from keras_rbi.datasets import DatasetWarning, ImageFiles, load
from keras_rbi.datasets.files.corrections import (
    Correction,
    corrected_records,
    read_corrections,
)
from keras_rbi.datasets.files.image_folder import read_folder
from keras_rbi.datasets.files.lists import from_lists
from keras_rbi.datasets.files.records import SPLITS, one_row_each
from keras_rbi.datasets.splits import RULES, split_indices

HEADER = "rank,path,split,given,suggested,corrected\n"


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    """Sixteen wrens, sixteen robins and four owls."""
    folder = tmp_path_factory.mktemp("birds")
    for name, count in {"wren": 16, "robin": 16, "owl": 4}.items():
        for number in range(count):
            released.draw(folder / name / f"{number}.png", number)
    return folder


def table(folder, *rows):
    path = folder / "suspects.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def says(file, corrected, given=None):
    return Correction(file, corrected, given, 2)


def split_of_files(records, seed, rule):
    return {
        records.files[number]: split
        for split in SPLITS
        for number in split_indices(records, split, seed, rule)
    }


def test_a_table_is_read_as_it_was_filled_in(tmp_path):
    path = table(
        tmp_path, "1,wren/3.png,train,wren,robin,robin", "2,a b.png,test,owl,wren, remove ",
        "3,wren/4.png,train,wren,owl,", "4,wren/3.png,train,wren,robin,robin"
    )  # fmt: skip
    assert read_corrections(path) == [
        Correction("wren/3.png", "robin", "wren", 2),
        Correction("a b.png", "remove", "owl", 3),
    ]
    # As a spreadsheet saves it: another order, semicolons, a mark, other columns gone.
    path.write_bytes("Corrected;path\nZaunkönig;1.png\n;2.png\n".encode("utf-8-sig"))
    assert read_corrections(path) == [Correction("1.png", "Zaunkönig", None, 2)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["1,a.png,,wren,,robin", "2,a.png,,wren,,owl", "3,b.png,,owl,,owl"],
            r"1 images have several corrections.*a\.png: robin and owl",
        ),
        (["1,,,wren,,robin"], r"Line 2 .*'robin' of no path"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(rows, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_corrections(table(tmp_path, *rows))


def test_what_is_no_table_of_corrections_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no table of corrections .*none\.csv"):
        read_corrections(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_text("path,label\na.png,wren\n")
    with pytest.raises(ValueError, match=r"columns 'path' and 'corrected'.*has: path, label"):
        read_corrections(tmp_path / "a.csv")
    (tmp_path / "a.txt").write_text("path,corrected\n")
    with pytest.raises(ValueError, match=r"\.csv or \.tsv.*a\.txt"):
        read_corrections(tmp_path / "a.txt")


def test_labels_are_replaced_and_images_left_out(birds):
    before = read_folder(birds)
    said = [
        says("wren/3.png", "robin", "wren"),
        says("owl/0.png", "remove", "owl"),
        says("robin/1.png", "robin", "robin"),
        # By its whole path, as a person may write it.
        says(str(birds / "wren" / "5.png"), "owl"),
    ]
    after = corrected_records(before, said)
    labels = {file: after.class_names[n] for file, n in zip(after.files, after.labels, strict=True)}
    assert len(labels) == 35
    changed = {file for file, name in labels.items() if not file.startswith(name)}
    assert changed == {"wren/3.png", "wren/5.png"}
    assert (labels["wren/3.png"], labels["wren/5.png"]) == ("robin", "owl")
    assert "owl/0.png" not in labels
    assert "2 labels are replaced, 1 images left out, 1 labels confirmed" in after.notes[-1]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(4))
def test_no_image_moves_to_another_split(birds, rule, seed):
    """Though shares of classes are drawn by their labels, and small classes are never split."""
    before = read_folder(birds)
    splits = split_of_files(before, seed, rule)
    owls = [file for file, split in splits.items() if file.startswith("owl")]
    kept = next(file for file in owls if splits[file] == "train")
    said = [says(file, "wren") for file in owls if file != kept][:2]
    said += [says("wren/3.png", "robin"), says("robin/7.png", "remove")]
    after = corrected_records(before, said, seed, rule)
    assert split_of_files(after, seed, rule) == {
        file: split for file, split in splits.items() if file != "robin/7.png"
    }
    for split in SPLITS:
        files = ImageFiles(after, split, 8, seed, split_rule=rule).files
        assert {splits[file] for file in files} == {split}


def test_official_splits_stay(tmp_path):
    files = [f"{number}.png" for number in range(20)]
    splits = ["train"] * 16 + ["test"] * 4
    labels = ["wren", "owl"] * 10
    before = from_lists(files, labels, splits, root=tmp_path)
    after = corrected_records(before, [says("18.png", "owl"), says("0.png", "owl")], seed=1)
    assert split_of_files(after, 1, None) == split_of_files(before, 1, None)


def test_two_classes_become_one(birds):
    before = read_folder(birds)
    said = [says(f"owl/{number}.png", "wren") for number in range(4)]
    after = corrected_records(before, said)
    assert after.class_names == ["robin", "wren"]
    np.testing.assert_array_equal(np.bincount(after.labels), [16, 20])
    assert "'owl': no class any more" in after.notes[-1]


def test_boxes_and_groups_go_with_their_images(tmp_path):
    files = [f"{number}.png" for number in range(6)]
    before = from_lists(
        files, ["wren", "owl"] * 3, ["train"] * 4 + ["validation", "test"], ["song", "prey"] * 3
    )
    before.boxes = one_row_each(np.arange(24).reshape(6, 4))
    after = corrected_records(before, [says("1.png", "remove"), says("2.png", "owl")])
    assert after.files[1:3] == ["2.png", "3.png"]
    np.testing.assert_array_equal(after.boxes(1), [[8, 9, 10, 11]])
    groups = [after.coarse_names[number] for number in after.coarse_labels]
    assert groups == ["song", "prey", "prey", "song", "prey"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            [says("wren/99.png", "owl"), says("lark/1.png", "owl")],
            r"2 paths .*'wren/99\.png' \(line 2\), 'lark/1\.png' .*such as 'owl/0\.png'",
        ),
        (
            [says("wren/1.png", "Robbin"), says("wren/2.png", "xyz")],
            r"2 names .*'Robbin' \(line 2, near 'robin'\), 'xyz' \(line 2\)",
        ),
        ([says("wren/1.png", "removed")], r"'removed' \(line 2, near 'remove'\)"),
        (
            [says("wren/1.png", "owl", "robin")],
            r"1 labels .*not those of the data any more.*wren/1\.png .*'robin', now 'wren'",
        ),
        ([says("wren/1.png", "owl"), says("./wren/1.png", "owl")], r"1 paths"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_in_one_line(birds, said, message):
    with pytest.raises(ValueError, match=message) as error:
        corrected_records(read_folder(birds), said)
    assert "\n" not in str(error.value)


def test_one_image_by_two_names_is_refused(birds):
    said = [says("wren/1.png", "owl"), says(str(birds / "wren/1.png"), "robin")]
    with pytest.raises(ValueError, match=r"1 images have several lines.*wren/1\.png"):
        corrected_records(read_folder(birds), said)


def test_a_label_that_is_right_already_is_no_conflict(birds):
    after = corrected_records(read_folder(birds), [says("wren/1.png", "wren", "robin")])
    assert "0 labels are replaced, 0 images left out, 1 labels confirmed" in after.notes[-1]


def test_a_class_without_training_images_is_refused(birds):
    before = read_folder(birds)
    splits = split_of_files(before, 0, "permutation")
    said = [
        says(file, "remove")
        for file, split in splits.items()
        if file.startswith("owl") and split == "train"
    ]
    with pytest.raises(ValueError, match=r"no training image is left of 'owl'"):
        corrected_records(before, said, 0, "permutation")


def test_a_class_called_remove_is_told_from_it(tmp_path):
    before = from_lists(["a", "b", "c"], ["remove", "owl", "owl"], ["train"] * 3, root=tmp_path)
    with pytest.raises(ValueError, match=r"'remove' .* may mean the class"):
        corrected_records(before, [says("b", "remove")])


def test_load_takes_them(birds, tmp_path):
    path = table(tmp_path, "1,wren/3.png,train,wren,robin,robin")
    with pytest.warns(DatasetWarning, match=r"suspects\.csv: 1 labels are replaced"):
        data = [load(birds, split=s, image_size=8, corrections=path) for s in SPLITS]
    of_file = {
        file: one.class_names[label]
        for one in data
        for file, label in zip(one.files, one.labels, strict=True)
    }
    assert len(of_file) == 36
    assert of_file["wren/3.png"] == "robin"
    with pytest.raises(ValueError, match=r"typefaces are rendered.*corrections"):
        load("typefaces", corrections=path)
