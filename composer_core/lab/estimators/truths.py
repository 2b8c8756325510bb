"""The ground truth for the estimators of metre and technique.

It consists of stretches of known metre, windows whose techniques are known from notation (OpenScore) or from programs
(General MIDI), and loops played with a technique or without.

Stretches of known metre have the same lengths whatever the metre is.

OpenScore's tables say how each note is played. The MIDI files beside them were rendered from the same marks by fixed
rules (a note without a slur lasts 95 % of its value), which a model would learn instead of music. So durations are the
notated ones, halved under a staccato mark, and abbreviations are written out: tremolo strokes (8ths, 16ths, 32nds) and
the turns of a trill. General MIDI programs show how basses and guitars are played; the program is the ground truth,
never an input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from composer_core.errors import InvalidValue, RefusedFile
from composer_core.estimate.meter import CLASSES, meter_row
from composer_core.estimate.note_list import NoteList, notes_of_loop
from composer_core.estimate.technique.evidence import Evidence
from composer_core.estimate.technique.learned import technique_row
from composer_core.estimate.technique.rules import RULES
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.datasets.groove import read_info
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song, seconds_at
from composer_core.lab.estimators.data import (
    FIDDLE,
    GROOVE,
    LIEDER,
    PROGRAM_SETS,
    QUARTETS,
    find_set,
    read_file,
    read_table,
)
from composer_core.metrics import measure
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER
from composer_core.rules import render_technique
from composer_core.rules.technique import RENDERED

WINDOW_BARS = 4
LEAST_NOTES = 8
WINDOWS_A_PART = 12
_TRILL_QUARTER = 0.125
_STROKES = {"tremolo-1": 0.5, "tremolo-2": 0.25, "tremolo-3": 0.125, "tremolo-4": 0.0625}
_TREMOLO = {"tremolo-2", "tremolo-3", "tremolo-4"}
"""One stroke abbreviates plain repeated 8ths, which no ear tells from written ones: not counted as tremolo."""
_SHORT = ("staccato", "staccatissimo")
Marks = Mapping[str, float]
"""Share of a window's notes that carry each mark."""
STRINGS: dict[str, Callable[[Marks], bool]] = {
    "legato": lambda share: share["slur"] >= 0.6,
    "staccato": lambda share: share["short"] >= 0.3,
    "pizzicato": lambda share: share["pizz"] >= 0.5,
    "tremolo": lambda share: share["tremolo"] >= 0.25,
    "trill": lambda share: share["trill"] > 0,
    "con_sordino": lambda share: share["con-sordino"] >= 0.5,
    "marcato": lambda share: share["accent"] >= 0.2,
}
PIANO: dict[str, Callable[[Marks], bool]] = {"legato": STRINGS["legato"], "staccato": STRINGS["staccato"]}
PROGRAMS: dict[str, dict[str, tuple[int, ...]]] = {
    "bass": {"finger": (33,), "pick": (34,), "fretless": (35,), "slap": (36, 37)},
    "guitar": {"palm_mute": (28,), "harmonics": (31,)},
    "strings": {"pizzicato": (45,)},
}
_LENGTHS_QUARTER = (8, 12, 16, 24, 32)
_LEAST_NOTES = 8
_WINDOWS_A_STRETCH, _STRETCHES = 2, 4
_COLUMNS = ("onset_tick", "duration_tick", "pitch", "velocity")
LOOP_BARS = 4
MAX_LOOPS = 300
"""Loops of an instrument that are asked about."""
PITCHED_SETS = ("bsd/freedoom", "artistic/simutrans")
MIN_NOTES = 8


@dataclass(frozen=True, slots=True)
class TechniqueWindow:
    """Features of a window, the techniques it shows, the questions it can answer, and its group (composer or file)."""

    row: np.ndarray
    techniques: frozenset[str]
    asked: frozenset[str]
    group: str


