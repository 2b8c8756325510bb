"""Four-bar windows of notes whose techniques are known: from notation (OpenScore) and from programs (General MIDI).

OpenScore's tables say of each note how it is played. The MIDI files beside them were rendered from
the same marks by fixed rules (a note without a slur lasts 95 % of its value), which a model would
learn instead of music; so durations are the notated ones, halved under a staccato mark, and what a
mark abbreviates is written out: tremolo strokes (8ths, 16ths, 32nds) and the turns of a trill.
General MIDI programs tell how basses and guitars are played; the program is the truth, never an input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer_core.errors import RefusedFile
from composer_core.estimate.note_list import NoteList, notes_of_loop
from composer_core.estimate.technique.learned import technique_row
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song, seconds_at
from composer_core.lab.estimators.data import (
    LIEDER,
    PROGRAM_SETS,
    QUARTETS,
    find_set,
    read_file,
    read_table,
)

WINDOW_BARS = 4
LEAST_NOTES = 8
WINDOWS_A_PART = 12
_TRILL_QUARTER = 0.125
_STROKES = {"tremolo-1": 0.5, "tremolo-2": 0.25, "tremolo-3": 0.125, "tremolo-4": 0.0625}
_TREMOLO = {"tremolo-2", "tremolo-3", "tremolo-4"}
"""One stroke abbreviates plain repeated 8ths, which no ear tells from written ones: not counted as tremolo."""
_SHORT = ("staccato", "staccatissimo")


@dataclass(frozen=True, slots=True)
class TechniqueWindow:
    """Features of a window, the techniques it shows, the questions it can answer, and its group (composer or file)."""

    row: np.ndarray
    techniques: frozenset[str]
    asked: frozenset[str]
    group: str


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
                by_part[loop.extra["part"]].append(notes_of_loop(loop))
                programs[loop.extra["part"]] = loop.program
        for part, windows in by_part.items():
            seen = frozenset(code for code, numbers in classes.items() if programs[part] in numbers)
            for notes in windows[:: max(1, len(windows) // WINDOWS_A_PART)]:
                found.append(TechniqueWindow(technique_row(notes), seen, frozenset(classes), path.name))
    return found
