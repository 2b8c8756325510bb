"""Put a song on beats that somebody found by ear or by program, where the file's own bars mean nothing.

Recordings that were transcribed without a metronome are often written at any tempo, in bars of one beat. Where a data
set says when each beat sounds and which beats begin a bar, every beat becomes a quarter note: notes are placed between
the beats around them, the tempo map follows the beats, and bar lines lie where bars begin. Seconds stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from composer_core.ingest.song import Part, Song, seconds_at
from composer_core.music.loop import Notes
from composer_core.music.timing import TICKS_PER_QUARTER, Meter

_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """When each beat of a song sounds, and how they make bars.

    `sec` (float64, two at least, ascending) counts from the file's start. `usual` is the metre before the first bar
    line and behind the last one; `meters` holds (number of the beat, metre of the bars from there on) for each bar line
    that is known, ascending and one at least. A beat is a quarter note.
    """

    sec: NDArray[np.float64]
    usual: Meter
    meters: tuple[tuple[int, Meter], ...]

    @property
    def pace_sec(self) -> float:
        """How far beats are apart before the first and behind the last one: the median distance of all."""
        return float(np.median(np.diff(self.sec)))


@dataclass(frozen=True, slots=True)
class BadBeats:
    """Beats that cannot be read: the number of the line, from 1 on, that says nothing possible."""

    line: int


def beats_at(sec: NDArray[np.float64], beats: Beats) -> NDArray[np.float64]:
    """Each time as a number of beats since the first one (float64, same shape; negative before it)."""
    last, pace = len(beats.sec) - 1, beats.pace_sec
    inside = np.interp(sec, beats.sec, np.arange(last + 1, dtype=np.float64))
    before, behind = (sec - beats.sec[0]) / pace, last + (sec - beats.sec[last]) / pace
    return np.where(sec < beats.sec[0], before, np.where(sec > beats.sec[last], behind, inside))


def put_on_beats(song: Song, beats: Beats) -> Song:
    """The same notes at the same seconds, in ticks, tempo and metres of the beats.

    Tick 0 is the bar line at or before the earliest note, the first annotated bar line and what is whole bars of the
    usual metre before it being bar lines too; `Song.zero_sec` tells which second of the file that is.
    """
    placed = [_placed(song, part, beats) for part in song.parts]
    first = beats.meters[0][0]
    zero = first - _bars_ahead(first, [part.notes for part in placed], beats.usual) * beats.usual.numerator
    shift_tick = zero * TICKS_PER_QUARTER
    tempo_tick, tempo_bpm = _tempo_map(beats, zero)
    numbered = [(0, beats.usual), *((TICKS_PER_QUARTER * (beat - zero), meter) for beat, meter in beats.meters)]
    return replace(
        song,
        parts=tuple(_moved(part, shift_tick) for part in placed),
        tempo_tick=tempo_tick,
        tempo_bpm=tempo_bpm,
        meters=tuple(dict(numbered).items()),
        end_tick=None if song.end_tick is None else max(0, _tick_of(song, song.end_tick, beats) - shift_tick),
        signatures=tuple(
            (max(0, _tick_of(song, tick, beats) - shift_tick), signature) for tick, signature in song.signatures
        ),
        says_meter=True,
        zero_sec=_second_of(zero, beats),
    )


def _ticks(song: Song, tick: NDArray[np.int64], beats: Beats) -> NDArray[np.int64]:
    """Ticks of the file as ticks since the first beat."""
    beat = beats_at(seconds_at(tick, song.tempo_tick, song.tempo_bpm), beats)
    return np.rint(beat * TICKS_PER_QUARTER).astype(np.int64)


def _tick_of(song: Song, tick: int, beats: Beats) -> int:
    return int(_ticks(song, np.array([tick]), beats)[0])


def _placed(song: Song, part: Part, beats: Beats) -> Part:
    """A part with its notes in ticks since the first beat, which may be negative."""
    begin = part.notes.onset_tick.astype(np.int64)
    onset, end = (_ticks(song, tick, beats) for tick in (begin, begin + part.notes.duration_tick))
    notes = Notes.of(onset, np.maximum(end - onset, 1), part.notes.pitch, part.notes.velocity)
    return replace(part, notes=notes)


def _moved(part: Part, shift_tick: int) -> Part:
    return replace(part, notes=part.notes.with_columns(onset_tick=part.notes.onset_tick - shift_tick))


def _bars_ahead(first: int, parts: Iterable[Notes], meter: Meter) -> int:
    """Whole bars between the first annotated bar line and the one at or before the earliest note."""
    earliest = min((int(notes.onset_tick[0]) for notes in parts if len(notes)), default=0)
    return max(0, -(-(first * TICKS_PER_QUARTER - earliest) // meter.bar_tick))


def _second_of(beat: int, beats: Beats) -> float:
    """When a beat sounds; one before the first at the usual pace."""
    return float(beats.sec[beat]) if beat >= 0 else float(beats.sec[0]) + beat * beats.pace_sec


def _tempo_map(beats: Beats, zero: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(ticks, quarters a minute) from beat `zero` on, in whole microseconds a quarter as MIDI files have them."""
    micros = np.rint(np.diff(beats.sec) * _MICROSECONDS)
    usual = round(beats.pace_sec * _MICROSECONDS)
    started = max(zero, 0)
    numbers = [*range(started, len(beats.sec) - 1), len(beats.sec) - 1]
    values = [*micros[started:].tolist(), float(usual)]
    if zero < 0:
        numbers, values = [zero, *numbers], [float(usual), *values]
    tick = (np.array(numbers, dtype=np.int64) - zero) * TICKS_PER_QUARTER
    value = np.array(values)
    changes = np.append(True, np.diff(value) != 0)
    return tick[changes], 60.0 * _MICROSECONDS / value[changes]
