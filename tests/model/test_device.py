"""Threads of inference: one for small networks, and the caller's number back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from composer_core.model import device


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_small_networks_run_on_one_thread(two_threads: None) -> None:
    with device.inference_threads(nn.Linear(3, 4)):
        assert torch.get_num_threads() == 1
        assert torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == 2 and not torch.is_inference_mode_enabled()


def test_large_networks_keep_theirs(two_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_SMALL_PARAMETERS", 16)  # 3 * 4 weights and 4 biases are 16, no fewer
    with device.inference_threads(nn.Linear(3, 4)):
        assert torch.get_num_threads() == 2


def test_threads_come_back_after_an_error(two_threads: None) -> None:
    with pytest.raises(ZeroDivisionError), device.inference_threads(nn.Linear(1, 1)):
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 2
