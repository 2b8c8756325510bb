"""Which loops are left out of training and the master data set, why and by whom. Nothing is ever deleted.

Events are appended in Parquet parts, each written whole or not at all. An exclusion names its
reason, a restoration takes it back, and the newest event of a loop counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.store.atomic import atomic_writer, locked
from composer_core.store.damage import readable
from composer_core.workspace import Workspace

_SCHEMA = pa.schema(
    [("loop_id", pa.string()), ("reason", pa.string()), ("duplicate_of", pa.string()), ("author", pa.string()),
     ("note", pa.string()), ("at", pa.string())]
)  # fmt: skip
_REASONS_SCHEMA = pa.schema([("loop_id", pa.string()), ("reason", pa.string())])
_MANY_PARTS = 64
"""When there are so many parts, they are gathered into one."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One event. `reason` is "" when the loop was restored; `duplicate_of` the loop it repeats, "" for
    other reasons; `author` who or what decided; `at` the time in UTC, ISO 8601."""

    loop_id: str
    reason: str
    duplicate_of: str = ""
    author: str = ""
    note: str = ""
    at: str = ""


class ExclusionStore:
    """The exclusion events of one workspace. Any number of processes may read; writers wait for each other."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.exclusions

    def append(self, events: Sequence[Exclusion]) -> None:
        """Store events as one part, stamped with the time. StoreError when it cannot be written."""
        if not events:
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = [(e.loop_id, e.reason, e.duplicate_of, e.author, e.note, at) for e in events]
        table = pa.table(dict(zip(_SCHEMA.names, zip(*rows, strict=True), strict=True)), schema=_SCHEMA)
        with locked(self._folder / "lock"):
            parts = self._parts()
            if len(parts) >= _MANY_PARTS:
                # The gathered part takes the first one's place, so that a crash leaves events twice, never none.
                self._write(parts[0], pa.concat_tables([_read(part) for part in parts]))
                for part in parts[1:]:
                    part.unlink()
                parts = parts[:1]
            number = int(parts[-1].name.split("-")[1].split(".")[0]) + 1 if parts else 1
            self._write(self._folder / f"part-{number:06d}.parquet", table)

    def events(self) -> list[Exclusion]:
        """All events, oldest first."""
        return [Exclusion(**row) for part in self._parts() for row in _read(part).to_pylist()]

    def current(self) -> dict[str, Exclusion]:
        """The loops that are excluded now, each with the event that says so."""
        newest = {event.loop_id: event for event in self.events()}
        return {loop_id: event for loop_id, event in newest.items() if event.reason}

    def reasons(self) -> pa.Table:
        """(loop_id, reason) of the loops that are excluded now, to be shown: a damaged part is noted and left out."""
        parts = readable(self._parts(), lambda part: [Exclusion(**row) for row in _read(part).to_pylist()])
        newest = {event.loop_id: event for events in parts for event in events}
        now: Mapping[str, Exclusion] = {loop_id: event for loop_id, event in newest.items() if event.reason}
        columns = {"loop_id": list(now), "reason": [event.reason for event in now.values()]}
        return pa.table(columns, schema=_REASONS_SCHEMA)

    def digest(self) -> str:
        """A short text that changes with every event."""
        names = "|".join(f"{part.name}:{part.stat().st_size}" for part in self._parts())
        return hashlib.sha256(names.encode()).hexdigest()[:16]

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("part-*.parquet"))

    def _write(self, path: Path, table: pa.Table) -> None:
        with atomic_writer(path) as stream:
            pq.write_table(table, stream, compression="zstd")


def _read(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as part:
            return part.read(_SCHEMA.names)
    except (OSError, pa.ArrowException) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
