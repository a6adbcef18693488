"""BatchFormer's recipe around a backbone: a peer of RBI, to compare with."""

from typing import Any

import keras

from keras_rbi.backbones import hub
from keras_rbi.backbones.tap import Tap, image_input
from keras_rbi.models.baselines.batch_former import BatchFormer
from keras_rbi.models.rbi.rbi_model import preprocessing_layer
from keras_rbi.models.trains_two_streams import TrainsTwoStreams
from keras_rbi.models.two_streams import TwoStreams


@keras.saving.register_keras_serializable(package="keras_rbi")
class BatchFormerModel(TrainsTwoStreams):
    """An image classifier that is trained by the recipe of BatchFormer.

    In training, `BatchFormer` mixes the features of a batch, and one classifier learns from the
    mixed and from the unmixed ones. Afterwards the features are classified as they are, and every
    image is answered by itself.

    Args:
        backbone: As for `RBIModel`.
        num_classes: Integer.
        preprocessing: As for `RBIModel`. Defaults to `"auto"`.
        name: String. Defaults to `"batch_former_model"`.

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

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        preprocessing: Any = "auto",
        name: str = "batch_former_model",
    ) -> None:
        tap = Tap(backbone)
        prepare = preprocessing_layer(preprocessing, tap)
        images = keras.Input(image_input(tap.backbone).shape[1:], name="images")
        features = tap.features(images if prepare is None else prepare(images))
        mixed = BatchFormer(name="batch_former")(features)
        classifier = keras.layers.Dense(
            num_classes, activation="softmax", dtype="float32", name="classifier"
        )
        outputs = classifier(TwoStreams(name="two_streams")(features, mixed))
        super().__init__(inputs=images, outputs=outputs, name=name)
        self.backbone = tap.backbone
        self.num_classes = num_classes
        self._prepare = prepare

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "num_classes": self.num_classes,
            "preprocessing": keras.saving.serialize_keras_object(self._prepare),
            "name": self.name,
        }

    def save_own_variables(self, store: Any) -> None:
        """Saves what is not in a layer, before Keras saves the layers."""
        hub.settle_position_embeddings(self.backbone)
        super().save_own_variables(store)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "BatchFormerModel":
        config = dict(config)
        for key in ("backbone", "preprocessing"):
            config[key] = keras.saving.deserialize_keras_object(
                config[key], custom_objects=custom_objects
            )
        return cls(**config)
