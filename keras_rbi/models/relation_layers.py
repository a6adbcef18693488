"""RPE and RRA with the settings of a variant."""

from typing import Any

from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA

# What a variant means where an argument is left open.
VARIANTS: dict[str | None, dict[str, Any]] = {
    None: {"rpe": {}, "relation_dropout": 0.5, "relations": "self"},
    "paper": {
        "rpe": {"epsilon": 1e-8, "normalize": False},
        "relation_dropout": 0.0,
        "relations": "batch",
    },
}


def check_variant(variant: str | None) -> dict[str, Any]:
    """The settings of a variant, or a `ValueError` that names the known ones."""
    if variant not in VARIANTS:
        raise ValueError(f"`variant` must be None or 'paper'. Received: variant={variant!r}.")
    return VARIANTS[variant]


def check_own_rra(
    rra: Any,
    embedding_dim: int,
    relation_dropout: float | None,
    group_size: int | None,
    share_classifier: bool,
) -> None:
    """Raises a `ValueError` where an RRA layer of one's own contradicts other arguments."""
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


def relation_layers(
    units: int,
    variant: str | None,
    dtype: Any,
    group_size: int | None = None,
    relation_dropout: float | None = None,
) -> tuple[RPE, RRA]:
    """RPE and RRA of a model.

    Args:
        units: Integer, the width of `RRA`.
        variant: `None` or `"paper"`, as for `RBIModel`.
        dtype: Dtype policy of `RRA`.
        group_size: As for both layers. Defaults to `None`.
        relation_dropout: As for `RRA`. Defaults to `None`, that of the variant.

    Returns:
        The two layers.

    Raises:
        ValueError: If an argument is out of its range.
    """
    settings = check_variant(variant)
    if relation_dropout is None:
        relation_dropout = settings["relation_dropout"]
    return (
        RPE(**settings["rpe"], group_size=group_size, name="rpe"),
        RRA(
            units,
            relation_dropout=relation_dropout,
            group_size=group_size,
            dtype=dtype,
            name="rra",
        ),
    )
