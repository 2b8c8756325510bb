"""How loops and their notes are laid out in Parquet: one row a loop, one row a note.

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

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from composer_core import __version__
from composer_core.music.drums import OTHER_ROLE, ROLES, role_index
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.store.loops.arrow_arrays import blobs, coded, flags, instants, numbers, repeated, texts
from composer_core.store.loops.record import METRIC_PREFIX, SCORE_PREFIX, LoopRecord, storable

LOOP_SCHEMA = pa.schema(
    [
        ("loop_id", pa.string()),
        ("source", pa.string()),
        ("source_digest", pa.string()),
        ("member", pa.string()),
        ("instrument", pa.string()),
        ("program", pa.int16()),
        ("track_name", pa.string()),
        ("start_bar", pa.int32()),
        ("bars", pa.int32()),
        ("meter", pa.string()),
        ("tempo_bpm", pa.float64()),
        ("tempo_varies", pa.bool_()),
        ("n_notes", pa.int32()),
        ("swing_phase", pa.string()),
        ("content_hash", pa.string()),
        ("duplicate_of", pa.string()),
        ("origin", pa.string()),
        ("take_id", pa.string()),
        ("valence_estimate", pa.float64()),
        ("arousal_estimate", pa.float64()),
        ("key_root", pa.int8()),
        ("key_mode", pa.string()),
        ("key_confidence", pa.float64()),
        ("score_digest", pa.string()),
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("tempo_events", pa.string()),
        ("extra", pa.string()),
        ("fingerprint", pa.binary()),
        ("first_note", pa.int64()),
    ]
)
NOT_LISTED = ("tempo_events", "extra", "fingerprint", "first_note")
"""Columns that tables of loops leave out."""
_ROW_COLUMNS = [name for name in LOOP_SCHEMA.names if name not in ("created_at", "first_note")]


def loops_table(records: Sequence[LoopRecord], duplicate_of: Mapping[str, str], created_at: datetime) -> pa.Table:
    """One row a loop; `duplicate_of` maps loop ids to the first loop of the same content."""
    rows = [_loop_row(record, duplicate_of.get(record.loop_id)) for record in records]
    columns = dict(zip(_ROW_COLUMNS, zip(*rows, strict=True), strict=True))
    arrays = {}
    for spec in LOOP_SCHEMA:
        if spec.name == "created_at":
            arrays[spec.name] = instants(round(created_at.timestamp() * 1e6), len(records))
        elif spec.name == "first_note":
            starts = np.cumsum([0, *(len(record.loop.notes) for record in records)])[:-1]
            arrays[spec.name] = numbers(starts, spec.type)
        elif pa.types.is_binary(spec.type):
            arrays[spec.name] = blobs(columns[spec.name])
        elif pa.types.is_string(spec.type):
            arrays[spec.name] = texts(columns[spec.name])
        elif pa.types.is_boolean(spec.type):
            arrays[spec.name] = flags(columns[spec.name])
        else:
            arrays[spec.name] = numbers(columns[spec.name], spec.type)
    for name in dict.fromkeys(name for record in records for name in record.metrics):
        values = [record.metrics.get(name, np.nan) for record in records]
        arrays[METRIC_PREFIX + name] = numbers(values, pa.float64())
    for name in dict.fromkeys(name for record in records for name in record.scores):
        values = [record.scores.get(name, np.nan) for record in records]
        arrays[SCORE_PREFIX + name] = numbers(values, pa.float64())
    return pa.Table.from_arrays(list(arrays.values()), names=list(arrays))


def _loop_row(record: LoopRecord, duplicate_of: str | None) -> tuple[Any, ...]:
    """Values in the order of _ROW_COLUMNS."""
    loop = record.loop
    return (
        record.loop_id,
        storable(loop.source),
        record.source_digest,
        storable(record.member),
        loop.instrument,
        loop.program,
        storable(loop.track_name),
        loop.start_bar,
        loop.bars,
        str(loop.meter),
        loop.tempo_bpm,
        bool(loop.tempo_events),
        len(loop.notes),
        record.swing_phase,
        record.content_hash,
        duplicate_of,
        record.origin,
        record.take_id,
        record.valence_estimate,
        record.arousal_estimate,
        record.key_root,
        record.key_mode,
        record.key_confidence,
        record.score_digest,
        json.dumps(loop.tempo_events) if loop.tempo_events else "",
        json.dumps(loop.extra),
        record.fingerprint,
    )


def notes_table(records: Sequence[LoopRecord]) -> pa.Table:
    """One row a note, loop after loop in the order of `records`."""
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
    """The Loop of a stored row and its notes."""
    events = json.loads(row["tempo_events"]) if row["tempo_events"] else []
    return Loop(
        instrument=row["instrument"],
        notes=notes,
        bars=row["bars"],
        tempo_bpm=row["tempo_bpm"],
        meter=Meter.parse(row["meter"]),
        program=row["program"],
        start_bar=row["start_bar"],
        tempo_events=tuple((int(tick), float(bpm)) for tick, bpm in events),
        track_name=row["track_name"],
        source=row["source"],
        extra=json.loads(row["extra"]),
    )
