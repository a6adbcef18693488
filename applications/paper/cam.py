"""Figures 4 and 6 of the paper: class activation maps with and without RBI.

    python -m applications.paper.cam --dataset typefaces --quick
    python -m applications.paper.cam --dataset stanford_dogs --data-dir data \\
        --backbones ConvNeXtLarge

Below each test image: Grad-CAM of the conventional model, of RBI's backbone alone, and of RBI's
combined prediction in a batch of these images. The table says how much of an image each map covers:
the share of its pixels above half of the map's largest value.

What it costs: with --quick two runs, some minutes on two cores; in full two runs of 50 epochs at
224 pixels, for which take a GPU.

The paper gives pictures and no numbers. Of ConvNeXt its text says that the conventional model looks
at the dog's head, and RBI's backbone at "subtle features across various positions": its maps would
cover more. Of HERB-SwinT it says that RBI leaves out "redundant features": they would cover less.
"""

from collections.abc import Sequence

import numpy as np

from applications.paper.peers import BACKBONE
from applications.paper.pictures import model_of, options_of, some_images, write
from keras_rbi.explanations import grad_cam
from keras_rbi.figures import plot_cams

MANY = 64


def coverage(maps: np.ndarray) -> np.ndarray:
    """Share of the pixels of each map that are above half of its largest value."""
    largest = maps.max(axis=(1, 2), keepdims=True)
    return np.mean((maps > 0.5 * largest) & (largest > 0), axis=(1, 2))


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains both models, and draws."""
    options = options_of(arguments, __doc__, "cam")
    alone, test = model_of(options, BACKBONE)
    rbi, _ = model_of(options, options.rbi)
    count = max(options.images, min(MANY, test.num_images))
    images, labels = some_images(test, count)
    parts = [slice(begin, begin + options.images) for begin in range(0, count, options.images)]

    def maps_of(model, **how):
        return np.concatenate([grad_cam(model, images[p], labels[p], **how) for p in parts])

    maps = {
        "conventional": maps_of(alone),
        "RBI, backbone": maps_of(rbi, of="backbone", relations="batch"),
        "RBI, combined": maps_of(rbi, of="combined", relations="batch"),
    }
    rows = [
        {
            "image": number,
            "class": test.class_names[labels[number]],
            **{f"coverage, {name}": float(coverage(each)[number]) for name, each in maps.items()},
        }
        for number in range(count)
    ]
    shown = {name: each[: options.images] for name, each in maps.items()}
    names = [test.class_names[label] for label in labels[: options.images]]
    figure = plot_cams(images[: options.images], shown, names, "Grad-CAM for the image's class")
    means = [f"{name} {coverage(each).mean():.3f}" for name, each in maps.items()]
    write(options, rows, figure, [f"Mean coverage of {count} images: " + "; ".join(means)])


if __name__ == "__main__":
    main()
