"""Where the notes of a loop lie on its bars: distinct onsets, the musical grid, metrical weights.

A loop is a circle: the bar after the last is the first one again. So an early downbeat (a
negative onset) and a note at the very end are neighbours, gaps are counted across the seam,
and repeating a loop changes none of its rates.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from composer_core.music.timing import TICKS_PER_QUARTER, TICKS_PER_STEP, Meter

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

CLUSTER_TICK = TICKS_PER_STEP
"""Notes closer than a 12th of a quarter to their neighbour are one onset (a chord, a flam, layered
drums). On Groove MIDI the gaps of layers and those of neighbours have their valley at 40 to 60 ticks."""
EIGHTH_TICK, TRIPLET_TICK, SIXTEENTH_TICK, SEXTUPLET_TICK = 240, 160, 120, 80
_MAX_OFFSET_TICK = 30.0
"""How far a whole performance may lag or rush before its offset counts as deviation."""


def distinct_onsets(position: FloatArray, length_tick: int) -> FloatArray:
    """Mean position of each cluster of onsets on the circle of the loop, sorted.

    `position` is sorted and lies in [0, length_tick). Neighbours less than CLUSTER_TICK
    apart share a cluster; a cluster may lie across the seam.
    """
    count = len(position)
    if count < 2:
        return position
    gap = np.empty(count)
    gap[:-1] = position[1:] - position[:-1]
    gap[-1] = position[0] + length_tick - position[-1]
    last = np.flatnonzero(gap >= CLUSTER_TICK)
    if len(last) == count:
        return position
    if len(last) == 0:
        return position[:1]
    shift = (int(last[-1]) + 1) % count
    turned = np.concatenate((position[shift:], position[:shift] + length_tick)) if shift else position
    last = np.sort((last - shift) % count)
    sums = np.add.reduceat(turned, np.concatenate(([0], last[:-1] + 1)))
    return np.sort(sums / np.diff(last, prepend=-1) % length_tick)


def cluster_starts(position: FloatArray, length_tick: int) -> tuple[int, IndexArray]:
    """How far to turn the notes so that no onset lies across the seam, and where each onset then begins.

    `position` as for `distinct_onsets`; indices into the turned notes. No onsets without notes.
    """
    count = len(position)
    if count == 0:
        return 0, np.empty(0, dtype=np.int64)
    gap = np.diff(position, append=position[:1] + length_tick)
    last = np.flatnonzero(gap >= CLUSTER_TICK)
    if len(last) == 0:
        return 0, np.zeros(1, dtype=np.int64)
    shift = (int(last[-1]) + 1) % count
    return shift, np.concatenate(([0], np.sort((last - shift) % count)[:-1] + 1))


def grid_steps(meter: Meter) -> tuple[int, ...]:
    """Candidate grid steps in ticks that fit the metre, coarse to fine.

    Eighths, 8th triplets, 16ths, 16th triplets; 8th triplets need quarters to divide, so
    compound and odd eighth metres have none.
    """
    bar_tick = meter.bar_tick
    quarters = bar_tick % TICKS_PER_QUARTER == 0 and not meter.compound
    steps = [s for s in (EIGHTH_TICK, SIXTEENTH_TICK, SEXTUPLET_TICK) if bar_tick % s == 0]
    return tuple(sorted([*steps, TRIPLET_TICK] if quarters else steps, reverse=True)) or (straight_step(meter),)


def straight_step(meter: Meter) -> int:
    """The 16th in ticks, or the largest part of it that fills the bar (metres over 32 or 64)."""
    return gcd(SIXTEENTH_TICK, meter.bar_tick)


def choose_grid(onset: FloatArray, meter: Meter) -> tuple[int, float]:
    """Step in ticks of the grid the onsets follow best, and how far they are from it (0 exact, 1 chance).

    Each candidate's mean absolute deviation (after taking off a common lag of at most 30
    ticks) is divided by a quarter of its step, what random onsets would have: 0 is exact, 1
    chance, and a finer grid must explain more. Ties go to the coarser grid.
    """
    steps = np.array(grid_steps(meter), dtype=np.float64)[:, None]
    deviation = (onset[None, :] + steps / 2) % steps - steps / 2
    middle = np.sort(deviation, axis=1)[:, len(onset) // 2]
    lag = np.minimum(np.maximum(middle, -_MAX_OFFSET_TICK), _MAX_OFFSET_TICK)
    score = np.abs(deviation - lag[:, None]).sum(axis=1) / len(onset) / (steps[:, 0] / 4)
    chosen = int((score <= score.min() + 1e-9).argmax())
    return int(steps[chosen, 0]), float(score[chosen])


def _factors(count: int) -> list[int]:
    """Prime factors, twos first: 12 gives [2, 2, 3]."""
    found: list[int] = []
    divisor = 2
    while count > 1:
        while count % divisor == 0:
            found.append(divisor)
            count //= divisor
        divisor += 1
    return found


@lru_cache(maxsize=64)
def metrical_weights(meter: Meter, step_tick: int) -> IndexArray:
    """Weight of each grid slot of a bar: 0 for the downbeat, one less a level further down.

    4/4 in 16ths: 0 -4 -3 -4 -2 -4 -3 -4 -1 ... (Longuet-Higgins and Lee 1984, their tree).
    """
    slots = meter.bar_tick // step_tick
    beat_slots = max(1, meter.beat_tick // step_tick)
    inside = _factors(beat_slots)
    if beat_slots % 3 == 0:
        quarter_twos = _factors(max(1, meter.beat_tick // TICKS_PER_QUARTER)) if not meter.compound else []
        rest = _factors(beat_slots // 3 // 2 ** len(quarter_twos))
        inside = [*quarter_twos, 3, *rest]
    divisions = [*_factors(slots // beat_slots), *inside]
    weights = np.full(slots, -len(divisions), dtype=np.int64)
    periods = [slots]
    for division in divisions:
        periods.append(periods[-1] // division)
    for level in range(len(divisions), -1, -1):
        weights[:: max(1, periods[level])] = -level
    return weights


@lru_cache(maxsize=64)
def backbeat_ticks(meter: Meter) -> tuple[int, ...]:
    """Ticks in the bar where a snare answers: every second beat, 2 and 3 of three beats.

    Odd eighth metres count in groups of two with a last three (7/8: 2+2+3), the second
    group answers. A metre of one beat has none.
    """
    beats = meter.bar_tick // meter.beat_tick
    if meter.denominator >= 8 and not meter.compound:
        return tuple(2 * group * meter.beat_tick for group in range(1, beats // 2, 2))
    if beats == 3:
        return (meter.beat_tick, 2 * meter.beat_tick)
    return tuple(beat * meter.beat_tick for beat in range(1, beats, 2))
