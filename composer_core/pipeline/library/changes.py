"""What another reading of a file changes: which loops stay, which replace which, and in what way they differ.

Loops of the old and the new reading are compared by where their notes lie in the song. One of the same notes, at the
same place and of the same kind, is the same loop, and keeps its id whatever its names are now. Of the others a new
loop replaces those it shares at least half of the notes of the smaller one with: notes of the same tick and pitch, or,
where a loop shares no tick with any (a song that was put on other beats), of the same second and pitch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from composer_core.ingest.song import seconds_at
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER
from composer_core.pipeline.library.readings import DECLARED

CLASSES = (
    "instrument",
    "longer",
    "shorter",
    "held",
    "meter",
    "tempo",
    "drum_map",
    "notes",
    "place",
    "declared",
    "names",
    "new",
    "gone",
)
"""In what ways loops change, the graver ones first. A loop may change in several: another instrument, more or fewer
bars, held notes that sound into the window, another metre, tempo or note map of drums, other notes, another place in
the song, another declared key or metre, other names (track, program, numbers of part and bar); loops where there were
none, and loops that nothing replaces."""
_MOST = 0.5
_NEAR_SEC = 0.02
_A_PITCH_SEC = 1e5
"""Longer than any song, so that notes of two pitches never lie near each other."""
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class FileChange:
    """How the loops of one file change.

    `same` maps new loops (by their index) to the ids of the old loops they are, `replaces` the other new loops to the
    old ones they stand for, the one that shares most notes first. `gone` are the old loops without a successor.
    `classes` counts loops by the ways of CLASSES.
    """

    same: Mapping[int, str]
    replaces: Mapping[int, tuple[str, ...]]
    gone: tuple[str, ...]
    classes: Counter[str] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes, not even a name."""
        return not (self.classes or self.replaces or self.gone)


def start_tick(loop: Loop) -> int:
    """Where a loop begins in its song; counted in bars of its metre where it was stored without the tick."""
    said = loop.extra.get("start_tick")
    return said if isinstance(said, int) else loop.start_bar * loop.meter.bar_tick


def compare(old: Mapping[str, Loop], new: Sequence[Loop]) -> FileChange:
    """Compare the loops of one file as they are stored, by id, with those that it gives now."""
    known: dict[tuple[object, ...], list[str]] = {}
    for loop_id, loop in old.items():
        known.setdefault(_identity(loop), []).append(loop_id)
    same: dict[int, str] = {}
    for index, loop in enumerate(new):
        found = known.get(_identity(loop))
        if found:
            same[index] = found.pop(0)
    classes: Counter[str] = Counter()
    for index, loop_id in same.items():
        classes.update(_facts_changed(old[loop_id], new[index]))
    others = {loop_id: loop for loop_id, loop in old.items() if loop_id not in set(same.values())}
    replaces = _replaced(others, {index: loop for index, loop in enumerate(new) if index not in same})
    for index, olds in replaces.items():
        classes.update(_ways(others[olds[0]], new[index]) if olds else ("new",))
    succeeded = {loop_id for olds in replaces.values() for loop_id in olds}
    gone = tuple(loop_id for loop_id in others if loop_id not in succeeded)
    classes.update({"gone": len(gone)} if gone else {})
    return FileChange(same, replaces, gone, classes)


def _identity(loop: Loop) -> tuple[object, ...]:
    """What makes a loop the same one for whoever hears it; names and declarations are no part of it."""
    notes = b"".join(np.ascontiguousarray(column, np.int32).tobytes() for column in loop.notes.columns())
    return loop.instrument, loop.drum_map, str(loop.meter), loop.bars, start_tick(loop), _tempo(loop), notes


def _tempo(loop: Loop) -> tuple[object, ...]:
    return round(loop.tempo_bpm, _DIGITS), *((tick, round(bpm, _DIGITS)) for tick, bpm in loop.tempo_events)


