"""Stretches of known metre to learn and test metres on: the same lengths whatever the metre is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer_core.estimate.meter import CLASSES, meter_row
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.datasets.groove import read_info
from composer_core.ingest.song import Song
from composer_core.lab.estimators.data import FIDDLE, GROOVE, LIEDER, QUARTETS, find_set, read_file, read_table
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER

_LENGTHS_QUARTER = (8, 12, 16, 24, 32)
_LEAST_NOTES = 8
_WINDOWS_A_STRETCH, _STRETCHES = 2, 4
_COLUMNS = ("onset_tick", "duration_tick", "pitch", "velocity")


@dataclass(frozen=True, slots=True)
class MeterWindow:
    """Features of some quarters from a bar line on, the metre written there, and its group."""

    row: np.ndarray
    meter: str
    group: str


def meter_windows(root: Path) -> list[MeterWindow]:
    """Windows of the notated sets and Groove MIDI under `root`, as many of each metre as there are."""
    found: list[MeterWindow] = []
    for song, group in _songs(root):
        found += _windows_of(song, group, len(found))
    return found


def _songs(root: Path) -> Iterator[tuple[Song, str]]:
    for name, stride in ((QUARTETS, 1), (LIEDER, 2)):
        folder = find_set(root, name)
        rows = list(read_table(folder / "index.tsv"))[::stride] if folder is not None else []
        for row in rows:
            yield from _read(Path(str(folder)) / f"{row['file']}.mid", row["source"].split("/")[0])
    fiddle = find_set(root, FIDDLE)
    for path in sorted(fiddle.glob("*.mid"))[::2] if fiddle is not None else []:
        yield from _read(path, path.name)
    groove = find_set(root, GROOVE)
    facts = sorted(read_info(groove).items()) if groove is not None else []
    odd = [(name, row) for name, row in facts if row.get("time_signature") != "4-4"]
    for name, row in odd + [item for item in facts if item not in odd][::4]:
        yield from _read(Path(str(groove)) / name, row.get("session", name))


def _read(path: Path, group: str) -> Iterator[tuple[Song, str]]:
    song = read_file(path) if path.is_file() else None
    if song is not None and song.parts:
        yield song, group


def _windows_of(song: Song, group: str, number: int) -> Iterator[MeterWindow]:
    stretches: dict[int, list[Loop]] = {}
    for loop in cut(song, WHOLE_SONG):
        stretches.setdefault(loop.start_bar, []).append(loop)
    for start in sorted(stretches)[:_STRETCHES]:
        loops = stretches[start]
        meter = next((name for name, written in CLASSES.items() if str(loops[0].meter) in written), None)
        if meter is None:
            continue
        notes = Notes.of(*(np.concatenate([getattr(loop.notes, name) for loop in loops]) for name in _COLUMNS))
        length_tick = max(loop.length_tick for loop in loops)
        for row in _rows(notes, loops[0].meter.bar_tick, length_tick, number):
            yield MeterWindow(row, meter, group)
            number += 1


def _rows(notes: Notes, bar_tick: int, length_tick: int, number: int) -> Iterator[np.ndarray]:
    size = _LENGTHS_QUARTER[number % len(_LENGTHS_QUARTER)] * TICKS_PER_QUARTER
    for start in (0, (1 + size // bar_tick) * bar_tick)[:_WINDOWS_A_STRETCH]:
        inside = (notes.onset_tick >= start - EARLY_TICK) & (notes.onset_tick < start + size - EARLY_TICK)
        if start + size <= length_tick and int(inside.sum()) >= _LEAST_NOTES:
            columns = [getattr(notes, name)[inside] for name in _COLUMNS]
            yield meter_row(Notes.of(columns[0] - start, *columns[1:]))
