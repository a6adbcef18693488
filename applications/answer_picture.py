"""The picture of the first page: what is predicted, by which parts, and what it resembles.

    python -m applications.answer_picture docs/images/answer.png

A row for each of some test images: the image, the class activation map of its prediction, and of
each of the two likeliest classes the training images whose feature vectors are nearest to its own.
Trains on the typefaces first, some minutes on two cores.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import keras_rbi
from keras_rbi.datasets import ImageSequence, Typefaces
from keras_rbi.evaluation import extract_features
from keras_rbi.explanations import grad_cam
from keras_rbi.figures.image_panels import draw_overlay, wrapped

DPI = 100
CELL = 1.35


def nearest(features: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the rows of others with the largest cosine to each row, largest first."""
    rows, columns = (
        each / np.linalg.norm(each, axis=1, keepdims=True) for each in (features, others)
    )
    return np.argsort(-(rows @ columns.T), axis=1, kind="stable")[:, :count]


def percent(probability: float) -> str:
    """A probability without decimals, of which none is called 0 or 1 that is merely near it."""
    if 0 < probability < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= probability < 1 else f"{probability:.0%}"


def draw(rows: list[dict], path: Path) -> None:
    """Draws what `answers` gives, a line for each, into a PNG file."""
    columns = 2 + len(rows[0]["look_alikes"])
    figure = Figure(figsize=(CELL * columns, (CELL + 0.55) * len(rows)), layout="constrained")
    for line, row in zip(figure.subplots(len(rows), columns, squeeze=False), rows, strict=True):
        draw_overlay(line[0], row["image"])
        line[0].set_title("what is it?", fontsize=7)
        draw_overlay(line[1], row["image"], row["map"])
        line[1].set_title("judged by", fontsize=7)
        for axes, (picture, name, probability) in zip(line[2:], row["look_alikes"], strict=True):
            draw_overlay(axes, picture)
            axes.set_title(f"{wrapped(name, 18)}\n{percent(probability)}", fontsize=7)
    figure.savefig(path, dpi=DPI)


def answers(
    model, training: Typefaces, test: Typefaces, numbers: list[int], count: int
) -> list[dict]:
    """What the model says of some test images.

    Args:
        model: An `RBIModel`.
        training: Images among which it looks for the nearest.
        test: Images to predict.
        numbers: Which of them.
        count: How many of the nearest, of each of the two likeliest classes.
    """
    known, asked = (
        extract_features(model, ImageSequence(each, 32, shuffle=False)) for each in (training, test)
    )
    images = np.stack([test.image(number) for number in numbers])
    probabilities, maps = model.predict(images, verbose=0), grad_cam(model, images)
    order = nearest(asked.features[numbers], known.features, len(training))

    def look_alikes(row: np.ndarray, near: np.ndarray) -> list[tuple]:
        return [
            (training.image(number), model.class_names[label], row[label])
            for label in np.argsort(-row, kind="stable")[:2]
            for number in near[training.labels[near] == label][:count]
        ]

    return [
        {"image": image, "map": map_, "look_alikes": look_alikes(row, near)}
        for image, map_, row, near in zip(images, maps, probabilities, order, strict=True)
    ]


def main(
    path: str,
    per_class: int = 120,
    epochs: int = 12,
    size: int = 64,
    images: int = 2,
    count: int = 2,
) -> None:
    """Trains, and writes the picture."""
    training, test = (
        Typefaces(split, each, size) for split, each in (("train", per_class), ("test", 5))
    )
    model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((size, size, 3)))
    model.compile(
        keras_rbi.RectifiedAdam(1.6e-2, global_clipnorm=1.0), "sparse_categorical_crossentropy"
    )
    model.fit(ImageSequence(training, 32, shuffle=True), epochs=epochs, shuffle=False, verbose=2)
    # Typefaces that are near kin, from the middle of the list.
    numbers = np.linspace(0, len(test), images + 2, dtype=int)[1:-1].tolist()
    draw(answers(model, training, test, numbers, count), Path(path))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("path", help="The PNG file to write.")
    main(parser.parse_args().path)
