"""HERBS in NumPy as it is written down, token by token, and where its weights belong in ours.

Weights go by the names and in the layouts of its published checkpoints.
"""

import numpy as np
from literal import softmax

EPSILON = 1e-5


def weight_shapes(tokens, channels, units, num_classes, num_selected):
    """The shape of every weight."""
    shapes = {}

    def dense(name, inputs, outputs, *more):
        shapes[f"{name}.weight"] = (outputs, inputs, *more)
        shapes[f"{name}.bias"] = (outputs,)

    def normalization(name):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (units,)

    levels = range(1, len(tokens) + 1)
    for level in levels:
        dense(f"fpn_down.Proj_layer{level}.0", channels[level - 1], channels[level - 1])
        dense(f"fpn_down.Proj_layer{level}.2", channels[level - 1], units)
        dense(f"fpn_up.Proj_layer{level}.0", units, units)
        dense(f"fpn_up.Proj_layer{level}.2", units, units)
        for direction in ("down", "up"):
            name = f"fpn_classifier_{direction}_layer{level}"
            dense(f"{name}.0", units, units, 1)
            normalization(f"{name}.1")
            dense(f"{name}.3", units, num_classes, 1)
    for level in levels[:-1]:
        fine, coarse = tokens[level - 1], tokens[level]
        dense(f"fpn_down.Up_layer{level + 1}", coarse, fine, 1)
        dense(f"fpn_up.Down_layer{level}", fine, coarse, 1)
    joints = max(1, sum(num_selected) // 64)
    shapes["combiner.adj1"], shapes["combiner.alpha1"] = (joints, joints), (1,)
    dense("combiner.param_pool0", sum(num_selected), joints)
    dense("combiner.conv1", units, units, 1)
    dense("combiner.conv_q1", units, units // 4, 1)
    dense("combiner.conv_k1", units, units // 4, 1)
    normalization("combiner.batch_norm1")
    dense("combiner.param_pool1", joints, 1)
    dense("combiner.classifier", units, num_classes)
    return shapes


def variables(model):
    """Our variables by the names of theirs."""
    found = {}
    pyramid, combiner = model.get_layer("pyramid"), model.get_layer("combiner")

    def dense(name, layer):
        found[f"{name}.weight"], found[f"{name}.bias"] = layer.kernel, layer.bias

    def normalization(name, layer):
        parts = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        for part, variable in zip(
            ("weight", "bias", "running_mean", "running_var"), parts, strict=True
        ):
            found[f"{name}.{part}"] = variable

    for number, (down, up) in enumerate(
        zip(pyramid.top_down_mlps, pyramid.bottom_up_mlps, strict=True), 1
    ):
        for name, mlp in (("fpn_down", down), ("fpn_up", up)):
            dense(f"{name}.Proj_layer{number}.0", mlp.layers[0])
            dense(f"{name}.Proj_layer{number}.2", mlp.layers[1])
        for theirs, ours in (("down", "top_down"), ("up", "bottom_up")):
            classifier = model.get_layer(f"{ours}_classifier_{number}")
            name = f"fpn_classifier_{theirs}_layer{number}"
            dense(f"{name}.0", classifier.hidden)
            normalization(f"{name}.1", classifier.normalization)
            dense(f"{name}.3", classifier.logits)
    for number, (finer, coarser) in enumerate(
        zip(pyramid.to_finer, pyramid.to_coarser, strict=True), 1
    ):
        dense(f"fpn_down.Up_layer{number + 1}", finer)
        dense(f"fpn_up.Down_layer{number}", coarser)
    found["combiner.adj1"], found["combiner.alpha1"] = combiner.adjacency, combiner.alpha
    dense("combiner.param_pool0", combiner.to_joints)
    dense("combiner.conv1", combiner.value_dense)
    dense("combiner.conv_q1", combiner.query_dense)
    dense("combiner.conv_k1", combiner.key_dense)
    normalization("combiner.batch_norm1", combiner.normalization)
    found["combiner.param_pool1.weight"] = combiner.pool_kernel
    found["combiner.param_pool1.bias"] = combiner.pool_bias
    dense("combiner.classifier", model.get_layer("classifier"))
    return found


def in_our_layout(name, value, variable):
    """A weight of theirs, or its gradient, laid out as our variable is."""
    value = np.asarray(value)
    if value.ndim == 3:
        value = value[:, :, 0]
    if value.ndim == 2 and name != "combiner.adj1":
        value = value.T
    return value.reshape(variable.shape)


def herbs(stages, weights, num_selected, training=False, combined=None):
    """Every output from the tokens of the stages, in float64.

    What is combined may be given, in the place of the tokens that are selected.
    """
    weights = {name: np.asarray(value, "float64") for name, value in weights.items()}

    def dense(name, rows):
        kernel = weights[f"{name}.weight"]
        return rows @ kernel.reshape(kernel.shape[:2]).T + weights[f"{name}.bias"]

    def mlp(name, rows):
        return dense(f"{name}.2", np.maximum(dense(f"{name}.0", rows), 0))

    def mixed(name, tokens):
        kernel = weights[f"{name}.weight"].reshape(weights[f"{name}.weight"].shape[:2])
        bias = weights[f"{name}.bias"][:, None]
        return np.stack([kernel @ image + bias for image in tokens])

    def normalised(name, tokens):
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        if training:
            rows = tokens.reshape(-1, tokens.shape[-1])
            mean, variance = rows.mean(0), rows.var(0)
        scaled = (tokens - mean) / np.sqrt(variance + EPSILON)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def classified(name, tokens):
        hidden = normalised(f"{name}.1", dense(f"{name}.0", tokens))
        return dense(f"{name}.3", np.maximum(hidden, 0))

    count = len(stages)
    down = [mlp(f"fpn_down.Proj_layer{i + 1}", np.float64(stages[i])) for i in range(count)]
    for i in range(count - 1, 0, -1):
        down[i - 1] = down[i - 1] + mixed(f"fpn_down.Up_layer{i + 1}", down[i])
    up = [mlp(f"fpn_up.Proj_layer{i + 1}", down[i]) for i in range(count)]
    for i in range(1, count):
        up[i] = up[i] + mixed(f"fpn_up.Down_layer{i}", up[i - 1])
    outputs = {
        "top_down": [
            classified(f"fpn_classifier_down_layer{i + 1}", down[i]) for i in range(count)
        ],
        "bottom_up": [classified(f"fpn_classifier_up_layer{i + 1}", up[i]) for i in range(count)],
        "selected": [],
        "dropped": [],
    }
    chosen = []
    for features, logits, number in zip(up, outputs["bottom_up"], num_selected, strict=True):
        parts = ([], [], [])
        for image, of_image in zip(features, logits, strict=True):
            predicted = of_image.mean(0).argmax()
            scores = softmax(of_image, -1)[:, predicted]
            order = sorted(range(len(scores)), key=lambda token: -scores[token])
            best, rest = order[:number], order[number:]
            for part, rows in zip(
                parts, (image[best], of_image[best], of_image[rest]), strict=True
            ):
                part.append(rows)
        for store, part in zip(
            (chosen, outputs["selected"], outputs["dropped"]), parts, strict=True
        ):
            store.append(np.stack(part))
    if combined is None:
        combined = np.concatenate(chosen, axis=1)
    joints = mixed("combiner.param_pool0", combined)
    query = dense("combiner.conv_q1", joints).mean(-1)
    key = dense("combiner.conv_k1", joints).mean(-1)
    tanh = np.tanh(query[:, :, None] - key[:, None, :])
    adjacency = weights["combiner.adj1"] + weights["combiner.alpha1"] * tanh
    values = dense("combiner.conv1", joints)
    graph = np.stack([a.T @ rows for a, rows in zip(adjacency, values, strict=True)])
    graph = normalised("combiner.batch_norm1", graph)
    pool = weights["combiner.param_pool1.weight"].ravel()
    outputs["features"] = np.stack([pool @ image for image in graph])
    outputs["features"] += weights["combiner.param_pool1.bias"]
    outputs["combined"] = dense("combiner.classifier", outputs["features"])
    predictions = [tokens.mean(1) for tokens in outputs["bottom_up"] + outputs["top_down"]]
    predictions.append(outputs["combined"])
    outputs["probabilities"] = np.mean(
        [softmax(prediction, -1) for prediction in predictions], axis=0
    )
    return outputs


def losses(outputs, labels, temperature):
    """Every term of the loss, as means over the batch."""
    terms = {"combined": _cross_entropy(outputs["combined"], labels)}
    for i, (student, teacher) in enumerate(
        zip(outputs["top_down"], outputs["bottom_up"], strict=True)
    ):
        p, q = softmax(teacher / temperature, -1), softmax(student / temperature, -1)
        terms[f"refinement_{i + 1}"] = (p * np.log(p / q)).mean()
        terms[f"layer_{i + 1}"] = _cross_entropy(teacher.mean(1), labels)
        dropped = outputs["dropped"][i]
        terms[f"suppression_{i + 1}"] = ((np.tanh(dropped) + 1) ** 2).sum() / max(dropped.size, 1)
        selected = outputs["selected"][i]
        terms[f"selection_{i + 1}"] = np.mean(
            [_cross_entropy(selected[:, token], labels) for token in range(selected.shape[1])]
        )
    return terms


def _cross_entropy(logits, labels):
    return -np.log(softmax(logits, -1)[np.arange(len(labels)), labels]).mean()
