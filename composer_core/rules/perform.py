"""Turn notes on the straight grid into a played loop: tempo, swing with its floor, humanise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.music.drums import TIMEKEEPER_ROLES, role_mask
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM, ms_to_ticks
from composer_core.rules.humanise import humanise_ticks, swing_of_offsets
from composer_core.rules.swing import (
    SHORT_NOTE_FLOOR_MS,
    SWING_CYCLE_TICK,
    floored_ratio,
    swing_ticks,
    swung_durations,
)

RULE_CODES = ("floor_acted", "offsets_limited", "swing_not_applicable", "triplets_folded", "triplets_kept")
"""All codes that `Performed.notes` can hold."""


@dataclass(frozen=True, slots=True)
class Performed:
    """A played loop, and what the rules had to do.

    `swing_ratio` is the applied one, which is below the requested one when the short-note floor acted.
    `notes` holds codes from RULE_CODES, sorted.
    """

    loop: Loop
    floor_acted: bool
    swing_ratio: float
    notes: tuple[str, ...] = ()


def perform(
    grid_loop: Loop,
    offset_ms: NDArray[np.float64],
    *,
    tempo_bpm: float,
    swing_ratio: float,
    swing_grid: int,
    humanise_percent: float,
    short_note_floor_ms: float = SHORT_NOTE_FLOOR_MS,
    own_swing_ms: Mapping[int, NDArray[np.float64]] | None = None,
) -> Performed:
    """Play a loop that lies on the straight grid, at a tempo, with swing and a share of its offsets.

    `offset_ms` (n_notes,) holds the delay of each note behind the swung grid, in the order of
    `grid_loop.notes`. `own_swing_ms` holds, for each swing grid, the swing of the performance that
    each note comes from (see `swings_of_offsets`); None when all come from the same one.
    The function is pure and deterministic, so a control can be moved without sampling again.
    Onsets stay in [-EARLY_TICK, length). InvalidValue for values out of range.
    """
    require_range("tempo", tempo_bpm, ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM, " BPM")
    notes = grid_loop.notes
    ratio, floor_acted = floored_ratio(swing_ratio, swing_grid, tempo_bpm, short_note_floor_ms)
    swung = swing_ticks(grid_loop, ratio, swing_grid)
    if "swing_not_applicable" in swung.codes:
        ratio, floor_acted = 1.0, False
    ms = ms_to_ticks(1.0, tempo_bpm)
    onset, limited = humanise_ticks(
        swung,
        np.asarray(offset_ms, dtype=np.float64) * ms,
        humanise_percent,
        length_tick=grid_loop.length_tick,
        bar_tick=grid_loop.meter.bar_tick,
        timekeeper=_timekeeper(grid_loop),
        own_swing_tick=own_swing_ms[swing_grid] * ms if own_swing_ms else None,
    )
    codes = {*swung.codes, *(["floor_acted"] if floor_acted else []), *(["offsets_limited"] if limited else [])}
    played = notes.with_columns(onset_tick=onset, duration_tick=swung_durations(grid_loop, ratio, swing_grid))
    loop = grid_loop.with_notes(played, tempo_bpm=float(tempo_bpm), tempo_events=())
    return Performed(loop, floor_acted, ratio, tuple(sorted(codes)))


def swings_of_offsets(grid_loop: Loop, offset_ms: NDArray[np.float64]) -> dict[int, NDArray[np.float64]]:
    """The swing of one performance for each swing grid, repeated for each note (n_notes,).

    An edit keeps it for both of its performances, so that the bars of one do not move when bars of another stand
    beside them.
    """
    found = {}
    for grid in SWING_CYCLE_TICK:
        own = swing_of_offsets(offset_ms, swing_ticks(grid_loop, 1.0, grid), _timekeeper(grid_loop))
        found[grid] = np.full(len(offset_ms), own)
    return found


def _timekeeper(loop: Loop) -> NDArray[np.bool_]:
    """(n_notes,) True for hats and ride."""
    if not loop.is_drums:
        return np.zeros(len(loop.notes), dtype=np.bool_)
    return role_mask(loop.notes.pitch, *TIMEKEEPER_ROLES, drum_map=loop.drum_map)
