"""What images relate to: a setting of a classifier, kept with it."""

from typing import Any

from keras_rbi.models.add_classes import add_classes
from keras_rbi.models.image_classifier import ImageClassifier
from keras_rbi.models.open_classes import check_known
from keras_rbi.models.references.references import References
from keras_rbi.models.references.set_references import (
    attach_references,
    check_trainable,
    set_references,
    update_references,
)
from keras_rbi.models.relation_scope import check_relation_scope
from keras_rbi.models.relations import set_relations, use_relations
from keras_rbi.models.scaled_residual import ScaledResidual
from keras_rbi.models.scopes import GLOBAL
from keras_rbi.models.variants import multiplier_of_a_file


class RelatesImages(ImageClassifier):
    """A classifier whose images relate to each other, to themselves alone or to references.

    `RelationalClassifier` has the layers that do so; here is which images they are given, in
    training, prediction and files.
    """

    @property
    def relations(self) -> str | None:
        """What an image relates to in `predict`, `evaluate` and export; it may be set any time.

        `"self"`, itself alone; `"batch"`, its batch; `"references"`, itself and the images of
        `set_references`; `None` in a model without relations, and there alone.
        """
        return self._relations

    @relations.setter
    def relations(self, value: str | None) -> None:
        self._relations = set_relations(self, value)
        # Compiled functions hold the relations they were traced with.
        self.predict_function = self.test_function = None

    @property
    def relation_scope(self) -> str:
        """How far a batch reaches where several devices share it; it may be set any time.

        `"global"`, over all devices, as if one had it; `"replica"`, over each device's part.
        """
        return self._relation_scope

    @relation_scope.setter
    def relation_scope(self, value: str) -> None:
        self._relation_scope = check_relation_scope(value)
        self.train_function = self.predict_function = self.test_function = None

    @property
    def references(self) -> References | None:
        """The references that `set_references` has stored, or `None`."""
        return self._reference_layers[0] if self.__dict__.get("_reference_layers") else None

    add_classes = add_classes
    use_relations = use_relations
    set_references = set_references
    update_references = update_references

    def update_before_use(self) -> None:
        """Brings references up to date where they are in use; refuses a model without classes."""
        check_known(self)
        if self.relations == "references":
            self.update_references()

    def make_predict_function(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model` does, before `predict` and `predict_on_batch`."""
        self.update_before_use()
        return super().make_predict_function(*args, **kwargs)

    def make_test_function(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model` does, before `evaluate` and `test_on_batch`."""
        self.update_before_use()
        return super().make_test_function(*args, **kwargs)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Trains the model: see `ImageClassifier.fit`."""
        check_trainable(self)
        return super().fit(*args, **kwargs)

    def state_config(self) -> dict[str, Any]:
        """The relations that are set, and the references, if the model can relate."""
        if self.rra is None:
            return {}
        state: dict[str, Any] = {"relations": self.relations, "references": self.references}
        state["relation_scope"] = self.relation_scope
        if isinstance(self.integration, ScaledResidual):
            # Versions have had several.
            state["branch_multiplier"] = self.integration.multiplier
        return state

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        own = ("branch_multiplier", "relation_scope")
        arguments = {key: value for key, value in config.items() if key not in own}
        model = super().from_config(arguments, custom_objects)
        # Files that name none are of one device, but for a few, and learned from whole batches.
        model.relation_scope = config.get("relation_scope", GLOBAL)
        if isinstance(model.integration, ScaledResidual):
            multiplier = multiplier_of_a_file(config, model.integration.scale.shape[0])
            if multiplier is not None:
                model.integration.multiplier = multiplier
        return model

    def restore(self, state: dict[str, Any]) -> None:
        """Sets what `state_config` has given: references, and then the relations."""
        if state.get("references") is not None:
            attach_references(self, state["references"])
            self.relations = state["relations"]
