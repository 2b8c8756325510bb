"""Group pitched notes into onsets: chords, the line on top or at the bottom, and notes that ring on."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.grid import FloatArray, IndexArray, cluster_starts

IntArray = NDArray[np.int32]


class Voices:
    """The notes of a loop turned so that no onset is cut by the loop's end.

    `start` (ticks, from the first onset on, so up to one loop later), `pitch` and `duration`
    have one entry a note; `first` is the index of the first note of each onset (notes less
    than a 12th of a quarter apart are one: a chord, a strum). The loop is a circle: the last
    onset is followed by the first, one onset by itself.
    """

    def __init__(
        self, position: FloatArray, pitch: IntArray, duration: IntArray, velocity: FloatArray, length_tick: int
    ) -> None:
        self.shift, self.first = cluster_starts(position, length_tick)
        self.length_tick = length_tick
        self.n_notes = len(position)
        if shift := self.shift:
            self.start = np.concatenate((position[shift:], position[:shift] + length_tick))
            order = np.arange(shift, shift + len(position)) % len(position)
            self.pitch, self.duration, self.velocity = pitch[order], duration[order], velocity[order]
        else:
            self.start, self.pitch, self.duration, self.velocity = position, pitch, duration, velocity

    @cached_property
    def size(self) -> IndexArray:
        """Notes in each onset."""
        return np.diff(self.first, append=self.n_notes)

    @cached_property
    def onset(self) -> IndexArray:
        """Number of the onset each note belongs to."""
        return np.repeat(np.arange(len(self.first)), self.size)

    @cached_property
    def low(self) -> IntArray:
        """Lowest pitch of each onset."""
        return np.minimum.reduceat(self.pitch, self.first)

    @cached_property
    def high(self) -> IntArray:
        """Highest pitch of each onset."""
        return np.maximum.reduceat(self.pitch, self.first)

    @cached_property
    def begin(self) -> FloatArray:
        """Where each onset begins, in ticks."""
        return self.start[self.first]

    @cached_property
    def spread_tick(self) -> FloatArray:
        """From the first to the last note of each onset."""
        spread: FloatArray = self.start[self.first + self.size - 1] - self.begin
        return spread

    @cached_property
    def gap_tick(self) -> FloatArray:
        """From each onset to the next; the last reaches around to the first."""
        return np.diff(self.begin, append=self.begin[:1] + self.length_tick)

    @cached_property
    def move_high(self) -> IntArray:
        """Semitones from the highest pitch of each onset to that of the next."""
        return np.concatenate((self.high[1:], self.high[:1])) - self.high

    @cached_property
    def move_low(self) -> IntArray:
        """Semitones from the lowest pitch of each onset to that of the next."""
        return np.concatenate((self.low[1:], self.low[:1])) - self.low

    @cached_property
    def sounding_tick(self) -> FloatArray:
        """How long each note sounds: its duration, or until the same pitch is struck again."""
        order = np.lexsort((self.duration, self.start, self.pitch))
        pitch, start = self.pitch[order], self.start[order]
        new = np.ones(len(pitch), dtype=np.bool_)
        new[1:] = pitch[1:] != pitch[:-1]
        heads = np.flatnonzero(new)
        tails = np.append(heads[1:], len(pitch)) - 1
        following = np.empty(len(pitch))
        following[:-1] = start[1:]
        following[tails] = start[heads] + self.length_tick
        sounding = np.empty(len(pitch))
        sounding[order] = np.minimum(self.duration[order], following - start)
        return sounding

    @cached_property
    def texture(self) -> tuple[float, float, float]:
        """Shares of the loop's time with at least one and with at least two notes, and note time over loop time."""
        length = self.length_tick
        start = self.start % length
        end = start + self.sounding_tick
        turns = np.count_nonzero(end >= length)
        times = np.concatenate((start, end % length))
        order = np.argsort(times)
        steps = np.where(order < self.n_notes, 1, -1)
        count = turns + np.cumsum(steps)
        times = times[order]
        lasting = np.diff(times, append=length)
        one = float(lasting[count >= 1].sum()) + (times[0] if turns >= 1 else 0.0)
        two = float(lasting[count >= 2].sum()) + (times[0] if turns >= 2 else 0.0)
        return one / length, two / length, float(self.sounding_tick.sum()) / length

    @cached_property
    def neighbour_interval(self) -> IndexArray:
        """Semitones between neighbouring pitches struck together, all onsets one after the other."""
        order = np.lexsort((self.pitch, self.onset))
        pitch, onset = self.pitch[order], self.onset[order]
        together: IndexArray = np.diff(pitch)[onset[1:] == onset[:-1]].astype(np.int64)
        return together

    @cached_property
    def shape(self) -> IndexArray:
        """Pitch classes of each onset above its lowest note, as bits: bit k is k semitones up, octaves off."""
        bits = np.left_shift(1, (self.pitch - self.low[self.onset]) % 12).astype(np.int64)
        return np.bitwise_or.reduceat(bits, self.first)

    @cached_property
    def rings_over(self) -> NDArray[np.bool_]:
        """True where a note still sounds a 12th of a quarter after the next onset has begun."""
        following = (self.begin + self.gap_tick)[self.onset]
        return self.start + self.sounding_tick > following + 40.0

    def chords(self) -> list[tuple[int, ...]]:
        """The sorted distinct pitches of each onset."""
        order = np.lexsort((self.pitch, self.onset))
        pitch = self.pitch[order].tolist()
        bounds = [*self.first.tolist(), self.n_notes]
        return [tuple(dict.fromkeys(pitch[a:b])) for a, b in pairwise(bounds)]
