"""Training recipes."""

from keras_rbi.training.recipes.read import DEFAULT, RECIPES, read_recipe, recipe_settings

__all__ = ["DEFAULT", "RECIPES", "read_recipe", "recipe_settings"]
