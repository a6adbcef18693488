"""The model card of a run: what the model is, how right it is, and what it is not for."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_rbi.atomic_write import write_atomically
from keras_rbi.training.run_folder import RunFolder

# What is between these is written anew; the header and what is written around them stay.
BEGIN = "<!-- keras-rbi: begin -->"
END = "<!-- keras-rbi: end -->"
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~$])")
# Of a string in quotes.
NOT_IN_YAML = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# More classes than these fill no table that anybody reads: those of the lowest accuracy.
MOST_CLASSES = 200
# Of fewer test images an accuracy says little.
FEW_IMAGES = 10
LOW_ACCURACY = 0.5


def model_card(path: str | Path, measured: Mapping[str, Any] | None = None) -> str:
    """The model card of a finished run, in the form of Hugging Face's: a header and Markdown.

    Args:
        path: The run's folder.
        measured: What `keras-rbi evaluate` has measured on the run's test images, the content of
            its `evaluation.json`. Defaults to `None`: what the run measured at its end.

    Returns:
        The text of a `README.md`. The licence is left open: it is the user's to choose.

    Raises:
        ValueError: If the folder is none of a finished run, or if a file of it is damaged.
    """
    folder = RunFolder(path)
    names = folder.read_settings()[1]
    metrics = folder.read_metrics()
    if not metrics:
        raise ValueError(f"The run {str(path)!r} is not finished: it has no accuracy to tell of.")
    return card_of(folder.path.absolute().name, names, metrics, measured)


def update_model_card(path: str | Path, measured: Mapping[str, Any] | None = None) -> Path | None:
    """Brings the model card of a run up to date, or writes it where there is none.

    The header, and what a user wrote around what is generated, stay; a card without the marks
    around that is the user's own and is left as it is.

    Args:
        path: The run's folder.
        measured: As in `model_card`. Defaults to `None`.

    Returns:
        The file, or `None` where it was left as it is.

    Raises:
        ValueError: As `model_card` does.
        OSError: If the file cannot be written.
    """
    file = RunFolder(path).card
    text = model_card(path, measured)
    if file.is_file():
        before = file.read_text("utf-8", "replace")
        if before.count(BEGIN) != 1 or before.count(END) != 1:
            return None
        head, rest = before.split(BEGIN)
        new = text.split(BEGIN)[1].split(END)[0]
        text = f"{head}{BEGIN}{new}{END}{rest.split(END)[1]}"
    write_atomically(file, lambda unfinished: unfinished.write_text(text, "utf-8", "replace"))
    return file


def card_of(
    name: str,
    class_names: Sequence[str],
    metrics: Mapping[str, Any],
    measured: Mapping[str, Any] | None = None,
) -> str:
    """As `model_card`, of what a run's files hold.

    Args:
        name: What to call the model.
        class_names: Names of its classes.
        metrics: The run's metrics.
        measured: As in `model_card`. Defaults to `None`.
    """
    settings = metrics["settings"]
    data = Path(str(settings.get("dataset", "data"))).name
    parts = [
        _about(class_names, metrics, data),
        "## How to use it",
        "```sh\nkeras-rbi predict RUN photographs/\n```",
        "```python\nimport keras\nimport keras_rbi\n\n"
        'model = keras.models.load_model("model.keras")\n'
        'for found in keras_rbi.evaluation.classify_files(model, "photographs"):\n'
        "    print(found.path, found.top(3))\n```",
        "## Data",
        _data(class_names, metrics, data),
        "## Accuracy",
        *_accuracy(metrics, measured),
        "## By class",
        *_by_class(class_names, metrics, measured),
        "## Calibration",
        _calibration(metrics, measured),
        "## What it must not be used for",
        _not_for(class_names, metrics),
        "## How it was trained",
        _table(("setting", "value"), _settings(settings)),
        "## Versions",
        _table(("package", "version"), list(metrics.get("versions", {}).items())),
    ]
    return "\n".join(
        [
            _header(name, metrics, data),
            f"# {_escaped(name)}",
            "",
            BEGIN,
            "",
            "\n\n".join(parts),
            "",
            END,
            "",
            "## Licence",
            "",
            "None is stated. It is yours to choose, as far as the photographs and the weights that "
            "training began with allow: write it here, and into the header as `license:`.",
            "",
        ]
    )


def _header(name: str, metrics: Mapping[str, Any], data: str) -> str:
    """Keys that the hub knows. JSON is YAML."""
    name, data = (NOT_IN_YAML.sub("_", text) for text in (name, data))
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"name": data, "type": "imagefolder", "split": "test"},
        "metrics": [
            {"type": "accuracy", "name": "top-1", "value": round(metrics["test_accuracy"], 6)}
        ],
    }
    keys = {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["keras-rbi", "fine-grained"],
        "metrics": ["accuracy"],
        "model-index": [{"name": name, "results": [result]}],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    return "\n".join(["---", *lines, "---", ""])


def _about(class_names: Sequence[str], metrics: Mapping[str, Any], data: str) -> str:
    settings = metrics["settings"]
    relations = metrics.get("relations", "none")
    text = (
        f"Tells {len(class_names):,} classes of {_escaped(data)} apart in photographs: "
        f"{_escaped(str(settings.get('backbone')))}, method {settings.get('method')}, "
        f"{metrics.get('parameters', 0):,} parameters, images of {settings.get('image_size')} "
        f"pixels. Top-1 accuracy {_percent(metrics['test_accuracy'])} on "
        f"{metrics['test_images']:,} test images."
    )
    if relations == "batch":
        text += (
            " **A prediction depends on the other images of its batch** (relations `batch`): give "
            "it the same batches, or set `model.relations`."
        )
    elif relations != "none":
        text += f" No prediction depends on what else is in its batch (relations `{relations}`)."
    return text


def _data(class_names: Sequence[str], metrics: Mapping[str, Any], data: str) -> str:
    counts = metrics.get("images") or {"test": metrics["test_images"]}
    rows = [(split, f"{count:,}") for split, count in counts.items()]
    text = f"{_escaped(data)}, {len(class_names):,} classes.\n\n" + _table(
        ("split", "images"), rows
    )
    note = metrics.get("test_note")
    return f"{text}\n\n{_escaped(note)}" if note else text


def _accuracy(metrics: Mapping[str, Any], measured: Mapping[str, Any] | None) -> list[str]:
    if measured is not None:
        rows = [
            (
                row["relations"],
                "any" if row["batch_size"] is None else str(row["batch_size"]),
                row["order"] + (f" ×{row['orders']}" if row["orders"] > 1 else ""),
                _points(row["top1"]),
                _points(row["top5"]),
                _points(row["calibration_error"]),
            )
            for row in measured["rows"]
        ]
        head = ("relations", "test batch size", "order", "top-1 (%)", "top-5 (%)", "ECE (%)")
        return [
            f"On {measured['test_images']:,} test images, {measured['test_order']}.",
            _table(head, rows),
        ]
    short = [
        (
            row["relations"],
            "any" if row["batch_size"] is None else str(row["batch_size"]),
            _points(row["accuracy"]),
        )
        for row in metrics.get("test_accuracy_by_relations", ())
    ]
    return [
        f"On {metrics['test_images']:,} test images, {metrics.get('test_order', '')}.",
        _table(("relations", "test batch size", "top-1 (%)"), short),
        "`keras-rbi evaluate` measures more, over several orders of the test images.",
    ]


def _by_class(
    class_names: Sequence[str], metrics: Mapping[str, Any], measured: Mapping[str, Any] | None
) -> list[str]:
    details = (measured or {}).get("details") or {}
    classes = details.get("classes") or metrics.get("test_accuracy_by_class")
    if not classes:
        names = ", ".join(map(_escaped, class_names[:MOST_CLASSES]))
        return [f"Not measured by class (`keras-rbi evaluate --details` does): {names}."]
    trained = metrics.get("training_images_by_class") or [None] * len(class_names)
    shown = sorted(classes, key=lambda one: one["top1"])[:MOST_CLASSES]
    text = "The lowest accuracy first."
    if len(shown) < len(classes):
        text += f" {len(shown)} of {len(classes):,} classes."
    rows = [
        (
            one["name"],
            "" if trained[one["label"]] is None else f"{trained[one['label']]:,}",
            f"{one['images']:,}",
            _points(one["top1"]),
        )
        for one in shown
    ]
    return [text, _table(("class", "training images", "test images", "top-1 (%)"), rows)]


def _calibration(metrics: Mapping[str, Any], measured: Mapping[str, Any] | None) -> str:
    error = metrics.get("test_calibration_error")
    if measured is not None:
        own = [row for row in measured["rows"] if row["relations"] == metrics.get("relations")]
        error = next((row["calibration_error"] for row in own), error)
    if error is None:
        return "Not measured: `keras-rbi evaluate` does."
    return (
        f"Expected calibration error {_percent(error)}: so far is the probability of the likeliest "
        "class from the share of images that are right, in the mean over 15 bins. It is of images "
        "like the test images, and of no others."
    )


def _not_for(class_names: Sequence[str], metrics: Mapping[str, Any]) -> str:
    lines = [
        f"Anything but these {len(class_names):,} classes: whatever a photograph shows, the model "
        "names one of them.",
        "Photographs of another kind than its data (another camera, season, place or background) "
        "without measuring it on some of them first.",
        "Decisions on which health or safety depend, such as what can be eaten or touched, without "
        "somebody who knows.",
        "Telling people apart, or anything about them.",
    ]
    classes = metrics.get("test_accuracy_by_class") or ()
    low = [one["name"] for one in classes if one["top1"] < LOW_ACCURACY]
    if low:
        lines.append(f"Classes that it gets wrong more often than right: {_some(low)}.")
    few = [one["name"] for one in classes if one["images"] < FEW_IMAGES]
    if few:
        lines.append(
            f"Relying on the accuracy of classes with fewer than {FEW_IMAGES} test images: "
            f"{_some(few)}."
        )
    return "\n".join(f"* {line}" for line in lines)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return ", ".join(map(_escaped, names[:10])) + more


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Those that are set; of files their names, since where they lie is nobody's concern."""
    return [
        (name, Path(value).name if isinstance(value, str) and "/" in value else str(value))
        for name, value in settings.items()
        if value is not None and name not in ("cache_dir", "data_dir")
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def _percent(share: float) -> str:
    return f"{_points(share)} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
