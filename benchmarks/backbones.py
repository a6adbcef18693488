"""Backbones with and without Relationship Batch Integration: parameters, time and memory.

    KERAS_BACKEND=jax python benchmarks/backbones.py DenseNet201 ConvNeXtBase --json backbones.json
    python benchmarks/backbones.py --page docs/backbones.md

Each backbone is built with random weights and 200 classes (those of CUB-200-2011), once as an
`RBIModel` of D = 1024 and once with a classifier alone, and fed one batch of random images at
its own size. Times of the two are taken in turns in one process; each peak is of a process of
its own, training step and compiling included. A backbone that does not fit the memory limit has
no times. The head's share of a step is measured by the median of the ratios of single turns.

One to two minutes a backbone on two cores, the large ones more; up to 16 GiB of memory.
"""

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from measure import (
    GIB,
    console_for_tables,
    in_fresh_process,
    machine,
    parser,
    target,
    verdict,
    versions,
)
from page import put_on_page
from rich.console import Console
from rich.table import Table

from keras_rbi import RBIModel, backbones
from keras_rbi.evaluation.cost import interleaved_times, resident_bytes
from keras_rbi.models.baselines.backbone_classifier import backbone_classifier

CLASSES = 200
BATCH = 32
SECONDS = 1800.0
MODELS = {"alone": False, "with RBI": True}
# A step with RBI in times that of the backbone alone, at most: where a step is short, images are
# compared for a larger part of it.
STEP_TARGETS = {"SmallCNN": 1.3, "MobileNetV3Small": 1.1}
STEP_TARGET = 1.05
# The paper's families, in sizes that train on two cores, and the small ones of this package.
DEFAULT = (
    "SmallCNN",
    "EfficientNetLite0",
    "DenseNet121",
    "DenseNet201",
    "MobileNetV3Small",
    "MobileNetV3Large",
    "ConvNeXtTiny",
    "ConvNeXtBase",
    "swin_tiny_patch4_window7_224",
    "swin_small_patch4_window7_224",
)


