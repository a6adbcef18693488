"""Training of the head alone, on features of the backbone that are extracted once."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from scipy.special import log_softmax

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.pooled_features import Progress, pooled_features
from keras_rbi.models.loss_scaling import scale_loss_of_float16
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.trains_two_streams import TwoStreamsLoss
from keras_rbi.optimizers.rectified_adam import RectifiedAdam
from keras_rbi.training.linear_head import linear_head
from keras_rbi.training.settings import TrainingSettings

BATCH = 32
RATE = 3e-3
WEIGHT_DECAY = 0.05
# Enough for a head to fit, whether an epoch has five steps or five hundred.
STEPS = 400
FEWEST_EPOCHS, MOST_EPOCHS = 10, 60


class Head(TwoStreamsLoss, keras.Model):
    """What stands on the backbone, as a model of its own; its layers are those of the whole.

    Args:
        whole: A model whose `embed_maps` takes pooled features. Images are taken where its images
            relate.
    """

    def __init__(self, whole: RelationalClassifier) -> None:
        super().__init__()
        # Not an attribute for Keras: the backbone is no part of the head, nor are its weights.
        self.__dict__["whole"] = whole
        self.parts: list[keras.layers.Layer] = [
            layer for layer in whole.layers if layer not in (whole.backbone, whole.preprocessing)
        ]
        self.two_streams: bool = getattr(whole, "two_streams", False)
        scale_loss_of_float16(self)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """From `[images, features]`, or features of images that do not relate, to predictions."""
        images, features = inputs if isinstance(inputs, (list, tuple)) else (None, inputs)
        embedded = self.whole.embed_maps(features, training)
        related = self.whole.relate(embedded, images, training=training)
        return self.whole.classify(related, training)


class Numbers(ImageData):
    """The numbers of a data set's images in place of the images: an order can be told by them."""

    def __init__(self, data: ImageData) -> None:
        self.labels: np.ndarray = data.labels
        self.class_names: list[str] = data.class_names
        self.image_size: int = data.image_size
        self.observations: list[str] | None = data.observations

    def image(self, index: int) -> Any:
        return np.int64(index)


def orders_of(images: ImageSequence) -> ImageSequence:
    """Batches of the numbers of images, in the order in which a sequence gives the images."""
    return ImageSequence(
        Numbers(images.data),
        images.batch_size,
        images.shuffle,
        images.seed,
        one_hot=images.one_hot,
        workers=0,
        sampling=images.sampling,
        classes_per_batch=images.classes_per_batch,
        images_per_class=images.images_per_class,
        images_per_observation=images.images_per_observation,
    )


class FeatureSequence(keras.utils.PyDataset):
    """The batches of an `ImageSequence`, with known features beside or instead of the images.

    Args:
        images: The images, in any order.
        features: Features of all images, in the order of the data.
        with_images: Whether the images are wanted too.
    """

    def __init__(self, images: ImageSequence, features: np.ndarray, with_images: bool) -> None:
        super().__init__(workers=1)
        if images.augment is not None or images.mix is not None:
            raise ValueError(
                "Features are known for images as they are. Received: images that are augmented "
                "or mixed. Train with augment='none', or do not freeze the backbone."
            )
        self.data: ImageData = images.data
        self.features: np.ndarray = features
        self.with_images: bool = with_images
        self.order: ImageSequence = orders_of(images)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Any:
        numbers, labels = self.order[index][:2]
        features = self.features[numbers]
        if not self.with_images:
            return features, labels
        return (np.stack([self.data.image(int(n)) for n in numbers]), features), labels

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch; Keras calls it."""
        self.order.on_epoch_end()


def train_on_features(
    model: RelationalClassifier,
    settings: TrainingSettings,
    training: ImageSequence,
    validation: ImageSequence,
    progress: Progress = lambda *_: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains what stands on the backbone of a model, in seconds.

    The images are taken as they are, neither augmented nor mixed; the backbone keeps its weights.
    A classifier that stands on the features, or beside a branch that starts at 0, is found by
    logistic regression; other heads are trained for some epochs.

    Args:
        model: A model whose `embed_maps` takes pooled features: `RBIModel`, `BackboneClassifier`
            or `BatchFormerModel`.
        settings: Resolved settings, of which batch size and seed count.
        training: The training images.
        validation: The validation images.
        progress: As in `pooled_features`. Defaults to nothing.
        callbacks: Of the epochs of a head. Defaults to none.

    Returns:
        The history of its epochs, of logistic regression one: losses and accuracies by name.
    """
    features = [
        pooled_features(model, one.data, name, progress)
        for one, name in ((training, "training"), (validation, "validation"))
    ]
    if model.is_linear_at_first:
        known = tuple(
            (rows, np.asarray(one.data.labels))
            for rows, one in zip(features, (training, validation), strict=True)
        )
        return _set_linear_head(model, known[0], known[1], settings.seed)
    size = min(settings.batch_size, len(training.data))
    shuffles: tuple[bool | str, ...] = (True, "once")
    sequences = [
        FeatureSequence(
            ImageSequence(one.data, size, shuffle=shuffle, seed=settings.seed),
            rows,
            model.relations is not None,
        )
        for one, rows, shuffle in zip((training, validation), features, shuffles, strict=True)
    ]
    steps = len(sequences[0])
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, -(-STEPS // steps)))
    schedule = keras.optimizers.schedules.CosineDecay(RATE, steps * epochs)
    head = Head(model)
    head.compile(
        RectifiedAdam(
            schedule, weight_decay=WEIGHT_DECAY, weight_decay_on_vectors=False, global_clipnorm=1.0
        ),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return head.fit(
        sequences[0],
        validation_data=sequences[1],
        shuffle=False,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
    ).history


def _set_linear_head(
    model: RelationalClassifier,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> dict[str, list[float]]:
    """Gives the classifier of a model the weights of `linear_head`."""
    kernel, bias = linear_head(training, validation, model.num_classes, seed)
    model.classifier.set_weights([kernel, bias])
    history = {}
    for prefix, (features, labels) in (("", training), ("val_", validation)):
        logs = log_softmax(features @ kernel + bias, axis=1)
        history[f"{prefix}loss"] = [float(-logs[np.arange(len(labels)), labels].mean())]
        history[f"{prefix}accuracy"] = [float(np.mean(logs.argmax(1) == labels))]
    return {name: history[name] for name in ("accuracy", "loss", "val_accuracy", "val_loss")}
