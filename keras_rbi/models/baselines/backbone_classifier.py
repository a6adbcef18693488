"""The backbone with a classifier alone: the baseline of RBI."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.backbones.preprocessing import preprocessing_layer
from keras_rbi.models.labels import check_classes
from keras_rbi.models.open_classes import classifier_layer
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class BackboneClassifier(RelationalClassifier):
    """A classifier over a backbone, whose images do not relate.

    Images are preprocessed and features pooled as in `RBIModel`.

    Args:
        backbone: As for `RBIModel`.
        num_classes: Integer, or `None` to read it off the training data. Defaults to `None`.
        preprocessing: As for `RBIModel`. Defaults to `"auto"`.
        class_names: List of strings, or `None`. Stored with the model. Defaults to `None`.
        name: String. Defaults to `None`.

    Call arguments:
        images: Tensor of the backbone's input shape, values of 0..255.

    Input shape:
        That of the backbone, for example `(batch, height, width, 3)`.

    Output shape:
        `(batch, num_classes)`, float32, probabilities.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> keras_rbi.models.BackboneClassifier(backbone, num_classes=5).output_shape
    (None, 5)
    """

    ends_in_one_classifier = True

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int | None = None,
        preprocessing: Any = "auto",
        class_names: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        num_classes = check_classes(num_classes, class_names)
        extractor = FeatureExtractor(backbone)
        super().__init__(
            extractor,
            {"classifier": classifier_layer(num_classes, "softmax")},
            {},
            num_classes,
            class_names,
            preprocessing=preprocessing_layer(
                preprocessing, extractor.backbone, extractor.data_format
            ),
            name=name,
        )

    @property
    def is_linear_at_first(self) -> bool:
        """It stays so."""
        return True

    def embed_maps(self, maps: Any, training: bool | None = None) -> Tensor:
        """Pooled features, `(batch, channels)`."""
        return self.extractor.pool(maps)

    def classify(self, related: Tensor, training: bool | None = None) -> Tensor:
        """Probabilities `(batch, classes)`."""
        return self.classifier(related)


def backbone_classifier(
    backbone: keras.Model, num_classes: int, name: str = "backbone_alone"
) -> BackboneClassifier:
    """Makes a `BackboneClassifier`.

    Args:
        backbone: As for `RBIModel`.
        num_classes: Integer.
        name: Name of the model. Defaults to `"backbone_alone"`.

    Returns:
        A `BackboneClassifier`, from images of 0..255 to probabilities `(batch, num_classes)`.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> keras_rbi.models.backbone_classifier(backbone, num_classes=5).output_shape
    (None, 5)
    """
    return BackboneClassifier(backbone, num_classes, name=name)
