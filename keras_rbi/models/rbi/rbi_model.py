"""Relationship Batch Integration around a backbone."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_rbi.backbones import hub
from keras_rbi.backbones.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.backbones.preprocessing import preprocessing_for
from keras_rbi.backbones.tap import Tap, image_input
from keras_rbi.layers.relation_groups import check_inference_relations
from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.models.labels import Labels, check_classes, read_labels
from keras_rbi.models.masks_padding import MasksPadding
from keras_rbi.models.pixel_range import are_arrays, warn_of_unit_range
from keras_rbi.models.references.relates_to_references import RelatesToReferences
from keras_rbi.models.trains_two_streams import TrainsTwoStreams
from keras_rbi.models.two_streams import TwoStreams
from keras_rbi.optimizers.rectified_adam import RectifiedAdam

# What a variant means where an argument is left open.
VARIANTS: dict[str | None, dict[str, Any]] = {
    None: {"rpe": {}, "relation_dropout": 0.5, "relations": "self"},
    "paper": {
        "rpe": {"epsilon": 1e-8, "normalize": False},
        "relation_dropout": 0.0,
        "relations": "batch",
    },
}
PAPER_LEARNING_RATE = 1e-5
NO_CLASSES_YET = (
    "The number of classes is not known yet. Pass `num_classes=` to RBIModel, or call `fit` first, "
    "which reads it off the data."
)


NO_REFERENCES = (
    "The model has no references to relate images to. Build it, call `set_references`, and then "
    "set model.relations = 'references'."
)


@keras.saving.register_keras_serializable(package="keras_rbi")
class RBIModel(TrainsTwoStreams, MasksPadding, RelatesToReferences):
    """An image classifier with Relationship Batch Integration (RBI) around a backbone.

    ```
    images --+-- preprocessing -- backbone -- pooling -- Dense -- N --+
             +-- RPE ---------------------------------------------- S --+-- RRA -- Dense
    ```

    The model takes raw RGB images of 0..255 in any dtype: preprocessing is inside. In training
    the images of a batch relate to each other; `relations` says what an image relates to
    afterwards. It is a functional model as soon as the number of classes is known, which is at
    once if `num_classes` or `class_names` is given, and otherwise when `fit` sees the data.

    `fit` compiles the model as the paper trains (`RectifiedAdam(1e-5)`, cross-entropy), if it
    has not been compiled.

    Args:
        backbone: A `keras.Model` from images to maps `(batch, height, width, channels)`,
            tokens `(batch, tokens, channels)`, rows `(batch, channels)`, or a dictionary of the
            levels of a pyramid, whose top is taken. Any model of `keras.applications` (its
            classifier, if it has one, is left out), of `keras_hub`, of `keras_rbi.backbones`, or
            one's own.
        num_classes: Integer, or `None` to read it off the training data. Defaults to `None`.
        embedding_dim: Integer, the width D of the embedding and of `RRA`. Defaults to `1024`.
        variant: `None` or `"paper"`. `None` is safe to train and to deploy: relations divided by
            an image's relation to itself, relation dropout of 0.5, and predictions that stand
            alone. `"paper"` is the method as printed: `epsilon=1e-8`, relations in decibels,
            no relation dropout, predictions that depend on the batch. Every setting is also an
            argument of its own. Defaults to `None`.
        relations: `"self"`, `"batch"`, or `None` for that of the variant. What an image relates
            to in `predict`, `evaluate` and export: itself, or the images of its batch. It is
            also a property that may be set at any time; after `set_references`, to
            `"references"` too. Defaults to `None`.
        relation_dropout: Float in [0, 1], or `None` for that of the variant: the probability
            with which an image relates to itself alone in training. Defaults to `None`.
        group_size: Integer, or `None`. Cuts larger batches into relation groups of this many
            images. Defaults to `None`.
        share_classifier: Boolean, whether the classifier also learns from the features that are
            not related, as BatchFormer's does. It answers from the related ones all the same.
            Defaults to `False`.
        rpe: An `RPE` layer, or a layer of one's own from images to `(batch, batch)`. Defaults to
            `None`, that of the variant.
        rra: An `RRA` layer, or a layer of one's own that is called with features and relations.
            Defaults to `None`, that of the variant.
        preprocessing: `"auto"`, known for every model of `keras.applications`, `keras_hub` and
            `keras_rbi.backbones`; `"tf"`, `"torch"`, `"caffe"` or `"lite"`, as
            `BackbonePreprocessing` works; a layer; or `None` to feed images as they are. Defaults
            to `"auto"`.
        classifier_activation: Activation of the head. With `None` the model gives logits.
            Defaults to `"softmax"`.
        class_names: List of strings, or `None`. Stored with the model. Defaults to `None`, those
            of the training data, if it has any.
        dtype: Dtype policy of the layers that the model makes itself. Defaults to `None`, the
            global policy. The head is always computed in float32.
        name: String. Defaults to `None`.

    Call arguments:
        images: Tensor of the backbone's input shape, values of 0..255. Or a dictionary of
            `images` and `mask`, which `fit`, `evaluate` and `predict` take too.
        mask: Optional tensor of shape `(batch,)`, true for real images. The others relate to
            nothing and change no relation and no moment of `RRA`; their own answers mean
            nothing. The backbone is run on all of them, and its own batch normalisation counts
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

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int | None = None,
        embedding_dim: int = 1024,
        variant: str | None = None,
        relations: str | None = None,
        relation_dropout: float | None = None,
        group_size: int | None = None,
        share_classifier: bool = False,
        rpe: keras.layers.Layer | None = None,
        rra: keras.layers.Layer | None = None,
        preprocessing: Any = "auto",
        classifier_activation: Any = "softmax",
        class_names: Sequence[str] | None = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        num_classes = check_classes(num_classes, class_names)
        tap = Tap(backbone)
        backbone = tap.backbone
        if variant not in VARIANTS:
            raise ValueError(f"`variant` must be None or 'paper'. Received: variant={variant!r}.")
        if rra is not None and (relation_dropout is not None or group_size is not None):
            raise ValueError(
                "`relation_dropout` and `group_size` are arguments of the RRA layer. Received: "
                "both an `rra` layer and one of them. Set them on the layer."
            )
        units = getattr(rra, "units", embedding_dim)
        if share_classifier and units != embedding_dim:
            raise ValueError(
                "A shared classifier takes related and unrelated features of one width. Received: "
                f"embedding_dim={embedding_dim} and an `rra` layer with units={units}. Make them "
                "equal, or pass share_classifier=False."
            )
        settings = VARIANTS[variant]
        modes = check_inference_relations(relations or settings["relations"])
        policy = keras.dtype_policies.get(dtype) if dtype else keras.config.dtype_policy()
        rpe_layer = rpe or RPE(**settings["rpe"], group_size=group_size, name="rpe")
        rra_layer = rra or RRA(
            embedding_dim,
            relation_dropout=(
                settings["relation_dropout"] if relation_dropout is None else relation_dropout
            ),
            group_size=group_size,
            dtype=policy,
            name="rra",
        )
        if modes == "references":
            raise ValueError(NO_REFERENCES)
        relate_at_inference(modes, rpe_layer, rra_layer)

        if num_classes is None:
            keras.Model.__init__(self, name=name or "rbi_model")
            self.compile = self._compile_now_and_when_sized
        else:
            prepare = preprocessing_layer(preprocessing, tap)
            inputs, outputs = _connect(
                tap,
                prepare,
                keras.layers.Dense(embedding_dim, dtype=policy, name="embedding"),
                rpe_layer,
                rra_layer,
                keras.layers.Dense(
                    num_classes,
                    activation=classifier_activation,
                    dtype="float32",
                    name="classifier",
                ),
                share_classifier,
            )
            super().__init__(inputs=inputs, outputs=outputs, name=name or "rbi_model")
            # What was read off a checkpoint is not in the backbone that a file gives back.
            self._prepare = prepare

        self.backbone = backbone
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim
        self.variant = variant
        self.relation_dropout = relation_dropout
        self.group_size = group_size
        self.share_classifier = self.two_streams = share_classifier
        self.rpe = rpe_layer
        self.rra = rra_layer
        self.preprocessing = preprocessing
        self.classifier_activation = classifier_activation
        self.class_names = None if class_names is None else [str(name) for name in class_names]
        self._policy = policy
        self._relations = modes
        self._has_own_rpe = rpe is not None
        self._has_own_rra = rra is not None
        self._reference_layers: list[Any] = []
        self.supports_masking = True

    @property
    def relations(self) -> str:
        """What an image relates to in `predict`, `evaluate` and export.

        `"self"`, itself alone; `"batch"`, its batch; `"references"`, itself and the images of
        `set_references`.
        """
        return self._relations

    @relations.setter
    def relations(self, value: str) -> None:
        value = check_inference_relations(value)
        if value == "references" and self.references is None:
            raise ValueError(NO_REFERENCES)
        relate_at_inference(value, self.rpe, self.rra)
        self._relations = value
        # Compiled functions hold the relations they were traced with.
        self.predict_function = None
        self.test_function = None

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains the model, as `keras.Model.fit` does.

        Where the number of classes is open, it is read off the data first; where the model has
        not been compiled, it is compiled as the paper trains, with the loss that fits the
        labels. Images of 0..1 get a warning: pixels are of 0..255.

        Args:
            x: Arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a torch `DataLoader`.
            y: Labels, where `x` is an array: whole numbers or one-hot rows.
            *args: Further arguments of `keras.Model.fit`.
            **kwargs: Further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the classes cannot be read off the data.
        """
        reads_data = self.num_classes is None or not self.compiled
        if reads_data:
            labels = read_labels(x, y, self.num_classes)
            if self.num_classes is None:
                self._set_classes(labels)
            if not self.compiled:
                self._compile_as_the_paper_trains(labels)
        if reads_data or are_arrays(x):
            warn_of_unit_range(x, getattr(self.rpe, "max_value", 255.0))
        return super().fit(x, y, *args, **kwargs)

    def export(self, path: Any, format: str = "tf_saved_model", **kwargs: Any) -> Any:
        """Exports the model to a format that answers without Keras.

        Unlike `keras.Model.export` it reloads what it has written, compares the answers, and
        leaves nothing that is not right.

        Args:
            path: Where to put it.
            format: `"tf_saved_model"`, `"onnx"`, `"openvino"`, `"litert"` or `"torch"`.
            **kwargs: Further arguments of `keras_rbi.export.export_model`: `relations`, `inputs`,
                `outputs`, `top_k`, `precision` and others.

        Returns:
            A `keras_rbi.export.Export`.

        Raises:
            ValueError: As `export_model` does; with relations `"batch"`, unless it is asked for by
                name.
        """
        # Models know nothing of exports until one is asked for.
        from keras_rbi.export import export_model

        if self.num_classes is None:
            raise ValueError(NO_CLASSES_YET)
        return export_model(self, path, format, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.num_classes is None:
            raise ValueError(NO_CLASSES_YET)
        return super().__call__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # PyTorch's modules look attributes up here; Keras's other layers have no such method.
        inherited = getattr(super(), "__getattr__", None)
        try:
            if inherited is not None:
                return inherited(name)
        except AttributeError:
            pass
        message = f"{type(self).__name__!r} object has no attribute {name!r}."
        if self.__dict__.get("num_classes", 0) is None:
            # Without classes there is no graph, and none of a functional model's attributes.
            message = f"{NO_CLASSES_YET} Until then the model has no {name!r}."
        raise AttributeError(message)

    def _set_classes(self, labels: Labels) -> None:
        recorded: Callable[[], None] | None = self.__dict__.pop("_compile_when_sized", None)
        del self.compile
        config = self._constructor_arguments()
        config.update(num_classes=labels.num_classes, class_names=labels.class_names)
        RBIModel.__init__(self, **config)
        if recorded is not None:
            recorded()

    def _compile_now_and_when_sized(self, *args: Any, **kwargs: Any) -> None:
        # Now, for the sake of the errors; again once there is a graph to compile.
        compile_model = functools.partial(keras.Model.compile, self, *args, **kwargs)
        compile_model()
        self.__dict__["_compile_when_sized"] = compile_model

    def _compile_as_the_paper_trains(self, labels: Labels) -> None:
        loss = (
            keras.losses.CategoricalCrossentropy
            if labels.one_hot
            else keras.losses.SparseCategoricalCrossentropy
        )
        self.compile(
            optimizer=RectifiedAdam(PAPER_LEARNING_RATE),
            loss=loss(from_logits=self.classifier_activation is None),
            metrics=["accuracy"],
        )

    def _constructor_arguments(self) -> dict[str, Any]:
        return {
            "backbone": self.backbone,
            "num_classes": self.num_classes,
            "embedding_dim": self.embedding_dim,
            "variant": self.variant,
            "relations": self.relations,
            "relation_dropout": self.relation_dropout,
            "group_size": self.group_size,
            "share_classifier": self.share_classifier,
            "rpe": self.rpe if self._has_own_rpe else None,
            "rra": self.rra if self._has_own_rra else None,
            "preprocessing": self.preprocessing,
            "classifier_activation": self.classifier_activation,
            "class_names": self.class_names,
            "dtype": self._policy,
            "name": self.name,
        }

    def get_config(self) -> dict[str, Any]:
        config = self._constructor_arguments()
        if self.num_classes is not None:
            config["preprocessing"] = self._prepare
        for key in ("backbone", "rpe", "rra", "preprocessing", "classifier_activation", "dtype"):
            config[key] = keras.saving.serialize_keras_object(config[key])
        config["references"] = keras.saving.serialize_keras_object(self.references)
        if config["class_names"] is not None:
            config["class_names"] = list(config["class_names"])
        return config

    def save_own_variables(self, store: Any) -> None:
        """Saves what is not in a layer, before Keras saves the layers."""
        hub.settle_position_embeddings(self.backbone)
        super().save_own_variables(store)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "RBIModel":
        config = dict(config)
        for key in ("backbone", "rpe", "rra", "preprocessing", "classifier_activation", "dtype"):
            if isinstance(config.get(key), dict):
                config[key] = keras.saving.deserialize_keras_object(
                    config[key], custom_objects=custom_objects
                )
        references = keras.saving.deserialize_keras_object(
            config.pop("references", None), custom_objects=custom_objects
        )
        if references is None:
            return cls(**config)
        relations = config.pop("relations")
        model = cls(**config)
        model._attach(references)
        model.relations = relations
        return model


def _connect(
    tap: Tap,
    preprocessing: keras.layers.Layer | None,
    embedding: keras.layers.Layer,
    rpe: keras.layers.Layer,
    rra: keras.layers.Layer,
    classifier: keras.layers.Layer,
    share_classifier: bool,
) -> tuple[Any, Any]:
    images = keras.Input(image_input(tap.backbone).shape[1:], name="images")
    prepared = images if preprocessing is None else preprocessing(images)
    features = embedding(tap.features(prepared))
    related = rra(features, rpe(images))
    if share_classifier:
        related = TwoStreams(name="two_streams")(related, features)
    return images, classifier(related)


def preprocessing_layer(preprocessing: Any, tap: Tap) -> keras.layers.Layer | None:
    """The layer that the argument `preprocessing` of a model stands for, if any."""
    if preprocessing is None or isinstance(preprocessing, keras.layers.Layer):
        return preprocessing
    if preprocessing == "auto":
        return preprocessing_for(tap.backbone, tap.data_format)
    return BackbonePreprocessing(preprocessing, tap.data_format, name="preprocessing")


def relate_at_inference(relations: str, *layers: keras.layers.Layer) -> None:
    for layer in layers:
        if hasattr(layer, "inference_relations"):
            layer.inference_relations = relations
        elif relations != "batch":
            raise ValueError(
                f"The layer {layer.name!r} relates the images of a batch and has no "
                f"`inference_relations` to change that. Received: relations={relations!r}. Pass "
                "relations='batch', or derive the layer from RPE or RRA."
            )