def technique_windows(root: Path, instrument: str) -> list[TechniqueWindow]:
    """All windows of known technique under `root`; empty when no such data are there."""
    found: list[TechniqueWindow] = []
    quartets, lieder = find_set(root, QUARTETS), find_set(root, LIEDER)
    if instrument == "strings" and quartets is not None:
        found += score_windows(quartets, STRINGS, lambda _part: True, stride=1)
    if instrument == "piano" and lieder is not None:
        found += score_windows(lieder, PIANO, lambda part: part.lower().startswith("piano"), stride=3)
    if instrument in PROGRAMS:
        for name in PROGRAM_SETS:
            folder = find_set(root, name)
            found += program_windows(folder, instrument) if folder is not None else []
    return found


def score_windows(
    folder: Path, classes: Mapping[str, Callable[[Marks], bool]], wanted: Callable[[str], bool], stride: int
) -> list[TechniqueWindow]:
    """Windows of every wanted part of every `stride`-th score of an OpenScore folder, grouped by composer."""
    found: list[TechniqueWindow] = []
    for row in list(read_table(folder / "index.tsv"))[::stride]:
        parts = {i for i, name in enumerate(row["parts"].split("|")) if wanted(name)}
        path = folder / f"{row['file']}.mid"
        song = read_file(path) if parts and path.is_file() else None
        if song is None:
            continue
        composer = row["source"].split("/")[0]
        for notes, share in _marked_windows(folder / f"{row['file']}.tsv", song, parts):
            seen = frozenset(code for code, shows in classes.items() if shows(share))
            found.append(TechniqueWindow(technique_row(notes), seen, frozenset(classes), composer))
    return found


