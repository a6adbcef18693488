"""Several photographs of one thing, through the command."""

import csv
import json

import pytest
from PIL import Image
from small_runs import SMALL

PATTERN = r"(\d+)_\d+[.]png"


@pytest.fixture
def bursts(birds):
    """Each photograph twice, as a burst of two: `3_0.png` and `3_1.png`."""
    for path in sorted((birds / "birds").rglob("*.png")):
        image = Image.open(path)
        for number in range(2):
            image.rotate(90 * number).save(path.with_name(f"{path.stem}_{number}.png"))
        path.unlink()
    return birds


def test_a_run_of_observations_measures_and_predicts_them(bursts, ask):
    code, printed, _ = ask("datasets", "check", "birds", "--observations", PATTERN)
    assert code == 0
    assert "Observations: 12, 0 of them cut." in printed
    assert f"--observations '{PATTERN}'" in printed

    options = ["--observations", PATTERN, "--sampling", "observations"]
    options += ["--images-per-observation", "2", "--group-size", "2", "--batch-size", "4"]
    code, _, told = ask("train", *SMALL, *options, "--quiet", "--output", "run")
    assert (code, told) == (0, [])
    # The validation images show fewer than ten things.
    assert json.loads((bursts / "run/observations.json").read_text()) == {"temperatures": {}}

    code, printed, _ = ask("evaluate", "run", "--json", "--output", "measured", "--batch-sizes", 1)
    found = json.loads(printed)["observations"]
    assert (code, found["calibrated"]) == (0, False)
    assert [row["images"] for row in found["rows"]] == [1, 2, None]
    assert found["images"] == 2 * found["observations"]
    rows = list(csv.DictReader((bursts / "measured/observations.csv").open()))
    assert [row["images"] for row in rows] == ["1", "2", "all"]
    assert (bursts / "measured/observations.png").is_file()

    (bursts / "run/observations.json").write_text('{"temperatures": {"1": 1.0, "2": 0.5}}')
    code, printed, told = ask("predict", "run", "birds", "--observations", PATTERN, "--json")
    predictions = json.loads(printed)
    assert (code, len(predictions)) == (0, 12)
    # The truth is that of all images of a thing, whose folder the class is.
    right = sum(
        each["observation"].split("/")[1] == each["top"][0]["class"] for each in predictions
    )
    assert sum(each["right"] for each in predictions) == right
    (line,) = told
    assert line.startswith(f"Right: {right} of 12 observations")
    first = predictions[0]
    assert [image["image"] for image in first["images"]] == [
        f"{first['observation']}_{number}.png" for number in range(2)
    ]
    assert sum(row["probability"] for row in first["top"]) == pytest.approx(1.0)

    code, _, _ = ask(
        *["predict", "run", "birds", "--observations", PATTERN, "--output", "p.csv", "--top", "1"]
    )
    rows = list(csv.DictReader((bursts / "p.csv").open()))
    assert [row["observation"] for row in rows] == [one["observation"] for one in predictions]
    assert (rows[0]["class_1"], rows[0]["images"]) == (first["top"][0]["class"], "2")
    supports = json.loads(rows[0]["supports"])
    assert supports == {
        image["image"]: pytest.approx(image["support"], abs=1e-4) for image in first["images"]
    }


def test_what_is_not_calibrated_or_unreadable_is_told(finished_run, birds, ask):
    (birds / "birds/wren/broken.png").write_bytes(b"no image")
    code, printed, told = ask("predict", "run", "birds", "--observations", "folders")
    assert code == 1
    assert "birds/robin" in printed
    assert "birds/wren/0.png" in printed
    assert told[0].startswith("The probabilities are the mean of the images' and not calibrated")
    assert told[-2].startswith("1 of 13 images cannot be read")
    code, _, told = ask("predict", "run", "birds", "--observations", "(")
    assert (code, len(told)) == (2, 1)
    assert "is no regular expression" in told[0]


def test_the_sheet_tells_of_observations(bursts, ask):
    options = ["--observations", PATTERN, "--sampling", "observations"]
    options += ["--images-per-observation", "2", "--batch-size", "4", "--batches", "1"]
    code, _, told = ask("datasets", "show", "birds", *options, "--image-size", "16")
    assert (code, told) == (0, [])
    code, _, told = ask("datasets", "show", "birds", "--sampling", "observations")
    assert code == 2
    assert "it is not known which are" in told[0]
