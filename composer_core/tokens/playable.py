"""What a decoded loop needs to be playable: ends inside the loop, one sound a pitch, one line on a bass."""

from __future__ import annotations

import numpy as np

from composer_core.music.loop import Notes

ONE_LINE = ("bass",)
"""Instruments whose notes end where the next begins."""


def playable(notes: Notes, instrument: str, length_tick: int) -> Notes:
    """Notes cut at the loop's end, where their pitch is struck again, and on one line where the instrument has one."""
    if not len(notes) or instrument == "drums":
        return notes
    end = np.minimum(notes.onset_tick + notes.duration_tick, length_tick)
    for pitch in np.unique(notes.pitch):
        own = np.flatnonzero(notes.pitch == pitch)
        end[own[:-1]] = np.minimum(end[own[:-1]], notes.onset_tick[own[1:]])
    if instrument in ONE_LINE:
        onsets = np.append(np.unique(notes.onset_tick), length_tick)
        following = onsets[np.searchsorted(onsets, notes.onset_tick, side="right")]
        end = np.minimum(end, following)
    return notes.with_columns(duration_tick=end - notes.onset_tick)
