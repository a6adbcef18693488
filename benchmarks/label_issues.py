"""How many of the labels that are doubted are wrong, and how many of the wrong ones are doubted.

    KERAS_BACKEND=torch python benchmarks/label_issues.py --per-class 40 300 --json issues.json

A share of the labels of training images of the typefaces is swapped with another typeface of the
same family, such as DejaVu Sans for DejaVu Sans Oblique: the mistakes that people make too. Then
`keras_rbi.evaluation.find_label_issues` looks for them, on features of a backbone with ImageNet
weights that has not been trained on typefaces. A run that is in the JSON file already is not
repeated. Some minutes a seed with 300 images a class on two cores.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import console_for_tables, machine, versions
from rich.table import Table

from keras_rbi import backbones, datasets, evaluation, models

FIRST = 100
SHARE = 0.1
FIGURES = ("precision", "recall", "suggestions_right", "precision_of_all", "recall_of_all")


def swapped(data: datasets.Typefaces, share: float, seed: int) -> np.ndarray:
    """The labels of typefaces, a share of them replaced by another of the same family."""
    generator = np.random.default_rng(seed)
    families = dict(zip(data.labels.tolist(), data.coarse_labels.tolist(), strict=True))
    labels = data.labels.copy()
    for image in generator.choice(len(labels), round(share * len(labels)), replace=False):
        others = [
            label
            for label, family in families.items()
            if family == data.coarse_labels[image] and label != data.labels[image]
        ]
        labels[image] = generator.choice(others)
    return labels


def scores(
    issues: list[evaluation.LabelIssue], labels: np.ndarray, right: np.ndarray
) -> dict[str, float]:
    """Precision and recall of suspects.

    Args:
        issues: The suspects, the most doubtful first.
        labels: The labels that were doubted.
        right: The right ones.
    """
    wrong = labels != right
    numbers = np.array([issue.index for issue in issues], np.int64)
    first = numbers[:FIRST]
    found = [issue for issue in issues[:FIRST] if wrong[issue.index]]
    named = sum(issue.suggested == right[issue.index] for issue in found)
    return {
        "wrong": int(wrong.sum()),
        "suspects": len(numbers),
        "precision": float(wrong[first].mean()) if len(first) else 0.0,
        "recall": float(wrong[first].sum() / wrong.sum()),
        "suggestions_right": named / max(1, len(found)),
        "precision_of_all": float(wrong[numbers].mean()) if len(numbers) else 0.0,
        "recall_of_all": float(wrong[numbers].sum() / wrong.sum()),
    }


def measure_run(run: dict[str, Any]) -> dict[str, Any]:
    """Swaps labels, looks for them, and counts."""
    begin = time.monotonic()
    data = datasets.Typefaces("train", run["per_class"], run["image_size"], run["seed"])
    right = data.labels
    data.labels = swapped(data, run["share"], run["seed"])
    # Images are rendered by their labels.
    shown = datasets.Typefaces("train", run["per_class"], run["image_size"], run["seed"])
    data.image = shown.image  # type: ignore[method-assign]
    backbone = backbones.get(run["backbone"], "imagenet", run["image_size"])
    model = models.backbone_classifier(backbone, len(data.class_names))
    found = evaluation.find_label_issues(model, data, seed=run["seed"])
    return {
        **scores(found.issues, data.labels, right),
        "agreement": found.accuracy,
        "seconds": round(time.monotonic() - begin),
    }


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    done = json.loads(options.json.read_text()) if options.json and options.json.is_file() else {}
    runs = done.get("runs", [])
    for per_class in options.per_class:
        for seed in options.seeds:
            run = {
                "backbone": options.backbone,
                "image_size": options.image_size,
                "per_class": per_class,
                "share": SHARE,
                "seed": seed,
            }
            if not any(run == {name: one[name] for name in run} for one in runs):
                runs.append({**run, **measure_run(run)})
                content = {"machine": machine(), "versions": versions(), "runs": runs}
                if options.json:
                    options.json.write_text(json.dumps(content, indent=2) + "\n")
    console_for_tables().print(_table(runs))


def _table(runs: list[dict[str, Any]]) -> Table:
    table = Table(title=f"Of the first {FIRST} suspects, and of all, in %")
    for name in ("images a class", "seed", "swapped", "suspects", *FIGURES, "agreement"):
        table.add_column(name.replace("_", " "), justify="right")
    for one in runs:
        table.add_row(
            *(str(one[name]) for name in ("per_class", "seed", "wrong", "suspects")),
            *(f"{100 * one[name]:.1f}" for name in (*FIGURES, "agreement")),
        )
    return table


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--backbone", default="EfficientNetLite0", help="(default: EfficientNetLite0)")
    add("--image-size", type=int, default=96, help="side in pixels (default: 96)")
    add("--per-class", type=int, nargs="+", default=[300], help="images (default: 300)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(default: 0 1 2)")
    add("--json", type=Path, metavar="FILE", help="write every figure to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
