"""Editing bars of a MIDI file: every event outside them, and every event of other parts, stays as it is written.

In the edited bars the notes of the one part are exchanged; its controllers stay, as do notes that ring into them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, NotFound
from composer_core.estimate import estimate_affect
from composer_core.ingest.document import MidiDocument
from composer_core.ingest.written_notes import NO_SOURCE, Row, song_tick
from composer_core.metrics import measure
from composer_core.music.chords import pitch_class_weights
from composer_core.music.condition import Condition
from composer_core.music.drums import from_general_midi
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key_finding import keys_of_bars
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import BARS_CHOICES, TICKS_PER_QUARTER, swing_ratio_to_percent
from composer_core.pipeline.editing.notices import EditNotice
from composer_core.pipeline.editing.rewriting import PartEdit
from composer_core.pipeline.editing.song_files import SongFile, open_song
from composer_core.pipeline.generation.takes import render_take
from composer_core.pipeline.generation.variation import continue_take, regenerate_bars, vary
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.store.takes import Take
from composer_core.tokens.snap import snap_loop
from composer_core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Varied:
    """What was written: how it was edited, the part's notes kept and written anew, notices of the take and the file."""

    path: Path
    edit: str
    kept: int
    written: int
    notices: tuple[str, ...]
    file_notices: tuple[EditNotice, ...] = ()


def vary_file(
    source: Path,
    out: Path,
    *,
    instrument: str | None = None,
    bars: Sequence[int] | None = None,
    more: int | None = None,
    strength: float | None = None,
    seed: int = 0,
    model: str | None = None,
    workspace: Workspace | None = None,
) -> Varied:
    """Edit one part of a MIDI loop by exactly one of `bars` (from 0), `more` bars or `strength`.

    The model reads the snapped notes; outside the edited bars the result holds the file's own events, and every other
    part is kept as it is. Early notes of the part, which the end of the file holds, go along where it grows.
    NotFound without notes of the instrument, InvalidValue for a part that is no loop of 1, 2, 4 or 8 bars.
    """
    parts = _parts_of(source)
    song = open_song(source)
    played = _chosen(parts, source, instrument)
    if more is None or played.bars not in BARS_CHOICES:
        played = _with_rests(played, parts, song.document)
    if played.bars not in BARS_CHOICES:
        raise InvalidValue("bad_format", name=str(source), value=f"{played.bars} bars", expected="1, 2, 4 or 8 bars")
    take = take_of(played)
    if bars is not None:
        edited = regenerate_bars(take, bars, seed=seed, model=model, workspace=workspace)
    elif more is not None:
        edited = continue_take(take, more, seed=seed, model=model, workspace=workspace)
    else:
        edited = vary(take, strength or 0.0, seed=seed, model=model, workspace=workspace)
    longest = max(played.bars, *(loop.bars for loop in parts))
    return _write(song, out, played, take, edited, longest)


def _write(song: SongFile, out: Path, played: Loop, take: Take, edited: Take, longest: int) -> Varied:
    """Exchange the notes of the bars that differ between a take and the edited one; `longest` are the file's bars."""
    fresh = render_take(edited)
    changed = _changed_bars(take.grid, edited.grid)
    old_bar, new_bar = _grid_bar(played), _grid_bar(fresh)
    keep, new = ~np.isin(old_bar, changed), np.isin(new_bar, changed)
    before_tick, after_tick = (n * played.meter.bar_tick for n in (longest, max(longest, edited.grid.bars)))
    written = fresh.notes.select(new)
    if played.is_drums:
        # Takes are in General MIDI's notes; the file's kit is asked for its own.
        written = written.with_columns(pitch=from_general_midi(written.pitch, played.drum_map))
    edit = _part_edit(song, played, keep, written, (before_tick, after_tick))
    bar_tick, start_tick = played.meter.bar_tick, _start_tick(played)
    edit = replace(
        edit,
        bars=[(start_tick + bar * bar_tick, start_tick + (bar + 1) * bar_tick) for bar in changed],
        end_tick=start_tick + edited.grid.bars * bar_tick,
    )
    rewriter = song.rewriter()
    n_notes = rewriter.rewrite(edit)
    if edited.grid.bars > played.bars:
        end_tick = rewriter.file_tick(edit.end_tick)
        for track in {song.notes[at].track for at in edit.sources if at != NO_SOURCE}:
            song.document.tracks[track].edit().end_tick = end_tick
    result = song.write(out, rewriter)
    n_kept = len(edit.after) - int(new.sum())
    return Varied(out, edited.edit, n_kept, n_notes - n_kept, edited.notices, result.notices)


