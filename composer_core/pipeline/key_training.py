"""Teaching the key estimator on POP909, and measuring it beside three key profiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import seconds_at

ROOTS = {name: root for root, names in enumerate(("C", "C#/Db", "D", "D#/Eb", "E/Fb", "F", "F#/Gb", "G", "G#/Ab", "A", "A#/Bb", "B/Cb")) for name in names.split("/")}


@dataclass(frozen=True, slots=True, eq=False)
class KeyedSong:
    """A song's notes in quarters of its own beats, and which key (0 to 23: 12 major, then 12 minor) holds when.

    `beat_sec` are the times of the quarters, `phase` is the quarter of the first bar line;
    `part` numbers the track of each note; `keys` holds (start_sec, end_sec, key).
    """

    name: str
    onset_sec: NDArray[np.float64]
    onset_quarter: NDArray[np.float64]
    duration_quarter: NDArray[np.float64]
    pitch: NDArray[np.int32]
    part: NDArray[np.int64]
    beat_sec: NDArray[np.float64]
    phase: int
    keys: tuple[tuple[float, float, int], ...]


def read_pop909(folder: Path) -> Iterator[KeyedSong]:
    """The songs of a POP909 folder (one folder a song: NAME.mid, key_audio.txt, beat_midi.txt)."""
    paths = sorted(folder.glob("*/key_audio.txt"))
    if not paths:
        raise NotFound("path_missing", path=str(folder / "*" / "key_audio.txt"))
    for path in paths:
        yield _read_song(path.parent)


def _read_song(folder: Path) -> KeyedSong:
    song = read_song((folder / f"{folder.name}.mid").read_bytes(), folder.name)
    table = np.loadtxt(folder / "beat_midi.txt", ndmin=2)
    beat_sec = table[:, 0]
    bars = np.flatnonzero(table[:, -1] == 1.0)
    columns = []
    for number, part in enumerate(song.parts):
        start = part.notes.onset_tick.astype(np.int64)
        sec = seconds_at(start, song.tempo_tick, song.tempo_bpm)
        end = seconds_at(start + part.notes.duration_tick, song.tempo_tick, song.tempo_bpm)
        columns.append((sec, end, part.notes.pitch, np.full(len(sec), number)))
    sec, end, pitch, part_number = (np.concatenate(c) for c in zip(*columns, strict=True))
    order = np.lexsort((pitch, sec))
    sec, end, pitch, part_number = sec[order], end[order], pitch[order], part_number[order]
    start_q, end_q = _quarters(sec, beat_sec), _quarters(end, beat_sec)
    keys = []
    for line in (folder / "key_audio.txt").read_text().split("\n"):
        if line.strip():
            a, b, name = line.split("\t")
            root, mode = name.strip().split(":")
            keys.append((float(a), float(b), ROOTS[root] + 12 * (mode == "min")))
    return KeyedSong(folder.name, sec, start_q, end_q - start_q, pitch, part_number, beat_sec,
                     int(bars[0]) if len(bars) else 0, tuple(keys))


def _quarters(sec, beat_sec):
    inside = np.interp(sec, beat_sec, np.arange(len(beat_sec)))
    period = float(np.median(np.diff(beat_sec)))
    inside = np.where(sec > beat_sec[-1], len(beat_sec) - 1 + (sec - beat_sec[-1]) / period, inside)
    return np.where(sec < beat_sec[0], (sec - beat_sec[0]) / period, inside)
