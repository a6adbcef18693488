"""What wins, by hand; the table, the page and the figure."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from applications.paper.regimes import __main__ as program
from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.report import failures, table_of, what_wins
from applications.paper.regimes.rows import Rows
from applications.paper.regimes.summary import cells_of, winners
from applications.paper.report import markdown


def rows_of(regime, column, accuracies, seeds=range(10)):
    return [
        {"regime": regime, "column": column, "seed": str(seed), "accuracy": str(accuracy),
         "rate": "0.1", "backend": "jax"}
        for seed, accuracy in zip(seeds, accuracies, strict=True)
    ]  # fmt: skip


def noise(seed):
    return np.random.default_rng(seed).normal(scale=0.5, size=10)


ALONE = 60 + noise(0)


def test_gains_are_those_of_scipy():
    own, control = 66 + noise(1), 65 + noise(2)
    rows = [
        *rows_of("40", "alone", ALONE),
        *rows_of("40", "default", own),
        *rows_of("40", "control", control),
    ]
    (cell,) = cells_of(rows, columns=["default"])
    for gain, other in ((cell.over_alone, ALONE), (cell.over_control, control)):
        known = stats.ttest_rel(own, other)
        low, high = known.confidence_interval(0.95)
        assert 100 * gain.mean == pytest.approx(np.mean(own - other))
        assert (100 * gain.low, 100 * gain.high) == pytest.approx((low, high))
    assert not cell.wins


def test_relating_wins_over_both_and_with_both_kinds_of_seeds():
    rows = rows_of("40", "alone", ALONE) + rows_of("40", "control", ALONE + 1)
    lucky = np.where(np.arange(10) < 5, 8, 1)
    cases = {"tail-50": ALONE + 6 + noise(1), "5": ALONE + lucky + noise(1), "10": ALONE + 3}
    for regime, own in cases.items():
        rows += [
            *rows_of(regime, "alone", ALONE),
            *rows_of(regime, "control", ALONE + 1),
            *rows_of(regime, "default", own),
        ]
    # 10 gains 3 over the backbone, but 2 over its control; 5 gains with seeds 0 to 4 alone.
    assert [cell.regime for cell in winners(rows)] == ["tail-50"]
    text = what_wins(rows)
    assert "5 images a class, RBI's default at imbalance 50; confirmed" in text
    assert text.endswith("confirmed with seeds 5 to 9: RBI's default at imbalance 50.")


def test_failed_runs_are_counted():
    own = ALONE.copy()
    own[3] = 29.0
    rows = rows_of("40", "alone", ALONE) + rows_of("40", "mixup", own)
    assert failures(rows, "40", "mixup") == 1
    header, line = table_of(rows)
    assert line[header.index("MixUp of features")].endswith(", 1 failed")


def test_a_file_is_reported_on_a_page(tmp_path, capsys):
    rows = Rows(tmp_path / "map.csv")
    for name in COLUMNS:
        rows.add_test(rows_of("40", name, ALONE))
    page = tmp_path / "page.md"
    page.write_text("<!-- regimes: begin --><!-- regimes: end -->")
    program.main(["--output", str(rows.file), "--only-report", "--page", str(page)])
    text = page.read_text("utf-8")
    assert "| 40 images a class | 10 |" in text
    assert "](map.png)" in text
    assert "confirmed with seeds 5 to 9: none." in capsys.readouterr().out
    with Image.open(tmp_path / "map.png") as picture:
        assert min(picture.size) > 200


def test_nothing_to_report_is_said(tmp_path):
    with pytest.raises(SystemExit, match=r"map\.csv has no head with its control"):
        program.main(["--output", str(tmp_path / "map.csv"), "--only-report"])


def test_the_page_has_the_table_of_its_rows():
    rows = Rows(program.RESULTS).test()
    page = (Path(__file__).parents[3] / "docs" / "regimes.md").read_text("utf-8")
    assert f"{markdown(table_of(rows))}\n\n{what_wins(rows)}" in page
    # The first line below the title says what was found.
    regimes = len({cell.regime for cell in cells_of(rows)})
    first = (
        f"**In none of the {regimes} regimes measured do relations pay: of {len(cells_of(rows))}"
    )
    assert bool(winners(rows)) != page.splitlines()[2].startswith(first)
