"""Articulation tensors: those that every path from a network's input to its output passes."""

from typing import Any

import keras

from keras_rbi.types import Tensor


def trunk(network: keras.Model) -> list[tuple[Any, Tensor]]:
    """The layers after which a functional network is one tensor, and those tensors.

    Between them are branches: the inside of a residual or a dense block.

    Args:
        network: A functional or sequential model.

    Returns:
        List of pairs of a layer or operation and the symbolic tensor that it gives inside the
        network, in the order of computation.
    """
    if isinstance(network, keras.Sequential):
        return [(layer, layer.output) for layer in network.layers]
    # Subclasses, as those of keras_hub, have configurations of their own; this is the plain graph.
    network = keras.Model(network.inputs, network.outputs)
    calls = {layer["name"]: layer["inbound_nodes"] for layer in network.get_config()["layers"]}
    order = list(calls)
    sources = {name: _sources(nodes) for name, nodes in calls.items()}
    position = {name: number for number, name in enumerate(order)}
    last_use = dict(position)
    for name in order:
        for source in sources[name]:
            last_use[source] = max(last_use[source], position[name])
    tensors = _tensors(network, sources)
    operations = {operation.name: operation for operation in network.operations}
    passed, open_until = [], 0
    for name in order:
        # No tensor from before this layer is used after it.
        if open_until <= position[name] and name in tensors:
            passed.append((operations[name], tensors[name]))
        open_until = max(open_until, last_use[name])
    return passed


def _sources(node: Any) -> list[str]:
    """Names of the layers whose tensors a serialised call takes, in its arguments' order."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            return [node["config"]["keras_history"][0]]
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        return [source for part in node for source in _sources(part)]
    return []


def _tensors(network: keras.Model, sources: dict[str, list[str]]) -> dict[str, Tensor]:
    """The tensor that each layer gives inside the network.

    That of a nested model is not its own `output`, but what the next layer takes.
    """
    simple = [part for part in network.operations if not isinstance(part, keras.Model)]
    tensors = {operation.name: operation.output for operation in simple}
    for operation in simple:
        taken = keras.tree.flatten(operation.input)
        # A constant among the arguments has no layer it comes from.
        if len(taken) == len(sources[operation.name]):
            tensors |= dict(zip(sources[operation.name], taken, strict=True))
    return tensors
