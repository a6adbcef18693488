"""Scaled losses, which gradients in float16 need."""

import keras


def scale_loss_of_float16(model: keras.Model) -> None:
    """Has `compile` scale the loss of a model some of whose layers compute in float16.

    Gradients below 6e-8 are 0 in float16: Keras multiplies the loss by a factor that it adapts, and
    divides the gradients by it. It goes by the policy of the model, which is the global one: a
    model that is loaded elsewhere, or made of layers that have policies of their own, has another
    than its layers.

    Args:
        model: A model, before it is compiled.
    """
    if any(layer.compute_dtype == "float16" for layer in model._flatten_layers(include_self=False)):
        model.dtype_policy = "mixed_float16"
