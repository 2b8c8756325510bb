"""Loops and notes as tables: one row per loop (its columns are declared in declarations), one row per note.

Notes keep the meanings of the predecessor's canonical_events where they make sense:
loop_id, source, pipeline_version, file_digest and channel, program, pitch, velocity as the
names say (channel -1 where a part gathers several); onset_ticks and duration_ticks at 480 a
quarter from the loop's start (onset_ticks may be as low as -60); grid_onset the tick (from 0)
of the loop's own grid, swing included, that the note belongs to, and microtiming_offset the
signed distance from it in ticks, positive late; bar_index, beat_index and beat_frac (0 to 1)
where grid_onset lies; intensity velocity / 127; is_ghost a soft snare off the backbeat;
swing_phase the loop's; instrument_role the drum role or the instrument. Left out are
program_norm, ioi_bucket and role_confidence, which nothing reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from composer_core import __version__
from composer_core.music.drums import OTHER_ROLE, ROLES, role_index
from composer_core.music.loop import Loop, Notes
from composer_core.store.loops.arrow_arrays import blobs, coded, flags, instants, numbers, repeated, texts
from composer_core.store.loops.declarations import BY_NAME, LOOP_COLUMNS, LOOP_SCHEMA
from composer_core.store.loops.record import (
    METRIC_PREFIX,
    PROGRAMMED_PREFIX,
    SCORE_PREFIX,
    LoopRecord,
    MeasuredLoop,
    storable,
)

_OF_LOOP = "loop."
_LOOP_FACTS = tuple(one for one in LOOP_COLUMNS if one.carried and one.of.startswith(_OF_LOOP))
_MEASURED_FACTS = tuple(one for one in LOOP_COLUMNS if one.carried and not one.of.startswith(_OF_LOOP))
_LOOP_FIELDS = [
    (one.name, one.of.removeprefix(_OF_LOOP), one.read)
    for one in LOOP_COLUMNS
    if one.of.startswith(_OF_LOOP) and one.read is not None
]
_GETTERS = {one.name: attrgetter(one.of) for one in LOOP_COLUMNS if one.of}


def loops_table(records: Sequence[LoopRecord], duplicate_of: Mapping[str, str], created_at: datetime) -> pa.Table:
    """One row per loop; `duplicate_of` maps loop ids to the first loop of the same content."""
    starts = np.cumsum([0, *(len(record.loop.notes) for record in records)])[:-1]
    arrays = {
        "duplicate_of": texts([duplicate_of.get(record.loop_id) for record in records]),
        "created_at": instants(round(created_at.timestamp() * 1e6), len(records)),
        "first_note": numbers(starts, pa.int64()),
    }
    for column in LOOP_COLUMNS:
        if column.of:
            attribute, write = _GETTERS[column.name], column.write
            arrays[column.name] = _array([write(attribute(record)) for record in records], column.arrow)
    arrays = {name: arrays[name] for name in LOOP_SCHEMA.names}
    for name in dict.fromkeys(name for record in records for name in record.metrics):
        values = [record.metrics.get(name, np.nan) for record in records]
        arrays[METRIC_PREFIX + name] = numbers(values, pa.float64())
    for name in dict.fromkeys(name for record in records for name in record.scores):
        values = [record.scores.get(name, np.nan) for record in records]
        arrays[SCORE_PREFIX + name] = numbers(values, pa.float64())
    for name in dict.fromkeys(name for record in records for name in record.programmed_scores):
        values = [record.programmed_scores.get(name, np.nan) for record in records]
        arrays[PROGRAMMED_PREFIX + name] = numbers(values, pa.float64())
    return pa.Table.from_arrays(list(arrays.values()), names=list(arrays))


def _array(values: Sequence[Any], arrow: pa.DataType) -> pa.Array:
    if pa.types.is_binary(arrow):
        return blobs(values)
    if pa.types.is_string(arrow):
        return texts(values)
    return flags(values) if pa.types.is_boolean(arrow) else numbers(values, arrow)


def completed(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """With those of the columns that the table lacks, for its parts are older than they: null in every row."""
    for name in columns:
        if name in BY_NAME and name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, BY_NAME[name].arrow))
    return table


def loop_facts(loop: Loop) -> dict[str, Any]:
    """What a reader process says of a loop, by column, as it is stored; `loop_of` reads it back."""
    return {one.name: one.write(getattr(loop, one.of.removeprefix(_OF_LOOP))) for one in _LOOP_FACTS}


def measured_facts(measured: MeasuredLoop) -> dict[str, Any]:
    """What a reader process says of a measured loop besides, by column, as it is stored."""
    return {one.name: one.write(getattr(measured, one.of)) for one in _MEASURED_FACTS}


def measured_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a LoopRecord that `measured_facts` said."""
    return {one.of: one.read(row[one.name]) for one in _MEASURED_FACTS if one.read is not None}


