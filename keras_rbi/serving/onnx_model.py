"""An exported model in ONNX Runtime."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

METADATA_KEY = "keras_rbi"
DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}
# What rounding may change of a prediction in another batch.
TOLERANCE = 1e-4
OTHER_SAMPLES = 8
# What is told of an image besides probabilities.
ALSO = ("features", "attention", "probabilities_without_attention")


class OnnxModel:
    """Predicts images, each by itself, whatever else is in the batch.

    Args:
        path: An `.onnx` file that takes raw RGB images of 0..255, `(batch, side, side, 3)`.

    Attributes:
        class_names: Names of the classes, those of `keras-rbi export`, or `class 0` and so on.
        image_size: The side of the images in pixels.
        relations: What the file says that an image relates to, or `"unknown"`.
        about: All that the file says of itself.
        has_features: Whether it gives what it decides by: `features`.
        has_maps: Whether it gives the maps of its classes: `maps`.
        attends_to: How many stored references an image attends to, of a file that gives
            `attention`; else 0.

    Raises:
        ValueError: If ONNX Runtime cannot read the file, if it is no model from such images to
            probabilities of classes, or if its predictions depend on what else is in the batch.
    """

    def __init__(self, path: str | Path) -> None:
        import onnxruntime

        self.path: Path = Path(path)
        if not self.path.is_file():
            raise ValueError(f"There is no file {str(path)!r}.")
        try:
            options = onnxruntime.SessionOptions()
            # Threads that wait for each other would hold processors that decoders need.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # ONNX Runtime's exceptions have no class in common but this.
            reason = " ".join(str(error).split())
            raise ValueError(f"{str(path)!r} is no ONNX file that can be run: {reason}") from error
        self._input = self._session.get_inputs()[0]
        outputs = [output.name for output in self._session.get_outputs()]
        self.about: dict[str, Any] = self._about()
        self._output = self._output_of_probabilities(outputs)
        self.image_size: int = self._side()
        self._dtype = DTYPES[self._input.type]
        # Only what is asked for is computed; and one batch at a time, whoever asks.
        self._options = onnxruntime.RunOptions()
        self._options.only_execute_path_to_fetches = True
        self._one_at_a_time = threading.Lock()
        self._also = [name for name in ALSO if name in outputs]
        self.has_features: bool = "features" in outputs
        self.has_maps: bool = "maps" in outputs
        about = self.about
        self.relations: str = str(about.get("relations", "unknown"))
        if self.relations == "batch":
            raise ValueError(DEPENDS.format(str(path), "they relate to each other"))
        nothing = np.zeros((1, *self._shape()), "uint8")
        classes = self._classes(nothing)
        has_attention = "attention" in outputs
        weights = self._run(["attention"], nothing)[0].shape[-1] if has_attention else 1
        self.attends_to: int = weights - 1
        names = about.get("class_names") or [f"class {number}" for number in range(classes)]
        if len(names) != classes:
            raise ValueError(f"{str(path)!r} has {len(names)} class names and {classes} classes.")
        self.class_names: Sequence[str] = [str(name) for name in names]
        self._check_that_images_stand_alone()

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities of images.

        Args:
            images: uint8 array of shape `(batch, image_size, image_size, 3)`.

        Returns:
            float32 array of shape `(batch, classes)`.
        """
        return self._run([self._output], images)[0]

    def features(self, images: np.ndarray) -> np.ndarray:
        """What the model decides by, of a file that `has_features`.

        Args:
            images: As in `predict`.

        Returns:
            float32 array of shape `(batch, features)`.
        """
        return self._run(["features"], images)[0]

    def look(self, images: np.ndarray) -> list[dict[str, np.ndarray]]:
        """All that the file says of images besides maps, in one pass.

        Args:
            images: As in `predict`.

        Returns:
            For each image a dictionary of `probabilities`, and of `features`, of `attention` (to
            itself, and to each of the references) and of `probabilities_without_attention` where
            the file gives them.
        """
        names = [self._output, *self._also]
        found = dict(zip(names, self._run(names, images), strict=True))
        found["probabilities"] = found.pop(self._output)
        return [{name: rows[n] for name, rows in found.items()} for n in range(len(images))]

    def maps(self, images: np.ndarray) -> np.ndarray:
        """What each place says for each class, of a file that `has_maps`.

        Args:
            images: As in `predict`.

        Returns:
            float32 array of shape `(batch, classes, rows, columns)`, Grad-CAM before its ReLU.
        """
        return self._run(["maps"], images)[0]

    def _run(self, outputs: list[str], images: np.ndarray) -> list[np.ndarray]:
        feed = {self._input.name: images.astype(self._dtype)}
        with self._one_at_a_time:
            found = self._session.run(outputs, feed, self._options)
        return [np.asarray(each) for each in found]

    def _classes(self, images: np.ndarray) -> int:
        rows = self.predict(images)
        if rows.ndim != 2 or rows.dtype.kind != "f":
            raise ValueError(
                f"The output {self._output!r} of {str(self.path)!r} is {rows.dtype} of shape "
                f"{rows.shape} for one image. A service needs probabilities of classes, float32 of "
                "shape (batch, classes): make the file with keras-rbi export --format onnx."
            )
        return rows.shape[1]

    def _shape(self) -> tuple[int, int, int]:
        return (self.image_size, self.image_size, 3)

    def _side(self) -> int:
        shape = self._input.shape
        asked = self.about.get("inputs", ["images"])
        if asked != ["images"]:
            raise ValueError(
                f"{str(self.path)!r} was exported with --inputs {','.join(map(str, asked))}, and a "
                "service asks for images one by one: make another with --inputs images. (It "
                "makes one prediction of several images too, at POST /observations.)"
            )
        side = shape[1] if len(shape) == 4 else None
        if (
            self._input.type not in DTYPES
            or not isinstance(side, int)
            or shape[2:] != [side, 3]
            or isinstance(shape[0], int)
        ):
            raise ValueError(
                f"{str(self.path)!r} takes {self._input.type} of shape {shape}. A service feeds "
                "float32 or uint8 images of shape (any batch, side, side, 3): make the file with "
                "keras-rbi export --format onnx."
            )
        return side

    def _output_of_probabilities(self, outputs: list[str]) -> str:
        """The output that gives them; of files from elsewhere the first."""
        if "probabilities" in outputs:
            return "probabilities"
        if "outputs" in self.about:
            raise ValueError(
                f"{str(self.path)!r} gives {', '.join(outputs)}, and a service needs the "
                "probabilities of all classes: make the file with --outputs probabilities."
            )
        return outputs[0]

    def _about(self) -> dict[str, Any]:
        metadata = self._session.get_modelmeta().custom_metadata_map
        return dict(json.loads(metadata.get(METADATA_KEY, "{}")))

    def _check_that_images_stand_alone(self) -> None:
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (OTHER_SAMPLES, *self._shape()), np.uint8)
        # Two that are all but equal relate the most.
        images[1] = images[0]
        images[1, 0, 0] ^= 1
        together = self.predict(images)
        alone = np.concatenate([self.predict(image[None]) for image in images])
        self._check_that_they_are_probabilities(together)
        difference = float(np.max(np.abs(together - alone)))
        if difference > TOLERANCE:
            what = (
                f"random images together and alone get predictions that differ by {difference:.2g}"
            )
            raise ValueError(DEPENDS.format(str(self.path), what))

    def _check_that_they_are_probabilities(self, rows: np.ndarray) -> None:
        """Refuses scores of another kind, and NaN, of which no comparison is ever true."""
        least, largest = -TOLERANCE, 1 + TOLERANCE
        # What bears the name is taken at its word that its rows sum to 1.
        sums = rows.sum(-1) if self._output != "probabilities" else np.ones(len(rows))
        if np.all((rows >= least) & (rows <= largest)) and np.allclose(sums, 1, atol=1e-2):
            return
        raise ValueError(
            f"The output {self._output!r} of {str(self.path)!r} does not give probabilities: "
            f"random images get numbers from {rows.min():.3g} to {rows.max():.3g} whose sums are "
            f"{rows.sum(-1).min():.3g} to {rows.sum(-1).max():.3g}. Make the file with keras-rbi "
            "export --format onnx, or end its graph with a softmax."
        )


DEPENDS = (
    "The predictions of {!r} for images depend on what else is in their batch ({}), and a service "
    "puts the images of other users into one batch. Export it with --relations self."
)
