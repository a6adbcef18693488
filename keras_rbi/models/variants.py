"""The forms of relationship batch integration: how features and what RRA gives meet."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A form of relationship batch integration.

    Attributes:
        residual: Whether RRA is a branch that is added to the features; else what it gives takes
            their place.
        embedding_dim: Width of the embedding where none is given; `None` for no embedding.
        relations: What images relate to at inference.
        relation_dropout: As for `RRA`.
        rpe: Arguments of `RPE`.
        per_width: What the multiplier of a branch is, times its width: see `multiplier`.
        normalized: Whether RRA ends with the normalization of eq. 13.
    """

    residual: bool
    embedding_dim: int | None
    relations: str
    relation_dropout: float
    rpe: dict[str, Any] = field(default_factory=dict)
    per_width: float | None = None
    normalized: bool = True

    def multiplier(self, width: int) -> float:
        """The `multiplier` of the `ScaledResidual` that adds a branch of a width.

        Adam moves each weight by up to the learning rate in a step, so that what a matrix adds up
        from `width` features may move `width` times as far. Divided by the width, a branch moves
        as one weight does; undivided it broke the fine-tuning of wide networks.
        """
        return 1.0 if self.per_width is None else min(1.0, self.per_width / width)


RESIDUAL, OF_0_1, PAPER = "residual", "0.1", "paper"
VARIANTS = {
    RESIDUAL: Variant(True, None, "self", 0.5, per_width=1.0, normalized=False),
    # The default of version 0.1.
    OF_0_1: Variant(False, 1024, "self", 0.5),
    PAPER: Variant(False, 1024, "batch", 0.0, {"epsilon": 1e-8, "normalize": False}),
}


def find_variant(name: str | None) -> Variant:
    """A variant by its name, `None` for the residual one, or a `ValueError` with the known ones."""
    if (name or RESIDUAL) not in VARIANTS:
        known = ", ".join(map(repr, VARIANTS))
        raise ValueError(f"`variant` must be one of {known}. Received: variant={name!r}.")
    return VARIANTS[name or RESIDUAL]


def multiplier_of_a_file(config: dict[str, Any], width: int) -> float | None:
    """That of the branch of a stored model, `None` where it is that of its variant.

    What was trained by a version between 0.1 and 0.2 does not name it: it was ten times as large.
    """
    if "branch_multiplier" in config:
        return config["branch_multiplier"]
    return min(1.0, 10.0 / width) if config.get("variant") == RESIDUAL else None


def with_variant_of_0_1(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a model, where it is from version 0.1, under the names of today.

    What was called `None` there is called `"0.1"`; later versions name each variant.
    """
    return {**config, "variant": config["variant"] or OF_0_1} if "variant" in config else config
