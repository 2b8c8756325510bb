"""Trunks: what turns the features of each place into a memory of the window so far.

A trunk reads (n, asked, width) with the onset of each place, and gives the same shape and a state
to go on from, so that sampling reads one note at a time and sees what training saw.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BARS_BACK = 5
"""Buckets of the same place in this and the four bars before."""
_GAPS = (1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72, 96, 144, 192)
"""Upper ends of the buckets of time between two notes, in steps."""
N_BUCKETS = BARS_BACK + 2 + len(_GAPS) + 1
N_ORDERS = 17


class LockedDropout(nn.Module):
    """Dropout that hides the same numbers at every place of a window: drawn once a window, so it costs nothing."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, values: Tensor) -> Tensor:
        """(n, asked, width), unchanged outside training."""
        if not self.training or not self.rate:
            return values
        kept = torch.rand(values.shape[0], 1, values.shape[2]) >= self.rate
        return values * (kept / (1.0 - self.rate)).to(values.dtype)


class Recurrent(nn.Module):
    """GRU layers, each beside a path that goes round it, with dropout between them."""

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.GRU(width, width, batch_first=True) for _ in range(layers))
        self.drop = LockedDropout(dropout)

    def forward(self, inputs: Tensor, onset: Tensor, bar_steps: Tensor, state: Any) -> tuple[Tensor, Any]:  # noqa: ARG002
        """(n, asked, width) and the state after the last place, one tensor a layer."""
        after = []
        values = inputs
        for number, layer in enumerate(self.layers):
            out, last = layer(self.drop(values) if number else values, None if state is None else state[number])
            values = values + out if number else out
            after.append(last)
        return values, after


def time_buckets(onset: Tensor, earlier: Tensor, bar_steps: Tensor) -> Tensor:
    """(n, asked, known) how each place lies to each earlier one: same place some bars back, half bar, beat, or gap."""
    gap = (onset.unsqueeze(2) - earlier.unsqueeze(1)).clamp(min=0)
    bar = bar_steps[:, None, None]
    bucket = BARS_BACK + 2 + torch.bucketize(gap, torch.tensor(_GAPS))
    bucket = torch.where(gap % 12 == 0, BARS_BACK + 1, bucket)
    bucket = torch.where(2 * gap % bar == 0, BARS_BACK, bucket)
    return torch.where(gap % bar == 0, (gap // bar).clamp(max=BARS_BACK - 1), bucket)


class Block(nn.Module):
    """Attention whose weights know how two places lie to each other in the bar, and a hidden layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joined = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.time = nn.Parameter(torch.zeros(N_BUCKETS, heads))
        self.order = nn.Parameter(torch.zeros(N_ORDERS, heads))
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.drop = LockedDropout(dropout)

    def forward(self, values: Tensor, buckets: Tensor, orders: Tensor, state: Any) -> tuple[Tensor, Any]:
        """(n, asked, width), and keys and values so far."""
        n, asked, width = values.shape
        joined = self.joined(self.norm_1(values)).view(n, asked, 3, self.heads, width // self.heads)
        query, key, value = joined.permute(2, 0, 3, 1, 4)
        if state is not None:
            key, value = torch.cat([state[0], key], 2), torch.cat([state[1], value], 2)
        bias = (self.time[buckets] + self.order[orders.clamp(0, N_ORDERS - 1)]).permute(0, 3, 1, 2)
        bias = bias.masked_fill((orders < 0).unsqueeze(1), -1e9).to(query.dtype)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        values = values + self.drop(self.out(read.transpose(1, 2).reshape(n, asked, width)))
        return values + self.drop(self.outer(functional.gelu(self.inner(self.norm_2(values))))), (key, value)


class Attending(nn.Module):
    """Attention with a learnt leaning to the same place some bars back."""

    def __init__(self, width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))

    def forward(self, inputs: Tensor, onset: Tensor, bar_steps: Tensor, state: Any) -> tuple[Tensor, Any]:
        """(n, asked, width) and the state after the last place: onsets, and keys and values of each layer."""
        known = onset if state is None else torch.cat([state[0], onset], 1)
        buckets = time_buckets(onset, known, bar_steps)
        before = known.shape[1] - onset.shape[1]
        orders = torch.arange(before, known.shape[1]).unsqueeze(1) - torch.arange(known.shape[1])
        orders = orders.expand(len(onset), -1, -1)
        values, after = inputs, []
        for number, layer in enumerate(self.layers):
            values, kept = layer(values, buckets, orders, None if state is None else state[1][number])
            after.append(kept)
        return values, (known, after)
