"""Ways of training that have a name."""

from keras_rbi.training.recipes.read import (
    BACKBONE,
    CONSTANT,
    COSINE,
    DEFAULT,
    RECIPES,
    STEM,
    recipe_settings,
)

__all__ = ["BACKBONE", "CONSTANT", "COSINE", "DEFAULT", "RECIPES", "STEM", "recipe_settings"]
