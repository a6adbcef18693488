"""The published equations, transcribed to NumPy in float64 as they are printed.

With tensors of batch x batch x width and no regard for memory or time: what the library is
compared with.
"""

import numpy as np


def mean_squared_error(images):
    """Eq. 1 for every pair of images `(batch, ...)`."""
    pixels = np.asarray(images, "float64").reshape(len(images), -1)
    differences = pixels[:, None, :] - pixels[None, :, :]
    return (differences**2).sum(axis=-1) / pixels.shape[-1]


def relationship_position_encoding(images, max_value, epsilon, normalize):
    """Eq. 2, and divided by the relation of an image to itself."""
    relations = 20.0 * np.log10(max_value / (np.sqrt(mean_squared_error(images)) + epsilon))
    return relations / (20.0 * np.log10(max_value / epsilon)) if normalize else relations


def repeat_along_first_axis(rows):
    """D_v(N)_ij = n_j."""
    return np.tile(rows[None, :, :], (len(rows), 1, 1))


def repeat_along_second_axis(rows):
    """D_h(N)_ij = n_i."""
    return np.tile(rows[:, None, :], (1, len(rows), 1))


def softmax(logits, axis):
    exponentials = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def project(rows, weights, name):
    """A parameter matrix and, where there is one, a bias."""
    return rows @ weights[f"{name}_kernel"] + weights.get(f"{name}_bias", 0.0)


def attention(features, relations, weights, softmax_axis=-2):
    """Eqs. 3-10: the matrix A of sources (first axis) and targets (second axis)."""
    keys = repeat_along_first_axis(project(features, weights, "key"))
    queries = repeat_along_second_axis(project(features, weights, "query"))
    position = relations[:, :, None]
    logits = (queries * (keys + position)).sum(axis=-1) / np.sqrt(keys.shape[-1])
    return softmax(logits, softmax_axis)


def attend(attention_scores, features, relations, weights):
    """Eq. 11: Z."""
    values = repeat_along_second_axis(project(features, weights, "value"))
    return (attention_scores[:, :, None] * (values + relations[:, :, None])).sum(axis=0)


def combine(embeddings, features, weights):
    """Eqs. 12-13 before the normalisation. The gate is as wide as its matrix."""
    residual = project(features, weights, "residual")
    beta = sigmoid(
        project(
            np.concatenate([embeddings, residual, embeddings - residual], axis=-1), weights, "gate"
        )
    )
    return (1.0 - beta) * embeddings + beta * residual


def batch_normalization(rows, weights, training, epsilon=1e-5):
    """Normalises by the moments of the rows in training, by the moving ones otherwise."""
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    if training:
        mean = rows.mean(axis=0)
        variance = ((rows - mean) ** 2).mean(axis=0)
    return weights["gamma"] * (rows - mean) / np.sqrt(variance + epsilon) + weights["beta"]


def moving_moments(rows, weights, momentum=0.9):
    """The moving mean and variance after a training step on the rows."""
    mean = rows.mean(axis=0)
    variance = ((rows - mean) ** 2).mean(axis=0)
    return (
        momentum * weights["moving_mean"] + (1.0 - momentum) * mean,
        momentum * weights["moving_variance"] + (1.0 - momentum) * variance,
    )


def residual_relationship_attention(
    features, relations, weights, softmax_axis=-2, training=False, epsilon=1e-5
):
    """Eqs. 3-13."""
    features = np.asarray(features, "float64")
    if relations is None:
        relations = np.zeros((len(features), len(features)))
    scores = attention(features, relations, weights, softmax_axis)
    embeddings = attend(scores, features, relations, weights)
    return batch_normalization(combine(embeddings, features, weights), weights, training, epsilon)


def moving_average_length(step, beta_2):
    """ρ_t of algorithm 2 of arXiv 1908.03265."""
    limit = 2.0 / (1.0 - beta_2) - 1.0
    return limit - 2.0 * step * beta_2**step / (1.0 - beta_2**step)


def rectification(length, beta_2):
    """r_t of algorithm 2 of arXiv 1908.03265."""
    limit = 2.0 / (1.0 - beta_2) - 1.0
    return np.sqrt(
        (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)
    )


def rectified_adam(
    parameters,
    gradients,
    learning_rate=1e-3,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    weight_decay=0.0,
):
    """Algorithm 2 of arXiv 1908.03265 with decoupled decay; yields the parameters of each step.

    As in PyTorch, epsilon is added to the root of the second moment before its bias is corrected
    and the rectified step is taken where ρ_t > 5. `learning_rate` may be a function of the number
    of steps done.
    """
    parameters = np.array(parameters, "float64")
    momentum, velocity = np.zeros_like(parameters), np.zeros_like(parameters)
    for step, gradient in enumerate(np.asarray(gradients, "float64"), start=1):
        rate = learning_rate(step - 1) if callable(learning_rate) else learning_rate
        parameters = parameters * (1.0 - rate * weight_decay)
        momentum = beta_1 * momentum + (1.0 - beta_1) * gradient
        velocity = beta_2 * velocity + (1.0 - beta_2) * gradient**2
        unbiased = momentum / (1.0 - beta_1**step)
        length = moving_average_length(step, beta_2)
        if length > 5.0:
            adaptive = np.sqrt(1.0 - beta_2**step) / (np.sqrt(velocity) + epsilon)
            parameters = parameters - rate * unbiased * rectification(length, beta_2) * adaptive
        else:
            parameters = parameters - rate * unbiased
        yield parameters


def numeric_gradients(function, *arrays, step=1e-5):
    """Central differences of a scalar function with respect to every entry of arrays."""
    arrays = [np.array(array, "float64") for array in arrays]
    gradients = [np.zeros_like(array) for array in arrays]
    for array, gradient in zip(arrays, gradients, strict=True):
        for index in np.ndindex(array.shape):
            value = array[index]
            array[index] = value + step
            above = function(*arrays)
            array[index] = value - step
            below = function(*arrays)
            array[index] = value
            gradient[index] = (above - below) / (2.0 * step)
    return gradients