def build(name: str, rbi: bool) -> keras.Model:
    """A compiled classifier of 200 classes over a backbone of random weights."""
    backbone = backbones.get(name)
    model = RBIModel(backbone, CLASSES) if rbi else backbone_classifier(backbone, CLASSES)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def batch_of(model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Random images of the model's size, and labels."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (BATCH, *model.input_shape[1:])).astype("uint8")
    return images, generator.integers(0, CLASSES, BATCH)


def times_of(name: str, repeats: int, seconds: float) -> dict[str, Any]:
    """Parameters, and seconds of a forward pass and of a training step, in turns."""
    calls: dict[str, Callable[[], Any]] = {}
    parameters = {}
    for label, rbi in MODELS.items():
        model = build(name, rbi)
        images, labels = batch_of(model)
        parameters[label] = model.count_params()
        calls[f"forward {label}"] = lambda model=model, x=images: model.predict_on_batch(x)
        calls[f"step {label}"] = lambda model=model, x=images, y=labels: model.train_on_batch(x, y)
    for call in calls.values():
        call()
    return {"parameters": parameters, "times": interleaved_times(calls, repeats, seconds)}


def peak_of_step(name: str, rbi: bool) -> dict[str, Any]:
    """Bytes by which a training step raises what the process holds once the model is built."""
    model = build(name, rbi)
    images, labels = batch_of(model)
    before = resident_bytes("VmRSS")
    model.train_on_batch(images, labels)
    return {"peak_bytes": max(0, resident_bytes("VmHWM") - before)}


def figures_of(name: str, options: Any) -> dict[str, Any]:
    """Everything measured of one backbone, each part in a fresh process."""

    def fresh(task: dict[str, Any]) -> dict[str, Any]:
        command = [sys.executable, __file__, "--peak-of", json.dumps(task)]
        return in_fresh_process(command, options.memory_limit_gib * GIB, SECONDS)

    row: dict[str, Any] = {"name": name}
    if not options.no_memory:
        row["peaks"] = {label: fresh({"name": name, "rbi": rbi}) for label, rbi in MODELS.items()}
    row |= fresh({"name": name, "repeats": options.repeats, "seconds": options.seconds})
    return row


def step_ratio(row: dict[str, Any]) -> float:
    """A training step with RBI in times that of the backbone alone, of steps taken in turns."""
    alone, related = (np.array(row["times"][f"step {label}"]) for label in MODELS)
    pairs = min(len(alone), len(related))
    return float(np.median(related[:pairs] / alone[:pairs]))


def targets_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How much longer a step may take with RBI, for each backbone."""
    return [
        target(
            f"training step with RBI in times that of {row['name']} alone",
            step_ratio(row) if "times" in row else None,
            STEP_TARGETS.get(row["name"], STEP_TARGET),
            at_most=True,
            unit="times",
        )
        for row in rows
    ]


def cells_of(row: dict[str, Any]) -> list[str]:
    """The table's cells: both models of a backbone side by side."""
    if "times" not in row:
        return [row["name"], row.get("note", ""), *[""] * 4]

    def both(kind: str, scale: float) -> str:
        medians = [statistics.median(row["times"][f"{kind} {label}"]) for label in MODELS]
        return " / ".join(f"{scale * median:.3g}" for median in medians)

    peaks = [row.get("peaks", {}).get(label, {}) for label in MODELS]
    memory = " / ".join(
        f"{peak['peak_bytes'] / GIB:.2f}" if "peak_bytes" in peak else peak.get("note", "")
        for peak in peaks
    )
    return [
        row["name"],
        " / ".join(f"{row['parameters'][label] / 1e6:.2f}" for label in MODELS),
        both("forward", 1e3 / BATCH),
        both("step", 1.0),
        f"{step_ratio(row):.2f}",
        memory,
    ]


HEADER = (
    "backbone",
    "parameters (M)",
    "ms an image, forward",
    "s a training step",
    "step's ratio",
    "peak of a step (GiB)",
)


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table for the page, with what it was measured on."""
    here, found = machine(), versions()
    backend = keras.backend.backend()
    lines = [
        f"Without / with RBI; {CLASSES} classes, D = 1024, batches of {BATCH} random images at the "
        f"backbone's own size, float32, {backend} {found[backend]}, keras {found['keras']}, "
        f"{here['cores']} cores of {here['cpu']} with {here['memory_gib']} GiB, no GPU. Medians.",
        "",
        f"| {' | '.join(HEADER)} |",
        f"|{'---|' * len(HEADER)}",
        *(f"| {' | '.join(cells_of(row))} |" for row in rows),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures, prints the table, and writes what was asked for."""
    options_of = parser(__doc__)
    options_of.set_defaults(repeats=3, seconds=60.0, memory_limit_gib=16.0)
    options_of.add_argument("names", nargs="*", default=DEFAULT, help="backbones to measure")
    options_of.add_argument(
        "--page", type=Path, metavar="FILE", help="put the table between the marks of this page"
    )
    options = options_of.parse_args()
    if options.peak_of:
        task = json.loads(options.peak_of)
        print(json.dumps(peak_of_step(**task) if "rbi" in task else times_of(**task)))
        return
    for name in options.names:
        backbones.find(name)
    progress, rows = Console(stderr=True), []
    for number, name in enumerate(options.names, start=1):
        progress.print(f"{number}/{len(options.names)} {name}")
        rows.append(figures_of(name, options))
        if options.json:
            content = {"machine": machine(), "versions": versions(), "figures": rows}
            options.json.write_text(json.dumps(content, indent=2) + "\n")
    table = Table(*HEADER)
    for row in rows:
        table.add_row(*cells_of(row))
    console = console_for_tables()
    console.print(table)
    for one in targets_of(rows):
        console.print(verdict(one))
    if options.page:
        put_on_page(options.page, markdown(rows))


if __name__ == "__main__":
    main()
