"""Relations at inference: what RPE and RRA share about the modes."""

from collections.abc import Callable
from typing import Any, Protocol

from keras_rbi.layers.relation_sets import check_inference_relations


class References(Protocol):
    """What RPE and RRA ask of stored reference images.

    Attributes:
        num_references: Integer, how many there are.
        features: Variable `(references, features)`, what RRA is called with.
        relations: Variable `(references, references)`, S of the references to each other.
    """

    num_references: int
    features: Any
    relations: Any

    def errors(self, images: Any) -> Any:
        """Mean squared differences of images to them, `(batch, references)`, for 0..255."""


class InferenceRelations:
    """The property `inference_relations` of a layer, and the references that it may need."""

    _inference_relations: str

    @property
    def inference_relations(self) -> str:
        """What an image is related to at inference: `"batch"`, `"self"` or `"references"`."""
        return self._inference_relations

    @inference_relations.setter
    def inference_relations(self, value: str) -> None:
        self._inference_relations = check_inference_relations(value)

    def relate_to(self, references: References) -> None:
        """Sets the references for `inference_relations="references"`.

        They are state of the model that made them and saved with it, not part of this layer.

        Args:
            references: A `References`, such as an `RBIModel` has after `set_references`.
        """
        # In a function, since Keras takes a layer in an attribute for a part of this one.
        self._get_references: Callable[[], References] = lambda: references

    @property
    def has_references(self) -> bool:
        """Whether `relate_to` has been called; a layer that is being loaded has none yet."""
        return hasattr(self, "_get_references")

    def known_references(self) -> References:
        """The references.

        Returns:
            A `References`.

        Raises:
            ValueError: If there are none.
        """
        if not self.has_references:
            raise ValueError(
                f"The layer {getattr(self, 'name', '')!r} is to relate images to references, and "
                "has none. Call `set_references` of the RBIModel that it is in."
            )
        return self._get_references()
