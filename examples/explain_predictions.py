"""What a model looks at, and whom its images attend to.

keras-rbi train
python examples/explain_predictions.py runs/typefaces-1
"""

import sys
from pathlib import Path

import numpy as np

from keras_rbi import evaluation, explanations, figures, training


def main(run: str, output: str = "explained") -> None:
    """Writes class activation maps and the relations of the run's example images."""
    model, _ = training.load_trained_model(Path(run))
    size = training.image_size_of(model)
    from keras_rbi.datasets.files.reading import read_image

    files = evaluation.find_images([Path(run, "examples")])
    images = np.stack([read_image(file, size) for file in files])

    folder = Path(output)
    folder.mkdir(exist_ok=True)
    maps = explanations.grad_cam(model, images)  # (batch, height, width), 0 to 1
    figures.plot_cams(images, {"prediction": maps}).savefig(folder / "maps.png")
    relations = explanations.relation_matrix(model, images)
    figures.plot_relation_matrix(relations, images).savefig(folder / "relations.png")
    print(relations.numbers())


if __name__ == "__main__":
    main(sys.argv[1])
