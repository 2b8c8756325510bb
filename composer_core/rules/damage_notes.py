"""Shared parts of the kinds of damage: change notes on the loop's circle, voices, half bars, and chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import role_index
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.int64]
STEP_TICK = TICKS_PER_QUARTER // 4
_LEAST_VOICE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Chance:
    """What a damage draws from: a generator, and other loops to take bars of."""

    rng: np.random.Generator
    others: Sequence[Loop] = ()


Act = Callable[[Loop, float, Chance], Loop]


def at_onsets(loop: Loop, onset: FloatArray, chosen: BoolArray | None = None) -> Loop:
    """The loop with other onsets, brought back to its circle; early notes of the first bar stay early."""
    moved = np.rint(onset)
    early = loop.notes.onset_tick < 0
    on_circle = np.where(early & (moved < 0) & (moved >= -EARLY_TICK), moved, moved % loop.length_tick)
    if chosen is not None:
        on_circle = np.where(chosen, on_circle, loop.notes.onset_tick)
    return loop.with_notes(loop.notes.with_columns(onset_tick=on_circle))


def with_velocity(loop: Loop, velocity: FloatArray) -> Loop:
    """The loop with other velocities, rounded and kept within 1 to 127."""
    return loop.with_notes(loop.notes.with_columns(velocity=np.clip(np.rint(velocity), 1, 127)))


def some(n_notes: int, share: float, rng: np.random.Generator) -> BoolArray:
    """A random choice of this share of the notes, one at least."""
    chosen = np.zeros(n_notes, dtype=np.bool_)
    chosen[rng.permutation(n_notes)[: max(1, round(share * n_notes))]] = True
    return chosen


def nearest_slot(loop: Loop) -> FloatArray:
    """The nearest 16th or, where that is nearer for the loop as a whole, the nearest 16th triplet."""
    onset = loop.notes.onset_tick.astype(np.float64)
    snapped = [np.rint(onset / step) * step for step in (STEP_TICK, TICKS_PER_QUARTER / 6)]
    off = [float(np.abs(onset - slots).sum()) * step for slots, step in zip(snapped, (4, 6), strict=True)]
    return snapped[int(off[1] < off[0])]


def voices_of(loop: Loop) -> IndexArray:
    """The voice of each note: of drums its role, else the third of the loop's range it lies in."""
    pitch = loop.notes.pitch
    if loop.is_drums:
        return role_index(pitch, loop.drum_map)
    low, high = int(pitch.min()), int(pitch.max())
    return ((pitch - low) * 3 // max(1, high - low + 1)).astype(np.int64)


def one_voice(loop: Loop, chance: Chance) -> BoolArray:
    """The notes of one voice that plays at least a tenth of all."""
    voice = voices_of(loop)
    count = np.bincount(voice)
    mine = chance.rng.choice(np.flatnonzero(count >= _LEAST_VOICE_SHARE * count.sum()))
    return np.asarray(voice == mine)


def half_of(onset: NDArray[np.int32], half: float, n_halves: int) -> IndexArray:
    """The half bar (of `half` ticks) that each onset belongs to; early notes belong to the one they anticipate."""
    half_index: IndexArray = np.clip(np.floor((onset + EARLY_TICK / 2) / half).astype(np.int64), 0, n_halves - 1)
    return half_index


def beat_of(loop: Loop) -> IndexArray:
    """The quarter that each note belongs to, from 0."""
    onset = loop.notes.onset_tick.astype(np.float64)
    return np.maximum(np.floor((onset + EARLY_TICK) / TICKS_PER_QUARTER), 0.0).astype(np.int64)


def joined(one: Notes, other: Notes) -> Notes:
    """The notes of both."""
    return Notes.of(*(np.concatenate(pair) for pair in zip(one.columns(), other.columns(), strict=True)))
