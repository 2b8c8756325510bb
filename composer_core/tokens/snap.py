"""Snap a performance to the composer's grid: take out the swing, choose a grid for each beat, snap.

Rounding a performance to the nearest of 12 steps would bake microtiming into the tokens
(measured on Groove MIDI: 24 % of notes fall on step 0, 12 % on step 11). So the take's
median offset is taken out first, its swing is unwarped to straight, and each beat then
chooses 16ths, triplets or sextuplets. The timing that snapping removes is returned as an
offset from the swing-warped grid, which a performer has to restore.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import to_general_midi
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import STEPS_PER_QUARTER, TICKS_PER_QUARTER, TICKS_PER_STEP, ticks_to_ms

FloatArray = NDArray[np.float64]

BEAT_EARLY = 0.1
"""Share of a quarter by which a note may anticipate the beat it is counted to."""
GRIDS = ((3, 0.0), (4, 0.012), (2, 0.030))
"""(steps between lines, penalty in quarters): 16ths, 8th triplets, sextuplets."""
MIN_SWING_RATIO, MAX_SWING_RATIO = 1.2, 3.5
MIN_SWING_PAIRS = 4
MAX_SWING_SPREAD = 0.14
MIN_SWING_ERRORS = 3.0
"""Swing is unwarped only where enough pairs agree: interquartile range of the off-beat
position (in cycles), and its median this many standard errors beyond the middle."""
NEAR_BEAT = 0.125
"""Notes this near to a beat (in quarters) tell whether the whole take is early or late."""


@dataclass(frozen=True, slots=True)
class SnapResult:
    """A loop on the straight 12-step grid and what was taken away from it.

    `offset_ms` (n_notes,) is the signed distance of each kept note from the swing-warped
    grid after the take's median offset (`median_ms`) was subtracted; positive is late.
    `n_dropped` counts notes that fell on the slot of another note of the same pitch
    (flams, rolls faster than the grid). `source` (n_notes,) is the place of each kept note among
    those of the performed loop.
    """

    loop: Loop
    offset_ms: FloatArray
    source: NDArray[np.int64]
    median_ms: float
    swing_ratio: float
    swing_grid: int
    n_dropped: int


def unwarp(position: FloatArray, ratio: float) -> FloatArray:
    """Take swing out of positions in a pair's cycle [0, 1): r / (1 + r) becomes 0.5."""
    middle = ratio / (1.0 + ratio)
    return np.where(position < middle, 0.5 * position / middle, 0.5 + 0.5 * (position - middle) / (1.0 - middle))


def warp(position: FloatArray, ratio: float) -> FloatArray:
    """Put swing into straight positions in a pair's cycle [0, 1): 0.5 becomes r / (1 + r)."""
    middle = ratio / (1.0 + ratio)
    return np.where(position < 0.5, position * 2.0 * middle, middle + (position - 0.5) * 2.0 * (1.0 - middle))


def _cycles(quarter: FloatArray, cycle: float) -> tuple[NDArray[np.int64], FloatArray]:
    """Index of the cycle (of `cycle` quarters) a note belongs to, and its place in it (may be just below 0)."""
    scaled = quarter / cycle
    index = np.floor(scaled + BEAT_EARLY).astype(np.int64)
    return index, scaled - index


def swing_of_pairs(quarter: FloatArray, cycle: float) -> float:
    """Median long : short over cycles that hold a start, an off-beat and nothing between; 1.0 when not agreed.

    An off-beat lies in 0.40 to 0.80 of the cycle; cycles with an onset near .25 or .75 (straight
    16ths inside 8ths) say nothing and are skipped.
    """
    index, place = _cycles(quarter, cycle)
    starts = set(index[np.abs(place) < 0.08].tolist())
    straight = set(index[np.abs(place - 0.25) < 0.06].tolist())
    late = set(index[np.abs(place - 0.82) < 0.08].tolist()) if cycle == 1.0 else set()
    middle = (place > 0.40) & (place < 0.80)
    offbeats: dict[int, float] = {}
    for cycle_index, value in zip(index[middle].tolist(), place[middle].tolist(), strict=True):
        if cycle_index in starts and cycle_index not in straight and cycle_index not in late:
            offbeats.setdefault(cycle_index, value)
    if len(offbeats) < MIN_SWING_PAIRS:
        return 1.0
    values = np.array(list(offbeats.values()))
    low, middle_value, high = np.percentile(values, [25, 50, 75])
    ratio = float(middle_value / (1.0 - middle_value))
    error = 1.2533 * (high - low) / 1.349 / np.sqrt(len(values))  # standard error of a normal sample's median
    significant = middle_value - 0.5 > MIN_SWING_ERRORS * error
    agreed = significant and high - low <= MAX_SWING_SPREAD and MIN_SWING_RATIO <= ratio <= MAX_SWING_RATIO
    return ratio if agreed else 1.0


