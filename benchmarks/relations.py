"""Accuracy by what images relate to at inference: themselves, their batch, or references.

    KERAS_BACKEND=tensorflow python benchmarks/relations.py --json relations.json
    python benchmarks/relations.py --json relations.json --page docs/relations.md \\
        --figure docs/images/relations.png

For each variant and seed a model is trained on the typefaces as by `keras-rbi train`, and then
tested in every mode, with the backbone's features computed once. A run that is in the JSON file
already is not trained again: a program that was stopped goes on where it was, and one that finds
all runs done only makes the page.

About three minutes a run on two cores.
"""

import argparse
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from measure import console_for_tables, machine, versions
from page import put_on_page
from rich.console import Console
from rich.table import Table

from keras_rbi import training
from keras_rbi.evaluation import ExtractedFeatures, RelatedOutputs, extract_features

VARIANTS = ("residual", "0.1", "paper")
MODES = ("self", "batch", "references")
# Ways of choosing references, and how many of each class.
REFERENCES = [
    (select, count, "images") for count in (1, 4) for select in ("random", "herding", "confusable")
] + [("random", 1, "features")]
# Batch compositions in which each image is classified: so many shuffled orders, and a sorted one.
ORDERS = 8
BATCH = 32
# Okabe and Ito's: told apart by colour-blind readers too.
COLOURS = {"self": "#0072B2", "batch": "#D55E00", "references": "#009E73"}


def settings_of(variant: str, seed: int, options: Any) -> training.TrainingSettings:
    """Those of `keras-rbi train --backbone SmallCNN`, but for what the options say."""
    return training.TrainingSettings(
        variant=variant,
        seed=seed,
        backbone="SmallCNN",
        per_class=options.per_class,
        epochs=options.epochs,
        image_size=options.image_size,
    ).resolved()


def measure_run(settings: training.TrainingSettings) -> dict[str, Any]:
    """Trains a model and tests it in every mode.

    Returns:
        Rows of accuracies; for each mode the share of images whose class changes with the
        batch composition; and the error of relations that thumbnails make.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = training.prepare(settings, training.RunFolder(Path(folder) / "run"))
        metrics = run.complete(verbose=0)
    model, test = run.model, run.test
    extracted = extract_features(model, test)
    rows = metrics["test_accuracy_by_relations"]
    changed = {mode: share_changed(extracted, mode) for mode in MODES[:2]}
    errors = {}
    for select, count, keep in REFERENCES:
        model.set_references(run.training, None, count, select, keep, settings.seed)
        predicted = np.argmax(RelatedOutputs(extracted).alone("references"), axis=-1)
        accuracy = float(np.mean(predicted == extracted.labels))
        how = {"select": select, "per_class": count, "keep": keep}
        rows.append({"relations": "references", "batch_size": None, "accuracy": accuracy, **how})
        if keep == "features":
            errors = {"relations_error": model.references.relations_error}
        elif "references" not in changed:
            changed["references"] = share_changed(extracted, "references")
    count = {"test_images": metrics["test_images"]}
    return {"rows": rows, "changed": changed, **count, **errors}


def share_changed(extracted: ExtractedFeatures, mode: str) -> float:
    """Share of images that some batch with 31 others gives another class than they have alone."""
    related = RelatedOutputs(extracted)
    generator = np.random.default_rng(0)
    orders = [generator.permutation(len(extracted)) for _ in range(ORDERS)]
    orders.append(np.argsort(extracted.labels, kind="stable"))
    compositions = [np.argmax(related.each_batch(mode, BATCH, order), axis=-1) for order in orders]
    # With references an image is not answered as alone, but always in the same way.
    expected = (
        compositions[0] if mode == "references" else np.argmax(related.alone("self"), axis=-1)
    )
    changed = np.zeros(len(extracted), bool)
    for classes in compositions:
        changed |= classes != expected
    return float(np.mean(changed))


def name_of(row: dict[str, Any]) -> str:
    """What a row of accuracies is called in the table."""
    if row["relations"] != "references":
        size = "" if row["batch_size"] is None else f", test batches of {row['batch_size']}"
        return f'"{row["relations"]}"{size}'
    kept = ", features alone" if row["keep"] == "features" else ""
    return f'"references", {row["per_class"]} a class, {row["select"]}{kept}'


def cells_of(runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table: a mode, and for each variant mean and standard deviation over seeds."""
    by_variant = {
        variant: [run for run in runs if run["variant"] == variant]
        for variant in VARIANTS
        if any(run["variant"] == variant for run in runs)
    }

    def over_seeds(values: dict[str, list[float]]) -> list[str]:
        return [
            f"{100 * np.mean(each):.1f} ± {100 * np.std(each, ddof=1):.1f}"
            if len(each) > 1
            else f"{100 * np.mean(each):.1f}"
            for each in values.values()
        ]

    table = [["relations at inference", *by_variant]]
    for number, row in enumerate(runs[0]["rows"]):
        accuracies = {
            variant: [run["rows"][number]["accuracy"] for run in each]
            for variant, each in by_variant.items()
        }
        table.append([name_of(row), *over_seeds(accuracies)])
    for mode in MODES:
        shares = {
            variant: [run["changed"][mode] for run in each] for variant, each in by_variant.items()
        }
        table.append([f'predictions that batch composition changes, "{mode}"', *over_seeds(shares)])
    return table


