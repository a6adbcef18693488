"""PyTorch: processes of `torch.distributed`, each with its share of a batch."""

from typing import Any

import torch
import torch.distributed as dist

from keras_rbi.distribution.replicas import Replicas


class _Gathered(torch.autograd.Function):
    """Rows of all processes, in their order; the gradient is what all of them have of one's own."""

    @staticmethod
    def forward(context: Any, rows: Any, counts: list[int]) -> Any:
        context.counts = counts
        # Processes exchange tensors of one shape.
        filled = rows.new_zeros((max(counts), *rows.shape[1:]))
        filled[: len(rows)] = rows
        parts = [torch.empty_like(filled) for _ in counts]
        dist.all_gather(parts, filled)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        gradient = gradients[0].contiguous().clone()
        dist.all_reduce(gradient)
        return gradient.split(context.counts)[dist.get_rank()], None


class _Total(torch.autograd.Function):
    """The sum over processes, and of its gradients."""

    @staticmethod
    def forward(context: Any, values: Any) -> Any:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def replicas_of(rows: Any, training: bool) -> Replicas | None:
    """All processes in training; in prediction a process is by itself.

    There it has whole batches: nothing but a training step is sure to run on all at a time, and
    one that predicts alone must not wait for the others.
    """
    if not training or not dist.is_available() or not dist.is_initialized():
        return None
    if dist.get_world_size() == 1:
        return None
    own = torch.tensor([len(rows)], device=rows.device)
    found = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(found, own)
    counts = [int(count) for count in found]
    number = dist.get_rank()

    def gather(values: Any) -> Any:
        if values.dtype == torch.bool:
            return _Gathered.apply(values.to(torch.uint8), counts).bool()
        return _Gathered.apply(values, counts)

    return Replicas(
        gather,
        lambda values: torch.split(values, counts)[number],
        _Total.apply,
        # What follows the last share cuts no group.
        lambda size: all(count % size == 0 for count in counts[:-1]),
    )


def check_replica_scope() -> None:
    """Nothing to refuse: a process knows its rows alone."""
