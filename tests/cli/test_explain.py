"""The HTML report that `keras-rbi explain` writes, and what a browser makes of it."""

import doctest
import html
import importlib
import json
import shutil
import subprocess

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.explanations import grad_cam
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.figures.explanation_report import explanation

pytestmark = [
    pytest.mark.usefixtures("untraced"),
    pytest.mark.skipif(
        keras.config.backend() == "jax",
        reason="JAX compiles each operation anew; the other backends write the same page",
    ),
]
SIDE = 16
NAMES = ["<i>wren</i>", "robin & co", "owl"]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run(["explain", *map(str, arguments)])
    return ended.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder with an untrained model, and images in folders of two of its classes."""
    folder = tmp_path_factory.mktemp("explain")
    pixels = keras.Input((SIDE, SIDE, 3))
    places = layers.Conv2D(6, 3, strides=4, activation="relu")(pixels)
    model = keras_rbi.RBIModel(
        keras.Model(pixels, places, name="small"),
        class_names=NAMES,
        embedding_dim=8,
        preprocessing=None,
    )
    (folder / "run").mkdir()
    model.save(folder / "run" / "model.keras")
    settings = {"dataset": "birds <3", "seed": 7, "variant": None}
    rows = [{"relations": "self", "batch_size": None, "accuracy": 0.625}]
    metrics = {
        "settings": settings,
        "test_accuracy": 0.625,
        "test_accuracy_by_relations": rows,
        "test_images": 1234,
        "test_order": "shuffled once, seed 7",
    }
    (folder / "run" / "metrics.json").write_text(json.dumps(metrics))
    rng = np.random.default_rng(0)
    for name in ("robin & co", "owl", "others"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(2):
            noise = rng.integers(0, 256, (20, 24, 3)).astype("uint8")
            Image.fromarray(noise).save(folder / "images" / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def page(folder):
    arguments = ["--batch-size", 4, "--output", folder / "page.html", "--figures", folder / "figs"]
    assert command(folder / "run", folder / "images", *arguments) == 0
    return (folder / "page.html").read_text("utf-8")


def test_the_page_tells_of_the_run_and_the_images(page, folder):
    for text in ("birds &lt;3", "1,234 test images", "62.5", "4 images of 6", "RBIModel"):
        assert text in page
    # Of the sorted six, at even distances; the class is that of the folder, where it is one.
    table = page[page.index("<h2>Predictions") : page.index("<h2>Where")]
    rows = [
        [cell.split("</td>")[0] for cell in row.split("<td>")[1:]]
        for row in table.split("<tr>")[2:]
    ]
    # Numbers 0, 2, 3 and 5.
    assert [row[1:3] for row in rows] == [
        ["others/0.png", "not known"],
        ["owl/0.png", "owl"],
        ["owl/1.png", "owl"],
        ["robin &amp; co/1.png", "robin &amp; co"],
    ]
    assert "<i>" not in page
    assert page.count("data:image/png;base64,") == 5
    assert "://" not in page


def test_figures_are_saved_beside_it(page, folder):
    names = {path.name for path in (folder / "figs").iterdir()}
    figures = ("cams", "flow", "relations", "influence", "embedding")
    assert names == {f"{name}.{suffix}" for name in figures for suffix in ("png", "svg")}


@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")
def test_a_browser_shows_it(page, folder):
    picture = folder / "page.png"
    subprocess.run(
        [
            BROWSER,
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--no-first-run", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync"),
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1200,3000",
            f"--screenshot={picture}",
            (folder / "page.html").as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert pixels.shape == (3000, 1200, 3)
    # The colours of viridis's end, over grey pixels: maps and matrices are drawn, down the page.
    yellow = (pixels[..., 0] > 180) & (pixels[..., 1] > 180) & (pixels[..., 2] < 120)
    assert yellow[:1500].any()
    assert yellow[1500:].any()
    white = (pixels == 255).all(-1)
    # Margins on both sides: nothing runs out of the page.
    assert white[:, :30].all()
    assert white[:, -30:].all()


def test_a_model_without_relations_has_maps_alone(folder):
    model = keras_rbi.models.backbone_classifier(keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3)), 3)
    model.save(folder / "alone.keras")
    assert command(folder / "alone.keras", folder / "images", "--output", folder / "b.html") == 0
    page = (folder / "b.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 1
    assert "no run folder" in page


def test_a_p2p_net_shows_its_parts():
    backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    model = keras_rbi.models.P2PNet(backbone, class_names=NAMES, units=8)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    sections = explanation(
        model, NAMES, ImageBatch(["a", "b"], pixels, np.array([0, 2])), "hires_cam"
    )
    names = ["predictions", "cams", "parts", "flow", "relations", "influence"]
    assert [part.name for part in sections] == names
    # Two images, and four parts of each.
    assert len(sections[2].figure.axes) == 10


def test_answers_beside_the_references_are_shown(folder):
    model = keras.models.load_model(folder / "run" / "model.keras")
    pixels = np.random.default_rng(3).integers(0, 256, (6, SIDE, SIDE, 3)).astype("uint8")
    model.set_references(pixels[2:])
    model.relations = "references"
    model.save(folder / "referenced.keras")
    (folder / "own").mkdir()
    for number in range(2):
        Image.fromarray(pixels[number]).save(folder / "own" / f"{number}.png")
    arguments = ["--output", folder / "c.html"]
    assert command(folder / "referenced.keras", folder / "own", *arguments) == 0
    page = (folder / "c.html").read_text("utf-8")
    table = page[page.index("<h2>Predictions") : page.index("<h2>Where")]
    titles = [cell.split("</th>")[0] for cell in table.split("<th>")[1:]]
    expected = model.predict(pixels[:2], verbose=0)
    for row, values in zip(table.split("<tr>")[2:], expected, strict=True):
        cell = row.split("<td>")[1 + titles.index("beside the references")]
        assert cell.startswith(f"{html.escape(NAMES[values.argmax()])}, {100 * values.max():.1f}")


def model_with_references():
    pixels = keras.Input((SIDE, SIDE, 3))
    places = layers.Conv2D(6, 3, strides=4, activation="tanh")(layers.Rescaling(1 / 255)(pixels))
    backbone = keras.Model(pixels, places, name="small")
    model = keras_rbi.RBIModel(
        backbone, num_classes=3, embedding_dim=8, preprocessing=None, class_names=NAMES
    )
    # With queries so small that attention mixes the images.
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * (0.1 if "query" in weight.path else 0.7))
    model.set_references(rng.integers(0, 256, (5, SIDE, SIDE, 3)).astype("uint8"))
    model.relations = "references"
    return model


def test_maps_beside_the_references_stand_above_those_in_the_batch():
    model = model_with_references()
    pixels = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE, 3)).astype("uint8")
    batch = ImageBatch(["a", "b", "c"], pixels, np.full(3, -1))
    sections = {part.name: part for part in explanation(model, NAMES, batch, "hires_cam")}
    rows = np.reshape(sections["cams"].figure.axes, (4, 3))
    names = ["images", "backbone alone", "beside the references", "in this batch"]
    assert [row[0].get_ylabel() for row in rows] == names
    model.relations = "batch"
    classes = model.predict(pixels, verbose=0).argmax(-1)
    drawn = [np.stack([axes.images[1].get_array() for axes in row]) for row in rows[2:]]
    for found, mode in zip(drawn, ("references", "batch"), strict=True):
        expected = grad_cam(model, pixels, classes, method="hires_cam", relations=mode)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3


def test_one_image_is_explained_beside_the_references():
    model = model_with_references()
    pixels = np.random.default_rng(5).integers(0, 256, (1, SIDE, SIDE, 3)).astype("uint8")
    sections = explanation(model, NAMES, ImageBatch(["a"], pixels, np.array([-1])), "hires_cam")
    assert [part.name for part in sections] == ["predictions", "cams"]
    expected = model.predict(pixels, verbose=0)[0]
    ((_, _, alone, beside),) = sections[0].tables[0].rows
    assert beside == f"{NAMES[expected.argmax()]}, {100 * expected.max():.1f}\u00a0%"
    assert beside != alone
    shown = sections[1].figure.axes[2].images[1].get_array()
    (map_,) = grad_cam(
        model, pixels, int(expected.argmax()), method="hires_cam", relations="references"
    )
    np.testing.assert_allclose(shown, map_, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "images"], "no folder 'images'"),
        (["nowhere", ".", "--method", "cam"], "method='cam'"),
        (["nowhere", ".", "--output", "none/page.html"], "to write --output"),
        (["nowhere", "."], "no images in the folder '.'"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(*arguments) != 0
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_report_is_made_from_python_too():
    module = importlib.import_module("keras_rbi.figures.explanation_report")
    results = doctest.testmod(module, extraglobs={"keras_rbi": keras_rbi, "np": np})
    assert results.attempted
    assert not results.failed
