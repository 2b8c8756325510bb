"""Loops for the metric and estimator tests, drawn as text or typed note by note."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter

PIECES = {
    "kick": 36, "snare": 38, "stick": 37, "hat": 42, "open": 46, "low": 41, "tom": 45, "high": 48, "crash": 49,
    "ride": 51, "conga": 62,
}  # fmt: skip
VELOCITIES = {"x": 100, "o": 30, "X": 127, "m": 60}
GROOVE_MIDI = Path(__file__).resolve().parents[3] / "shared" / "data" / "cc-by" / "gmd"


def beat(bars: int = 1, meter: str = "4/4", bpm: float = 120.0, **pieces: str) -> Loop:
    """Drums drawn one line a piece, spread evenly over the bars: x 100, m 60, o 30 (ghost), X 127, . nothing."""
    length = bars * Meter.parse(meter).bar_tick
    rows = [
        (index * length // len(line), 40, PIECES[name], VELOCITIES[mark])
        for name, line in pieces.items()
        for index, mark in enumerate(line)
        if mark != "."
    ]
    return Loop("drums", Notes.from_rows(rows), bars, bpm, Meter.parse(meter))


def hits(places: Sequence[tuple[float, str]], bars: int = 1, bpm: float = 120.0, meter: str = "4/4") -> Loop:
    """Drums at given ticks, velocity 100."""
    rows = [(tick, 40, PIECES[name], 100) for tick, name in places]
    return Loop("drums", Notes.from_rows(rows), bars, bpm, Meter.parse(meter))


def loud(velocities: Sequence[int], gap_tick: int = 120) -> Loop:
    """Hats of these velocities, 16ths apart, in one bar."""
    rows = [(index * gap_tick, 40, 42, velocity) for index, velocity in enumerate(velocities)]
    return Loop("drums", Notes.from_rows(rows), 1)


def tune(
    rows: Sequence[tuple[int, int, int]], instrument: str = "piano", bars: int = 1, program: int = 0, bpm: float = 120.0
) -> Loop:
    """Pitched notes (tick, duration, pitch), velocity 80."""
    notes = Notes.from_rows([(tick, duration, pitch, 80) for tick, duration, pitch in rows])
    return Loop(instrument, notes, bars, bpm, program=program)


def repeated(loop: Loop, times: int) -> Loop:
    """The loop played several times, as one longer loop."""
    columns = [np.tile(column, times) for column in loop.notes.columns()]
    columns[0] = columns[0] + np.repeat(np.arange(times) * loop.length_tick, len(loop.notes))
    return loop.with_notes(Notes.of(*columns), bars=loop.bars * times)


@st.composite
def drum_loops(draw: st.DrawFn, meters: tuple[str, ...] = ("4/4", "3/4", "6/8", "5/4", "7/8")) -> Loop:
    """Drum loops in several metres: notes near a 16th or triplet grid, early ones included, or anywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    meter = Meter.parse(draw(st.sampled_from(meters)))
    bars, count = draw(st.sampled_from([1, 2, 4])), draw(st.integers(1, 70))
    length = bars * meter.bar_tick
    step = draw(st.sampled_from([1, 80, 120, 160, 240]))
    tick = rng.integers(0, length // step, count) * step + rng.normal(0, draw(st.sampled_from([0, 6])), count)
    pitch = rng.choice([35, 36, 37, 38, 40, 42, 44, 46, 22, 26, 41, 45, 48, 49, 51, 58, 62], count)
    notes = Notes.of(np.clip(tick, -60, length - 1), np.full(count, 40), pitch, rng.integers(1, 128, count))
    return Loop("drums", notes, bars, draw(st.sampled_from([45.0, 92.0, 120.0, 210.0])), meter)


@st.composite
def tunes(draw: st.DrawFn) -> Loop:
    """Pitched loops of any instrument, pitches from 30 to 90."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, bars = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 4]))
    tick = rng.integers(0, bars * 16, count) * 120 + rng.integers(-5, 6, count)
    notes = Notes.of(tick, rng.integers(20, 900, count), rng.integers(30, 90, count), rng.integers(1, 128, count))
    return Loop(draw(st.sampled_from(["bass", "guitar", "piano", "strings", "other"])), notes, bars, 110.0)


@functools.cache
def groove_loops(stride: int = 1, most_files: int | None = None) -> tuple[Loop, ...]:
    """4-bar 4/4 loops of Groove MIDI's beat takes: of every `stride`th file, or of the first `most_files` of these.

    The test skips without the data.
    """
    if not GROOVE_MIDI.is_dir():
        pytest.skip("Groove MIDI is not in ../shared/data")
    files = sorted(GROOVE_MIDI.rglob("*_beat_4-4.mid"))[::stride][:most_files]
    found = (loop for path in files for loop in cut(read_song(path.read_bytes(), path.name), 4))
    return tuple(loop for loop in found if loop.bars == 4)