def notes_table(records: Sequence[LoopRecord]) -> pa.Table:
    """One row per note, loop after loop in the order of `records`."""
    loops = [record.loop for record in records]
    counts = np.array([len(loop.notes) for loop in loops])
    onset, duration, pitch, velocity = (
        np.concatenate(columns) for columns in zip(*(loop.notes.columns() for loop in loops), strict=True)
    )
    grid = np.concatenate([record.grid_onset_tick for record in records])
    bar_tick = np.repeat(np.array([loop.meter.bar_tick for loop in loops], np.int32), counts)
    beat_tick = np.repeat(np.array([loop.meter.beat_tick for loop in loops], np.int32), counts)
    bar = grid // bar_tick
    in_bar = grid - bar * bar_tick
    beat = in_bar // beat_tick
    channel = np.repeat(np.array([loop.extra.get("channel", -1) for loop in loops], np.int8), counts)
    program = np.repeat(np.array([loop.program for loop in loops], np.int16), counts)
    columns = {
        "loop_id": repeated([record.loop_id for record in records], counts),
        "source": repeated([storable(loop.source) for loop in loops], counts),
        "pipeline_version": repeated([__version__] * len(records), counts),
        "bar_index": numbers(bar, pa.int32()),
        "beat_index": numbers(beat, pa.int16()),
        "beat_frac": numbers((in_bar - beat * beat_tick) / beat_tick, pa.float32()),
        "grid_onset": numbers(grid, pa.int32()),
        "onset_ticks": numbers(onset, pa.int32()),
        "duration_ticks": numbers(duration, pa.int32()),
        "channel": numbers(channel, pa.int8()),
        "program": numbers(program, pa.int16()),
        "pitch": numbers(pitch, pa.int16()),
        "velocity": numbers(velocity, pa.int16()),
        "intensity": numbers(velocity / 127.0, pa.float32()),
        "is_ghost": flags(np.concatenate([record.is_ghost for record in records])),
        "swing_phase": repeated([record.swing_phase for record in records], counts),
        "microtiming_offset": numbers(onset - grid, pa.int32()),
        "instrument_role": _roles(loops, pitch, counts),
        "file_digest": repeated([record.source_digest for record in records], counts),
    }
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _roles(loops: Sequence[Loop], pitch: NDArray[np.int32], counts: NDArray[np.int64]) -> pa.DictionaryArray:
    names = [*ROLES, OTHER_ROLE]
    pitched = sorted({loop.instrument for loop in loops} - {"drums"})
    of_loop = [-1 if loop.is_drums else len(names) + pitched.index(loop.instrument) for loop in loops]
    index = np.repeat(np.array(of_loop, dtype=np.int32), counts)
    drums = [role_index(loop.notes.pitch, loop.drum_map) for loop in loops] or [role_index(pitch)]
    return coded(np.where(index < 0, np.concatenate(drums), index), names + pitched)


def loop_of(row: Mapping[str, Any], notes: Notes) -> Loop:
    """The Loop of a stored row (or of the facts about one) and its notes."""
    # What an older part does not say keeps the Loop's own default.
    said = {field: read(row[name]) for name, field, read in _LOOP_FIELDS if row.get(name) is not None}
    return Loop(notes=notes, **said)
