"""The HTML report that `keras-rbi explain` writes, and what a browser makes of it."""

import doctest
import html
import importlib
import json
import re
import shutil
import subprocess

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.explanations import grad_cam
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.figures.attention_section import attention_section
from keras_rbi.figures.confusion_cards import confusions
from keras_rbi.figures.explanation_report import explanation_report

pytestmark = [
    pytest.mark.usefixtures("untraced"),
    pytest.mark.skipif(
        keras.config.backend() == "jax",
        reason="JAX compiles each operation anew; the other backends write the same page",
    ),
]
SIDE = 16
BILINEAR = Image.Resampling.BILINEAR
NAMES = ["<i>wren</i>", "robin & co", "owl"]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run(["explain", *map(str, arguments)])
    return ended.value.code


def mix(model, seed):
    """Weights with which attention mixes the images: small queries, and a gate that is open."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        small = any(name in weight.path for name in ("query", "gate"))
        weight.assign(rng.normal(size=weight.shape) * (0.1 if small else 0.7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder with an untrained model, and images in folders of two of its classes."""
    folder = tmp_path_factory.mktemp("explain")
    pixels = keras.Input((SIDE, SIDE, 3))
    places = layers.Conv2D(6, 3, strides=4, activation="tanh")(layers.Rescaling(1 / 255)(pixels))
    model = keras_rbi.RBIModel(
        keras.Model(pixels, places, name="small"),
        class_names=NAMES,
        embedding_dim=8,
        preprocessing=None,
    )
    mix(model, 0)
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
            # Of a colour of its own, so that the others matter to it.
            noise = rng.integers(0, 200, 3) + rng.integers(0, 56, (20, 24, 3))
            Image.fromarray(noise.astype("uint8")).save(folder / "images" / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def page(folder):
    arguments = ["--batch-size", 4, "--output", folder / "page.html", "--figures", folder / "figs"]
    assert command(folder / "run", folder / "images", *arguments) == 0
    return (folder / "page.html").read_text("utf-8")


def cards(page):
    """Of each card its heading, its mark, its captions and the classes of its bars."""
    section = page[page.index('id="photographs"') : page.index("</section>")]
    for card in section.split("<article>")[1:]:
        heading = card.split("<h3>")[1].split("</h3>")[0]
        bars = card.split('<th scope="row">')[1:]
        yield {
            "name": html.unescape(heading.split(" <span")[0]),
            "mark": heading.rsplit("</span> ")[-1].split("<")[0] if "<span" in heading else None,
            "classes": [html.unescape(bar.split("</th>")[0]) for bar in bars],
            "shares": [bar.split("<td>")[-1].split("</td>")[0] for bar in bars],
            "pictures": card.count("data:image/jpeg"),
        }


def read(folder, name):
    return np.asarray(Image.open(folder / "images" / name).resize((SIDE, SIDE), BILINEAR))


def test_the_photographs_come_first_with_what_is_known_of_them(page, folder):
    assert re.findall(r'<section id="(.+?)"', page)[:3] == [
        "photographs",
        "confusions",
        "attention",
    ]
    found = list(cards(page))
    names = [
        f"{name}/{number}.png" for name in ("others", "owl", "robin & co") for number in (0, 1)
    ]
    assert [card["name"] for card in found] == names
    model = keras.models.load_model(folder / "run" / "model.keras")
    expected = model.predict(np.stack([read(folder, name) for name in names]), verbose=0)
    right = 0
    for card, row in zip(found, expected, strict=True):
        order = np.argsort(-row)
        assert card["classes"][:2] == [NAMES[number] for number in order[:2]]
        # The file is read by the same filter, with another's rounding.
        assert float(card["shares"][0][:-2]) == pytest.approx(100 * row.max(), abs=2)
        truth = card["name"].split("/")[0]
        is_right = truth == NAMES[order[0]]
        right += is_right
        assert card["mark"] == (None if truth == "others" else "right" if is_right else "wrong")
    assert f"{right} of 4 whose class is known are right" in page
    assert "<i>" not in page
    assert "://" not in page


def test_the_run_and_what_attention_does_come_after_them(page):
    for text in ("birds &lt;3", "1,234 test images", "62.5", "4 images, explained", "RBIModel"):
        assert text in page
    table = page[page.index("<h3>Predictions") : page.index("<h3>Where")]
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
    assert page.index("<details>") < page.index("<h3>Predictions") < page.index("</details>")
    assert page.count("data:image/png;base64,") == 5


def test_single_photographs_are_explained(folder):
    files = [folder / "images" / "owl" / "1.png", folder / "images" / "others" / "0.png"]
    for some in (files[:1], files):
        given = [*some, "--output", folder / "some.html", "--look-alikes", 0]
        assert command(folder / "run", *given) == 0
        found = list(cards((folder / "some.html").read_text("utf-8")))
        assert [card["name"] for card in found] == [str(file) for file in some]
        assert found[0]["mark"] in ("right", "wrong")
        assert [card["mark"] for card in found[1:]] == [None] * (len(some) - 1)


def test_figures_are_saved_beside_it(page, folder):
    names = {path.name for path in (folder / "figs").iterdir()}
    figures = ("cams", "flow", "relations", "influence", "embedding")
    assert names == {f"{name}.{suffix}" for name in figures for suffix in ("png", "svg")}


@pytest.mark.parametrize("variant", ["residual", "0.1"])
def test_attention_that_changes_nothing_is_a_sentence(variant):
    backbone = keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(4, 8))
    own = {}
    if variant == "0.1":
        own["rra"] = keras_rbi.layers.RRA(8, use_bias=True)
    model = keras_rbi.RBIModel(backbone, class_names=NAMES, embedding_dim=8, variant=variant, **own)
    if variant == "0.1":
        # A gate that lets nothing through: beta = sigmoid(40) is 1, whatever the images.
        kernel = model.rra.gate_dense.kernel
        kernel.assign(0 * kernel)
        model.rra.gate_dense.bias.assign([40.0])
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype("uint8")
    section = attention_section(
        model, NAMES, ImageBatch(["a", "b", "c"], pixels, -np.ones(3)), "grad_cam"
    )
    assert not section.sections
    assert section.figure is None
    why = "mean beta 1.00" if variant == "0.1" else "the gate of its branch is shut"
    assert "it changes nothing" in section.text
    assert why in section.text


