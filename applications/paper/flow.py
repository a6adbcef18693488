"""Figure 5 of the paper: one batch of 8 images on its way through RBI.

    python -m applications.paper.flow --dataset typefaces --quick
    python -m applications.paper.flow --dataset stanford_dogs --data-dir data \\
        --backbones ConvNeXtLarge

From left to right: the images, Grad-CAM of the backbone alone, the features, the attention between
the images, the combined features, Grad-CAM of the combined prediction, the prediction. The table
has the class of each image, the answer, the gate β (1: the image's own features alone) and the
weight of the image in itself (1/8 would be no preference).

What it costs: with --quick one run, minutes on two cores; in full 50 epochs at 224 pixels, for
which take a GPU. The paper gives a picture and no numbers.
"""

from collections.abc import Sequence

import numpy as np

from applications.paper.pictures import model_of, options_of, some_images, write
from keras_rbi.figures import integration_flow
from keras_rbi.models import batch_attention


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains a model, and draws."""
    options = options_of(arguments, __doc__, "flow")
    model, test = model_of(options, options.rbi)
    images, labels = some_images(test, options.images)
    attention = batch_attention(model, images)
    model.relations = "batch"
    answers = np.asarray(model.predict_on_batch(images))
    rows = [
        {
            "image": number,
            "class": test.class_names[label],
            "answer": test.class_names[int(answer.argmax())],
            "probability": float(answer.max()),
            "beta": float(attention.beta[number]),
            "weight on itself": float(attention.weights[number, number]),
        }
        for number, (label, answer) in enumerate(zip(labels, answers, strict=True))
    ]
    right = sum(row["class"] == row["answer"] for row in rows)
    title = f"A batch through RBI: {right} of {len(rows)} answers are right"
    figure = integration_flow(model, images, test.class_names, title=title)
    write(options, rows, figure)


if __name__ == "__main__":
    main()
