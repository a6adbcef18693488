"""Tables as people have them: columns, separators, encodings, names of files, repetitions."""

import importlib.util
import json

import pytest
import released

from keras_rbi.datasets import DatasetWarning, load
from keras_rbi.datasets.files.tables import Columns, read_table

FILES = ["0.jpg", "1.jpg", "2.jpg", "10.jpg"]
LABELS = ["wren", "robin", "wren", "robin"]


@pytest.fixture
def photos(tmp_path):
    for number, file in enumerate(FILES):
        released.draw(tmp_path / "photos" / file, number)
    return tmp_path


def written(folder, lines, name="birds.csv", encoding="utf-8"):
    (folder / name).write_bytes("\n".join(lines).encode(encoding))
    return folder / name


def rows(*columns, delimiter=",", header=None):
    lines = [delimiter.join(map(str, row)) for row in zip(*columns, strict=True)]
    return lines if header is None else [header, *lines]


def described(records):
    return {
        file: records.class_names[label]
        for file, label in zip(records.files, records.labels, strict=True)
    }


EXPECTED = {f"photos/{file}": label for file, label in zip(FILES, LABELS, strict=True)}
PATHS = [f"photos/{file}" for file in FILES]
STEMS = [file.removesuffix(".jpg") for file in FILES]


@pytest.mark.parametrize(
    ("lines", "name", "encoding"),
    [
        (rows(STEMS, LABELS, header="id,breed"), "a.csv", "utf-8"),
        (rows(PATHS, LABELS, header="filename,label"), "a.csv", "utf-8"),
        (rows(FILES, LABELS, header="image,class"), "a.csv", "utf-8"),
        (rows(range(4), PATHS, LABELS, header=",path,label"), "a.csv", "utf-8"),
        (rows(PATHS, "abcd", LABELS, header="path,by,species"), "a.csv", "utf-8-sig"),
        (rows(PATHS, LABELS, delimiter=";", header="Path;Label"), "a.csv", "utf-8"),
        (rows(PATHS, LABELS, delimiter="\t", header="path\tlabel"), "a.csv", "utf-16"),
        (rows(PATHS, LABELS), "a.csv", "utf-8"),
        (rows(LABELS, PATHS), "a.csv", "utf-8"),
        (
            rows([path.replace("/", "\\") for path in PATHS], LABELS, header="path,label"),
            "a.csv",
            "utf-8",
        ),
        (rows(PATHS, LABELS, delimiter=" "), "a.txt", "utf-8"),
        ([f'"{path}","{label}"' for path, label in EXPECTED.items()], "a.csv", "utf-8"),
        (
            [
                json.dumps({"image": path, "label": label, "box": [1]})
                for path, label in EXPECTED.items()
            ],
            "a.jsonl",
            "utf-8",
        ),
    ],
)
def test_tables_are_read_as_they_come(photos, lines, name, encoding):
    assert described(read_table(written(photos, lines, name, encoding))) == EXPECTED


def test_latin_1(photos):
    table = written(
        photos, ["path,label", *rows(PATHS, ["Käuzchen", "b", "b", "b"])], encoding="latin-1"
    )
    with pytest.warns(DatasetWarning, match="read as Windows-1252"):
        assert "Käuzchen" in read_table(table).class_names


def test_what_excel_saves_is_read_and_other_encodings_are_told(photos):
    lines = rows(PATHS, ["“wren” €", "b", "b", "b"], header="path,label")
    names = ["b", "“wren” €"]
    with pytest.warns(DatasetWarning, match="read as Windows-1252"):
        assert read_table(written(photos, lines, encoding="cp1252")).class_names == names
    # Without a mark.
    for encoding in ("utf-16-le", "utf-16-be"):
        assert read_table(written(photos, lines, encoding=encoding)).class_names == names
    lines[1] = lines[1].replace("“wren” €", "フクロー")
    with pytest.raises(ValueError, match=r"line 2 is neither UTF-8 nor Windows-1252. Save it as"):
        read_table(written(photos, lines, encoding="shift-jis"))


def test_the_separator_that_excel_names_is_taken(photos):
    lines = ["sep=|", *rows(PATHS, LABELS, delimiter="|", header="path|label")]
    assert described(read_table(written(photos, lines))) == EXPECTED
    # Lines are counted with it.
    with pytest.raises(ValueError, match="Line 6"):
        read_table(written(photos, [*lines[:-1], "photos/10.jpg|"]))


def test_the_line_that_is_no_json_is_named(photos):
    lines = [json.dumps({"path": PATHS[0], "label": "wren"}), "{bad"]
    with pytest.raises(ValueError, match="line 2 is not JSON"):
        read_table(written(photos, lines, "birds.jsonl"))


