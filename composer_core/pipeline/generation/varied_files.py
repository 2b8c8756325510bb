"""Editing bars of a MIDI file: the kept bars stay as they are written, to the tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, NotFound
from composer_core.estimate import estimate_affect
from composer_core.metrics import measure
from composer_core.music.chords import pitch_class_weights
from composer_core.music.condition import Condition
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key_finding import keys_of_bars
from composer_core.music.loop import BARS_CHOICES, Loop, Notes
from composer_core.music.timing import swing_ratio_to_percent
from composer_core.pipeline.generation.takes import render_take
from composer_core.pipeline.generation.variation import continue_take, regenerate_bars, vary
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.render.midi import loop_to_midi, loops_to_midi
from composer_core.store.atomic import write_bytes
from composer_core.store.takes import Take
from composer_core.tokens.snap import snap_loop
from composer_core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Varied:
    """What was written: how it was edited, notes kept and written anew, notices of the take."""

    path: Path
    edit: str
    kept: int
    written: int
    notices: tuple[str, ...]


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

    The model reads the snapped notes; outside the edited bars the result holds the file's own notes, and every other
    part is kept as it is. NotFound without notes of the instrument, InvalidValue for a part that is no loop of 1, 2,
    4 or 8 bars.
    """
    parts = _parts_of(source)
    played = _chosen(parts, source, instrument)
    take = take_of(played)
    if bars is not None:
        edited = regenerate_bars(take, bars, seed=seed, model=model, workspace=workspace)
    elif more is not None:
        edited = continue_take(take, more, seed=seed, model=model, workspace=workspace)
    else:
        edited = vary(take, strength or 0.0, seed=seed, model=model, workspace=workspace)
    fresh = render_take(edited)
    changed = _changed_bars(take.grid, edited.grid)
    old_bar, new_bar = _grid_bar(played), _grid_bar(fresh)
    keep, new = ~np.isin(old_bar, changed), np.isin(new_bar, changed)
    columns = [
        np.concatenate((a[keep], b[new])) for a, b in zip(played.notes.columns(), fresh.notes.columns(), strict=True)
    ]
    result = played.with_notes(Notes.of(*columns), bars=edited.grid.bars)
    longest = max(result.bars, *(loop.bars for loop in parts))  # early notes wrap to the end of the file
    loops = [replace(result if loop is played else loop, bars=longest) for loop in parts]
    write_bytes(out, loop_to_midi(result) if len(loops) == 1 else loops_to_midi(loops))
    return Varied(out, edited.edit, int(keep.sum()), int(new.sum()), edited.notices)


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
    loop = found[0]
    if loop.bars not in BARS_CHOICES:
        raise InvalidValue("bad_format", name=str(source), value=f"{loop.bars} bars", expected="1, 2, 4 or 8 bars")
    return loop


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
