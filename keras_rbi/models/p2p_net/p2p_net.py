"""P2P-Net, a fine-grained classifier that learns from aligned parts, with and without RBI."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.backbones.preprocessing import preprocessing_layer
from keras_rbi.checks import positive_integer
from keras_rbi.models.fine_grained_model import FineGrainedModel, residual_relations
from keras_rbi.models.labels import known_classes
from keras_rbi.models.p2p_net.crop_and_resize import crop_and_resize
from keras_rbi.models.p2p_net.embedding_classifier import EmbeddingClassifier
from keras_rbi.models.p2p_net.non_maximum_suppression import non_maximum_suppression
from keras_rbi.models.p2p_net.p2p_loss import p2p_loss
from keras_rbi.models.p2p_net.part_aligner import PartAligner
from keras_rbi.models.p2p_net.part_proposer import PartProposer
from keras_rbi.models.p2p_net.stage_embedding import StageEmbedding
from keras_rbi.models.p2p_net.stages import STAGES, part_stages, stage_maps
from keras_rbi.models.scopes import GLOBAL
from keras_rbi.models.torch_dense import torch_mlp
from keras_rbi.models.variants import RESIDUAL
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class P2PNet(FineGrainedModel):
    """Fine-grained classification by pose alignment (P2P-Net), with or without RBI.

    ```
    backbone's stages -- StageEmbedding -- r1, r2, r3 -- EmbeddingClassifier -- logits of each
                                                         and of all three side by side
    ```

    The prediction is the softmax of the mean of the four logits. In training, `PartProposer` scores
    boxes all over the image, the best that keep apart are cut out, go through the same backbone
    and classifiers, and are ordered by `PartAligner`; what they say together, in that order, pulls
    at r1, r2 and r3. The model that predicts has no part of that and costs what its backbone costs;
    a training step takes the parts through the backbone too.

    With RBI, the images of a batch relate at the last stage: `r3 + g * RRA(r3, RPE(images))`, g a
    factor for each feature that starts at zero. Parts are not related, and the alignment sees r3
    as it was.

    `fit` compiles the model as RBI's paper trains (`RectifiedAdam(1e-5)`), if it has not been
    compiled. The loss in training is the model's own: of one that `compile` is given, its
    `label_smoothing` alone is taken, and `evaluate` goes by it. P2P-Net itself was trained with
    `keras.optimizers.SGD(momentum=0.9)`, a weight decay of 5e-4, and a rate of 2e-3, a tenth of it
    for the backbone, that falls along a cosine in 300 epochs, in batches of 16 images of 448x448.

    Args:
        backbone: A backbone of known image size with three stages or more, as
            `keras_rbi.backbones.FeatureExtractor(backbone).stages()` finds them; the last three
            are used.
        num_classes: Integer, or `None` where `class_names` tells it. Defaults to `None`.
        relations: `None` for P2P-Net without RBI; or `"self"` or `"batch"`, what an image relates
            to in `predict`, `evaluate` and export, as in `RBIModel`; after `set_references`, it
            may be set to `"references"`. Defaults to `"self"`.
        variant: `None` or `"paper"`, the settings of RPE and RRA, as in `RBIModel`, but for the
            relations. Defaults to `None`.
        num_parts: Integer of 2 to 6, the parts of an image. Defaults to `4`.
        units: Integer, the width inside the embeddings and the classifiers. Defaults to `512`.
        dropout: Float in [0, 1), in the classifiers of a single stage. Defaults to `0.5`.
        matching: `"intended"` or `"official"`, as for `PartAligner`. Defaults to `"intended"`.
        part_size: Side in pixels that parts are resized to, or height and width. Defaults to
            `None`, half of the image's sides, as in P2P-Net, or the image's own if the backbone
            cannot take half.
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
        That of the backbone, for example `(batch, 448, 448, 3)`.

    Output shape:
        `(batch, num_classes)`, float32, probabilities. In training, what the loss is made of: the
        dictionary that `outputs_of` gives.

    Raises:
        ValueError: If an argument is out of its range, if the backbone has fewer than three
            stages, or if it cannot take parts of the size.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.P2PNet(backbone, num_classes=5, units=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> model.predict(images, verbose=0).shape
    (4, 5)

    Reference:
        [Yang et al., 2022](https://doi.org/10.1109/CVPR52688.2022.00520);
        [Le et al., 2024](https://arxiv.org/abs/2412.19606), which adds RBI.
    """

    proposes_parts = True

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int | None = None,
        relations: str | None = "self",
        variant: str | None = None,
        num_parts: int = 4,
        units: int = 512,
        dropout: float = 0.5,
        matching: str = "intended",
        part_size: int | Sequence[int] | None = None,
        preprocessing: Any = "auto",
        class_names: Sequence[str] | None = None,
        dtype: Any = None,
        name: str | None = None,
        relation_scope: str = GLOBAL,
    ) -> None:
        classes = known_classes(num_classes, class_names)
        positive_integer("units", units)
        extractor = FeatureExtractor(backbone)
        stages = stage_maps(extractor)
        # Of the last stage, as many as twice the features of a vector.
        width = max(1, stages.outputs[-1].shape[-1] // 2)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        numbers = range(1, STAGES + 1)
        stages_of_parts, part_sides = part_stages(part_size, stages, extractor)
        config = {
            "relations": relations,
            "variant": variant or RESIDUAL,
            "num_parts": num_parts,
            "units": units,
            "dropout": dropout,
            "matching": matching,
            "part_size": None if part_size is None else list(part_sides),
            "dtype": policy,
        }
        parts = {
            "width": width,
            "stages": stages,
            "stage_embeddings": [
                StageEmbedding(width, units, dtype=policy, name=f"embedding_{number}")
                for number in numbers
            ],
            "classifiers": [
                *(
                    EmbeddingClassifier(
                        classes, units, dropout, dtype=policy, name=f"classifier_{number}"
                    )
                    for number in numbers
                ),
                EmbeddingClassifier(classes, units, dtype=policy, name="classifier_all"),
            ],
            "mean_logits": keras.layers.Average(dtype="float32", name="logits"),
            "softmax": keras.layers.Activation("softmax", dtype="float32", name="probabilities"),
            **residual_relations(relations, variant, width, policy),
        }
        super().__init__(
            extractor,
            parts,
            config,
            classes,
            class_names,
            relations,
            preprocessing_layer(preprocessing, extractor.backbone, extractor.data_format),
            stages,
            name,
            relation_scope,
        )
        # Of the same layers: tracked, they would be there twice.
        self.__dict__["_part_stages"] = stages_of_parts
        self.part_sides = part_sides
        self.num_parts = num_parts
        self.proposer = PartProposer(extractor.image_sides, dtype=policy, name="proposer")
        self.proposer.build(stages.outputs[-1].shape)
        self.aligner = PartAligner(matching, name="aligner")
        self.aligner.build((None, num_parts, width))
        self.part_mlps = [
            torch_mlp(f"parts_{number}", num_parts * width, width, width, "elu", policy)
            for number in numbers
        ]
        for mlp in self.part_mlps:
            mlp.build((None, num_parts * width))

    def embed_maps(self, maps: Sequence[Tensor], training: bool | None = None) -> list[Tensor]:
        """r1, r2 and r3, `(batch, width)` each."""
        return [
            embed(of_stage, training=training)
            for embed, of_stage in zip(self.stage_embeddings, maps, strict=True)
        ]

    def embed_in_detail(self, images: Tensor, training: bool | None = None) -> dict[str, Any]:
        """Feature vectors of images, their parts, and what the parts say.

        Args:
            images: Tensor of images of 0..255.
            training: Boolean, whether to behave as in training.

        Returns:
            What `embed_parts` gives; and `part_scores` `(batch, parts)`, what the proposer gave
            the parts, and `boxes` `(batch, parts, 4)`, where they are: top, left, bottom, right in
            pixels, which may lie beyond the image.
        """
        prepared = self.preprocess(images, training)
        maps = self.extract(prepared, training)
        part_scores, boxes = self.propose(maps[-1])
        parts = ops.stop_gradient(self._parts(prepared, boxes))
        part_maps = self.__dict__["_part_stages"](parts, training=training)
        details = self.embed_parts(maps, part_maps, training)
        return {**details, "part_scores": part_scores, "boxes": boxes}

    def part_boxes(self, images: Tensor) -> Tensor:
        """Where the parts of each image are, in the order that the model puts them in.

        Args:
            images: Tensor of images of 0..255.

        Returns:
            Tensor of shape `(batch, parts, 4)`: top, left, bottom, right in pixels, which may lie
            beyond the image.
        """
        details = self.embed_in_detail(images, training=False)
        order = ops.expand_dims(details["order"], -1)
        return ops.take_along_axis(details["boxes"], order, axis=1)

    def propose(self, last_map: Tensor) -> tuple[Tensor, Tensor]:
        """The parts of each image.

        Args:
            last_map: Maps of the last stage, `(batch, height, width, channels)`, which learn
                nothing from it.

        Returns:
            Their scores, `(batch, parts)`, the best first as a rule, and their boxes,
            `(batch, parts, 4)`.
        """
        scores = self.proposer(ops.stop_gradient(last_map))
        chosen = non_maximum_suppression(scores, self.proposer.boxes, self.num_parts)
        boxes = ops.take(ops.convert_to_tensor(self.proposer.boxes), chosen, axis=0)
        return ops.take_along_axis(scores, chosen, axis=1), boxes

    def embed_parts(
        self, maps: Sequence[Tensor], part_maps: Sequence[Tensor], training: bool | None = None
    ) -> dict[str, Any]:
        """What is learned from the stages of images and of their parts, before images relate.

        Args:
            maps: Of each stage a tensor `(batch, height, width, channels)`.
            part_maps: The same of the parts, `batch * parts` of them, image by image.
            training: Boolean, whether to behave as in training.

        Returns:
            `part_logits`, for each stage and for all together `(batch, parts, classes)`;
            `embeddings`, of each stage r `(batch, width)`; `aligned`, what the parts say of them,
            of the same shapes; `order`, `(batch, parts)`; and `features`, r again, to be related.
        """
        part_vectors = self.embed_maps(part_maps, training)
        part_logits = [
            ops.reshape(each, (-1, self.num_parts, self.num_classes))
            for each in classified(self.classifiers, part_vectors, training)
        ]
        by_image = [ops.reshape(each, (-1, self.num_parts, self.width)) for each in part_vectors]
        order = self.aligner(by_image[-1], training=training)
        aligned = []
        for vectors, mlp in zip(by_image, self.part_mlps, strict=True):
            ordered = ops.take_along_axis(vectors, ops.expand_dims(order, -1), axis=1)
            aligned.append(mlp(ops.reshape(ordered, (-1, self.num_parts * self.width))))
        embeddings = self.embed_maps(maps, training)
        return {
            "part_logits": part_logits,
            "embeddings": embeddings,
            "aligned": aligned,
            "order": order,
            "features": embeddings,
        }

    def attention_features(self, features: Any) -> Tensor:
        """r3, the feature vector of the last stage."""
        return (features["features"] if isinstance(features, dict) else features)[-1]

    def attend(self, features: Any, relations: Tensor | None, *args: Any, **kwargs: Any) -> Any:
        """r3 takes in those of related images, in a residual branch."""
        if isinstance(features, dict):
            related = self.attend(features["features"], relations, *args, **kwargs)
            return {**features, "features": related}
        *others, last = features
        return [*others, super().attend(last, relations, *args, **kwargs)]

    def classify(self, related: Any, training: bool | None = None) -> Any:
        """The softmax of the mean of four logits; in training, all that the loss is made of."""
        if not isinstance(related, dict):
            return self.softmax(self.mean_logits(classified(self.classifiers, related, training)))
        outputs = {name: part for name, part in related.items() if name != "features"}
        logits = classified(self.classifiers, related["features"], training)
        probabilities = self.softmax(self.mean_logits(logits))
        return {**outputs, "logits": logits, "probabilities": probabilities}

    def logits(self, related: Any) -> Tensor:
        """The sum of the logits of r1, r2, r3 and of all three side by side."""
        first, *others = classified(self.classifiers, related, training=False)
        return sum(others, first)

    def losses_of(self, outputs: dict[str, Any], targets: Tensor) -> Tensor:
        """The loss of each image.

        Args:
            outputs: What `outputs_of` gives.
            targets: Probabilities of the classes, shape `(batch, classes)`.

        Returns:
            Tensor of shape `(batch,)`.
        """
        return p2p_loss(outputs, targets)

    def _parts(self, prepared: Tensor, boxes: Tensor) -> Tensor:
        """The parts of all images as the backbone takes them, image by image."""
        first = self.extractor.data_format == "channels_first"
        if first:
            prepared = ops.transpose(prepared, (0, 2, 3, 1))
        prepared = ops.cast(prepared, keras.backend.result_type(prepared.dtype, "float32"))
        crops = crop_and_resize(prepared, boxes, self.part_sides)
        crops = ops.reshape(crops, (-1, *crops.shape[2:]))
        return ops.transpose(crops, (0, 3, 1, 2)) if first else crops


def classified(
    classifiers: Sequence[keras.layers.Layer],
    vectors: Sequence[Tensor],
    training: bool | None = None,
) -> list[Tensor]:
    """Logits of the feature vectors of each stage, and of all of them side by side.

    Args:
        classifiers: One for each stage, and one for all.
        vectors: Of each stage a tensor `(batch, features)`.
        training: Boolean, whether to behave as in training.

    Returns:
        List of tensors `(batch, classes)`.
    """
    given = [*vectors, ops.concatenate(vectors, axis=-1)]
    return [
        classify(each, training=training) for classify, each in zip(classifiers, given, strict=True)
    ]
