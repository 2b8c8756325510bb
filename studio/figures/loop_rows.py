"""The row of a drawing for each note of a loop: drum roles, or pitches as on a piano roll."""

from __future__ import annotations

from dataclasses import dataclass

from composer_core.music.drums import OTHER_ROLE, ROLES, role_index
from composer_core.music.loop import Loop

ROW_ORDER = ("crash", "ride", "open_hat", "closed_hat", "high_tom", "mid_tom", "low_tom", "snare", "kick", OTHER_ROLE)
"""Rows of the drum grid from the top: metal above, skins below, as drum notation has it."""
ALWAYS_SHOWN = ("closed_hat", "snare", "kick")
FEWEST_PITCHES = 12
"""A piano roll spans at least an octave, so that a bass line of two notes does not look like two walls."""


@dataclass(frozen=True, slots=True)
class LoopRows:
    """`roles` names the rows of a drum grid from the top and is None for a piano roll, whose row 0 is `top_pitch`."""

    roles: tuple[str, ...] | None
    of_note: list[int]
    count: int
    top_pitch: int = 0


def loop_rows(loop: Loop) -> LoopRows:
    """The rows of a loop's drawing, row 0 on top."""
    return _drum_rows(loop) if loop.is_drums else _pitch_rows(loop)


def _drum_rows(loop: Loop) -> LoopRows:
    names = (*ROLES, OTHER_ROLE)
    played = [names[index] for index in role_index(loop.notes.pitch, loop.drum_map)]
    shown = tuple(role for role in ROW_ORDER if role in ALWAYS_SHOWN or role in played)
    return LoopRows(shown, [shown.index(role) for role in played], len(shown))


def _pitch_rows(loop: Loop) -> LoopRows:
    pitch = loop.notes.pitch
    if not len(pitch):
        return LoopRows(None, [], FEWEST_PITCHES, 60 + FEWEST_PITCHES)
    low, high = int(pitch.min()) - 1, int(pitch.max()) + 1
    high = max(high, low + FEWEST_PITCHES - 1)
    return LoopRows(None, (high - pitch).tolist(), high - low + 1, high)
