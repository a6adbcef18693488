"""What is known of the run of a model, for reports."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_rbi.figures.html_report import Section, Table, facts
from keras_rbi.models.keras_classifier import classifier_of


def run_facts(path: str, model: keras.Model, metrics: Mapping[str, Any]) -> Section:
    """What is known of the run.

    Args:
        path: The run's folder or the model's file.
        model: The model.
        metrics: The content of its `metrics.json`, empty where there is none.

    Returns:
        A section with tables.
    """
    settings = metrics.get("settings", {})
    values: dict[str, object] = {
        "model": path,
        "kind": f"{type(model).__name__}, {model.count_params():,} parameters",
    }
    if classifier_of(model).relations is not None:
        values["predicts with relations"] = model.relations
        if model.references is not None:
            values["references"] = f"{model.references.num_references:,} images"
    values["images"] = " x ".join(map(str, model.input_shape[1:]))
    shown = {"dataset": "data", "seed": "seed", "backbone": "backbone", "weights": "weights"}
    shown |= {"epochs": "epochs", "batch_size": "training batch size"}
    shown |= {"learning_rate": "learning rate", "embedding_dim": "embedding width"}
    shown |= {"per_class": "training images a class", "augment": "augmentation"}
    shown |= {"variant": "variant"}
    values |= {
        label: settings[key] for key, label in shown.items() if settings.get(key) is not None
    }
    tables = [facts(values)]
    rows = metrics.get("test_accuracy_by_relations", [])
    text = "The settings that the model was trained with."
    if rows:
        text = (
            "The settings that the model was trained with, and its accuracy on "
            f"{metrics['test_images']:,} test images ({metrics['test_order']})."
        )
        tables.append(
            Table(
                [
                    (
                        row["relations"],
                        "any" if row["batch_size"] is None else str(row["batch_size"]),
                        f"{100 * row['accuracy']:.1f}",
                    )
                    for row in rows
                ],
                ("relations", "test batch size", "top-1 (%)"),
            )
        )
    elif not settings:
        text = "There is no run folder beside the model, so its training is not known."
    return Section("run", "The run", text, tables=tables)
