"""Which devices can compute here."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from composer_core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Device:
    """A device's code for configurations ('cpu', 'cuda') and its name for people."""

    code: str
    name: str


def devices() -> list[Device]:
    """The devices of this machine, GPU first."""
    found = [Device("cpu", f"CPU ({torch.get_num_threads()} threads)")]
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
