"""The processes of one training: one alone, or several started by torchrun on GPUs (or, for tests, on the CPU).

Every process holds the whole model and takes its share of each batch. Gradients are summed, so the
steps equal those of a single process except for rounding. The first process writes and decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as distributed
from torch import nn

PREPARATION_LIMIT = timedelta(hours=4)
"""How long the others wait while the first process prepares the data."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process's number and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """True for the process that writes and decides."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add the gradients of all processes up, in place."""
        if self.size > 1:
            for parameter in parameters:
                if parameter.requires_grad:
                    if parameter.grad is None:
                        parameter.grad = torch.zeros_like(parameter)
                    distributed.all_reduce(parameter.grad)

    def total(self, value: float) -> float:
        """The sum of a number over all processes."""
        if self.size == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64, device=_device())
        distributed.all_reduce(tensor)
        return float(tensor.item())

    def agree(self, value: float) -> float:
        """The first process's number."""
        return self.total(value if self.is_first else 0.0)


ALONE = Ranks()


def join_ranks() -> Ranks:
    """The processes torchrun started, joined by NCCL on GPUs and gloo on CPUs; ALONE without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    if not distributed.is_initialized():
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if cuda else "gloo", timeout=PREPARATION_LIMIT)
    return Ranks(distributed.get_rank(), size)


def leave_ranks() -> None:
    """Take leave of the other processes."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _device() -> str:
    return "cuda" if distributed.get_backend() == "nccl" else "cpu"
