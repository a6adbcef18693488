"""Everything that determines a training run."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_rbi.backbones.get import IMAGE_SIZE, SMALL_CNN, SMALL_CNN_IMAGE_SIZE
from keras_rbi.models.rbi_model import PAPER_LEARNING_RATE

TYPEFACES = "typefaces"
IMAGENET = "imagenet"
NO_WEIGHTS = "none"


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a run; `None` leaves one to what the others call for, as `resolved` does.

    Attributes:
        dataset: `"typefaces"`, or a folder of class folders.
        backbone: A name of `keras_rbi.backbones.available()`. By default SmallCNN for the
            typefaces, DenseNet201 for photographs.
        weights: `"imagenet"`, `"none"` or a path. By default none for SmallCNN and ImageNet's for
            the others.
        image_size: Side of the images in pixels. By default 64 for SmallCNN, 224 for the others.
        batch_size: Images in a training batch, which relate to each other.
        epochs: By default 6 for the typefaces, 50 for photographs, as in the paper.
        learning_rate: The peak, from which it falls to 0 along a cosine. By default 4e-3 from
            scratch, and the paper's 1e-5 from pretrained weights.
        embedding_dim: Width D of the embedding. By default 128 for SmallCNN, 1024 for the others.
        seed: Of the weights, the data, its order and the relation dropout.
        per_class: Images of each typeface; does not matter for folders.
        rbi: Whether to integrate relations; without, it is the backbone with a classifier.
        variant: `None` or `"paper"`, as in `RBIModel`.
        relation_dropout: As in `RBIModel`.
    """

    dataset: str = TYPEFACES
    backbone: str | None = None
    weights: str | None = None
    image_size: int | None = None
    batch_size: int = 32
    epochs: int | None = None
    learning_rate: float | None = None
    embedding_dim: int | None = None
    seed: int = 0
    per_class: int = 300
    rbi: bool = True
    variant: str | None = None
    relation_dropout: float | None = None

    def resolved(self) -> "TrainingSettings":
        """The same settings with nothing left open, except what `RBIModel` itself fills in."""
        backbone = self.backbone or (SMALL_CNN if self.dataset == TYPEFACES else "DenseNet201")
        small = backbone.lower() == SMALL_CNN.lower()
        weights = self.weights or (NO_WEIGHTS if small else IMAGENET)
        defaults: dict[str, Any] = {
            "backbone": backbone,
            "weights": weights,
            "image_size": SMALL_CNN_IMAGE_SIZE if small else IMAGE_SIZE,
            "epochs": 6 if self.dataset == TYPEFACES else 50,
            "learning_rate": 4e-3 if weights == NO_WEIGHTS else PAPER_LEARNING_RATE,
            "embedding_dim": 128 if small else 1024,
        }
        dataset = self.dataset
        if dataset != TYPEFACES:
            dataset = str(Path(dataset).resolve())
        open_settings = {
            name: value for name, value in defaults.items() if getattr(self, name) is None
        }
        return dataclasses.replace(self, dataset=dataset, **open_settings)

    def as_dict(self) -> dict[str, Any]:
        """The settings, ready for JSON."""
        return dataclasses.asdict(self)
