"""A loop as a table: for every voice and grid slot, how many notes there are, how loud and how far off the grid.

A voice is a drum role, or a third of a pitched loop's own range. Habits of playing show in
how this table changes from one bar to the next. The first bar follows the last, so a single
bar follows itself, and repeating a loop changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.grid import FloatArray, IndexArray

_EPSILON = 1e-9
Value = TypeVar("Value", bound=np.generic)


@dataclass(eq=False)
class Cells:
    """Arrays of shape (n_voices, bars, slots_a_bar); velocity and deviation are means, 0 where nothing plays."""

    count: FloatArray
    velocity: FloatArray
    deviation_ms: FloatArray

    @classmethod
    def of(
        cls, voice: IndexArray, slot: IndexArray, velocity: FloatArray, deviation_ms: FloatArray, shape: tuple[int, ...]
    ) -> Cells:
        """Gather notes, given by four arrays with one entry a note."""
        size = shape[0] * shape[1] * shape[2]
        cell = voice * (shape[1] * shape[2]) + slot
        count = np.bincount(cell, minlength=size).astype(np.float64)
        divisor = np.maximum(count, 1.0)
        velocity = np.bincount(cell, weights=velocity, minlength=size) / divisor
        deviation = np.bincount(cell, weights=deviation_ms, minlength=size) / divisor
        return cls(count.reshape(shape), velocity.reshape(shape), deviation.reshape(shape))

    @cached_property
    def played(self) -> NDArray[np.bool_]:
        """True where a voice plays."""
        return self.count > 0

    @cached_property
    def recurs(self) -> NDArray[np.bool_]:
        """True where the same voice plays in the same place of this bar and of the next."""
        return self.played & following(self.played)

    def bar_change(self, values: FloatArray) -> float:
        """Mean absolute difference of a table of values between the answered cells and those a bar later.

        NaN where no cell is answered.
        """
        count = np.count_nonzero(self.recurs)
        return float(np.abs(values - following(values))[self.recurs].sum()) / count if count else math.nan

    @cached_property
    def velocity_centred(self) -> FloatArray:
        """Velocity minus its voice's mean over the cells, 0 where nothing plays."""
        return _centred(self.velocity, self.played)

    @cached_property
    def deviation_centred_ms(self) -> FloatArray:
        """Deviation minus its voice's mean over the cells, 0 where nothing plays."""
        return _centred(self.deviation_ms, self.played)


def following(table: NDArray[Value]) -> NDArray[Value]:
    """The table a bar later; the first bar follows the last."""
    return np.concatenate((table[:, 1:], table[:, :1]), axis=1)


def _centred(values: FloatArray, played: NDArray[np.bool_]) -> FloatArray:
    n_played = np.maximum(played.sum(axis=(1, 2)), 1)
    mean = values.sum(axis=(1, 2)) / n_played
    return np.where(played, values - mean[:, None, None], 0.0)


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Pearson's r of two equally long arrays; NaN without entries or variance."""
    if not len(first):
        return math.nan
    first, second = first - first.sum() / len(first), second - second.sum() / len(second)
    power = float((first @ first) * (second @ second))
    if power <= _EPSILON:
        return math.nan
    return min(1.0, max(-1.0, float(first @ second) / float(power**0.5)))
