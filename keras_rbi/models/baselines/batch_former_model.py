"""BatchFormer's recipe around a backbone: a baseline of RBI."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.backbones.preprocessing import preprocessing_layer
from keras_rbi.models.baselines.batch_former import BatchFormer
from keras_rbi.models.labels import check_classes
from keras_rbi.models.open_classes import classifier_layer
from keras_rbi.models.trains_two_streams import TrainsTwoStreams
from keras_rbi.models.two_streams import TwoStreams
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class BatchFormerModel(TrainsTwoStreams):
    """An image classifier that is trained by the recipe of BatchFormer.

    In training, `BatchFormer` mixes the features of a batch, and one classifier learns from the
    mixed and from the unmixed ones. Afterwards the features are classified as they are, and every
    image is classified by itself.

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
        `(batch, num_classes)`, float32; in training `(2 * batch, num_classes)`.

    Raises:
        ValueError: If the backbone's features are not a multiple of 4, the number of heads.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.BatchFormerModel(backbone, num_classes=5)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> model.predict(images, verbose=0).shape
    (4, 5)

    Reference:
        [Hou et al., 2022](https://arxiv.org/abs/2203.01522).
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
            {
                "batch_former": self.make_batch_former(),
                "streams": TwoStreams(name="two_streams"),
                "classifier": classifier_layer(num_classes, "softmax"),
            },
            {},
            num_classes,
            class_names,
            preprocessing=preprocessing_layer(
                preprocessing, extractor.backbone, extractor.data_format
            ),
            name=name,
        )

    def make_batch_former(self) -> BatchFormer:
        """The layer that mixes features in training."""
        return BatchFormer(name="batch_former")

    def embed_maps(self, maps: Any, training: bool | None = None) -> Tensor:
        """Pooled features, `(batch, channels)`."""
        return self.extractor.pool(maps)

    def relate(
        self, features: Tensor, images: Tensor, mask: Any = None, training: bool | None = None
    ) -> Tensor:
        """The features; in training also those that BatchFormer has mixed, as a second stream."""
        mixed = self.batch_former(features, training=training)
        return self.streams(features, mixed, training=training)

    def classify(self, related: Tensor, training: bool | None = None) -> Tensor:
        """Probabilities `(batch, classes)`."""
        return self.classifier(related)
