"""What the predecessor's files said of source files: append-only Parquet parts, never mixed with our own metrics."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.store.atomic import atomic_writer
from composer_core.workspace import Workspace

_SCHEMA = pa.schema([(name, pa.string()) for name in ("source_digest", "kind", "key", "said")])


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

    def of(self, source_digest: str) -> list[tuple[str, str, dict[str, Any]]]:
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
