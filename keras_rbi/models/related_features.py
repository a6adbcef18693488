"""Rows of features that take in those of related images."""

from typing import Any

from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.models.rbi.rbi_model import VARIANTS
from keras_rbi.models.scaled_residual import ScaledResidual

Tensor = Any


class RelatedFeatures:
    """The layers that relate rows of features of a system, or none.

    `v + g * RRA(v, RPE(images))`, g a factor for each feature that starts at zero: at first the
    system is the one without relations.

    Args:
        relations: `None` for no relations, or what images relate to in inference.
        variant: As in `RBIModel`.
        units: Integer, the width of the rows.
        dtype: Dtype policy.

    Raises:
        ValueError: If `variant` is unknown.

    Attributes:
        rpe: An `RPE`, or `None`.
        rra: An `RRA`, or `None`.
        integration: A `ScaledResidual`, or `None`.
    """

    def __init__(self, relations: str | None, variant: str | None, units: int, dtype: Any) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"`variant` must be None or 'paper'. Received: variant={variant!r}.")
        self.rpe = self.rra = self.integration = None
        if relations is not None:
            settings = VARIANTS[variant]
            self.rpe = RPE(**settings["rpe"], name="rpe")
            dropout = settings["relation_dropout"]
            self.rra = RRA(units, relation_dropout=dropout, dtype=dtype, name="rra")
            self.integration = ScaledResidual(dtype=dtype, name="integration")

    def integrate(self, features: Tensor, images: Tensor, training: bool | None = None) -> Tensor:
        """Rows of features that take in those of related images; or as they are, without."""
        if self.rpe is None or self.rra is None or self.integration is None:
            return features
        related = self.rra(features, self.rpe(images, training=training), training=training)
        return self.integration(features, related)
