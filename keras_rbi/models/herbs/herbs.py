"""HERBS, a fine-grained classifier over the stages of a backbone, with and without RBI."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.backbones.preprocessing import preprocessing_layer
from keras_rbi.checks import positive_integer
from keras_rbi.models.fine_grained_model import FineGrainedModel, residual_relations
from keras_rbi.models.herbs.herbs_heads import HERBSHeads, selected_by_default
from keras_rbi.models.herbs.herbs_loss import WEIGHTS, herbs_loss
from keras_rbi.models.herbs.temperature_halving import TemperatureHalving
from keras_rbi.models.labels import known_classes
from keras_rbi.models.scopes import GLOBAL
from keras_rbi.models.variants import RESIDUAL
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class HERBS(FineGrainedModel):
    """High-temperature refinement and background suppression, with or without RBI.

    ```
    backbone's stages -- TokenPyramid --+-- top-down logits of each token ------------------+
                                        +-- bottom-up logits of each token -----------------+
                                               +-- TokenSelector -- TokenCombiner -- v -- logits
    ```

    The prediction is the mean of the softmaxes of all these logits, nine with four stages. The
    tokens that are not selected are trained to speak for no class, and the top-down logits to
    follow the bottom-up ones at a temperature that `fit` halves every ten epochs.

    With RBI, the combined features v of the images of a batch relate to each other:
    `v + g * RRA(v, RPE(images))`, g a factor for each feature that starts at zero. The pyramid,
    the selection and the other logits are the same with and without.

    `fit` compiles the model as RBI's paper trains (`RectifiedAdam(1e-5)`), if it has not been
    compiled. The loss in training is the model's own: of one that `compile` is given, its
    `label_smoothing` alone is taken, and `evaluate` goes by it. HERBS itself was trained with
    `keras.optimizers.SGD(momentum=0.9, nesterov=True)`, a weight decay of 3e-4, and
    `keras.optimizers.schedules.CosineDecay(1e-9, steps, warmup_target=5e-4, warmup_steps=1500)`.

    Args:
        backbone: A backbone of known image size with two stages or more, as
            `keras_rbi.backbones.FeatureExtractor(backbone).stages()` finds them; at most the
            last four are used. Every Swin transformer of keras_hub, and every network of
            convolutions.
        num_classes: Integer, or `None` where `class_names` tells it. Defaults to `None`.
        relations: `None` for HERBS without RBI; or `"self"` or `"batch"`, what an image relates
            to in `predict`, `evaluate` and export, as in `RBIModel`; after `set_references`, it
            may be set to `"references"`. Defaults to `"self"`.
        variant: `None` or `"paper"`, the settings of RPE and RRA, as in `RBIModel`, but for the
            relations. Defaults to `None`.
        units: Integer, the width of the pyramid and of v. Defaults to `1536`.
        num_selected: How many tokens of each stage are selected, a list. Defaults to `None`, in
            the proportions of HERBS: a ninth, two ninths, four ninths and two ninths.
        dropout: Float in [0, 1), before the classifier of v. Defaults to `0.1`.
        temperature: Float, that of the refinement in the first epoch. Defaults to `64.0`.
        halving_epochs: Integer, after how many epochs the temperature is halved. Defaults to
            `10`.
        loss_weights: Factors of the terms of the loss that are not those of HERBS on
            CUB-200-2011: `{"refinement": 1.375, "layer": 0.3, "suppression": 5.0, "selection":
            0.0, "combined": 1.0}`. Defaults to `None`.
        preprocessing: As for `RBIModel`. Defaults to `"auto"`.
        class_names: List of strings, or `None`. Stored with the model. Defaults to `None`.
        dtype: Dtype policy of the layers that the model makes itself. Defaults to `None`, the
            global policy. Logits are always computed in float32.
        name: String. Defaults to `None`.
        relation_scope: `"global"` or `"replica"`: where several devices share a batch, whether an
            image relates to all of it or to what its own device has. Defaults to `"global"`.

    Call arguments:
        images: Tensor of the backbone's input shape, values of 0..255.
        training: Boolean, whether to behave as in training.

    Input shape:
        That of the backbone, for example `(batch, 384, 384, 3)`.

    Output shape:
        `(batch, num_classes)`, float32, probabilities. In training, what the loss is made of: the
        dictionary that `outputs_of` gives.

    Raises:
        ValueError: If an argument is out of its range, or if the backbone has one stage.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.HERBS(backbone, num_classes=5, units=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> model.predict(images, verbose=0).shape
    (4, 5)

    Reference:
        [Chou et al., 2023](https://arxiv.org/abs/2303.06442);
        [Le et al., 2024](https://arxiv.org/abs/2412.19606), which adds RBI.
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int | None = None,
        relations: str | None = "self",
        variant: str | None = None,
        units: int = 1536,
        num_selected: Sequence[int] | None = None,
        dropout: float = 0.1,
        temperature: float = 64.0,
        halving_epochs: int = 10,
        loss_weights: dict[str, float] | None = None,
        preprocessing: Any = "auto",
        class_names: Sequence[str] | None = None,
        dtype: Any = None,
        name: str | None = None,
        relation_scope: str = GLOBAL,
    ) -> None:
        classes = known_classes(num_classes, class_names)
        positive_integer("units", units)
        unknown = set(loss_weights or {}) - set(WEIGHTS)
        if unknown:
            raise ValueError(
                f"`loss_weights` has factors of {sorted(WEIGHTS)}. Received: {sorted(unknown)}."
            )
        extractor = FeatureExtractor(backbone)
        stages = _stages_of_tokens(extractor)
        counts = [tokens.shape[1] for tokens in stages.outputs]
        num_selected = list(num_selected or selected_by_default(counts))
        if len(num_selected) != len(counts):
            raise ValueError(
                f"The backbone has {len(counts)} stages, of {counts} tokens. Received: "
                f"num_selected={num_selected}. Give a number for each."
            )
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        heads = HERBSHeads(classes, units, num_selected, dropout, policy)
        config = {
            "relations": relations,
            "variant": variant or RESIDUAL,
            "units": units,
            "num_selected": num_selected,
            "dropout": dropout,
            "temperature": temperature,
            "halving_epochs": halving_epochs,
            "loss_weights": None if loss_weights is None else dict(loss_weights),
            "dtype": policy,
        }
        super().__init__(
            extractor,
            {
                "heads": heads,
                "classifier": heads.classifier,
                **residual_relations(relations, variant, units, policy),
            },
            config,
            classes,
            class_names,
            relations,
            preprocessing_layer(preprocessing, extractor.backbone, extractor.data_format),
            stages,
            name,
            relation_scope,
        )
        self.temperature = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(temperature),
            trainable=False,
            name="temperature",
        )

    def embed_maps(self, maps: Sequence[Tensor], training: bool | None = None) -> list[Tensor]:
        """The combined features v, and the softmaxes of the other classifiers beside them."""
        looked = self.heads.look(maps, training)
        return [looked["features"], *self.heads.votes(looked)]

    def embed_in_detail(self, images: Tensor, training: bool | None = None) -> dict[str, Any]:
        """What `HERBSHeads.look` gives."""
        return self.heads.look(self.extract(self.preprocess(images, training), training), training)

    def attention_features(self, features: Any) -> Tensor:
        """v, the combined features."""
        return features["features"] if isinstance(features, dict) else features[0]

    def attend(self, features: Any, relations: Tensor | None, *args: Any, **kwargs: Any) -> Any:
        """v takes in those of related images, in a residual branch."""
        v = super().attend(self.attention_features(features), relations, *args, **kwargs)
        return {**features, "related": v} if isinstance(features, dict) else [v, *features[1:]]

    def classify(self, related: Any, training: bool | None = None) -> Any:
        """The mean of all softmaxes; in training, all that the loss is made of."""
        if not isinstance(related, dict):
            v, *votes = related
            return self.heads.mean_with(votes, self.heads.combine(v, training))
        outputs = {name: part for name, part in related.items() if name != "related"}
        combined = self.heads.combine(related["related"], training)
        probabilities = self.heads.mean_with(self.heads.votes(related), combined)
        return {**outputs, "combined": combined, "probabilities": probabilities}

    def logits(self, related: Any) -> Tensor:
        """Those of the combined features, which alone relations change."""
        return self.heads.combine(self.attention_features(related), training=False)

    def losses_of(self, outputs: dict[str, Any], targets: Tensor) -> Tensor:
        """The loss of each image, at the temperature of the epoch.

        Args:
            outputs: What `outputs_of` gives.
            targets: Probabilities of the classes, shape `(batch, classes)`.

        Returns:
            Tensor of shape `(batch,)`.
        """
        return herbs_loss(outputs, targets, self.temperature, self._config["loss_weights"])

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains the model, as `keras.Model.fit` does, lowering the temperature as it goes.

        Args:
            x: Arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a torch `DataLoader`.
            y: Labels, where `x` is an array: integers or one-hot rows.
            *args: Further arguments of `keras.Model.fit`.
            **kwargs: Further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.
        """
        given = kwargs.pop("callbacks", None) or []
        if isinstance(given, keras.callbacks.Callback):
            given = [given]
        halving = TemperatureHalving(self._config["temperature"], self._config["halving_epochs"])
        return super().fit(x, y, *args, callbacks=[halving, *given], **kwargs)


def _stages_of_tokens(extractor: FeatureExtractor) -> keras.Model:
    """From prepared images to the tokens of up to four stages."""
    stages = extractor.stages()[-4:]
    if len(stages) < 2:
        raise ValueError(
            "HERBS needs a backbone with two stages or more. Received: "
            f"{extractor.backbone.name!r}, whose features keep one size. Take a Swin "
            "transformer or a network of convolutions."
        )
    tokens = []
    for number, stage in enumerate(stages):
        if len(stage.shape) == 4:
            if extractor.data_format == "channels_first":
                stage = ops.transpose(stage, (0, 2, 3, 1))
            if None in stage.shape[1:]:
                raise ValueError(
                    "HERBS is for one image size, since it learns for each place. Received: "
                    f"{extractor.backbone.name!r}, which takes any. Build it with an input shape."
                )
            shape = (stage.shape[1] * stage.shape[2], stage.shape[3])
            stage = keras.layers.Reshape(shape, name=f"tokens_{number + 1}")(stage)
        tokens.append(stage)
    return keras.Model(extractor.backbone.input, tokens, name="stages")
