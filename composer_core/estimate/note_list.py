"""Notes in seconds: the input of the estimators, independent of the grid of the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.loop import Loop

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NoteList:
    """Four arrays of equal length, sorted by onset, then pitch: seconds, seconds, MIDI note, 1 to 127."""

    onset_sec: FloatArray
    end_sec: FloatArray
    pitch: IntArray
    velocity: FloatArray

    def __len__(self) -> int:
        return len(self.onset_sec)

    @property
    def length_sec(self) -> float:
        """From the first onset to the last end; 0 without notes."""
        return float(self.end_sec.max() - self.onset_sec[0]) if len(self) else 0.0

    @classmethod
    def of(cls, onset_sec: FloatArray, end_sec: FloatArray, pitch: IntArray, velocity: FloatArray) -> NoteList:
        """From arrays in any order."""
        order = np.lexsort((pitch, onset_sec))
        return cls(
            np.asarray(onset_sec, np.float64)[order],
            np.asarray(end_sec, np.float64)[order],
            np.asarray(pitch, np.int64)[order],
            np.asarray(velocity, np.float64)[order],
        )

    @classmethod
    def joined(cls, parts: Iterable[NoteList]) -> NoteList:
        """All notes of several lists as one."""
        lists = list(parts)
        if not lists:
            empty = np.empty(0)
            return cls(empty, empty, empty.astype(np.int64), empty)
        columns = ("onset_sec", "end_sec", "pitch", "velocity")
        return cls.of(*(np.concatenate([getattr(one, name) for one in lists]) for name in columns))


def notes_of_loop(loop: Loop) -> NoteList:
    """A loop's notes in seconds at its mean tempo."""
    per_tick = 60.0 / (loop.tempo_bpm * 480.0)
    onset = loop.notes.onset_tick.astype(np.float64) * per_tick
    end = onset + loop.notes.duration_tick.astype(np.float64) * per_tick
    return NoteList.of(onset, end, loop.notes.pitch.astype(np.int64), loop.notes.velocity.astype(np.float64))