def markdown(content: dict[str, Any], figure: Path | None, page: Path) -> str:
    """The table for the page, the figure, and what was measured."""
    runs, found = content["runs"], content["versions"]
    seeds = sorted({run["seed"] for run in runs})
    settings = runs[0]["settings"]
    header, *rows = cells_of(runs)
    lines = [
        f"Top-1 accuracy in %, mean ± standard deviation over {len(seeds)} seeds; typefaces, "
        f"{settings['per_class']} training images a class of {settings['image_size']}×"
        f"{settings['image_size']} pixels, {settings['epochs']} epochs, training batches of "
        f"{settings['batch_size']}, {settings['backbone']} from scratch, "
        f"{runs[0]['test_images']:,} test images in one shuffled order; "
        f"{content['backend']} {found[content['backend']]}, keras {found['keras']}, "
        f"{content['machine']['cores']} cores of {content['machine']['cpu']}, "
        "no GPU. The last three rows: images, in %, whose class is not the same in "
        f"{ORDERS} random companies of 31 others and one of their own class.",
        "",
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    errors = [run["relations_error"] for run in runs if run["variant"] != "paper"]
    if errors:
        lines += [
            "",
            "With features alone, thumbnails put normalized relations off by "
            f"{np.mean(errors):.1e} on average (an image's relation to itself is 1).",
        ]
    if figure is not None:
        link = os.path.relpath(figure, page.parent)
        lines += ["", f"![Accuracy by relations and test batch size]({link})"]
    return "\n".join(lines)


def draw(runs: Sequence[dict[str, Any]]) -> Figure:
    """Accuracy over the test batch size, for each variant, beside the modes that know none."""
    variants = [name for name in VARIANTS if any(run["variant"] == name for run in runs)]
    figure = Figure(figsize=(4.5 * len(variants), 3.6), layout="constrained")
    axes = figure.subplots(1, len(variants), sharey=True, squeeze=False)[0]
    for place, variant in zip(axes, variants, strict=True):
        rows = [run["rows"] for run in runs if run["variant"] == variant]
        sizes = [row["batch_size"] for row in rows[0] if row["relations"] == "batch"]
        for name, color in COLOURS.items():
            numbers = [
                number
                for number, row in enumerate(rows[0])
                if row["relations"] == name
                and (row.get("select", "random"), row.get("per_class", 1)) == ("random", 1)
                and row.get("keep", "images") == "images"
            ]
            accuracies = [[run[number]["accuracy"] for number in numbers] for run in rows]
            values = 100 * np.array(accuracies)
            if name == "batch":
                place.plot(sizes, values.T, color=color, alpha=0.3, linewidth=1)
                place.plot(sizes, values.mean(axis=0), "o-", color=color, label=f'"{name}"')
            else:
                place.axhline(values.mean(), color=color, linestyle="--", label=f'"{name}"')
        place.set_xscale("log", base=2)
        place.set_xticks(sizes, [str(size) for size in sizes])
        place.set_xlabel("test batch size")
        place.set_title(variant)
    axes[0].set_ylabel("top-1 accuracy (%)")
    axes[0].legend()
    return figure


def finished_runs(file: Path) -> list[dict[str, Any]]:
    """The runs that a file has already."""
    return json.loads(file.read_text("utf-8"))["runs"] if file.is_file() else []


def write(file: Path, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Writes the runs, so that the file is there whole or as it was."""
    content = {
        "backend": keras.config.backend(),
        "machine": machine(),
        "versions": versions(),
        "runs": runs,
    }
    unfinished = file.with_name(f".unfinished-{file.name}")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    unfinished.replace(file)
    return content


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is not measured yet, prints the table, and writes what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--json", type=Path, metavar="FILE", required=True, help="the figures; runs in it are kept")
    add("--page", type=Path, metavar="FILE", help="put the table between the marks of this page")
    add("--figure", type=Path, metavar="FILE", help="draw accuracy over the test batch size")
    add("--variants", nargs="*", choices=VARIANTS, default=["residual", "paper"])
    add("--seeds", nargs="*", type=int, default=range(5))
    add("--per-class", type=int, default=300, help="training images a class (default: 300)")
    add("--epochs", type=int, help="(default: that of keras-rbi train)")
    add("--image-size", type=int, help="(default: that of keras-rbi train)")
    options = parser.parse_args(arguments)

    training.keep_freed_memory()
    progress, runs = Console(stderr=True), finished_runs(options.json)
    for seed in options.seeds:
        for variant in options.variants:
            settings = settings_of(variant, seed, options)
            key = {"variant": variant, "seed": seed, "settings": dataclasses.asdict(settings)}
            if any(key.items() <= run.items() for run in runs):
                continue
            progress.print(f"{variant}, seed {seed}")
            keras.utils.clear_session()
            start = time.perf_counter()
            runs.append({**key, **measure_run(settings), "seconds": time.perf_counter() - start})
            write(options.json, runs)
    content = json.loads(options.json.read_text("utf-8"))
    header, *rows = cells_of(content["runs"])
    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    console_for_tables().print(table)
    if options.figure:
        draw(content["runs"]).savefig(options.figure, dpi=150)
    if options.page:
        put_on_page(options.page, markdown(content, options.figure, options.page))


if __name__ == "__main__":
    main()
