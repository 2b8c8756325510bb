"""Tempo: the same notes faster or slower."""

from __future__ import annotations

from composer_core.errors import require_range
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM


def set_tempo(loop: Loop, tempo_bpm: float) -> Loop:
    """The loop at one constant tempo (30 to 300 quarters a minute); notes keep their ticks.

    Idempotent. Tempo changes inside the loop end. Microtiming keeps its ticks and so its share of the
    beat; `perform` keeps it in milliseconds instead. Raises InvalidValue.
    """
    require_range("tempo", tempo_bpm, ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM, " BPM")
    return loop.with_notes(loop.notes, tempo_bpm=float(tempo_bpm), tempo_events=())
