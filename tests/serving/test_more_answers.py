"""What the service says of images besides their classes, against NumPy."""

import contextlib
import csv
import io
import re
from pathlib import Path

import mean_color
import numpy as np
import pytest
from pictures import png
from PIL import Image

import keras_rbi.serving
from keras_rbi.datasets.load import read_records
from keras_rbi.evaluation.observation_calibration import ObservationCalibration
from keras_rbi.evaluation.spreadsheet import BEGINNINGS
from keras_rbi.serving.beside import Beside, read_beside, references_of, write_notes
from keras_rbi.serving.confidence import Confidence, find_confidence
from keras_rbi.serving.kept_corrections import KeptCorrections, NoRoomError

httpx = pytest.importorskip("httpx")
pytest.importorskip("onnxruntime")
pytest.importorskip("fastapi")


NAMES = ("rot", "grün", "蓝")
RNG = np.random.default_rng(5)
REFERENCES = RNG.integers(0, 256, (30, 8, 8, 3), np.uint8)
LABELS = np.arange(30) % 3
CONFIDENCE = Confidence(2.0, 0.4, 100, 0.5, 0.97)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Address, and the folder of corrections."""
    from running_service import running

    from keras_rbi.serving.limits import Limits
    from keras_rbi.serving.onnx_model import OnnxModel

    folder = tmp_path_factory.mktemp("answers")
    path = folder / "m.onnx"
    model = OnnxModel(mean_color.write(path, names=NAMES, explains=True))
    pictures = [(int(LABELS[n]), f"{n}.png", image) for n, image in enumerate(REFERENCES)]
    references_of(model, pictures).write(folder / "m.references.npz")
    write_notes(path, CONFIDENCE, {1: 1.0, 2: 0.5})
    (folder / "m.md").write_text("# Card\n", "utf-8")
    with running(model, Limits(deadline=0.0), read_beside(path), folder / "kept") as (url, _):
        yield url, folder / "kept"


@contextlib.contextmanager
def running_with(model, beside):
    from running_service import running

    from keras_rbi.serving.limits import Limits

    with running(model, Limits(deadline=0.0), beside) as (url, _):
        yield url


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)


def post(url, *images, **parameters):
    files = [("images", (f"{n}.png", png(image))) for n, image in enumerate(images)]
    return httpx.post(url, files=files, params=parameters)


def largest_is_one(values):
    values = np.maximum(values, 0)
    return values / values.max()


def test_a_map_is_grad_cam_of_the_asked_class(service):
    url, _ = service
    image = picture(1)
    (found,) = post(f"{url}/explain", image, **{"class": ["蓝", "rot"]}).json()["explanations"]
    assert [each["class"] for each in found["maps"]] == ["蓝", "rot"]
    for each, channel in zip(found["maps"], (2, 0), strict=True):
        expected = largest_is_one(image[..., channel].astype(float))
        np.testing.assert_allclose(each["rows"], expected, atol=1e-5)
    (found,) = post(f"{url}/explain", image).json()["explanations"]
    assert found["maps"][0]["class"] == NAMES[image.mean((0, 1)).argmax()]


def test_two_classes_are_compared_on_the_image_and_on_references_of_each(service):
    url, _ = service
    image = picture(2)
    answer = post(f"{url}/compare", image, first="grün", second="rot")
    (found,) = answer.json()["comparisons"]
    difference = image[..., 1].astype(float) - image[..., 0]
    np.testing.assert_allclose(found["first"], largest_is_one(difference), atol=1e-5)
    np.testing.assert_allclose(found["second"], largest_is_one(-difference), atol=1e-5)
    assert [each["class"] for each in found["references"]] == ["grün", "rot"]
    for each in found["references"]:
        # As JPEG, which changes colours a little.
        content = httpx.get(f"{url}/{each['photograph']}").content
        pixels = np.asarray(Image.open(io.BytesIO(content)), float)
        expected = largest_is_one(pixels[..., 1] - pixels[..., 0])
        np.testing.assert_allclose(each["first"], expected, atol=1e-5)
    assert post(f"{url}/compare", image, first="rot", second="rot").status_code == 422


def test_the_nearest_references_are_those_of_the_cosine(service):
    url, _ = service
    image = picture(3)
    means, mean = REFERENCES.mean((1, 2)), image.mean((0, 1))
    alike = means @ mean / np.linalg.norm(means, axis=1) / np.linalg.norm(mean)
    (found,) = post(f"{url}/references", image, count=4).json()["nearest"]
    assert [each["reference"] for each in found["references"]] == np.argsort(-alike)[:4].tolist()
    likeness = [each["likeness"] for each in found["references"]]
    np.testing.assert_allclose(likeness, np.sort(alike)[::-1][:4], atol=1e-5)
    (found,) = post(f"{url}/predict", image, references=2).json()["predictions"]
    for entry in found["top"]:
        label = NAMES.index(entry["class"])
        of_class = np.flatnonzero(label == LABELS)
        best = of_class[np.argsort(-alike[of_class])[:2]]
        assert [each["reference"] for each in entry["references"]] == best.tolist()
    listed = httpx.get(f"{url}/references", params={"class": "grün"}).json()["references"]
    assert [each["reference"] for each in listed] == np.flatnonzero(LABELS == 1).tolist()
    assert httpx.get(f"{url}/references/30").status_code == 404


def test_probabilities_are_calibrated_and_sure_from_the_threshold_on(service):
    url, _ = service
    for image in (picture(4), np.full((8, 8, 3), (255, 10, 10))):
        (found,) = post(f"{url}/predict", image).json()["predictions"]
        rows = np.clip(np.sort(np.asarray(image, float).mean((0, 1)) / 255)[::-1], 1e-7, 1)
        softened = rows**0.5 / (rows**0.5).sum()
        got = [entry["calibrated"] for entry in found["top"]]
        np.testing.assert_allclose(got, softened, atol=1e-5)
        assert found["sure"] == (softened[0] >= 0.4)


def test_an_observation_is_the_mean_of_log_probabilities(service):
    url, _ = service
    images = [picture(5), picture(6)]
    logs = np.log(np.array([image.mean((0, 1)) / 255 for image in images]))
    powers = np.exp(logs.mean(0) / 0.5)
    content = post(f"{url}/observations", *images).json()
    top = content["observation"]["top"]
    expected = powers / powers.sum()
    np.testing.assert_allclose(
        [entry["probability"] for entry in top], np.sort(expected)[::-1], atol=1e-6
    )
    mean = np.exp(logs.mean(0)) / np.exp(logs.mean(0)).sum()
    softened = mean**0.5 / (mean**0.5).sum()
    assert content["observation"]["sure"] == (softened.max() >= 0.4)
    bright = [np.full((8, 8, 3), (255, 10, 10)), np.full((8, 8, 3), (250, 30, 10))]
    assert post(f"{url}/observations", *bright).json()["observation"]["sure"]
    first, second = np.argsort(-expected)[:2]
    shares = (logs[:, first] - logs[:, second]) / 2 / 0.5
    np.testing.assert_allclose([each["support"] for each in content["images"]], shares, atol=1e-5)
    broken = [("images", ("a.png", png(images[0]))), ("images", ("b.png", b"words"))]
    content = httpx.post(f"{url}/observations", files=broken).json()
    assert content["observation"]["images"] == 1
    assert "not an image" in content["images"][1]["error"]


def test_the_model_says_what_it_is(service):
    url, _ = service
    about = httpx.get(f"{url}/model").json()
    assert about["classes"] == list(NAMES)
    assert (about["maps"], about["references"], about["corrections"]) == (True, 30, True)
    assert about["confidence"] == {**CONFIDENCE.as_dict(), "goal": 0.95}
    assert about["card"] == "# Card\n"


def test_the_model_card_of_an_exported_file_is_told(tmp_path):
    from keras_rbi.serving.onnx_model import OnnxModel

    path = mean_color.write(tmp_path / "m.onnx", about={"model_card": "# Inside"})
    assert read_beside(path).card is None
    with running_with(OnnxModel(path), read_beside(path)) as url:
        assert httpx.get(f"{url}/model").json()["card"] == "# Inside"
    (tmp_path / "m.md").write_text("# Of the name", "utf-8")
    assert read_beside(path).card == "# Of the name"
    # As `keras-rbi export` calls it.
    (tmp_path / "m.onnx.md").write_text("# Exported", "utf-8")
    assert read_beside(path).card == "# Exported"


def test_corrections_become_a_table_that_is_read_as_data(service):
    url, kept = service
    image, other = png(picture(7)), png(picture(8))
    names = ("=1+1.png", "../../b.png")
    for name, content, label in (
        (names[0], image, "rot"),
        (names[1], other, "grün"),
        (names[0], image, "蓝"),
    ):
        answer = httpx.post(
            f"{url}/corrections",
            params={"class": label, "given": "rot"},
            files=[("images", (name, content))],
        )
        assert answer.status_code == 200, answer.text
    records = read_records(kept / "corrections.csv")
    got = {
        records.path(n).read_bytes(): records.class_names[k] for n, k in enumerate(records.labels)
    }
    assert got == {image: "蓝", other: "grün"}
    rows = list(csv.DictReader((kept / "corrections.csv").open(encoding="utf-8", newline="")))
    assert {row["name"] for row in rows} == {"'=1+1.png", "b.png"}
    assert {file.parent for file in kept.rglob("*.png")} == {kept / "images"}
    before = (kept / "corrections.csv").read_bytes()
    refused = [
        ({"class": "gelb"}, {}, image, 422),
        ({"class": "rot"}, {"Sec-Fetch-Site": "cross-site"}, image, 403),
        ({"class": "rot"}, {}, b"words", 400),
    ]
    for parameters, headers, content, status in refused:
        files = [("images", ("c.png", content))]
        answer = httpx.post(f"{url}/corrections", params=parameters, headers=headers, files=files)
        assert answer.status_code == status
        assert answer.json()["detail"]
    assert (kept / "corrections.csv").read_bytes() == before


def test_a_folder_of_corrections_that_is_full_takes_no_more(tmp_path):
    kept = KeptCorrections(tmp_path, most_bytes=10)
    kept.keep(b"\xff\xd8 123", "a", "b", "1.jpg")
    with pytest.raises(NoRoomError, match="already"):
        kept.keep(b"\xff\xd8 456", "a", "b", "2.jpg")
    assert len(list((tmp_path / "images").iterdir())) == 1


@pytest.mark.parametrize(
    "changed",
    [
        b"path;label;given;name\n",
        b"path,label,given,name,note\nimages/1.jpg,a,b,1.jpg,dark\n",
        b"path,label,given,name\nimages/1.jpg,a,b,1.jpg,dark\n",
        "path,label,given,name\nimages/1.jpg,grün,b,1.jpg\n".encode("cp1252"),
    ],
)
def test_a_table_that_another_program_has_saved_is_not_written_over(tmp_path, changed):
    kept = KeptCorrections(tmp_path)
    kept.keep(b"\xff\xd8 123", "a", "b", "1.jpg")
    table = tmp_path / "corrections.csv"
    whole = table.read_bytes()
    table.write_bytes(changed)
    with pytest.raises(NoRoomError, match="Another program has saved it"):
        kept.keep(b"\xff\xd8 456", "a", "b", "2.jpg")
    assert table.read_bytes() == changed
    assert len(list((tmp_path / "images").iterdir())) == 1
    with pytest.raises(ValueError, match="Another program has saved it"):
        KeptCorrections(tmp_path)
    # A mark of the encoding changes nothing.
    table.write_bytes(b"\xef\xbb\xbf" + whole)
    KeptCorrections(tmp_path).keep(b"\xff\xd8 456", "a", "b", "2.jpg")
    assert table.read_bytes().startswith(whole)
    assert len(table.read_text("utf-8").splitlines()) == 3


def test_the_page_knows_every_beginning_of_a_formula():
    script = (Path(keras_rbi.serving.__file__).parent / "page" / "app.js").read_text("utf-8")
    found = re.search(r"/(\^\\s\*\[=[^/]*\])/\.test", script)
    for beginning in BEGINNINGS:
        assert re.match(found[1], f" {beginning}1"), beginning
    assert not re.match(found[1], "wren =1")


def test_what_a_model_has_not_is_said_in_a_line(serve):
    with serve(deadline=0.0) as (url, _):
        for path, parameters in (
            ("explain", {}),
            ("compare", {"first": "red", "second": "blue"}),
            ("references", {}),
        ):
            answer = post(f"{url}/{path}", picture(1), **parameters)
            assert answer.status_code == 404
            assert "no" in answer.json()["detail"]
            assert "\n" not in answer.json()["detail"]
        assert post(f"{url}/corrections", picture(1), **{"class": "red"}).status_code == 404
        about = httpx.get(f"{url}/model").json()
        assert (about["maps"], about["references"], about["corrections"]) == (False, 0, False)


def test_the_page_is_small_and_asks_nobody_else(service):
    url, _ = service
    browser = {"Accept": "text/html,application/xhtml+xml", "Accept-Encoding": "gzip"}
    page = httpx.get(url, headers=browser)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    sizes = []
    for path in ("", "page/app.js", "page/style.css", "docs", "page/docs.js", "model"):
        with httpx.stream("GET", f"{url}/{path}", headers=browser) as answer:
            assert answer.status_code == 200
            sizes.append(sum(map(len, answer.iter_raw())))
            text = gzip_text(url, path, browser)
        if path != "model":
            assert "http://" not in text
            assert "https://" not in text
            assert "innerHTML" not in text
    assert sum(sizes) < 100_000
    assert httpx.get(f"{url}/page/..%2fapp.py").status_code == 404
    assert "POST /predict" in httpx.get(url).json()


def gzip_text(url, path, headers):
    return httpx.get(f"{url}/{path}", headers=headers).text


@pytest.mark.parametrize("seed", [0, 1])
def test_the_threshold_is_the_lowest_that_is_right_95_times_of_100(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 300)
    scores = rng.normal(0, 1, (300, 4))
    scores[np.arange(300), labels] += 2.0
    probabilities = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    found = find_confidence(probabilities, labels)
    calibrated = probabilities ** (1 / found.temperature)
    calibrated /= calibrated.sum(-1, keepdims=True)
    best, right = calibrated.max(-1), calibrated.argmax(-1) == labels

    def holds(threshold):
        sure = best >= threshold
        return (right[sure].sum() + 1) / (sure.sum() + 2) >= 0.95

    lowest = min(value for value in best if holds(value))
    assert found.threshold == pytest.approx(lowest)
    assert found.sure == pytest.approx(np.mean(best >= lowest))
    assert found.right == pytest.approx(right[best >= lowest].mean())
    # In the mean as sure as right.
    assert best.mean() == pytest.approx(right.mean(), abs=0.01)
    assert find_confidence(probabilities[:10], labels[:10]) is None
    assert find_confidence(probabilities, (labels + 1) % 4).threshold is None


def test_files_that_are_damaged_are_told_in_a_line(tmp_path):
    path = mean_color.write(tmp_path / "m.onnx", explains=True)
    write_notes(path, None, {})
    assert read_beside(path) == Beside(calibration=ObservationCalibration())
    (tmp_path / "m.references.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ValueError, match="made again"):
        read_beside(path)
    (tmp_path / "m.page.json").write_text('{"confidence": 7}', "utf-8")
    with pytest.raises(ValueError, match="damaged"):
        read_beside(path)


def test_a_wrong_method_is_told_all_that_there_are(service):
    url, _ = service
    for path, methods in (("references", "GET, POST"), ("predict", "POST"), ("model", "GET")):
        refused = httpx.request("DELETE", f"{url}/{path}")
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)


def test_every_endpoint_is_counted_and_made_up_ones_together(service):
    url, _ = service
    asked = ["explain", "observations", "references", "references/3", "made/up", "made-up"]

    def counts():
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines)
        return {name: float(value) for name, value in pairs if "keras_rbi_requests_total{" in name}

    before = counts()
    for path in asked:
        if path in ("references/3", "made/up", "made-up"):
            httpx.get(f"{url}/{path}")
        else:
            post(f"{url}/{path}", picture(1))
    new = {name: value - before.get(name, 0) for name, value in counts().items()}
    new = {name.split("{", 1)[1]: value for name, value in new.items() if value}
    ok = ("/explain", "/metrics", "/observations", "/references", "/references/{number}")
    assert new == {
        **{f'endpoint="{path}",status="200"}}': 1.0 for path in ok},
        'endpoint="other",status="404"}': 2.0,
    }
