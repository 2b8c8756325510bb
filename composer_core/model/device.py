"""Find the devices that can compute on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from composer_core.errors import Unavailable

_SMALL_PARAMETERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Device:
    """A device's code for configurations ('cpu', 'cuda') and its name for people."""

    code: str
    name: str


def devices() -> list[Device]:
    """The devices of this machine, GPU first."""
    threads = torch.get_num_threads()
    found = [Device("cpu", f"CPU ({threads} thread{'' if threads == 1 else 's'})")]
    if torch.cuda.is_available():
        found.insert(0, Device("cuda", torch.cuda.get_device_name(0)))
    return found


def choose_device(code: str) -> Device:
    """The device asked for; 'auto' takes the GPU when present. Unavailable names what was found."""
    found = devices()
    if code == "auto":
        return found[0]
    for device in found:
        if device.code == code:
            return device
    raise Unavailable("device_missing", device=code, found=", ".join(device.name for device in found))


def thread_count() -> int:
    """CPU threads that torch computes with."""
    return torch.get_num_threads()


@contextmanager
def inference_threads(network: nn.Module) -> Iterator[None]:
    """Inference without gradients, of networks below 20 million parameters on one thread.

    Step by step these have too little to share: two threads save a fifth of the time on an idle machine, and
    beside another program they wait for each other, ten times and more as long. Bytes then do not depend on the
    number of cores either. The calling thread's number is given back at the end.
    """
    before = torch.get_num_threads()
    is_small = sum(parameter.numel() for parameter in network.parameters()) < _SMALL_PARAMETERS
    if is_small and before != 1:
        torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