def test_a_hint_names_two_columns(photos):
    lines = rows(PATHS, LABELS, [1, 2, 3, 4], header="what,is it,here")
    with pytest.raises(ValueError, match="--path-column 'what' --label-column 'is it'"):
        read_table(written(photos, lines))
    with pytest.raises(ValueError, match="--path-column '# my birds' --label-column 'NAME'"):
        read_table(written(photos, ["# my birds", "1", "2"]))


@pytest.mark.parametrize("again", ["./{}", "photos/../{}", "photos//../{}", "{root}/{}"])
def test_a_file_is_one_file_however_it_is_called(photos, again):
    lines = rows(PATHS, LABELS, header="path,label")
    other = again.format(PATHS[0], root=photos)
    with pytest.raises(ValueError, match=r"1 files have several labels.*wren, owl"):
        read_table(written(photos, [*lines, f"{other},owl"]))
    assert described(read_table(written(photos, [*lines, f"{other},wren"]))) == EXPECTED


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_parquet(photos):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(
        pyarrow.table({"file_name": PATHS, "label": LABELS}), photos / "a.parquet"
    )
    assert described(read_table(photos / "a.parquet")) == EXPECTED


def test_splits_by_any_of_their_names(photos):
    names = ["training", "dev", "Test", "trn"]
    table = written(photos, rows(PATHS, LABELS, names, header="path,label,set"))
    assert read_table(table).splits == ["train", "validation", "test", "train"]
    assert read_table(written(photos, rows(PATHS, LABELS, names), "b.csv")).splits[0] == "train"


def test_columns_are_named_where_they_cannot_be_told(photos):
    table = written(photos, rows(PATHS, LABELS, "aabb", header="foto,vogel,nest"))
    with pytest.raises(
        ValueError, match=r"begins with: foto, vogel, nest \| photos/0.jpg.*--path-column"
    ):
        read_table(table)
    columns = Columns(path="foto", label="Vogel", observation="nest")
    records = read_table(table, columns=columns)
    assert described(records) == EXPECTED
    assert records.observations == ["a", "a", "b", "b"]
    with pytest.raises(ValueError, match=r"no column 'voegel'. It has: foto, vogel, nest"):
        read_table(table, columns=Columns(label="voegel"))


def test_images_of_an_observation_stay_in_one_split(tmp_path):
    lines = ["path,label,observation"]
    for number in range(120):
        file = released.draw(tmp_path / f"{number}.png", number)
        lines.append(f"{file.name},{'ab'[number % 2]},{number // 4}")
    table = written(tmp_path, lines)
    observation = {f"{number}.png": number // 4 for number in range(120)}
    seen = {}
    for split in ("train", "validation", "test"):
        for path in load(table, split=split, image_size=8).paths:
            assert seen.setdefault(observation[path.name], split) == split
    assert set(seen.values()) == {"train", "validation", "test"}


def test_rows_that_repeat_count_once_and_contradictions_are_listed(photos):
    lines = rows(PATHS, LABELS, header="path,label")
    with pytest.warns(DatasetWarning, match=r"2 rows of birds.csv repeat another"):
        data = load(written(photos, [*lines, lines[1], lines[2]]), split="train", image_size=8)
    assert len(data) == 4
    with pytest.raises(ValueError, match=r"1 files have several labels.*photos/0.jpg: wren, owl"):
        load(written(photos, [*lines, "photos/0.jpg,owl"]), image_size=8)


def test_a_name_that_several_files_have_is_refused(photos):
    released.draw(photos / "other" / "0.jpg", 5)
    with pytest.raises(ValueError, match=r"several files.*'0' \(other/0.jpg, photos/0.jpg\)"):
        read_table(written(photos, rows(STEMS, LABELS, header="id,breed")))


def test_a_pipe_in_a_table_is_no_image(tmp_path):
    import os

    for number in range(8):
        released.draw(tmp_path / f"{number}.png", number)
    os.mkfifo(tmp_path / "pipe.png")
    lines = [f"{number}.png,{'ab'[number % 2]}" for number in range(8)]
    table = written(tmp_path, ["path,label", *lines, "pipe.png,a"])
    from keras_rbi.datasets.files.checks import unreadable

    (problem,) = unreadable(read_table(table))
    assert "pipe.png" in problem
    assert "no regular file" in problem


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [["path", "label"], ["w/1.jpg", "Wren"]])
def test_rows_with_more_cells_than_the_first_are_refused(tmp_path, separator, header):
    rows = [header, ["w/0.jpg", "Tit", " Great"]]
    table = tmp_path / "longer.csv"
    table.write_text("\n".join(separator.join(row) for row in rows) + "\n")
    with pytest.raises(ValueError, match=r"Line 2 of .*longer.csv' has 3 cells, the first row 2"):
        read_table(table)
