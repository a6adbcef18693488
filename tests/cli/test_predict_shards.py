"""`keras-rbi predict --shard` and `--merge`, around a model that is plain to see through."""

import csv
import hashlib
import importlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_rbi.cli.main import run
from keras_rbi.evaluation import Shard

pytestmark = pytest.mark.usefixtures("untraced")


class MeanColour:
    """Three classes: red, green and blue; it may end after some batches, as if it were killed."""

    input_shape = (None, 8, 8, 3)
    batches = None

    def predict_on_batch(self, images):
        if self.batches is not None:
            self.batches -= 1
            if self.batches < 0:
                raise KeyboardInterrupt
        means = images.astype("float64").mean(axis=(1, 2))
        return means / means.sum(axis=1, keepdims=True)


@pytest.fixture
def model():
    return MeanColour()


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys, model):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"weights")
    rng = np.random.default_rng(0)
    for number in range(20):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(1, 256, (8, 8, 3), np.uint8)).save(path)
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnone")
    for name in ("predict", "predict_shard"):
        module = importlib.import_module(f"keras_rbi.cli.{name}")
        monkeypatch.setattr(module, "load", lambda path: (model, ["red", "green", "blue"]))
    monkeypatch.setattr(importlib.import_module("keras_rbi.evaluation.predict_shard"),
                        "IMAGES_OF_A_PART", 4)  # fmt: skip

    def ask(*arguments):
        with pytest.raises(SystemExit) as ended:
            run(["predict", *map(str, arguments)])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return ask


def shard(ask, number):
    given = ("model.keras", "photos", "--shard", f"{number}/3", "--output", "found", "--top", 2)
    return ask(*given, "--batch-size", 4)


def table(text):
    return {row["image"]: row for row in csv.DictReader(text.splitlines())}


def test_shards_merge_to_what_one_process_predicts(ask, model, tmp_path):
    model.batches = 1
    # Killed after a part, and gone on with.
    code, _, _ = shard(ask, 1)
    assert code == 130
    kept = list((tmp_path / "found" / "shard-00001-of-00003").glob("part-*"))
    assert len(kept) == 1
    code, _, err = ask("--merge", "found")
    assert code == 2
    assert "1/3, 2/3, 3/3" in err
    model.batches = None
    codes, said = [], []
    for number in (1, 2, 3):
        code, out, _ = shard(ask, number)
        codes.append(code)
        said.append(out)
    # One shard has the image that cannot be read.
    assert sorted(codes) == [0, 0, 1]
    assert "4 of them before" in said[0]
    code, out, err = ask("--merge", "found", "--format", "csv")
    assert (code, "1 of 21 images cannot be read" in err) == (1, True)
    _, plain, _ = ask("model.keras", "photos", "--format", "csv", "--top", 2)
    assert out == plain


def test_folders_named_after_classes_are_the_truth_of_shards_too(ask, tmp_path):
    (tmp_path / "photos" / "a").rename(tmp_path / "photos" / "red")
    (tmp_path / "photos" / "b").rename(tmp_path / "photos" / "green")
    shard(ask, 1)
    # What comes later and stands before others is put in its place.
    (tmp_path / "photos" / "red2").mkdir()
    for number in range(100, 110):
        image = Image.fromarray(np.full((8, 8, 3), (number, 1, 1), np.uint8))
        image.save(tmp_path / "photos" / "green" / f"0{number}.png")
        image.save(tmp_path / "photos" / "red2" / f"{number}.png")
    for number in (1, 2, 3):
        shard(ask, number)
    for form in ("csv", "jsonl"):
        code, out, err = ask("--merge", "found", "--format", form)
        _, plain, told = ask("model.keras", "photos", "--format", form, "--top", 2)
        assert (code, out) == (1, plain)
        right, *_ = (line for line in told.splitlines() if "Right: " in line)
        assert right in err
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["truth"] for row in rows} == {"red", "green", None}
    assert {row["right"] for row in rows} == {True, False, None}


def test_parquet_holds_what_csv_does(ask):
    parquet = pytest.importorskip("pyarrow.parquet")
    for number in (1, 2, 3):
        shard(ask, number)
    ask("--merge", "found", "--output", "all.parquet")
    ask("model.keras", "photos", "--top", 2, "--output", "plain.parquet")
    _, out, _ = ask("--merge", "found")
    found = {row["image"]: row for row in parquet.read_table("all.parquet").to_pylist()}
    assert {image: {name: str(value) for name, value in row.items()}
            for image, row in found.items()} == table(out)  # fmt: skip
    assert parquet.read_table("plain.parquet").equals(parquet.read_table("all.parquet"))