def _part_edit(song: SongFile, played: Loop, keep: NDArray[np.bool_], new: Notes, ends: tuple[int, int]) -> PartEdit:
    """The edit that keeps some of the loop's notes and adds new ones; `ends` are the ticks at which the loop repeats
    before and after, where notes that anticipate its first downbeat are written."""
    number = cast(int, played.extra["part"])
    part, start_tick = song.parts[number], _start_tick(played)
    before = part.notes.rows()
    places: dict[Row, deque[int]] = defaultdict(deque)
    for at, (onset, _, pitch, velocity) in enumerate(before):
        places[onset, 0, pitch, velocity].append(at)
    after: dict[int, Row | None] = dict(enumerate(before))
    for (onset, _, pitch, velocity), stays in zip(played.notes.rows(), keep.tolist(), strict=True):
        found = _found(places, (onset + start_tick, 0, pitch, velocity), ends[0])
        if found is not None and not stays:
            after[found] = None
        elif found is not None and onset + start_tick < 0:
            after[found] = (before[found][0] + ends[1] - ends[0], *before[found][1:])
    rows = [row for row in after.values() if row is not None]
    for onset, duration, pitch, velocity in new.rows():
        tick = onset + start_tick
        placed = tick if tick >= 0 else tick + ends[1]
        rows.append((placed, min(duration, start_tick + ends[1] - placed), pitch, velocity))
    return PartEdit(song.sources[number], before, rows, part.instrument != "drums", part.channel)


def _found(places: dict[Row, deque[int]], row: Row, end_tick: int) -> int | None:
    """The part's note that a note of the loop is; early ones may lie at the end of the file."""
    for tick in (row[0], row[0] + end_tick):
        waiting = places.get((tick, 0, row[2], row[3]))
        if waiting:
            return waiting.popleft()
    return None


def _start_tick(loop: Loop) -> int:
    return cast(int, loop.extra.get("start_tick", 0))


def take_of(played: Loop) -> Take:
    """A played loop as a take: snapped to the grid, with what is measured on it as its condition."""
    snap = snap_loop(played)
    key = None
    if not played.is_drums:
        weight, _ = pitch_class_weights(played.notes, played.bars, played.meter.bar_tick)
        key = keys_of_bars(weight.sum(axis=0, keepdims=True))[0]
    metrics = measure(played)
    valence, arousal = estimate_affect(metrics, played.instrument)
    condition = Condition(
        played.instrument,
        played.bars,
        played.meter,
        played.tempo_bpm,
        valence=valence,
        arousal=arousal,
        swing_percent=float(np.clip(swing_ratio_to_percent(snap.swing_ratio), 50.0, 80.0)),
        swing_grid=snap.swing_grid,
        humanise_percent=100.0,
        key=key,
    )
    return Take(f"file {played.source}", condition, 0, 0, "", "", snap.loop, snap.offset_ms, 0.0)


def _parts_of(source: Path) -> list[Loop]:
    """Every part of the file, whole, in its order."""
    if not source.is_file():
        raise NotFound("path_missing", path=str(source))
    return loops_for_training(source, None)


def _chosen(parts: Sequence[Loop], source: Path, instrument: str | None) -> Loop:
    """The one part to edit."""
    names = (instrument,) if instrument else GENERATED_INSTRUMENTS
    found = [loop for loop in parts if loop.instrument in names]
    if not found:
        raise NotFound("no_notes", path=str(source), instrument=instrument or "any instrument", purpose="vary")
    if len(found) > 1:
        several = ", ".join(loop.instrument for loop in found)
        only = "one part; choose it with --instrument" if instrument is None else f"one part of {instrument}"
        raise InvalidValue("bad_format", name=str(source), value=several, expected=only)
    return found[0]


def _with_rests(loop: Loop, parts: Sequence[Loop], document: MidiDocument) -> Loop:
    """The loop with the bars of rest after its last note: up to the end of the longest part, and of the file where that
    lies within a tick of a bar line. As it is where that makes no loop."""
    alike = [part.bars for part in parts if (part.meter, _start_tick(part)) == (loop.meter, _start_tick(loop))]
    end_tick = song_tick(max(track.end_tick for track in document.tracks), document.resolution) - _start_tick(loop)
    lines = round(end_tick / loop.meter.bar_tick)
    if abs(end_tick - lines * loop.meter.bar_tick) <= max(1.0, TICKS_PER_QUARTER / document.resolution):
        alike.append(lines)
    bars = max(alike)
    return replace(loop, bars=bars) if bars in BARS_CHOICES else loop


def _grid_bar(loop: Loop) -> NDArray[np.int32]:
    """Bar of each note as the composer counts it: by its place on the grid."""
    bar: NDArray[np.int32] = np.maximum((loop.notes.onset_tick + 60) // loop.meter.bar_tick, 0)
    return bar


def _changed_bars(old: Loop, new: Loop) -> list[int]:
    """Bars whose notes on the grid differ."""
    tick = old.meter.bar_tick
    before, after = (
        {bar: [row for row in loop.notes.rows() if row[0] // tick == bar] for bar in range(new.bars)}
        for loop in (old, new)
    )
    return [bar for bar in range(new.bars) if bar >= old.bars or before[bar] != after[bar]]
