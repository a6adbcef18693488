"""What Keras has no common name for: gradients and compiled functions; and comparisons."""

import keras
import numpy as np


def gradients(function, *arrays):
    """Gradients of a scalar function of tensors with respect to float32 arrays."""
    arrays = [np.asarray(array, "float32") for array in arrays]
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensors = [tf.constant(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        results = tape.gradient(value, tensors)
    elif backend == "jax":
        import jax

        results = jax.jit(jax.grad(function, argnums=tuple(range(len(arrays)))))(*arrays)
    else:
        import torch

        tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
        results = torch.autograd.grad(function(*tensors), tensors)
    return [to_numpy(result) for result in results]


def compiled(function, *signature):
    """A function of tensors as the backend compiles it: `tf.function`, `jax.jit`, or as it is.

    Args:
        function: Function of tensors, without side effects.
        *signature: For TensorFlow, a pair of shape and dtype for each argument, with `None` for
            open dimensions. Without it a function is traced for every shape.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        specs = [tf.TensorSpec(shape, dtype) for shape, dtype in signature]
        return tf.function(function, input_signature=specs or None)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return lambda *arrays: function(*map(keras.ops.convert_to_tensor, arrays))


def once(function):
    """A function of tensors, without side effects, that is called once for every shape.

    JAX is quicker with it compiled as a whole than operation by operation; the others are not.
    """
    return compiled(function) if keras.backend.backend() == "jax" else function


def compiled_apply(optimizer, variables):
    """Compiles `optimizer.apply(gradients, variables)`; variables and optimizer keep the state."""
    optimizer.build(variables)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        function = tf.function(lambda gradients: optimizer.apply(gradients, variables))
        return lambda gradients: function([tf.constant(gradient) for gradient in gradients])
    if backend == "jax":
        import jax

        function = jax.jit(optimizer.stateless_apply)

        def apply(gradients):
            states = [variable.value for variable in optimizer.variables]
            values = [variable.value for variable in variables]
            values, states = function(states, list(gradients), values)
            for variable, value in zip(
                [*variables, *optimizer.variables], [*values, *states], strict=True
            ):
                variable.assign(value)

        return apply
    return lambda gradients: optimizer.apply(
        [keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables
    )


def to_numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def assert_close(actual, expected, tolerance=1e-5):
    """Asserts that no difference is above `tolerance` times the largest expected value."""
    actual, expected = to_numpy(actual).astype("float64"), np.asarray(expected, "float64")
    assert actual.shape == expected.shape
    largest = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=tolerance * largest)


def stateless(model, function):
    """A function that uses a model's variables as a function of their values too.

    Args:
        model: A built model or layer.
        function: Function of tensors.

    Returns:
        Function of the variables' values, in the order of `model.variables`, and of the tensors.
        It gives what the function gives, and the values that the variables have after it.
    """

    def call(values, *tensors):
        mapping = list(zip(model.variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = function(*tensors)
        after = [scope.get_current_value(variable) for variable in model.variables]
        return outputs, [
            value if new is None else new for value, new in zip(values, after, strict=True)
        ]

    return call
