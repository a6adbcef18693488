"""The default beside the backbone alone, and beside the same head, never related: the control.

    KERAS_BACKEND=torch python benchmarks/default_form.py --csv default_form.csv
    python benchmarks/default_form.py --csv default_form.csv --runs 0

Rows are paired by seed: the same images, labels, order and beginning. A row that is in the file
already is not measured again. Test images are the same for all seeds.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from csv_rows import add_rows, read_rows
from measure import console_for_tables, machine
from rich.table import Table
from scipy import stats

import keras_rbi
from keras_rbi import backbones, training
from keras_rbi.datasets import ImageData, Typefaces
from keras_rbi.evaluation.pooled_features import pooled_features
from keras_rbi.models import BackboneClassifier
from keras_rbi.training.defaults import CLIP_FROM_SCRATCH
from keras_rbi.training.freezing import freeze_batch_norms
from keras_rbi.training.linear_head import FEW, linear_head

BATCH = 32
TEST_BATCHES = (1, 32, 128)


@dataclass(frozen=True)
class Regime:
    """What a model is trained on, and how.

    Attributes:
        per_class: Training images of the most frequent class.
        epochs: Epochs.
        rate: Peak of the learning rate, which falls along a cosine.
        backbone: Its name; SmallCNN is trained from scratch with clipped gradients, others from
            ImageNet with frozen batch normalizations, after a head on features, as the command
            does.
        image_size: Side of the images.
        imbalance: Images of the most frequent class by those of the rarest.
        wrong: Share of the labels that are drawn at random.
    """

    per_class: int
    epochs: int
    rate: float
    backbone: str = "SmallCNN"
    image_size: int = 64
    imbalance: float = 1.0
    wrong: float = 0.0

    @property
    def is_pretrained(self) -> bool:
        return self.backbone != "SmallCNN"


REGIMES = {
    "scratch-40": Regime(40, 30, 3.2e-2),
    "scratch-80": Regime(80, 20, 3.2e-2),
    "scratch-300": Regime(300, 6, 3.2e-2),
    "fine-tuned-40": Regime(40, 8, 6e-3, "EfficientNetLite0", 96),
    "fine-tuned-80": Regime(80, 8, 6e-3, "EfficientNetLite0", 96),
    "long-tail": Regime(200, 20, 3.2e-2, imbalance=50.0),
    "wrong-labels": Regime(80, 20, 3.2e-2, wrong=0.4),
}
MODELS = ("alone", "default", "control")


def images_of(regime: Regime, split: str, count: int, seed: int) -> tuple[Any, Any, list[str]]:
    data = Typefaces(split, count, regime.image_size, seed=seed)
    images = np.stack([data.image(number) for number in range(len(data))])
    return images, np.asarray(data.labels), list(data.class_names)


def training_images(regime: Regime, seed: int) -> tuple[Any, Any, list[str]]:
    """Images and labels of a regime, with its tail and its wrong labels."""
    images, labels, names = images_of(regime, "train", regime.per_class, seed)
    generator = np.random.default_rng(seed + 1000)
    if regime.imbalance > 1:
        kept = []
        for rank, label in enumerate(generator.permutation(len(names))):
            share = regime.imbalance ** (-rank / (len(names) - 1))
            own = np.flatnonzero(labels == label)
            kept.extend(own[: round(regime.per_class * share)])
        images, labels = images[sorted(kept)], labels[sorted(kept)]
    if regime.wrong:
        wrong = generator.random(len(labels)) < regime.wrong
        labels = np.where(wrong, generator.integers(0, len(names), len(labels)), labels)
    return images, labels, names


def make(regime: Regime, model: str, names: list[str]) -> keras.Model:
    backbone = backbones.get(
        regime.backbone,
        weights="imagenet" if regime.is_pretrained else None,
        image_size=regime.image_size,
    )
    if model == "alone":
        made = BackboneClassifier(backbone, class_names=names)
    else:
        dropout = 1.0 if model == "control" else None
        made = keras_rbi.RBIModel(backbone, class_names=names, relation_dropout=dropout)
    if regime.is_pretrained:
        freeze_batch_norms(made)
    return made


def optimizer(regime: Regime, rate: float, images: int) -> keras.Optimizer:
    """That of the command, with a first epoch of warm-up where weights are pretrained."""
    epoch = -(-images // BATCH)
    steps = epoch * regime.epochs
    if not regime.is_pretrained:
        schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
        return keras_rbi.RectifiedAdam(schedule, global_clipnorm=CLIP_FROM_SCRATCH)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - epoch, warmup_target=rate, warmup_steps=epoch
    )
    return keras_rbi.RectifiedAdam(schedule)


def set_head(model: keras.Model, regime: Regime, images: Any, labels: Any, seed: int) -> None:
    """Begins with the head that logistic regression finds on features of the backbone."""
    known = pooled_features(model, InMemory(images, labels), "training"), labels
    chosen_on = known
    if len(labels) > FEW:
        images, labels, _ = images_of(regime, "validation", 40, seed)
        chosen_on = pooled_features(model, InMemory(images, labels), "validation"), labels
    model.classifier.set_weights(linear_head(known, chosen_on, model.num_classes, seed))


class InMemory(ImageData):
    """Images that are an array."""

    def __init__(self, images: Any, labels: Any) -> None:
        self.images, self.labels = images, labels
        self.class_names = [str(label) for label in range(labels.max() + 1)]
        self.image_size = images.shape[1]

    def image(self, index: int) -> Any:
        return self.images[index]


def measure(
    regime: Regime, model: str, seed: int, rate: float, split: str, count: int
) -> dict[str, Any]:
    """Trains a model and measures it on images of a split."""
    images, labels, names = training_images(regime, seed)
    keras.utils.set_random_seed(seed)
    made = make(regime, model, names)
    begin = time.perf_counter()
    made.compile(optimizer(regime, rate, len(images)), "sparse_categorical_crossentropy")
    if regime.is_pretrained:
        set_head(made, regime, images, labels, seed)
    order = np.random.default_rng(seed)
    loss = 0.0
    for _ in range(regime.epochs):
        shuffled = order.permutation(len(images))
        for first in range(0, len(images), BATCH):
            batch = shuffled[first : first + BATCH]
            loss = made.train_on_batch(images[batch], labels[batch])
    seconds = time.perf_counter() - begin
    images, labels, _ = images_of(regime, split, count, seed if split == "validation" else 0)
    shuffled = np.random.default_rng(0).permutation(len(images))

    def accuracy(size: int) -> float:
        predicted = made.predict(images[shuffled], batch_size=size, verbose=0).argmax(-1)
        return round(100 * float(np.mean(predicted == labels[shuffled])), 2)

    row = {"accuracy": accuracy(64), "loss": float(np.asarray(loss)), "seconds": round(seconds, 1)}
    if model != "alone":
        made.relations = "batch"
        row |= {f"batch_{size}": accuracy(size) for size in TEST_BATCHES}
    return row


FIELDS = (
    "regime model seed rate split images backend accuracy loss seconds "
    + " ".join(f"batch_{size}" for size in TEST_BATCHES)
).split()
KEY = ("regime", "model", "seed", "rate", "split")


def best_rate(rows: Sequence[dict[str, str]], regime: str, model: str) -> float:
    """The rate with the best mean accuracy on validation images, else that of the regime."""
    tried: dict[float, list[float]] = {}
    for row in rows:
        if (row["regime"], row["model"], row["split"]) == (regime, model, "validation"):
            tried.setdefault(float(row["rate"]), []).append(float(row["accuracy"]))
    if not tried:
        return REGIMES[regime].rate
    return max(tried, key=lambda rate: np.mean(tried[rate]))


def differences(rows: Sequence[dict[str, str]]) -> Iterator[list[str]]:
    """For each regime, head and rate: accuracies and differences from the backbone, by seeds.

    The backbone alone is at the rate that suits it best, the heads at any.
    """
    for regime in REGIMES:
        own = best_rate(rows, regime, "alone")
        of_regime = [row for row in rows if row["regime"] == regime and row["split"] == "test"]
        alone = {
            row["seed"]: float(row["accuracy"])
            for row in of_regime
            if row["model"] == "alone" and float(row["rate"]) == own
        }
        heads = sorted({(MODELS.index(row["model"]), float(row["rate"])) for row in of_regime})
        for model, rate in ((MODELS[place], rate) for place, rate in heads if place):
            pairs = [
                (alone[row["seed"]], row)
                for row in of_regime
                if row["model"] == model and float(row["rate"]) == rate and row["seed"] in alone
            ]
            if len(pairs) < 2:
                continue
            base = np.array([one for one, _ in pairs])
            found = np.array([float(row["accuracy"]) for _, row in pairs])
            change = found - base
            half = stats.t.ppf(0.975, len(pairs) - 1) * stats.sem(change)
            spread = [
                max(sizes) - min(sizes)
                for _, row in pairs
                if (sizes := [float(row[f"batch_{size}"]) for size in TEST_BATCHES])
            ]
            yield [
                regime,
                model,
                f"{rate:g}",
                str(len(pairs)),
                f"{base.mean():.1f} at {own:g}",
                f"{found.mean():.1f}",
                f"{change.mean():+.2f} [{change.mean() - half:+.2f}, {change.mean() + half:+.2f}]",
                str(int(np.sum(found < base / 2))),
                f"{max(spread):.1f}",
            ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the rows that are missing, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--csv", type=Path, required=True, metavar="FILE", help="the rows; those in it are kept")
    add("--regimes", nargs="*", choices=REGIMES, default=list(REGIMES))
    add("--models", nargs="*", choices=MODELS, default=MODELS)
    add("--seeds", nargs="*", type=int, default=range(10))
    add("--rate", type=float, help="(default: that of the regime)")
    add("--split", choices=("validation", "test"), default="test")
    add("--images", type=int, default=100, help="images of a class to measure on (default: 100)")
    add("--runs", type=int, help="at most so many (default: all)")
    options = parser.parse_args(arguments)

    training.keep_freed_memory()
    missing = []
    done = {tuple(row[name] for name in KEY) for row in read_rows(options.csv)}
    for seed in options.seeds:
        for name in options.regimes:
            rate = options.rate or REGIMES[name].rate
            for model in options.models:
                key = (name, model, str(seed), str(rate), options.split)
                if key not in done:
                    missing.append((name, model, seed, rate))
    for name, model, seed, rate in missing[: options.runs]:
        keras.utils.clear_session()
        row = measure(REGIMES[name], model, seed, rate, options.split, options.images)
        row |= {"regime": name, "model": model, "seed": seed, "rate": rate}
        row |= {"split": options.split, "images": options.images}
        add_rows(options.csv, FIELDS, [{**row, "backend": keras.config.backend()}])
    table = Table(
        *["regime", "head", "rate", "seeds", "alone", "head", "difference"],
        "runs under half",
        "change with test batch",
        title=f"Top-1 accuracy in %, {machine()['cpu']}",
    )
    for cells in differences(read_rows(options.csv)):
        table.add_row(*cells)
    console_for_tables().print(table)


if __name__ == "__main__":
    main()
