"""Every program of the paper's tables and figures, in its smallest setting."""

import csv
import importlib

import pytest
from PIL import Image

from applications.paper import batch_size, experiment

pytestmark = pytest.mark.usefixtures("untraced")

SMALLEST = [
    "--quick", "--backbones", "SmallCNN", "--seeds", "0", "--per-class", "1", "--epochs", "1",
    "--image-size", "16",
]  # fmt: skip
PROGRAMS = ("table1", "batch_size", "cam", "flow", "relation_matrix", "ablation")


@pytest.fixture(autouse=True)
def few_test_images(monkeypatch):
    monkeypatch.setattr(
        "keras_rbi.training.run_data.TYPEFACES_PER_CLASS", {"validation": 1, "test": 1}
    )
    yield
    experiment._split.cache_clear()
    experiment._features.cache_clear()


def run(name, output, *arguments):
    program = importlib.import_module(f"applications.paper.{name}")
    program.main([*SMALLEST, "--output", str(output), *arguments])
    with output.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with Image.open(output.with_suffix(".png")) as picture:
        assert min(picture.size) > 300
    return rows


def test_table1_has_every_peer_and_fills_the_page(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- table1: begin --><!-- table1: end -->")
    rows = run("table1", tmp_path / "t.csv", "--peers", "backbone", "rbi", "--page", str(page))
    assert [row["peer"] for row in rows] == ["backbone", "rbi"]
    assert all(0.0 <= float(row["accuracy"]) <= 1.0 for row in rows)
    assert int(rows[1]["parameters"]) > int(rows[0]["parameters"])
    assert "backbone alone" in capsys.readouterr().out
    gain = 100 * (float(rows[1]["accuracy"]) - float(rows[0]["accuracy"]))
    assert (
        f"| RBI, default of 0.1 | 1 | {100 * float(rows[1]['accuracy']):.1f} | {gain:+.1f} |"
        in (page.read_text("utf-8"))
    )
    # What is there is not trained again, and can be reported alone.
    assert run("table1", tmp_path / "t.csv", "--only-report") == rows


@pytest.mark.nightly
def test_ablation_compares_with_the_default(tmp_path, capsys):
    rows = run("ablation", tmp_path / "a.csv", "--variants", "rbi", "no-rpe")
    assert [row["peer"] for row in rows] == ["rbi", "no-rpe"]
    assert "RRA without RPE" in capsys.readouterr().out


def test_batch_size_has_each_size_in_both_orders(tmp_path):
    rows = run(
        "batch_size", tmp_path / "b.csv", "--peers", "rbi-paper", "--batch-sizes", "1", "8",
        "--orders", "2",
    )  # fmt: skip
    of_batch = [row for row in rows if row["relations"] == "batch"]
    assert {row["batch_size"] for row in of_batch} == {"1", "8"}
    assert {row["order"] for row in of_batch if row["batch_size"] == "8"} == {
        "shuffled",
        "sorted by class",
    }


def test_batch_size_draws_a_line_for_each_seed():
    accuracies = {("0", "1"): 0.75, ("0", "8"): 0.5, ("1", "1"): 0.125, ("1", "8"): 0.25}
    rows = [
        {
            **{"backbone_name": "SmallCNN", "per_class": "40", "peer": "rbi", "order": "shuffled"},
            **{"seed": seed, "batch_size": size, "top1": str(accuracy)},
        }
        for (seed, size), accuracy in accuracies.items()
    ]
    (panel,) = batch_size.draw(rows).axes
    lines = [line.get_xydata().tolist() for line in panel.lines]
    assert lines == [[[1.0, 75.0], [8.0, 50.0]], [[1.0, 12.5], [8.0, 25.0]]]


def test_flow_has_a_row_for_each_image(tmp_path):
    rows = run("flow", tmp_path / "f.csv", "--images", "4")
    assert len(rows) == 4
    assert all(0.0 <= float(row["beta"]) <= 1.0 for row in rows)


@pytest.mark.nightly
def test_cam_covers_some_of_each_image(tmp_path):
    rows = run("cam", tmp_path / "c.csv", "--images", "4")
    assert len(rows) == 22
    assert all(0.0 <= float(row["coverage, conventional"]) <= 1.0 for row in rows)


@pytest.mark.nightly
def test_relation_matrix_has_both_models_and_s(tmp_path):
    rows = run("relation_matrix", tmp_path / "r.csv", "--images", "4")
    assert len(rows) == 3
    s = [float(value) for value in rows[2]["values, row by row"].split()]
    assert len(s) == 16
    assert float(rows[2]["asymmetry"]) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_says_what_it_costs_and_what_the_paper_says(name, capsys):
    program = importlib.import_module(f"applications.paper.{name}")
    with pytest.raises(SystemExit):
        program.main(["--help"])
    text = capsys.readouterr().out
    assert f"python -m applications.paper.{name} --dataset typefaces --quick" in text
    assert "What it costs" in text
    assert "paper" in text.lower()