def _facts_changed(old: Loop, new: Loop) -> list[str]:
    ways = ["declared"] if any(old.extra.get(name) != new.extra.get(name) for name in DECLARED) else []
    names = [(loop.track_name, loop.program, loop.extra.get("part"), loop.start_bar) for loop in (old, new)]
    return [*ways, "names"] if names[0] != names[1] else ways


def _replaced(old: Mapping[str, Loop], new: Mapping[int, Loop]) -> dict[int, tuple[str, ...]]:
    placed = {loop_id: _placed(loop) for loop_id, loop in old.items()}
    sounding = {loop_id: _sounding(loop) for loop_id, loop in old.items()}
    found: dict[int, tuple[str, ...]] = {}
    for index, loop in new.items():
        own, at_sec = _placed(loop), _sounding(loop)
        shared = {loop_id: _shared(own, notes) for loop_id, notes in placed.items()}
        if not any(shared.values()):
            shared = {loop_id: _shared_sec(at_sec, notes) for loop_id, notes in sounding.items()}
        near = [
            (-count, loop_id)
            for loop_id, count in shared.items()
            if count and count >= _MOST * min(len(own), len(placed[loop_id]))
        ]
        found[index] = tuple(loop_id for _, loop_id in sorted(near))
    return found


def _placed(loop: Loop) -> NDArray[np.int64]:
    """Each note as one number, ascending: its tick in the song and its pitch."""
    onset = loop.notes.onset_tick.astype(np.int64) + start_tick(loop)
    return np.sort((onset << 8) + loop.notes.pitch)


def _shared(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    if not len(one) or not len(other) or one[0] > other[-1] or other[0] > one[-1]:
        return 0
    return len(np.intersect1d(one, other))


def _sounding(loop: Loop) -> NDArray[np.float64]:
    """Each note as one number, ascending: its second in the song, its pitch on top."""
    tempo = np.array(loop.tempo_events or ((0, loop.tempo_bpm),), np.float64)
    onset = seconds_at(loop.notes.onset_tick.astype(np.int64), tempo[:, 0].astype(np.int64), tempo[:, 1])
    said = loop.extra.get("start_sec")
    start_sec = (
        float(said) if isinstance(said, int | float) else start_tick(loop) / TICKS_PER_QUARTER * 60.0 / tempo[0, 1]
    )
    return np.sort(onset + start_sec + loop.notes.pitch * _A_PITCH_SEC)


def _shared_sec(one: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    """How many notes of one lie within _NEAR_SEC of one of the other."""
    if not len(one) or not len(other):
        return 0
    next_one = np.minimum(np.searchsorted(other, one - _NEAR_SEC), len(other) - 1)
    return min(int((np.abs(other[next_one] - one) <= _NEAR_SEC).sum()), len(other))


def _ways(old: Loop, new: Loop) -> Iterable[str]:
    """In which ways a new loop differs from the one it replaces."""
    if old.instrument != new.instrument:
        yield "instrument"
    length = new.length_tick - old.length_tick
    if length:
        yield "longer" if length > 0 else "shorter"
    if old.meter != new.meter:
        yield "meter"
    if _tempo(old) != _tempo(new):
        yield "tempo"
    if old.drum_map != new.drum_map:
        yield "drum_map"
    if start_tick(old) != start_tick(new):
        yield "place"
    held = _held(old, new)
    if held:
        yield "held"
    elif not length and start_tick(old) == start_tick(new) and _notes(old) != _notes(new):
        yield "notes"
    yield from _facts_changed(old, new)


def _held(old: Loop, new: Loop) -> bool:
    """Whether the new loop begins with pitched notes that the old one, at the same place, does not have."""
    if new.is_drums or start_tick(old) != start_tick(new):
        return False
    at_start = [set(loop.notes.pitch[loop.notes.onset_tick == 0].tolist()) for loop in (old, new)]
    return bool(at_start[1] - at_start[0])


def _notes(loop: Loop) -> list[tuple[int, int, int, int]]:
    return list(loop.notes.rows())