def test_an_ending_that_names_no_format_is_refused_of_what_is_merged_too(ask, tmp_path):
    for number in (1, 2, 3):
        shard(ask, number)
    code, _, err = ask("--merge", "found", "--output", "all.xlsx")
    assert (code, ".xlsx" in err, (tmp_path / "all.xlsx").exists()) == (2, True, False)
    # What has no ending is CSV.
    assert ask("--merge", "found", "--output", "all")[0] == 1
    assert (tmp_path / "all").read_text() == ask("--merge", "found")[1]


def test_what_cannot_be_is_told_in_a_line(ask, tmp_path):
    shard(ask, 1)
    (tmp_path / "model.keras").write_bytes(b"other weights")
    for words, told in (
        (("model.keras", "photos", "--shard", "4/3", "--output", "found"), "'4/3'"),
        (("model.keras", "photos", "--shard", "1/3"), "--output"),
        (("model.keras", "photos", "--shard", "1/3", "--output", "found"), "another model"),
        (("model.keras", "photos", "--shard", "1/2", "--format", "csv"), "--format"),
        (("model.keras", "photos", "--format", "parquet"), "Add --output"),
        (("--merge", "photos"), "no shards"),
        (("--merge", "found", "model.keras"), "Leave out"),
        (("model.keras",), "MODEL IMAGES"),
    ):
        code, _, err = ask(*words)
        assert (code, told in err) == (2, True), (words, err)


def test_shards_of_another_folder_are_refused_by_name(ask, tmp_path):
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    (tmp_path / "copy" / "a" / "0.png").rename(tmp_path / "copy" / "a" / "new.png")
    given = ("model.keras", "copy", "--shard")
    shard(ask, 1)
    # As a shard begins, another's or its own.
    for number in (2, 1):
        code, _, err = ask(*given, f"{number}/3", "--output", "found", "--top", 2)
        assert code == 2
        assert "'photos' with 21 images, and 'copy' is another with 21" in err
    assert not (tmp_path / "found" / "shard-00002-of-00003").exists()
    # And where shards were put together later.
    for number in (2, 3):
        ask(*given, f"{number}/3", "--output", "others", "--top", 2)
        part = f"shard-0000{number}-of-00003"
        (tmp_path / "others" / part).rename(tmp_path / "found" / part)
    code, out, err = ask("--merge", "found")
    assert (code, out) == (2, "")
    assert "1/3 of 'photos', 21 images, and 2/3 of 'copy', 21 images" in err


def test_the_same_images_elsewhere_are_the_same_folder(ask, tmp_path):
    for number in (1, 2):
        shard(ask, number)
    (tmp_path / "photos").rename(tmp_path / "moved")
    given = ("model.keras", "moved", "--shard", "3/3", "--output", "found", "--top", 2)
    assert ask(*given)[0] in (0, 1)
    assert ask("--merge", "found")[0] == 1


def test_a_folder_that_grew_between_shards_is_told_until_they_are_run_again(ask, tmp_path):
    shard(ask, 1)
    shard(ask, 2)
    for number in range(100, 104):
        image = Image.fromarray(np.full((8, 8, 3), (number, 1, 1), np.uint8))
        image.save(tmp_path / "photos" / "a" / f"{number}.png")
    shard(ask, 3)
    code, out, err = ask("--merge", "found")
    assert (code, out) == (2, "")
    assert "it had 21 images for 1/3 and 25 for 3/3. Run the shards again" in err
    for number in (1, 2):
        shard(ask, number)
    _, merged, _ = ask("--merge", "found")
    assert merged == ask("model.keras", "photos", "--format", "csv", "--top", 2)[1]


def test_shards_of_earlier_versions_merge(ask, tmp_path):
    for number in (1, 2, 3):
        shard(ask, number)
    for about in (tmp_path / "found").glob("shard-*/shard.json"):
        kept = json.loads(about.read_text())
        names = ("model", "top", "folder", "finished", "images", "judged")
        about.write_text(json.dumps({name: kept[name] for name in names}))
    # One is run again by this version.
    assert shard(ask, 2)[0] in (0, 1)
    _, merged, _ = ask("--merge", "found")
    assert merged == ask("model.keras", "photos", "--format", "csv", "--top", 2)[1]


def test_a_name_stays_in_its_shard():
    names = [f"{number}/é.jpg" for number in range(3000)]
    shards = [Shard(number, 3) for number in (1, 2, 3)]
    members = [[name for name in names if shard.has(name)] for shard in shards]
    assert sorted(name for each in members for name in each) == sorted(names)
    assert all(900 < len(each) < 1100 for each in members)
    # By BLAKE2b, whatever Python and machine.

    number = int(hashlib.blake2b(b"a/1.png", digest_size=8).hexdigest(), 16)
    assert Shard(number % 3 + 1, 3).has("a/1.png")
