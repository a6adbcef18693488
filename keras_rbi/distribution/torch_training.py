"""PyTorch: `fit` in which processes take each step together."""

import functools
from typing import Any

import keras
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from keras_rbi.distribution.torch_replicas import replicas_of


def train_together(model: keras.Model) -> None:
    """Has `fit` of a compiled model average the gradients of all processes.

    Each is to fit its share of the same batches. Losses and metrics are those of whole batches on
    every process. To be called again whenever layers are frozen or thawed.

    Args:
        model: The model, of the same weights on every process afterwards: those of the first.
    """
    with torch.no_grad():
        for variable in [*model.variables, *model.optimizer.variables]:
            dist.broadcast(variable.value, src=0)
    together = DistributedDataParallel(model, init_sync=False)
    # Not an attribute for Keras, which would take it for a part of the model.
    model.__dict__["train_step"] = functools.partial(_train_step, model, together)


def _train_step(model: Any, together: Any, data: Any) -> dict[str, Any]:
    """One step of `fit`, as `keras.Model.train_step` of a model of one's own is written."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    model.zero_grad()
    y_pred = together(x, training=True)
    loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
    # The mean over all rows, of means over shares that may be unequal.
    rows = torch.tensor(float(len(y)), device=loss.device)
    of_all = rows.clone()
    dist.all_reduce(of_all)
    share = loss * (rows / of_all)
    scaled = model.optimizer.scale_loss(share * dist.get_world_size())
    scaled.backward()
    variables = model.trainable_weights
    with torch.no_grad():
        model.optimizer.apply([variable.value.grad for variable in variables], variables)
        whole = share.detach().clone()
        dist.all_reduce(whole)
        next(each for each in model.metrics if each.name == "loss").update_state(
            whole, sample_weight=of_all
        )
        # Of two streams, metrics are of the first.
        return model.compute_metrics(x, *map(_of_all, (y, _predictions(y_pred, y), sample_weight)))


def _predictions(y_pred: Any, y: Any) -> Any:
    """The rows that metrics are of."""
    if isinstance(y_pred, dict):
        y_pred = y_pred["probabilities"]
    return y_pred.detach()[: len(y)]


def _of_all(rows: Any) -> Any:
    """Rows of all processes, in their order."""
    if rows is None:
        return None
    rows = torch.as_tensor(rows)
    replicas = replicas_of(rows, training=True)
    return rows if replicas is None else replicas.gather(rows)


def average_statistics(model: keras.Model) -> None:
    """Gives all processes the mean of their moving averages, such as a backbone's norms have."""
    with torch.no_grad():
        for variable in model.non_trainable_variables:
            if variable.value.is_floating_point():
                dist.all_reduce(variable.value)
                variable.value.div_(dist.get_world_size())