def median_offset(quarter: FloatArray) -> float:
    """Median signed distance of the notes near a beat from that beat, in quarters (a late or early player).

    Notes between the beats are left out: swing would pull their distance to one side.
    """
    distance = quarter - np.rint(quarter)
    near = distance[np.abs(distance) <= NEAR_BEAT]
    return float(np.median(near)) if len(near) else 0.0


def _snap_beats(quarter: FloatArray) -> NDArray[np.int64]:
    """Absolute step of each straight position: every beat takes the grid with the least deviation."""
    beat, place = _cycles(quarter, 1.0)
    steps_in_beat = place * STEPS_PER_QUARTER
    snapped = np.zeros(len(quarter), dtype=np.int64)
    best = np.full(len(quarter), np.inf)
    _, inverse = np.unique(beat, return_inverse=True)
    count = np.bincount(inverse)
    for spacing, penalty in GRIDS:
        lines = np.rint(steps_in_beat / spacing) * spacing
        deviation = np.abs(steps_in_beat - lines) / STEPS_PER_QUARTER
        cost = (np.bincount(inverse, weights=deviation) / count + penalty)[inverse]
        better = cost < best
        snapped[better] = lines[better].astype(np.int64)
        best = np.minimum(best, cost)
    return beat * STEPS_PER_QUARTER + snapped


def _unswing(quarter: FloatArray) -> tuple[FloatArray, float, int]:
    """Straight positions, with the swing ratio and grid that were taken out (1.0 on 8 when none)."""
    for cycle, grid in ((1.0, 8), (0.5, 16)):
        ratio = swing_of_pairs(quarter, cycle)
        if ratio > 1.0:
            index, place = _cycles(quarter, cycle)
            return (index + unwarp(place, ratio)) * cycle, ratio, grid
    return quarter, 1.0, 8


def swing_quarters(quarter: FloatArray, ratio: float, grid: int) -> FloatArray:
    """Straight positions in quarters put on the swung grid (8: quarter cycles, 16: half-quarter cycles)."""
    cycle = 1.0 if grid == 8 else 0.5
    index = np.floor(quarter / cycle + 1e-9)
    return (index + warp(quarter / cycle - index, ratio)) * cycle


def snap_loop(loop: Loop) -> SnapResult:
    """Snap a performed loop (or whole take) to the straight 12-step grid.

    Drum notes are mapped to General MIDI first. A note that would land before the first or
    after the last slot is clipped into the loop. Durations are rounded to whole steps, at
    least one. Notes are in the order of the returned loop.
    """
    notes = loop.notes
    # The second step reads rims as Groove MIDI's are read, which the models learned from.
    pitch = to_general_midi(to_general_midi(notes.pitch, loop.drum_map)) if loop.is_drums else notes.pitch
    raw = notes.onset_tick / TICKS_PER_QUARTER
    shift = median_offset(raw)
    straight, ratio, grid = _unswing(raw - shift)
    last_step = loop.length_tick // TICKS_PER_STEP - 1
    step = np.clip(_snap_beats(straight), 0, last_step)
    steps_long = np.maximum(1, np.rint(notes.duration_tick / TICKS_PER_STEP)).astype(np.int64)
    order = np.lexsort((-notes.velocity, pitch, step))
    key = step[order] * 128 + pitch[order]
    kept = order[np.concatenate(([True], key[1:] != key[:-1]))] if len(order) else order
    expected = swing_quarters(step[kept] / STEPS_PER_QUARTER, ratio, grid) + shift
    offset_ms = ticks_to_ms(1.0, loop.tempo_bpm) * (raw[kept] - expected) * TICKS_PER_QUARTER
    snapped = Notes.of(
        step[kept] * TICKS_PER_STEP, steps_long[kept] * TICKS_PER_STEP, pitch[kept], notes.velocity[kept]
    )
    extra = {key: value for key, value in loop.extra.items() if key != "drum_map"}
    return SnapResult(
        loop=loop.with_notes(snapped, tempo_events=(), extra=extra),
        offset_ms=offset_ms,
        source=kept,
        median_ms=ticks_to_ms(shift * TICKS_PER_QUARTER, loop.tempo_bpm),
        swing_ratio=ratio,
        swing_grid=grid,
        n_dropped=len(notes) - len(kept),
    )
