"""PyTorch: a process for each device, as torchrun starts them."""

import os

import torch
import torch.distributed as dist

from keras_rbi.distribution.devices import AUTO, Devices
from keras_rbi.distribution.launched import Launched
from keras_rbi.distribution.torch_training import average_statistics, train_together


def start(asked: str, process: Launched) -> Devices:
    """The device of this process, in a group with the others.

    Raises:
        ValueError: If it is to have several, or if the processes cannot find each other.
    """
    if asked not in (AUTO, "1"):
        raise ValueError(
            "PyTorch has one device in each process. Received: several devices. Start so many "
            f"processes: torchrun --nproc-per-node {asked} -m keras_rbi train ..."
        )
    if process.processes == 1:
        return Devices()
    if missing := [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise ValueError(
            f"The processes do not know where to meet: {' and '.join(missing)} is not set. Start "
            "them with torchrun, or set both to the first machine and a free port there."
        )
    if not dist.is_initialized():
        on_gpu = torch.cuda.is_available()
        if on_gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        dist.init_process_group(
            "nccl" if on_gpu else "gloo", rank=process.number, world_size=process.processes
        )
    return Devices(1, process, before_fit=train_together, before_test=average_statistics)
