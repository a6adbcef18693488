"""Ways of training that have a name."""

from typing import Any

from keras_rbi.models.image_classifier import PAPER_LEARNING_RATE

DEFAULT = "default"
BACKBONE = "backbone"
STEM = "stem"
COSINE = "cosine"
CONSTANT = "constant"

# What a recipe sets where the settings leave it open; what it leaves open too is found as without
# a recipe. Batches of 32, RectifiedAdam and, for photographs, flip and rotation are in all.
RECIPES: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    # How the paper trains. The method's layers as printed are another matter: `variant`.
    "paper": {
        "backbone": "DenseNet201",
        "weights": "imagenet",
        "image_size": 224,
        "epochs": 50,
        "learning_rate": PAPER_LEARNING_RATE,
        "clip_norm": 0.0,
        "schedule": CONSTANT,
    },
    # The head first, so that its random weights do not spoil the backbone's; then all.
    "finetune": {
        "epochs": 20,
        "head_epochs": 1,
        "freeze_batch_norms": True,
        "learning_rate": 1e-3,
        "backbone_learning_rate": 1e-4,
        "weight_decay": 0.05,
        "warmup_epochs": 1.0,
        # An average over some 100 steps: longer ones have not forgotten their beginning by the
        # end of a run on a small data set.
        "ema": 0.99,
        "label_smoothing": 0.1,
    },
}


def recipe_settings(name: str | None, freeze: str | None) -> dict[str, Any]:
    """What a recipe sets.

    Args:
        name: One of `RECIPES`, or `None` for `"default"`.
        freeze: As in `TrainingSettings`: with a frozen backbone, a recipe's settings of how the
            backbone is trained are left out.

    Returns:
        A dictionary from names of `TrainingSettings` to values.

    Raises:
        ValueError: If there is no such recipe.

    Example:

    >>> keras_rbi.training.recipes.recipe_settings("paper", None)["learning_rate"]
    1e-05
    """
    name = DEFAULT if name is None else name
    if name not in RECIPES:
        known = ", ".join(repr(recipe) for recipe in RECIPES)
        raise ValueError(f"There is no recipe {name!r}. Use one of {known}.")
    dropped = ("head_epochs", "backbone_learning_rate") if freeze == BACKBONE else ()
    return {key: value for key, value in RECIPES[name].items() if key not in dropped}
