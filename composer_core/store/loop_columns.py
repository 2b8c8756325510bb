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
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from composer_core import __version__
from composer_core.music.drums import OTHER_ROLE, ROLES, role_index
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter

METRIC_PREFIX = "metrics."
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
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("tempo_events", pa.string()),
        ("extra", pa.string()),
        ("first_note", pa.int64()),
    ]
)
IMPORTED, GENERATED = "imported", "generated"


@dataclass(frozen=True, slots=True, eq=False)
class LoopRecord:
    """A loop with all that is stored about it.

    `grid_onset_tick` and `is_ghost` have one entry a note, in the order of `loop.notes`.
    `member` is the archive member's name ("" outside archives); `take_id` the take a
    generated loop came from.
    """

    loop: Loop
    loop_id: str
    source_digest: str
    content_hash: str
    metrics: Mapping[str, float]
    swing_phase: str
    valence_estimate: float
    arousal_estimate: float
    grid_onset_tick: NDArray[np.int32]
    is_ghost: NDArray[np.bool_]
    member: str = ""
    origin: str = IMPORTED
    take_id: str = ""


def loops_table(records: Sequence[LoopRecord], duplicate_of: Mapping[str, str], created_at: datetime) -> pa.Table:
    """One row a loop; `duplicate_of` maps loop ids to the first loop of the same content."""
    first_note = np.cumsum([0, *(len(record.loop.notes) for record in records)])[:-1]
    rows = [_loop_row(record, duplicate_of.get(record.loop_id), created_at) for record in records]
    columns = dict(zip(LOOP_SCHEMA.names, map(list, zip(*rows, strict=True)), strict=False))
    columns["first_note"] = first_note.tolist()
    table = pa.table(columns, schema=LOOP_SCHEMA)
    for name in dict.fromkeys(name for record in records for name in record.metrics):
        values = np.array([record.metrics.get(name, np.nan) for record in records], dtype=np.float64)
        table = table.append_column(METRIC_PREFIX + name, pa.array(values, from_pandas=True))
    return table


def _loop_row(record: LoopRecord, duplicate_of: str | None, created_at: datetime) -> tuple[Any, ...]:
    """Values in the order of LOOP_SCHEMA, without first_note."""
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
        created_at,
        json.dumps(loop.tempo_events) if loop.tempo_events else "",
        json.dumps(loop.extra),
    )


def storable(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file name that are no UTF-8 become a sign."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def notes_table(records: Sequence[LoopRecord]) -> pa.Table:
    """One row a note, loop after loop in the order of `records`."""
    counts = np.array([len(record.loop.notes) for record in records])
    onset, duration, pitch, velocity = (
        np.concatenate(columns) for columns in zip(*(record.loop.notes.columns() for record in records), strict=True)
    )
    grid = np.concatenate([record.grid_onset_tick for record in records])
    bar_tick = np.repeat([record.loop.meter.bar_tick for record in records], counts)
    beat_tick = np.repeat([record.loop.meter.beat_tick for record in records], counts)
    in_bar = grid % bar_tick

    def by_loop(values: list[str]) -> pa.DictionaryArray:
        names = {name: index for index, name in enumerate(dict.fromkeys(values))}
        index = np.repeat(np.array([names[value] for value in values], dtype=np.int32), counts)
        return pa.DictionaryArray.from_arrays(index, list(names))

    return pa.table(
        {
            "loop_id": by_loop([record.loop_id for record in records]),
            "source": by_loop([storable(record.loop.source) for record in records]),
            "pipeline_version": by_loop([__version__] * len(records)),
            "bar_index": (grid // bar_tick).astype(np.int32),
            "beat_index": (in_bar // beat_tick).astype(np.int16),
            "beat_frac": (in_bar % beat_tick / beat_tick).astype(np.float32),
            "grid_onset": grid.astype(np.int32),
            "onset_ticks": onset,
            "duration_ticks": duration,
            "channel": np.repeat(np.array([r.loop.extra.get("channel", -1) for r in records], np.int8), counts),
            "program": np.repeat(np.array([record.loop.program for record in records], np.int16), counts),
            "pitch": pitch.astype(np.int16),
            "velocity": velocity.astype(np.int16),
            "intensity": (velocity / 127.0).astype(np.float32),
            "is_ghost": np.concatenate([record.is_ghost for record in records]),
            "swing_phase": by_loop([record.swing_phase for record in records]),
            "microtiming_offset": (onset - grid).astype(np.int32),
            "instrument_role": _roles(records, pitch, counts),
            "file_digest": by_loop([record.source_digest for record in records]),
        }
    )


def _roles(records: Sequence[LoopRecord], pitch: NDArray[np.int32], counts: NDArray[np.int64]) -> pa.DictionaryArray:
    names = [*ROLES, OTHER_ROLE]
    pitched = sorted({record.loop.instrument for record in records} - {"drums"})
    of_loop = [len(names) + pitched.index(r.loop.instrument) if not r.loop.is_drums else -1 for r in records]
    index = np.repeat(np.array(of_loop, dtype=np.int32), counts)
    index = np.where(index < 0, role_index(pitch), index).astype(np.int32)
    return pa.DictionaryArray.from_arrays(index, names + pitched)


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
