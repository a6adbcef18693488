"""A class that comes later, from ten images, without training the backbone.

    python examples/add_a_class.py

The same as `keras-rbi add-classes RUN FOLDER`.
"""

import numpy as np

import keras_rbi
from keras_rbi.datasets import Typefaces


def arrays(split: str, per_class: int, size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images, labels and names of the typefaces."""
    data = Typefaces(split, per_class, size)
    images = np.stack([data.image(number) for number in range(len(data))])
    return images, np.asarray(data.labels), list(data.class_names)


def main(per_class: int = 80, epochs: int = 10, size: int = 64) -> float:
    """Accuracy on test images of the new class, from 0 to 1."""
    images, labels, names = arrays("train", per_class, size)
    new = len(names) - 1  # the last typeface is not known at first
    old = labels < new
    backbone = keras_rbi.backbones.SmallCNN((size, size, 3))
    model = keras_rbi.RBIModel(backbone, class_names=names[:new])
    model.compile(
        keras_rbi.RectifiedAdam(1.6e-2, global_clipnorm=1.0), "sparse_categorical_crossentropy"
    )
    model.fit(images[old], labels[old], batch_size=32, epochs=epochs)

    seen = np.flatnonzero(~old)[:10]
    checks, truths, _ = arrays("validation", 10, size)
    more = model.add_classes(
        images[seen],
        np.zeros(len(seen), int),
        names[new:],
        known=(images[old], labels[old]),
        held_out=(checks[truths < new], truths[truths < new]),
    )
    tests, truths, _ = arrays("test", 20, size)
    found = more.predict(tests[truths == new]).argmax(-1)
    print(f"{names[new]}: {100 * np.mean(found == new):.0f} % of its test images")
    return float(np.mean(found == new))


if __name__ == "__main__":
    main()
