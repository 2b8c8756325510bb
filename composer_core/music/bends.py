"""Pitch bends of a loop: where a slide or a choke bends the sounding note, in semitones.

They are kept beside the notes in `Loop.extra`, because only techniques make them and only MIDI files
and the synth read them. The range is General MIDI's two semitones either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from composer_core.errors import require_range
from composer_core.music.loop import Loop

FIELD = "bends"
BEND_RANGE = 2.0
"""Semitones at full bend, General MIDI's default."""
CENTRE, FULL = 8192, 8191
Bend = tuple[int, float]
"""(tick from the loop's start, semitones -2 to 2)."""


def bends_of(loop: Loop) -> tuple[Bend, ...]:
    """The loop's bends in order of time; empty for most loops."""
    rows = cast(Sequence[tuple[int, float]], loop.extra.get(FIELD, ()))
    return tuple((int(tick), float(semitones)) for tick, semitones in rows)


def with_bends(loop: Loop, bends: Sequence[Bend]) -> Loop:
    """The loop with these bends; raises InvalidValue for one outside the loop or beyond two semitones."""
    for tick, semitones in bends:
        require_range("bend position", tick, 0, loop.length_tick - 1, " ticks")
        require_range("bend", semitones, -BEND_RANGE, BEND_RANGE, " semitones")
    rows = sorted((int(tick), float(semitones)) for tick, semitones in bends)
    return loop.with_notes(loop.notes, extra={**loop.extra, FIELD: rows})


def bend_value(semitones: float) -> int:
    """MIDI's 14-bit value, 8192 in the middle."""
    return CENTRE + round(semitones / BEND_RANGE * FULL)


def bend_values(loop: Loop) -> list[tuple[int, int]]:
    """(tick, 14-bit value) of the loop's bends."""
    return [(tick, bend_value(semitones)) for tick, semitones in bends_of(loop)]
