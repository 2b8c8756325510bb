"""The estimators' view of a whole song: its pitched notes in seconds, and its drums as one loop."""

from __future__ import annotations

import numpy as np

from composer_core.estimate.note_list import NoteList
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.song import Part, Song, seconds_at
from composer_core.music.loop import Loop


def part_notes(song: Song, part: Part) -> NoteList:
    """A part's notes in seconds by the song's tempo map."""
    onset = part.notes.onset_tick.astype(np.int64)
    start, end = (
        seconds_at(tick, song.tempo_tick, song.tempo_bpm) for tick in (onset, onset + part.notes.duration_tick)
    )
    return NoteList.of(start, end, part.notes.pitch.astype(np.int64), part.notes.velocity.astype(np.float64))


def pitched_notes(song: Song) -> NoteList:
    """All notes of a song but the drums, in seconds."""
    return NoteList.joined(part_notes(song, part) for part in song.parts if part.instrument != "drums")


def whole_drums(song: Song) -> Loop | None:
    """The drums of a song as one loop: its longest stretch of one metre; None without drums."""
    loops = [loop for loop in cut(song, WHOLE_SONG) if loop.is_drums]
    return max(loops, key=lambda loop: len(loop.notes), default=None)
