"""The two profiles a loop can be judged by, and the rule that finds a loop's own by measurement.

*Performed* asks how much a loop looks like a person playing. *Programmed* asks the same of the writing alone: its
calibrations are made of sequenced and notated human music, and timing and velocity do not count.

Which of them fits is read off the notes. Sequencers and engravers put notes on few places in the beat, people on
all of them, and people do not play all notes equally loud. So a loop is performed when enough of its onsets lie
off every grid (`off_grid_rate`) and its notes have enough different velocities. Both limits are measured, by
`composer validate-profiles`, and docs/scores.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER

PERFORMED, PROGRAMMED = PROFILES = ("performed", "programmed")
LEFT_OUT_AXES: dict[str, tuple[str, ...]] = {PERFORMED: (), PROGRAMMED: ("timing", "velocity")}
"""The axes that a profile does not judge, whatever the instrument; every other axis belongs to both."""
MIN_OFF_GRID_RATE = 0.14
"""A loop is performed only if at least this share of its onsets lies off the grid."""
MIN_VELOCITIES = 12
"""A loop is performed only if its notes have at least so many different velocities, or half as many as there are notes
where these are few."""

_THIRTY_SECOND_TICK, _SIXTEENTH_TRIPLET_TICK = TICKS_PER_QUARTER // 8, TICKS_PER_QUARTER // 12
_NEAR_TICK = 3
"""Onsets this near to a place count as on it: coarse resolutions of files round by as much."""
_FURTHEST_SHIFT_TICK = 20
_EIGHTH_TICK = TICKS_PER_QUARTER // 2


def _off_grid_table() -> NDArray[np.bool_]:
    """For every tick of a quarter note, whether it lies off the 32nds and off the triplet 16ths."""
    tick = np.arange(TICKS_PER_QUARTER)
    away = [np.minimum(tick % step, step - tick % step) for step in (_THIRTY_SECOND_TICK, _SIXTEENTH_TRIPLET_TICK)]
    return np.asarray(np.minimum(*away) > _NEAR_TICK)


_OFF_GRID = _off_grid_table()
_SHIFTS = np.arange(-_FURTHEST_SHIFT_TICK, _FURTHEST_SHIFT_TICK + 1)


def off_grid_rate(onset_tick: NDArray[np.integer]) -> float:
    """The share of different onsets (n,) that no grid explains, 0 to 1; 0.0 for none.

    The grid is that of 32nds and triplet 16ths, with 3 ticks (at 480 a quarter) to either side. What a machine does
    to a whole part is taken out first: one shift of all onsets by up to 20 ticks, and one place more in every
    eighth note, which holds the off-beats of a swing.
    """
    onset = np.unique(onset_tick)
    if not len(onset):
        return 0.0
    off = _OFF_GRID[(onset[:, None] + _SHIFTS) % TICKS_PER_QUARTER]
    n_off = off.sum(axis=0)
    # Of equally good shifts the smallest: most parts are not shifted at all.
    best = min(range(len(_SHIFTS)), key=lambda index: (n_off[index], abs(_SHIFTS[index])))
    place = (onset + _SHIFTS[best])[off[:, best]] % _EIGHTH_TICK
    around = np.arange(-_NEAR_TICK, _NEAR_TICK + 1)
    common = np.bincount(((place[:, None] + around) % _EIGHTH_TICK).ravel(), minlength=_EIGHTH_TICK).max()
    return float(n_off[best] - common) / len(onset)


def n_velocities(loop: Loop) -> int:
    """How many different velocities the notes of a loop have."""
    return len(np.unique(loop.notes.velocity))


def enough_velocities(n_different: NDArray[np.number], n_notes: NDArray[np.number], least: float) -> NDArray[np.bool_]:
    """Whether loops with so many different velocities among so many notes (n,) reach a limit, as MIN_VELOCITIES."""
    return np.asarray(n_different >= np.minimum(least, np.ceil(n_notes / 2)))


def measured_profile(loop: Loop) -> str:
    """The profile a loop is judged by unless somebody says otherwise; PROGRAMMED for a loop without notes."""
    if off_grid_rate(loop.notes.onset_tick) < MIN_OFF_GRID_RATE:
        return PROGRAMMED
    different, n_notes = np.array([n_velocities(loop)]), np.array([len(loop.notes)])
    return PERFORMED if enough_velocities(different, n_notes, MIN_VELOCITIES)[0] else PROGRAMMED


def measured_profiles(loops: Sequence[Loop]) -> list[str]:
    """`measured_profile` of each loop."""
    return [measured_profile(loop) for loop in loops]
