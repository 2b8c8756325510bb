"""From notes on the straight grid to a played loop: tempo, swing with its floor, humanise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.music.drums import TIMEKEEPER_ROLES, role_mask
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM, ms_to_ticks
from composer_core.rules.humanise import humanise_ticks
from composer_core.rules.swing import SHORT_NOTE_FLOOR_MS, floored_ratio, swing_ticks, swung_durations

RULE_CODES = ("floor_acted", "offsets_limited", "swing_not_applicable", "triplets_folded", "triplets_kept")
"""Everything `Performed.notes` can say."""


@dataclass(frozen=True, slots=True)
class Performed:
    """A played loop and what the rules had to do.

    `swing_ratio` is the one that was applied: lower than asked where the short-note floor acted.
    `notes` holds codes out of RULE_CODES, sorted.
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
) -> Performed:
    """Play a loop that lies on the straight grid at a tempo, with swing and part of its offsets.

    `offset_ms` (n_notes,) holds each note's delay behind the swung grid in the order of
    `grid_loop.notes`. Pure and deterministic, so a control can be moved without sampling again.
    Onsets stay in [-EARLY_TICK, length). Raises InvalidValue for values out of range.
    """
    require_range("tempo", tempo_bpm, ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM, " BPM")
    notes = grid_loop.notes
    ratio, floor_acted = floored_ratio(swing_ratio, swing_grid, tempo_bpm, short_note_floor_ms)
    swung = swing_ticks(grid_loop, ratio, swing_grid)
    if "swing_not_applicable" in swung.codes:
        ratio, floor_acted = 1.0, False
    timekeeper = (
        role_mask(notes.pitch, *TIMEKEEPER_ROLES) if grid_loop.is_drums else np.zeros(len(notes), dtype=np.bool_)
    )
    offset_tick = np.asarray(offset_ms, dtype=np.float64) * ms_to_ticks(1.0, tempo_bpm)
    onset, limited = humanise_ticks(
        swung, offset_tick, humanise_percent, length_tick=grid_loop.length_tick, timekeeper=timekeeper
    )
    codes = {*swung.codes, *(["floor_acted"] if floor_acted else []), *(["offsets_limited"] if limited else [])}
    played = notes.with_columns(onset_tick=onset, duration_tick=swung_durations(grid_loop, ratio, swing_grid))
    loop = grid_loop.with_notes(played, tempo_bpm=float(tempo_bpm), tempo_events=())
    return Performed(loop, floor_acted, ratio, tuple(sorted(codes)))
