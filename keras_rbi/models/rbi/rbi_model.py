"""Relationship Batch Integration around a backbone."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.backbones.preprocessing import preprocessing_layer
from keras_rbi.checks import positive_integer
from keras_rbi.models.labels import check_classes
from keras_rbi.models.open_classes import classifier_layer
from keras_rbi.models.relation_layers import relation_layers
from keras_rbi.models.relations import NO_REFERENCES
from keras_rbi.models.trains_two_streams import TrainsTwoStreams
from keras_rbi.models.two_streams import TwoStreams
from keras_rbi.models.variants import RESIDUAL, find_variant, with_variant_of_0_1
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class RBIModel(TrainsTwoStreams):
    """An image classifier with Relationship Batch Integration (RBI) around a backbone.

    ```
                                                         +------------------+
    images --+-- preprocessing -- backbone -- pooling -- N --+-- RRA -- · g -- + -- Dense
             +-- RPE ------------------------------------ S -+
    ```
    The features take in what RRA gives in a residual branch, with a factor g for each of them
    that starts at 0: at first the model is the backbone with a classifier.

    The model takes raw RGB images of 0..255 in any dtype: preprocessing is inside. `fit` reads the
    number of classes off the data, if it is not given, and compiles the model as the paper trains
    (`RectifiedAdam(1e-5)`, cross-entropy), if it has not been.

    Args:
        backbone: A `keras.Model` from images to maps `(batch, height, width, channels)`, tokens
            `(batch, tokens, channels)`, features `(batch, channels)`, or a dictionary of the
            levels of a pyramid, whose top is taken. Any model of `keras.applications` (its
            classifier, if it has one, is left out), of `keras_hub`, of `keras_rbi.backbones`, or
            one's own.
        num_classes: Integer, or `None` to read it off the training data. Defaults to `None`.
        embedding_dim: Integer, the width D of a Dense embedding before `RRA`; or `None` for none,
            but 1024 with the variants that have one, and the width of an `rra` of one's own.
            Defaults to `None`.
        variant: `"residual"`; `"paper"` for the method as printed, an embedding whose place is
            taken by what `RRA` gives, `epsilon=1e-8`, relations in decibels, no relation
            dropout, predictions that depend on the batch; or `"0.1"`, the default of version 0.1:
            as printed, but relations divided by an image's relation to itself, relation dropout
            of 0.5, predictions that stand alone. Defaults to `None`, the residual one.
        relations: `"self"`, `"batch"`, or `None` for that of the variant: what an image relates
            to in `predict`, `evaluate` and export. Also a property that may be set at any time;
            after `set_references`, to `"references"` too. Defaults to `None`.
        group_size: Integer, or `None`. Cuts batches into relation groups of this many images.
            Defaults to `None`.
        share_classifier: Boolean, whether the classifier also learns from the features that are
            not related, as BatchFormer's does. Defaults to `False`.
        rpe: An `RPE` layer, or a layer of one's own from images to `(batch, batch)`. Defaults to
            `None`, that of the variant.
        rra: An `RRA` layer, or a layer of one's own that is called with features and relations.
            Defaults to `None`, that of the variant.
        preprocessing: `"auto"`, known for every model of `keras.applications`, `keras_hub` and
            `keras_rbi.backbones`; `"tf"`, `"torch"`, `"caffe"` or `"lite"`, as
            `BackbonePreprocessing` works; a layer; or `None` to take images as they are. Defaults
            to `"auto"`.
        classifier_activation: Activation of the head. With `None` the model gives logits.
            Defaults to `"softmax"`.
        class_names: List of strings, or `None`. Stored with the model. Defaults to `None`, those
            of the training data, if it has any.
        **kwargs: `relation_dropout`, that of the `RRA` which the model makes; `relation_scope`,
            `"global"` (the default) or `"replica"`: where several devices share a batch, whether an
            image relates to all of it or to what its own device has; `dtype`, the policy of the
            layers that it makes, but for the head, which is always float32; and `name`.

    Call arguments:
        images: Tensor of the backbone's input shape, values of 0..255. Or a dictionary of
            `images` and `mask`, which `fit`, `evaluate` and `predict` take too.
        mask: Optional tensor of shape `(batch,)`, true for real images. The others relate to
            nothing and change no moment of `RRA`; the backbone's own batch normalization counts
            them in training.

    Input shape:
        That of the backbone, for example `(batch, height, width, 3)`.

    Output shape:
        `(batch, num_classes)`, float32.

    Raises:
        ValueError: If an argument is out of its range, or if two of them contradict.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> model.predict(images, verbose=0).shape
    (4, 5)

    Reference:
        [Le et al., 2024](https://arxiv.org/abs/2412.19606).
    """

    ends_in_one_classifier = True

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        variant: str | None = None,
        relations: str | None = None,
        group_size: int | None = None,
        share_classifier: bool = False,
        rpe: keras.layers.Layer | None = None,
        rra: keras.layers.Layer | None = None,
        preprocessing: Any = "auto",
        classifier_activation: Any = "softmax",
        class_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        num_classes = check_classes(num_classes, class_names)
        if embedding_dim is not None:
            embedding_dim = positive_integer("embedding_dim", embedding_dim)
        settings, extractor = find_variant(variant), FeatureExtractor(backbone)
        relations = relations or settings.relations
        if relations == "references":
            raise ValueError(NO_REFERENCES)
        relation_dropout = kwargs.pop("relation_dropout", None)
        policy = keras.dtype_policies.get(kwargs.pop("dtype", None) or keras.config.dtype_policy())
        pooled = extractor.pool(extractor.backbone.output).shape[-1]
        embedding_dim = embedding_dim or settings.embedding_dim or _width_of(rra, pooled)
        width = embedding_dim or pooled
        units = getattr(rra, "units", width)
        if (settings.residual or share_classifier) and units != width:
            raise ValueError(
                "What RRA gives is added to the features, or shares a classifier with them, and "
                f"must be as wide. Received: features of {width} and an `rra` layer of "
                f"units={units}. Pass embedding_dim={units}, or variant='0.1'."
            )
        parts = {
            "embedding": embedding_dim
            and keras.layers.Dense(embedding_dim, dtype=policy, name="embedding"),
            **relation_layers(width, variant, policy, group_size, relation_dropout, None, rpe, rra),
            "classifier": classifier_layer(num_classes, classifier_activation),
            "share_classifier": share_classifier,
        }
        if share_classifier:
            parts["streams"] = TwoStreams(name="two_streams")
        config = {
            "embedding_dim": embedding_dim,
            "variant": variant or RESIDUAL,
            "relations": relations,
            "relation_dropout": relation_dropout,
            "group_size": group_size,
            "share_classifier": share_classifier,
            "rpe": rpe,
            "rra": rra,
            "classifier_activation": classifier_activation,
            "dtype": policy,
        }
        prepare = preprocessing_layer(preprocessing, extractor.backbone, extractor.data_format)
        super().__init__(
            extractor, parts, config, num_classes, class_names, relations, prepare, **kwargs
        )
        self.embedding_dim, self.variant = embedding_dim, variant or RESIDUAL
        self.two_streams = share_classifier
        self.classifier_activation = classifier_activation

    @classmethod
    def from_config(cls, config: dict[str, Any], *args: Any, **kwargs: Any) -> "RBIModel":
        return super().from_config(with_variant_of_0_1(config), *args, **kwargs)

    @property
    def is_linear_at_first(self) -> bool:
        """Whether it has a branch, and neither an embedding nor a second stream."""
        softmax = self.classifier.activation is keras.activations.softmax
        branch = self.integration is not None and self.embedding is None
        return softmax and branch and not self.share_classifier

    def embed_maps(self, maps: Any, training: bool | None = None) -> Tensor:
        """N: pooled features, through a Dense layer if there is an embedding."""
        pooled = self.extractor.pool(maps)
        return pooled if self.embedding is None else self.embedding(pooled)

    def relate(self, features: Tensor, images: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """C of RRA; with a shared classifier also N, in training, as a second stream."""
        related = super().relate(features, images, *args, **kwargs)
        if not self.share_classifier:
            return related
        training = args[1] if len(args) > 1 else kwargs.get("training")
        return self.streams(related, features, training=training)

    def classify(self, related: Tensor, training: bool | None = None) -> Tensor:
        """Probabilities `(batch, classes)`, or what `classifier_activation` makes of logits."""
        return self.classifier(related)


def _width_of(rra: Any, pooled: int) -> int | None:
    """The width that an RRA layer of one's own asks for, where pooled features have another."""
    units = getattr(rra, "units", pooled)
    return None if units == pooled else units
