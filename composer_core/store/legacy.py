"""The predecessor's values: its note events (one row per note, 22 columns), and those of its other files.

They are kept as append-only Parquet parts, which never mix with our own metrics.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import RefusedFile, StoreError
from composer_core.store.atomic import atomic_writer
from composer_core.workspace import Workspace

_SCHEMA = pa.schema([(name, pa.string()) for name in ("source_digest", "kind", "key", "said")])
MAX_ROWS = 20_000_000
EVENT_SCHEMA = pa.schema(
    [
        ("loop_id", pa.string()),
        ("source", pa.string()),
        ("pipeline_version", pa.string()),
        ("bar_index", pa.int64()),
        ("beat_index", pa.int64()),
        ("beat_frac", pa.float64()),
        ("grid_onset", pa.int64()),
        ("onset_ticks", pa.int64()),
        ("duration_ticks", pa.int64()),
        ("channel", pa.int64()),
        ("program", pa.int64()),
        ("program_norm", pa.string()),
        ("pitch", pa.int64()),
        ("velocity", pa.int64()),
        ("intensity", pa.float64()),
        ("is_ghost", pa.bool_()),
        ("swing_phase", pa.string()),
        ("microtiming_offset", pa.float64()),
        ("ioi_bucket", pa.string()),
        ("instrument_role", pa.string()),
        ("role_confidence", pa.float64()),
        ("file_digest", pa.string()),
    ]
)
_NOTE = ("onset_ticks", "duration_ticks", "channel", "program", "pitch", "velocity")


@dataclass(frozen=True, slots=True)
class LegacyRow:
    """One row of a file of the predecessor: `kind` of file, its own `key`, and `said` as JSON."""

    source_digest: str
    kind: str
    key: str
    said: str


class LegacyStore:
    """The legacy rows of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.legacy

    def add(self, rows: Sequence[LegacyRow]) -> int:
        """Store rows that are not there yet, as one part; how many."""
        known = {tuple(row.values()) for path in self._parts() for row in _read(path).to_pylist()}
        fresh = list(dict.fromkeys(row for row in rows if tuple(asdict(row).values()) not in known))
        if fresh:
            table = pa.Table.from_pylist([asdict(row) for row in fresh], schema=_SCHEMA)
            digest = hashlib.sha256("".join(row.said for row in fresh).encode()).hexdigest()[:8]
            with atomic_writer(self._folder / f"part-{len(self._parts()) + 1:06d}-{digest}.parquet") as stream:
                pq.write_table(table, stream, compression="zstd")
        return len(fresh)

    def of(self, source_digest: str) -> list[tuple[str, str, dict[str, object]]]:
        """(kind, key, values) of everything said of one source file, oldest first."""
        chosen = [("source_digest", "=", source_digest)]
        rows = [row for path in self._parts() for row in _read(path, chosen).to_pylist()]
        return [(row["kind"], row["key"], json.loads(row["said"])) for row in rows]

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("part-*.parquet"))


def _read(path: Path, filters: list[tuple[str, str, str]] | None = None) -> pa.Table:
    try:
        return pq.read_table(path, schema=_SCHEMA, filters=filters)
    except (OSError, pa.ArrowException) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error


def read_events(name: str, data: bytes) -> dict[str, dict[str, object]]:
    """Loop id -> file_digest, source, swing_phase and notes [onset, duration, channel, program, pitch, velocity].

    Raises RefusedFile for bytes that are no Parquet, a missing column or too many rows.
    """
    try:
        with pq.ParquetFile(io.BytesIO(data)) as stream:
            missing = [column for column in ("loop_id", *_NOTE) if column not in stream.schema_arrow.names]
            if missing or stream.metadata.num_rows > MAX_ROWS:
                reason = f"the column {missing[0]} is missing" if missing else f"more than {MAX_ROWS} rows"
                raise RefusedFile("unreadable_data", path=name, reason=reason)
            rows = stream.read().to_pydict()
    except (OSError, pa.ArrowException) as error:
        raise RefusedFile("unreadable_data", path=name, reason=str(error)[:200]) from error
    loops: dict[str, dict[str, Any]] = {}
    notes: dict[str, list[list[int]]] = defaultdict(list)
    texts = {key: rows.get(key) for key in ("file_digest", "source", "swing_phase")}
    for index, (loop_id, *note) in enumerate(zip(rows["loop_id"], *(rows[column] for column in _NOTE), strict=True)):
        if loop_id not in loops:
            loops[loop_id] = {key: (column[index] if column else "") for key, column in texts.items()}
        notes[loop_id].append([int(value or 0) for value in note])
    return {loop_id: {**facts, "notes": sorted(notes[loop_id])} for loop_id, facts in loops.items()}


def events_bytes(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The file's bytes out of rows in the names of EVENT_SCHEMA."""
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=EVENT_SCHEMA), stream, compression="zstd")
    return stream.getvalue()