def _marked_windows(table: Path, song: Song, parts: set[int]) -> Iterator[tuple[NoteList, Marks]]:
    windows: dict[tuple[int, int], list[dict[str, str]]] = defaultdict(list)
    for row in read_table(table):
        if int(row["part"]) in parts and "grace" not in row["technique"]:
            windows[int(row["part"]), (int(row["measure"]) - 1) // WINDOW_BARS].append(row)
    for part in sorted(parts):
        chosen = [key for key in sorted(windows) if key[0] == part and len(windows[key]) >= LEAST_NOTES]
        for key in chosen[:: max(1, len(chosen) // WINDOWS_A_PART)]:
            yield _played(windows[key], song), _shares(windows[key])


def _shares(rows: list[dict[str, str]]) -> Marks:
    marks = [set(row["technique"].split(",")) for row in rows]
    groups = {
        "short": set(_SHORT),
        "tremolo": _TREMOLO,
        "trill": {"trill-mark"},
        "accent": {"accent", "strong-accent"},
        "slur": {"slur"},
        "pizz": {"pizz", "snap-pizzicato"},
        "con-sordino": {"con-sordino"},
    }
    return {name: float(np.mean([bool(found & wanted) for found in marks])) for name, wanted in groups.items()}


def _played(rows: list[dict[str, str]], song: Song) -> NoteList:
    """The notes as they sound: abbreviations written out, staccato halved, in seconds."""
    notes: list[tuple[float, float, int, int]] = []
    for row in rows:
        start, length = float(row["onset_qn"]), max(float(row["dur_qn"]), 1 / 32)
        notes += _written_out(start, length, int(row["pitch"]), int(row["vel"]), set(row["technique"].split(",")))
    table = np.array(notes)
    ticks = [np.rint(480 * column).astype(np.int64) for column in (table[:, 0], table[:, 0] + table[:, 1])]
    start_sec, end_sec = (seconds_at(tick, song.tempo_tick, song.tempo_bpm) for tick in ticks)
    return NoteList.of(start_sec, end_sec, table[:, 2].astype(np.int64), table[:, 3])


def _written_out(
    start: float, length: float, pitch: int, velocity: int, marks: set[str]
) -> list[tuple[float, float, int, int]]:
    stroke = next((size for mark, size in _STROKES.items() if mark in marks), 0.0)
    turning = "trill-mark" in marks
    size = _TRILL_QUARTER if turning else stroke
    if not size or length < 2 * size:
        return [(start, length / 2 if marks & set(_SHORT) else length, pitch, velocity)]
    count = round(length / size)
    return [(start + i * size, size, pitch + (2 * (i % 2) if turning else 0), velocity) for i in range(count)]


def program_windows(folder: Path, instrument: str) -> list[TechniqueWindow]:
    """Loops of an instrument in a folder of General MIDI files, with what their program says, grouped by file."""
    classes = PROGRAMS[instrument]
    found: list[TechniqueWindow] = []
    for path in sorted(folder.rglob("*.mid")):
        try:
            loops = cut(read_song(path.read_bytes(), path.name), WINDOW_BARS)
        except RefusedFile:
            continue
        by_part: dict[int, list[NoteList]] = defaultdict(list)
        programs: dict[int, int] = {}
        for loop in loops:
            if loop.instrument == instrument and len(loop.notes) >= LEAST_NOTES:
                part = cast(int, loop.extra["part"])
                by_part[part].append(notes_of_loop(loop))
                programs[part] = loop.program
        for part, windows in by_part.items():
            seen = frozenset(code for code, numbers in classes.items() if programs[part] in numbers)
            for notes in windows[:: max(1, len(windows) // WINDOWS_A_PART)]:
                found.append(TechniqueWindow(technique_row(notes), seen, frozenset(classes), path.name))
    return found


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
    for name, said in odd + [item for item in facts if item not in odd][::4]:
        yield from _read(Path(str(groove)) / name, str(said.get("session", name)))


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


def planted_figures(root: Path) -> dict[str, dict[str, dict[str, float]]]:
    """F1, precision, recall and number of loops of every rule whose technique can be planted, by instrument."""
    loops = _held_out(root)
    return {
        instrument: {
            code: figures
            for code in sorted(set(RULES[instrument]) & set(RENDERED[instrument]))
            if (figures := _figures(code, loops[instrument])) is not None
        }
        for instrument in RULES
        if loops.get(instrument)
    }


def _figures(code: str, loops: Sequence[Loop]) -> dict[str, float] | None:
    """None where no loop could be changed."""
    hits = misses = alarms = 0
    for loop in loops:
        try:
            played = render_technique(loop, code)
        except InvalidValue:
            continue
        if played.notes == loop.notes and played.program == loop.program:
            continue
        seen, before = _sees(code, played), _sees(code, loop)
        hits, misses, alarms = hits + seen, misses + (not seen), alarms + before
    if hits + misses == 0:
        return None
    return {
        "loops": hits + misses,
        "f1": round(2 * hits / max(1, 2 * hits + misses + alarms), 3),
        "precision": round(hits / max(1, hits + alarms), 3),
        "recall": round(hits / (hits + misses), 3),
    }


def _sees(code: str, loop: Loop) -> bool:
    return RULES[loop.instrument][code](Evidence(loop, measure(loop))) > 0


def _held_out(root: Path) -> dict[str, list[Loop]]:
    """Loops by instrument: Groove MIDI's validation takes, and every fifth song of the game music sets."""
    found: dict[str, list[Loop]] = {}
    groove = find_set(root, GROOVE)
    if groove is not None:
        held = [name for name, facts in sorted(read_info(groove).items()) if facts.get("split") == "validation"]
        _add(found, [groove / name for name in held], ("drums",))
    for name in PITCHED_SETS:
        folder = find_set(root, name)
        if folder is not None:
            _add(found, sorted(folder.rglob("*.mid"))[::5], tuple(own for own in RULES if own != "drums"))
    return found


def _add(found: dict[str, list[Loop]], paths: Sequence[Path], instruments: Sequence[str]) -> None:
    for path in paths:
        song = read_file(path)
        for loop in cut(song, LOOP_BARS) if song is not None else ():
            own = found.setdefault(loop.instrument, []) if loop.instrument in instruments else None
            if own is not None and len(own) < MAX_LOOPS and len(loop.notes) >= MIN_NOTES:
                own.append(loop)
