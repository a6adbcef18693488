"""What every classifier here has of a Keras model: classes, defaults of training, saving."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import keras

from keras_rbi.backbones import hub
from keras_rbi.distribution.keep_weights import keep_weights
from keras_rbi.layers.quantized_parts import quantize_parts, quantized_parts
from keras_rbi.models.check_images import check_arrays
from keras_rbi.models.check_labels import check_labels
from keras_rbi.models.labels import read_labels
from keras_rbi.models.loss_scaling import scale_loss_of_float16
from keras_rbi.models.open_classes import check_known, set_classes
from keras_rbi.models.paper_training import PAPER_LEARNING_RATE
from keras_rbi.models.pixel_range import are_arrays, warn_of_unit_range
from keras_rbi.optimizers.rectified_adam import RectifiedAdam


class ImageClassifier(keras.Model):
    """A functional model from images of 0..255 to classes, which `fit` may read off the data.

    Args:
        images: Symbolic tensor, the input.
        outputs: Symbolic tensor, the predictions.
        config: The arguments of the derived class, by name, but for the following three. Layers and
            models among them are saved and loaded.
        num_classes: Integer, or `None` where `fit` reads it off the data: see
            `keras_rbi.models.open_classes`.
        class_names: Sequence of strings, or `None`.
        name: String, or `None`.
    """

    def __init__(
        self,
        images: Any,
        outputs: Any,
        config: Mapping[str, Any],
        num_classes: int | None,
        class_names: Sequence[str] | None,
        name: str | None,
    ) -> None:
        super().__init__(inputs=images, outputs=outputs, name=name)
        scale_loss_of_float16(self)
        self.__dict__["_config"] = dict(config)
        # An integer once it is known.
        self.num_classes: Any = num_classes
        self.class_names: list[str] | None = (
            None if class_names is None else [str(each) for each in class_names]
        )
        self.supports_masking = True

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains the model, as `keras.Model.fit` does.

        Where the number of classes is open, it is read off the data first; where the model has
        not been compiled, it is compiled as RBI's paper trains, `RectifiedAdam(1e-5)`, with the
        loss that fits the labels. Images of 0..1 get a warning: pixels are of 0..255. It is looked
        at in arrays; in other data where the model reads that for its classes or its loss.

        Args:
            x: Arrays, a `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch `DataLoader` or a
                generator of batches.
            y: Labels, where `x` is an array: integers or one-hot rows.
            *args: Further arguments of `keras.Model.fit`.
            **kwargs: Further arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the classes cannot be read off the data, if labels, those of
                `validation_data` too, are not classes of the model, or if an array holds images
                of another shape than the model's.
        """
        check_arrays(x, self.input.shape)
        reads_data = self.num_classes is None or not self.compiled
        if reads_data:
            labels, x = read_labels(x, y, self.num_classes)
            # On TensorFlow, variables belong to the strategy that the model was made under.
            strategy = getattr(self, "distribute_strategy", None)
            with strategy.scope() if strategy else nullcontext():
                if self.num_classes is None:
                    set_classes(self, labels)
                if not self.compiled:
                    self.compile_as_the_paper_trains(labels.one_hot)
        elif are_arrays(x) and y is not None:
            check_labels(x, y, self.num_classes, self.loss)
        self._check_validation(kwargs)
        if reads_data or are_arrays(x):
            x = warn_of_unit_range(x, self._max_value)
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Measures the model, as `keras.Model.evaluate` does.

        A model that has not been compiled, such as that of a finished run, is given the loss that
        fits the labels first.

        Raises:
            ValueError: If the labels are not classes of the model, or if an array holds images of
                another shape than the model's.
        """
        self._look_at(x)
        if not self.compiled:
            labels, x = read_labels(x, y, self.num_classes)
            self.compile_as_the_paper_trains(labels.one_hot)
        elif self.num_classes is not None and not kwargs.get("_use_cached_eval_dataset"):
            # What `fit` validates on, it has looked at.
            x = check_labels(x, y, self.num_classes, self.loss)
        with keep_weights(self):
            return super().evaluate(x, y, *args, **kwargs)

    @property
    def _max_value(self) -> float:
        return float(getattr(getattr(self, "rpe", None), "max_value", 255.0))

    def _look_at(self, x: Any) -> None:
        check_arrays(x, self.input.shape)
        if are_arrays(x):
            warn_of_unit_range(x, self._max_value)

    def _check_validation(self, arguments: dict[str, Any]) -> None:
        data = arguments.get("validation_data")
        if data is None:
            return
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        checked = check_labels(x, y, self.num_classes, self.loss)
        if checked is not x:
            # A generator that was begun; these come without labels of their own.
            arguments["validation_data"] = checked

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Predicts images, as `keras.Model.predict` does.

        Arrays of images of 0..1 get a warning, as in `fit`.

        Raises:
            ValueError: If an array holds images of another shape than the model's, or none.
        """
        self._look_at(args[0] if args else kwargs.get("x"))
        with keep_weights(self):
            return super().predict(*args, **kwargs)

    def compile_as_the_paper_trains(self, one_hot: bool = False) -> None:
        """Compiles the model with the optimizer of RBI's paper and cross-entropy.

        Args:
            one_hot: Boolean, whether labels are one-hot rows. Defaults to `False`.
        """
        kind = "CategoricalCrossentropy" if one_hot else "SparseCategoricalCrossentropy"
        from_logits = self.classifier.activation is keras.activations.linear
        loss = getattr(keras.losses, kind)(from_logits=from_logits)
        self.compile(RectifiedAdam(PAPER_LEARNING_RATE), loss, metrics=["accuracy"])

    def predict_files(self, paths: Any, batch_size: int = 32) -> list[Any]:
        """Predicts the classes of image files of any size.

        Args:
            paths: An image file or a folder, which is searched to the bottom, or several of them.
            batch_size: Integer, images in a batch. Defaults to `32`.

        Returns:
            A `keras_rbi.evaluation.FilePrediction` for each file, in order: `path`, `class_name`,
            `top(5)` (names and probabilities), `probabilities` of shape `(classes,)`; or `error`,
            why the file cannot be read.

        Raises:
            ValueError: If there is no such file, or no image in a folder.
        """
        # Models know nothing of files until they are asked for.
        from keras_rbi.evaluation.predict_files import classify_files

        return list(classify_files(self, paths, batch_size=batch_size))

    def export(self, path: Any, format: str = "tf_saved_model", **kwargs: Any) -> Any:
        """Exports the model to a format that runs without Keras.

        Unlike `keras.Model.export` it reloads what it has written, compares the predictions, and
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

        check_known(self)
        return export_model(self, path, format, **kwargs)

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        check_known(self)
        return keras.KerasTensor((inputs.shape[0], self.num_classes), dtype="float32")

    @property
    def output_shape(self) -> tuple[int | None, int | None]:
        """`(None, classes)`."""
        return (None, self.num_classes)

    def get_config(self) -> dict[str, Any]:
        config = {
            **self._config,
            "num_classes": self.num_classes,
            "class_names": None if self.class_names is None else list(self.class_names),
            "name": self.name,
            **self.state_config(),
        }
        if quantized := quantized_parts(self._flatten_layers(include_self=False)):
            config["quantized"] = quantized
        return {key: keras.saving.serialize_keras_object(part) for key, part in config.items()}

    def state_config(self) -> dict[str, Any]:
        """What was set after the model was made, for `get_config`; see `restore`."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Sets what `state_config` has given, in a model that was made anew."""

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        parts = {
            key: keras.saving.deserialize_keras_object(part, custom_objects=custom_objects)
            if isinstance(part, dict) and "class_name" in part
            else part
            for key, part in config.items()
        }
        references, quantized = parts.pop("references", None), parts.pop("quantized", [])
        if references is None:
            model = cls(**parts)
        else:
            # A model has references only after it was made.
            model = cls(**parts | {"relations": "self"})
            model.restore({"relations": parts["relations"], "references": references})
        quantize_parts(model._flatten_layers(include_self=False), quantized)
        return model

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        """Loads weights, as `keras.Model.load_weights` does, once the classes are known."""
        check_known(self)
        super().load_weights(*args, **kwargs)

    def save_own_variables(self, store: Any) -> None:
        """Saves what is not in a layer, before Keras saves the layers."""
        check_known(self)
        hub.settle_position_embeddings(self._config["backbone"])
        super().save_own_variables(store)