def test_training_images_that_look_most_alike_stand_beside_each(folder):
    class Training(ImageData):
        labels, image_size, class_names = np.array([1, 1, 2, 2, 2]), SIDE, NAMES

        def image(self, index):
            return np.full((SIDE, SIDE, 3), 40 * index, "uint8")

    model = keras.models.load_model(folder / "run" / "model.keras")
    pixels = np.stack([Training().image(number) for number in (1, 3)])
    images = ImageBatch(["one", "three"], pixels, np.array([1, 2]))
    report = explanation_report(model, images, NAMES, training_data=Training(), look_alikes=2)
    for card, own in zip(report.sections[0].cards, (1, 3), strict=True):
        beside = {
            gallery.name: [each.text for each in gallery.pictures] for gallery in card.galleries
        }
        name = NAMES[Training.labels[own]]
        # Itself, which is among the training images.
        assert beside[name][0] == f"image {own}, {name}"
        assert all(len(texts) == 2 for texts in beside.values() if "none" not in texts[0])
        assert beside.get(NAMES[0], ["none in the training images"]) == [
            "none in the training images"
        ]


def test_what_is_confused_is_shown_with_images_of_both():
    pixels = np.arange(5, dtype="uint8")[:, None, None, None] * np.full((1, 8, 8, 3), 50, "uint8")
    names = ["wren 1", "wren 2", "owl 1", "owl 2", "stranger"]
    images = ImageBatch(names, pixels, np.array([0, 0, 1, 1, -1]))
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.1, 0.9], [0.5, 0.5]])
    section = confusions(images, probabilities, ["wren", "owl"])
    assert section.text == "3 of 4 photographs whose class is known are right."
    (card,) = section.cards
    assert card.heading == "wren taken for owl"
    assert [[each.text for each in gallery.pictures] for gallery in card.galleries] == [
        ["wren 2"],
        ["owl 2", "owl 1"],
    ]
    unknown = ImageBatch(names, pixels, -np.ones(5, int))
    assert "not known what is right" in confusions(unknown, probabilities, ["wren", "owl"]).text


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
    assert "data:image/png;base64," not in page
    # Each with its map, if any of it speaks for its class.
    assert all(1 <= card["pictures"] <= 2 for card in cards(page))
    assert "the model looks at each image by itself" in page
    assert "no run folder" in page


def test_figures_that_there_are_none_of_are_told_and_no_folder_is_left(folder, capsys):
    backbone = keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, class_names=NAMES)
    model.save(folder / "shut.keras")
    arguments = ["--output", folder / "d.html", "--figures", folder / "none", "--look-alikes", 0]
    assert command(folder / "shut.keras", folder / "images", *arguments) == 0
    assert "Figures: none to save" in capsys.readouterr().out
    assert not (folder / "none").exists()


def test_images_that_cannot_be_read_are_listed_and_the_others_explained(folder, capsys):
    photographs = folder / "some damaged"
    shutil.copytree(folder / "images", photographs)
    (photographs / "owl" / "cut.png").write_bytes(b"\x89PNG")
    (photographs / "owl" / "new.jp2").write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40))
    arguments = ["--output", folder / "e.html", "--look-alikes", 0]
    assert command(folder / "run", photographs, *arguments) == 1
    told = capsys.readouterr().err
    assert "1 of 7 images cannot be read" in told
    assert "cut.png" in told
    assert "jp2" in told.lower()
    assert len(list(cards((folder / "e.html").read_text("utf-8")))) == 6
    (folder / "damaged.jpg").write_bytes(b"words")
    assert command(folder / "run", folder / "damaged.jpg", *arguments) == 2
    assert "None of the images can be read" in capsys.readouterr().err


def test_a_p2p_net_shows_its_parts():
    backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    model = keras_rbi.models.P2PNet(backbone, class_names=NAMES, units=8)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    images = ImageBatch(["a", "b"], pixels, np.array([0, 2]))
    report = explanation_report(model, images, NAMES, method="hires_cam")
    names = ["photographs", "confusions", "parts", "attention", "run"]
    assert [part.name for part in report.sections] == names
    # Two images, and four parts of each.
    assert len(report.sections[2].figure.axes) == 10


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
    table = page[page.index("<h3>Predictions") : page.index("<h3>Where")]
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
    mix(model, 1)
    rng = np.random.default_rng(2)
    model.set_references(rng.integers(0, 256, (5, SIDE, SIDE, 3)).astype("uint8"))
    model.relations = "references"
    return model


def test_maps_beside_the_references_stand_above_those_in_the_batch():
    model = model_with_references()
    pixels = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE, 3)).astype("uint8")
    batch = ImageBatch(["a", "b", "c"], pixels, np.full(3, -1))
    found = attention_section(model, NAMES, batch, "hires_cam")
    sections = {part.name: part for part in found.sections}
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
    images = ImageBatch(["a"], pixels, np.array([-1]))
    sections = attention_section(model, NAMES, images, "hires_cam").sections
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
        (["nowhere", "images"], "no image or folder 'images'"),
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
