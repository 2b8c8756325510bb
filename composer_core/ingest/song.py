"""A source file after reading: its parts in canonical ticks, its tempo and metre map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.ingest.warnings import FileWarning
from composer_core.music.drum_maps import GENERAL_MIDI
from composer_core.music.key import KeySignature
from composer_core.music.loop import Notes
from composer_core.music.timing import Meter

READING = 2
"""Counts up whenever files come out as other loops than before: other parts, windows, notes, names or declarations.

Loops carry the number they were cut by, so that a library knows which files a re-read may improve. 1 is everything up
to loops without a number; 2 follows programs and drum switches over all tracks, knows the note maps of kits, ends
loops where the file ends, lets held notes sound on, and keeps what the file declares of key and metre.
"""
UNKNOWN_CHANNEL = -1


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The notes of one player: the drum kit of a song, or one pitched track.

    `notes.onset_tick` counts from the song's start at 480 a quarter; `channel` is 0 to 15,
    or UNKNOWN_CHANNEL where the part gathers several or the reader cannot tell. `drum_map`
    is the map of a kit's notes.
    """

    instrument: str
    channel: int
    program: int
    name: str
    notes: Notes
    drum_map: str = GENERAL_MIDI


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """One MIDI file. All ticks are 480 a quarter from the song's start.

    `tempo_tick` (int64, ascending, first 0) and `tempo_bpm` (quarters a minute) are the
    tempo map; `meters` the time signatures, first at tick 0. `texts` are the file's
    lyrics and markers in file order; `resolution` is the file's own. `end_tick` is the latest
    End of Track, None where the file cannot be read to it. `signatures` are
    the key signatures the file declares, as (tick, signature); `says_meter` is False where its 4/4 is only the default.
    `zero_sec` is the second of the file at tick 0, other than 0 only where a data set's beats took the place of the
    file's own (see `beats`).
    """

    name: str
    parts: tuple[Part, ...]
    tempo_tick: NDArray[np.int64]
    tempo_bpm: NDArray[np.float64]
    meters: tuple[tuple[int, Meter], ...]
    resolution: int
    texts: tuple[str, ...] = ()
    warnings: tuple[FileWarning, ...] = ()
    end_tick: int | None = None
    signatures: tuple[tuple[int, KeySignature], ...] = ()
    says_meter: bool = False
    zero_sec: float = 0.0

    @property
    def n_notes(self) -> int:
        """Notes of all parts."""
        return sum(len(part.notes) for part in self.parts)


def seconds_at(
    tick: NDArray[np.int64], tempo_tick: NDArray[np.int64], tempo_bpm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds from the song's start at each tick, by the tempo map (float64, same shape)."""
    if len(tempo_tick) == 1:
        seconds: NDArray[np.float64] = np.multiply(tick, 60.0 / (float(tempo_bpm[0]) * 480.0))
        return seconds
    per_tick = 60.0 / (tempo_bpm * 480.0)
    at_change = np.concatenate(([0.0], np.cumsum(np.diff(tempo_tick) * per_tick[:-1])))
    index = np.maximum(np.searchsorted(tempo_tick, tick, side="right") - 1, 0)
    return at_change[index] + (tick - tempo_tick[index]) * per_tick[index]
