"""Read POP909's piano tracks as played takes: onsets in seconds, placed against the annotated beats.

The tempo and metre written in the files do not fit the music, so onsets are placed between the beats of
`beat_midi.txt` (four per bar; the third column marks the downbeats). Tracks that lie on a grid were
quantised afterwards and teach velocity, not timing; `Loop.extra["timed"]` tells the two apart. The songs are
copyrighted, so these takes may only train models that output no notes (the performer, the key estimator),
never a composer.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import RefusedFile
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Part, Song, seconds_at
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import TICKS_PER_QUARTER

BEATS_FILE, TRACK = "beat_midi.txt", "PIANO"
BEATS_A_BAR = 4
PLAYED_MS = (4.0, 40.0)
"""Interquartile range of the distance from the nearest 16th or triplet between which a track counts as played:
less is a grid with a few loose notes, more is a beat that was annotated elsewhere."""


def is_pop909(data: Path) -> bool:
    """True for a folder laid out as POP909: numbered folders with a MIDI file and its beats."""
    return data.is_dir() and any(data.glob(f"[0-9][0-9][0-9]/{BEATS_FILE}"))


def played_piano(data: Path) -> list[Loop]:
    """The played piano tracks below a POP909 folder, one loop per song, in the order of their numbers."""
    loops = []
    for beats in sorted(data.glob(f"[0-9][0-9][0-9]/{BEATS_FILE}")):
        midi = beats.with_name(f"{beats.parent.name}.mid")
        if midi.is_file():
            loop = _played(midi, np.loadtxt(beats, ndmin=2))
            if loop is not None:
                loops.append(loop)
    return loops


def _played(path: Path, beats: NDArray[np.float64]) -> Loop | None:
    try:
        song = read_song(path.read_bytes(), path.name)
    except RefusedFile:
        return None
    part = next((part for part in song.parts if part.name == TRACK), None)
    downbeat = np.flatnonzero(beats[:, 2] > 0) if beats.shape[1] > 2 else np.zeros(0, dtype=np.int64)
    if part is None or not len(downbeat) or len(beats) < 4 * BEATS_A_BAR:
        return None
    beat_sec, first = beats[:, 0], int(downbeat[0])
    beat_ms = 1000.0 * float(np.median(np.diff(beat_sec)))
    quarter, length = _quarters(song, part, beat_sec, first)
    loose_ms = _looseness(quarter) * beat_ms
    if loose_ms > PLAYED_MS[1]:
        return None
    inside = (quarter >= 0) & (quarter < len(beats) - 1 - first)
    notes = Notes.of(
        (quarter * TICKS_PER_QUARTER)[inside],
        np.maximum(1.0, length * TICKS_PER_QUARTER)[inside],
        part.notes.pitch[inside],
        part.notes.velocity[inside],
    )
    if not len(notes):
        return None
    bars = math.ceil((int(notes.onset_tick[-1]) + 1) / (BEATS_A_BAR * TICKS_PER_QUARTER))
    facts: dict[str, object] = {"timed": loose_ms >= PLAYED_MS[0]}
    source = f"pop909/{path.stem}"
    return Loop("piano", notes, bars, 60_000.0 / beat_ms, track_name=TRACK, source=source, extra=facts)


def _quarters(
    song: Song, part: Part, beat_sec: NDArray[np.float64], first: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onset and length of each note in beats from the first downbeat."""
    numbers = np.arange(len(beat_sec), dtype=np.float64) - first
    ends = [part.notes.onset_tick, part.notes.onset_tick + part.notes.duration_tick]
    onset, end = (
        np.interp(seconds_at(tick.astype(np.int64), song.tempo_tick, song.tempo_bpm), beat_sec, numbers)
        for tick in ends
    )
    return onset, end - onset


def _looseness(quarter: NDArray[np.float64]) -> float:
    """Interquartile range in beats of the distance to the nearest 16th or 8th triplet."""
    sixteenth, triplet = (quarter * n - np.rint(quarter * n) for n in (4, 3))
    distance = np.where(np.abs(sixteenth) / 4 <= np.abs(triplet) / 3, sixteenth / 4, triplet / 3)
    low, high = np.percentile(distance, [25, 75])
    return float(high - low)
