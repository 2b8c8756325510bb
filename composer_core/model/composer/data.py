"""Windows of encoded bars, grouped by take, and the order in which training sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from composer_core.model.composer.conditions import MAX_BARS, ConditionArrays

IGNORED = -100
"""Target of padding, left out of the loss."""
BUCKET_BATCHES = 32
"""Batches of similar length are cut from pools of this many, so that little is padded."""


@dataclass(frozen=True, slots=True)
class WindowSet:
    """n sequences of token ids (BOS bars EOS), their conditions, note counts and source takes.

    `bar_starts` (n_tokens,) is the vocabulary's; `spoilt` (n,) marks copies whose notes were
    mixed up for the quality head: no language is learnt from them.
    """

    sequences: list[NDArray[np.int32]]
    conditions: ConditionArrays
    n_notes: NDArray[np.int64]
    take: NDArray[np.int64]
    take_names: list[str]
    bar_starts: NDArray[np.bool_]
    spoilt: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.sequences)

    def digest(self) -> str:
        """SHA-256 over every sequence and condition: two runs with the same digest saw the same data."""
        total = hashlib.sha256()
        for sequence in self.sequences:
            total.update(sequence.tobytes())
        for spec in fields(self.conditions):
            total.update(np.ascontiguousarray(getattr(self.conditions, spec.name)).tobytes())
        return total.hexdigest()

    def rows(self, index: NDArray[np.int64]) -> WindowSet:
        """The windows an index array picks."""
        return WindowSet(
            [self.sequences[i] for i in index],
            self.conditions.take(index),
            self.n_notes[index],
            self.take[index],
            self.take_names,
            self.bar_starts,
            self.spoilt[index],
        )

    def batch(self, index: NDArray[np.int64], pad_id: int, max_length: int) -> TokenBatch:
        """Inputs, targets and bar numbers of some windows, padded to the longest."""
        ids, targets = pad([self.sequences[i] for i in index], pad_id, max_length)
        bar = torch.from_numpy(self.bar_starts)[ids].cumsum(dim=1).clamp(max=MAX_BARS)
        return TokenBatch(ids, targets, bar)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """`ids`, `targets` (IGNORED where padded) and `bar` (0 before the first bar), each (n, length)."""

    ids: Tensor
    targets: Tensor
    bar: Tensor

    def to(self, device: str) -> TokenBatch:
        """The same on a device."""
        return TokenBatch(self.ids.to(device), self.targets.to(device), self.bar.to(device))


def epoch_batches(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Index arrays of one epoch's batches: every sequence once, similar lengths together, order shuffled."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    lengths_array = np.asarray(lengths)
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), batch * BUCKET_BATCHES):
        pool = order[start : start + batch * BUCKET_BATCHES]
        pool = pool[np.argsort(lengths_array[pool], kind="stable")]
        batches += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    return [batches[i] for i in rng.permutation(len(batches))]


def pad(sequences: Sequence[NDArray[np.int32]], pad_id: int, max_length: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets (n, length): targets are the inputs shifted by one, padding IGNORED."""
    length = min(max(len(sequence) for sequence in sequences), max_length + 1)
    ids = torch.full((len(sequences), length), pad_id, dtype=torch.long)
    targets = torch.full((len(sequences), length - 1), IGNORED, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        cut = torch.from_numpy(sequence[:length].astype(np.int64))
        ids[row, : len(cut)] = cut
        targets[row, : len(cut) - 1] = cut[1:]
    return ids[:, :-1], targets


def ordered_batches(windows: WindowSet, batch: int) -> Iterator[NDArray[np.int64]]:
    """Index arrays that walk a set once, similar lengths together, for evaluation."""
    order = np.argsort([len(sequence) for sequence in windows.sequences], kind="stable")
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
