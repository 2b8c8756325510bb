"""Take performed swing out of a loop, keeping the rest of its microtiming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_choice
from composer_core.music.loop import Loop
from composer_core.rules.swing import SWING_CYCLE_TICK, apply_swing

BEAT_EARLY = 0.1
"""Share of a cycle by which a note may anticipate the cycle it is counted to."""
MIN_PAIRS = 4
_STRAIGHT_TOLERANCE = 0.02


def offbeat_position(loop: Loop, grid: int = 8) -> float:
    """Median place of the off-beat in its cycle (0.5 straight); 0.5 with fewer than MIN_PAIRS pairs.

    A pair is a cycle with an onset near its start, one in 0.40 to 0.80, and none near .25.
    """
    require_choice("swing grid", grid, tuple(SWING_CYCLE_TICK))
    cycle, place = _cycles(loop, grid)
    started = set(cycle[np.abs(place) < 0.08].tolist()) - set(cycle[np.abs(place - 0.25) < 0.06].tolist())
    first: dict[int, float] = {}
    for index in np.argsort(place, kind="stable"):
        if 0.40 < place[index] < 0.80 and int(cycle[index]) in started:
            first.setdefault(int(cycle[index]), float(place[index]))
    return float(np.median(list(first.values()))) if len(first) >= MIN_PAIRS else 0.5


def _cycles(loop: Loop, grid: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    scaled = loop.notes.onset_tick / SWING_CYCLE_TICK[grid]
    cycle = np.floor(scaled + BEAT_EARLY).astype(np.int64)
    return cycle, scaled - cycle


def remove_swing(loop: Loop, grid: int = 8) -> Loop:
    """The loop with its own median swing on `grid` stretched back to straight; other microtiming stays.

    A loop that measures straight (within 0.02 of the middle) comes back as it is, so it is
    idempotent. Compound metres come back as they are. Raises InvalidValue for another grid.
    """
    middle = offbeat_position(loop, grid)
    if middle <= 0.5 + _STRAIGHT_TOLERANCE or loop.meter.compound:
        return loop
    cycle, place = _cycles(loop, grid)
    late = 0.5 + (place - middle) * 0.5 / (1.0 - middle)
    unswung = np.where(place < 0, place, np.where(place < middle, place * 0.5 / middle, late))
    onset = np.minimum((cycle + unswung) * SWING_CYCLE_TICK[grid], loop.length_tick - 1)
    return loop.with_notes(loop.notes.with_columns(onset_tick=onset))


def set_swing(loop: Loop, ratio: float, grid: int = 8) -> Loop:
    """Replace the swing of a performed loop: take its own out, then apply the one asked for."""
    return apply_swing(remove_swing(loop, grid), ratio, grid)
